/**
 * cicflow custom-token-exchange: tells cicflow that an application exchanges a token, never the token itself, and waits
 * for the answer. It neither looks at the token nor sets the user: a profile that names it can only be refused.
 */

const {
  LEAVES, EMPTY, leaves, TENANT, CLIENT, ORGANIZATION, RESOURCE_SERVER, REQUEST, action,
} = require("../shared.js");

const { execute } = action({
  trigger: "custom-token-exchange",
  what: "an exchange of a token",
  shape: {
    tenant: TENANT,
    client: CLIENT,
    organization: ORGANIZATION,
    resource_server: RESOURCE_SERVER,
    transaction: {
      ...leaves("subject_token_type", "requested_token_type", "actor_token_type"),
      requested_scopes: LEAVES,
    },
    request: { ...REQUEST, body: EMPTY },
  },
  can: {
    deny: (api, text) => api.access.deny("access_denied", text),
    fail: (api, text) => api.access.deny("server_error", text),
    "user metadata": (api, name, value) => api.user.setUserMetadata(name, value),
    "app metadata": (api, name, value) => api.user.setAppMetadata(name, value),
  },
});

exports.onExecuteCustomTokenExchange = execute;
