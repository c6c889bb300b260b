/**
 * cicflow pre-user-registration: tells cicflow that somebody signs up, which waits for the answer.
 */

const {
  LEAVES, EMPTY, leaves, TENANT, CLIENT, CONNECTION, REQUEST, PERSON, METADATA, action,
} = require("../shared.js");

const { execute } = action({
  trigger: "pre-user-registration",
  what: "a sign-up",
  shape: {
    tenant: TENANT,
    client: CLIENT,
    connection: CONNECTION,
    transaction: {
      ...leaves("protocol", "locale"),
      requested_scopes: LEAVES,
      acr_values: LEAVES,
      ui_locales: LEAVES,
    },
    request: { ...REQUEST, body: EMPTY },
    user: { ...PERSON, ...METADATA },
  },
  can: {
    deny: (api, text) => api.access.deny(text, text), // for the tenant's log, and for the person
    "user metadata": (api, name, value) => api.user.setUserMetadata(name, value),
    "app metadata": (api, name, value) => api.user.setAppMetadata(name, value),
  },
});

exports.onExecutePreUserRegistration = execute;
