/**
 * cicflow post-user-registration: tells cicflow that somebody has signed up. Auth0 does not wait for it.
 */

const { LEAVES, leaves, TENANT, CONNECTION, REQUEST, PERSON, METADATA, action } = require("../shared.js");

const { execute } = action({
  trigger: "post-user-registration",
  what: "a registration",
  shape: {
    tenant: TENANT,
    connection: CONNECTION,
    transaction: {
      ...leaves("protocol", "locale"),
      requested_scopes: LEAVES,
      acr_values: LEAVES,
      ui_locales: LEAVES,
    },
    request: REQUEST,
    user: { ...PERSON, ...METADATA },
  },
});

exports.onExecutePostUserRegistration = execute;
