// The Auth0 Action's real file against the running bot. The test that starts this gives the address and the secret.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

const require = createRequire(import.meta.url);
const action = require("../../connectors/auth0/action/post-login.js");

function login(secret, onFailure) {
  const denials = [];
  const event = {
    secrets: { CICFLOW_URL: process.env.BOT_URL, CICFLOW_SECRET: secret, CICFLOW_ON_FAILURE: onFailure },
    tenant: { id: "example-tenant" },
    client: { client_id: "client", name: "Client", metadata: {} },
    connection: { id: "con_1", name: "Users", strategy: "auth0" },
    stats: { logins_count: 2 },
    request: { ip: "203.0.113.7", method: "POST", geoip: {}, query: {}, body: { password: "hidden" } },
    user: {
      user_id: "auth0|node", email: "node@example.com", email_verified: true, identities: [],
      app_metadata: {}, user_metadata: {}, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z",
    },
    authentication: { methods: [], riskAssessment: { confidence: "low", version: "1", assessments: {} } },
    transaction: { protocol: "oidc-basic-profile", metadata: {} },
  };
  const api = { access: { deny: (reason) => denials.push(reason) } };
  return action.onExecutePostLogin(event, api).then(() => denials);
}

test("a login is told to the bot, and passes", async () => {
  assert.deepEqual(await login(process.env.BOT_SECRET, "closed"), []);
});

test("the bot refuses a wrong signature, and a closed Action then refuses the login", async () => {
  const wrong = `whsec_${Buffer.alloc(32).toString("base64")}`;
  assert.equal((await login(wrong, "closed")).length, 1);
});

test("an open Action lets the login pass all the same", async () => {
  const wrong = `whsec_${Buffer.alloc(32).toString("base64")}`;
  assert.deepEqual(await login(wrong, "open"), []);
});
