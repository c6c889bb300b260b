/**
 * cicflow post-change-password: tells cicflow that a password was changed. Auth0 does not wait for it.
 */

const { TENANT, CONNECTION, REQUEST, PERSON, action } = require("../shared.js");

const { execute } = action({
  trigger: "post-change-password",
  what: "a changed password",
  shape: { tenant: TENANT, connection: CONNECTION, request: REQUEST, user: PERSON },
});

exports.onExecutePostChangePassword = execute;
