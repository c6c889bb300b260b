/**
 * cicflow credentials-exchange: tells cicflow that an application asks for a token of its own, which waits for the
 * answer.
 */

const { LEAVES, EMPTY, TENANT, CLIENT, ORGANIZATION, RESOURCE_SERVER, REQUEST, action } = require("../shared.js");

const { execute } = action({
  trigger: "credentials-exchange",
  what: "a request for a token",
  shape: {
    tenant: TENANT,
    client: CLIENT,
    organization: ORGANIZATION,
    resource_server: RESOURCE_SERVER,
    accessToken: { customClaims: EMPTY, scope: LEAVES },
    transaction: { requested_scopes: LEAVES, target_scopes: LEAVES },
    request: { ...REQUEST, body: EMPTY },
  },
  can: {
    // Auth0 takes one of three codes: invalid_scope, invalid_request and server_error.
    deny: (api, text) => api.access.deny("invalid_request", text),
    fail: (api, text) => api.access.deny("server_error", text),
    "access token": (api, name, value) => api.accessToken.setCustomClaim(name, value),
  },
});

exports.onExecuteCredentialsExchange = execute;
