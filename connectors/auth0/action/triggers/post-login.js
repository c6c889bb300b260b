/**
 * cicflow post-login: tells cicflow about a login, which waits for the answer, and may be held for a person's decision.
 */

const {
  LEAVES, EMPTY, leaves, TENANT, CLIENT, CONNECTION, ORGANIZATION, RESOURCE_SERVER, METHODS, REQUEST, PERSON, METADATA,
  FACTORS_OF, IDENTITIES, read, challengeOrEnroll, standing, PLACES, action,
} = require("../shared.js");

const SILENT = "oauth2-refresh-token"; // fires at every refresh, without a person

const ASSESSMENT = {
  ...leaves("confidence", "code"),
  details: leaves("device", "useragent", "ip", "matches", "source", "category"),
};

const { execute, proceed } = action({
  trigger: "post-login",
  what: "a login",
  skips: (event) => read(event, "transaction", "protocol") === SILENT,
  shape: {
    tenant: TENANT,
    stats: leaves("logins_count"),
    client: CLIENT,
    connection: CONNECTION,
    organization: ORGANIZATION,
    authentication: {
      methods: METHODS,
      riskAssessment: {
        ...leaves("confidence", "version"),
        assessments: (assessments) => Object.fromEntries(Object.keys(assessments).map((name) => [name, ASSESSMENT])),
      },
    },
    authorization: { roles: LEAVES },
    session: {
      ...leaves("id", "created_at", "authenticated_at"),
      device: leaves("initial_ip", "initial_asn", "initial_user_agent", "last_ip", "last_asn", "last_user_agent"),
    },
    transaction: {
      ...leaves("id", "protocol", "locale"),
      requested_scopes: LEAVES,
      acr_values: LEAVES,
      metadata: EMPTY,
    },
    request: { ...REQUEST, query: EMPTY, body: EMPTY },
    resource_server: RESOURCE_SERVER,
    user: { ...PERSON, ...METADATA, ...FACTORS_OF, identities: IDENTITIES },
  },
  orders: standing,
  can: {
    deny: (api, text) => api.access.deny(text),
    "revoke session": (api, text) => api.session.revoke(text),
    "require mfa": challengeOrEnroll,
    "id token": (api, name, value) => api.idToken.setCustomClaim(name, value),
    "access token": (api, name, value) => api.accessToken.setCustomClaim(name, value),
    "user metadata": (api, name, value) => api.user.setUserMetadata(name, value),
    "app metadata": (api, name, value) => api.user.setAppMetadata(name, value),
    ...PLACES,
  },
});

exports.onExecutePostLogin = execute;
exports.onContinuePostLogin = proceed;
