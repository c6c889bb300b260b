/**
 * cicflow password-reset-post-challenge: tells cicflow that somebody resets a password, which waits for the answer, and
 * may be held for a person's decision.
 */

const {
  LEAVES, EMPTY, leaves, TENANT, CLIENT, CONNECTION, ORGANIZATION, METHODS, REQUEST, PERSON, METADATA, FACTORS_OF,
  IDENTITIES, challenge, PLACES, action,
} = require("../shared.js");

const { execute, proceed } = action({
  trigger: "password-reset-post-challenge",
  what: "a password reset",
  shape: {
    tenant: TENANT,
    stats: leaves("logins_count"),
    client: CLIENT,
    connection: CONNECTION,
    organization: ORGANIZATION,
    authentication: { methods: METHODS },
    authorization: { roles: LEAVES },
    transaction: { ...leaves("locale"), ui_locales: LEAVES },
    request: { ...REQUEST, query: EMPTY, body: EMPTY },
    user: { ...PERSON, ...METADATA, ...FACTORS_OF, identities: IDENTITIES },
  },
  can: {
    deny: (api, text) => api.access.deny(text),
    "require mfa": challenge,
    ...PLACES,
  },
});

exports.onExecutePostChallenge = execute;
exports.onContinuePostChallenge = proceed;
