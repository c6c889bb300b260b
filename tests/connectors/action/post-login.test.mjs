// What a login's Auth0 Action sends, field by field, and how it takes odd ones. Run by tests/connectors/test_auth0_action.py.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { KEY, SECRET, bot, load, recorder as apiOf, secrets, standing } from "./ground.mjs";

const action = load("post-login");

standing();

const recorder = () => apiOf("post-login", {});

const login = (more = {}) => ({
  secrets: secrets(),
  tenant: { id: "example" },
  stats: { logins_count: 7 },
  client: { client_id: "c1", name: "Shop", metadata: { internal: "not for others" }, client_secret: "hidden" },
  connection: { id: "con_1", name: "Username-Password-Authentication", strategy: "auth0", metadata: { a: "b" } },
  organization: { id: "org_1", name: "org", display_name: "Org", metadata: { plan: "secret plan" } },
  authentication: {
    methods: [{ name: "pwd", timestamp: "2026-01-02T03:04:05.000Z" }, { name: "mfa", timestamp: "2026-01-02T03:04:06.000Z", type: "otp", seed: "x" }],
    riskAssessment: {
      confidence: "low",
      version: "1",
      assessments: {
        ImpossibleTravel: { confidence: "low", code: "impossible_travel_from_last_login", trail: ["x"] },
        NewDevice: { confidence: "low", code: "no_match", details: { device: "unknown", useragent: "unknown", cookie: "x" } },
        SomethingNew: { confidence: "medium", code: "who_knows", details: { matches: "a" } },
      },
      supplemental: { akamai: {} },
    },
  },
  authorization: { roles: ["reader"] },
  session: { id: "s1", created_at: "2026-01-02T03:04:05.000Z", device: { last_ip: "192.0.2.1", fingerprint: "x" }, clients: [] },
  transaction: { id: null, protocol: "oidc-basic-profile", locale: "en", requested_scopes: ["openid"], acr_values: [], metadata: { a: 1 }, state: "hidden", login_hint: "x" },
  request: {
    ip: "192.0.2.1", asn: "64496", method: "POST", hostname: "login.example.com", language: "en", user_agent: "Mozilla/5.0",
    geoip: { cityName: "Lisbon", countryName: "Portugal", latitude: 38.7, longitude: -9.1, accuracy: 5 },
    query: { code: "one-time-code" }, body: { password: "the password" },
  },
  resource_server: { identifier: "https://api.example.com", signing_secret: "hidden" },
  user: {
    user_id: "auth0|1", email: "customer.1@example.com", email_verified: true, name: "Customer 1", nickname: null,
    created_at: "2025-01-01T00:00:00.000Z", app_metadata: { plan: "gold", empty: null }, user_metadata: {},
    multifactor: ["guardian"], enrolledFactors: [{ type: "otp", options: { secret: "x" } }],
    identities: [{ connection: "google", isSocial: true, provider: "google-oauth2", user_id: "1", accessToken: "ya29.idp", profileData: {} }],
  },
  configuration: { key: "hidden" },
  ...more,
});

const run = async (event, api = recorder()) => {
  await action.onExecutePostLogin(event, api);
  return api;
};

describe("What is sent", () => {
  test("A login is posted to the address in the secret, as JSON", async () => {
    const api = await run(login());
    assert.equal(bot.received.length, 1);
    assert.equal(bot.received[0].method, "POST");
    assert.equal(bot.received[0].url, "/in/key");
    assert.equal(bot.received[0].headers["content-type"], "application/json");
    assert.equal(bot.received[0].headers["user-agent"], "cicflow-action/1");
    assert.deepEqual(api.calls, []);
    assert.deepEqual(bot.logs, []);
  });

  test("The signature is that of Standard Webhooks", async () => {
    await run(login());
    const { headers, body } = bot.received[0];
    assert.match(headers["webhook-id"], /^evt_[0-9a-f]{32}$/);
    assert.ok(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000) < 5);
    const expected = createHmac("sha256", KEY);
    for (const part of [headers["webhook-id"], ".", headers["webhook-timestamp"], ".", body]) expected.update(part, "utf8");
    assert.equal(headers["webhook-signature"], `v1,${expected.digest("base64")}`);
  });

  test("Two logins have two ids", async () => {
    await run(login());
    await run(login());
    assert.notEqual(bot.received[0].headers["webhook-id"], bot.received[1].headers["webhook-id"]);
  });

  test("Only allow-listed fields pass, in their order, without absent and null ones", async () => {
    await run(login());
    assert.equal(
      bot.received[0].body,
      JSON.stringify({
        trigger: "post-login",
        event: {
          tenant: { id: "example" },
          stats: { logins_count: 7 },
          client: { client_id: "c1", name: "Shop", metadata: {} },
          connection: { id: "con_1", name: "Username-Password-Authentication", strategy: "auth0" },
          organization: { id: "org_1", name: "org", display_name: "Org", metadata: {} },
          authentication: {
            methods: [{ name: "pwd", timestamp: "2026-01-02T03:04:05.000Z" }, { name: "mfa", timestamp: "2026-01-02T03:04:06.000Z", type: "otp" }],
            riskAssessment: {
              confidence: "low",
              version: "1",
              assessments: {
                ImpossibleTravel: { confidence: "low", code: "impossible_travel_from_last_login" },
                NewDevice: { confidence: "low", code: "no_match", details: { device: "unknown", useragent: "unknown" } },
                SomethingNew: { confidence: "medium", code: "who_knows", details: { matches: "a" } },
              },
            },
          },
          authorization: { roles: ["reader"] },
          session: { id: "s1", created_at: "2026-01-02T03:04:05.000Z", device: { last_ip: "192.0.2.1" } },
          transaction: { protocol: "oidc-basic-profile", locale: "en", requested_scopes: ["openid"], acr_values: [], metadata: {} },
          request: {
            ip: "192.0.2.1", asn: "64496", method: "POST", hostname: "login.example.com", language: "en", user_agent: "Mozilla/5.0",
            geoip: { cityName: "Lisbon", countryName: "Portugal", latitude: 38.7, longitude: -9.1 }, query: {}, body: {},
          },
          resource_server: { identifier: "https://api.example.com" },
          user: {
            user_id: "auth0|1", email: "customer.1@example.com", email_verified: true, name: "Customer 1",
            created_at: "2025-01-01T00:00:00.000Z", app_metadata: { plan: "gold", empty: null }, user_metadata: {},
            multifactor: ["guardian"], enrolledFactors: [{ type: "otp" }],
            identities: [{ connection: "google", isSocial: true, provider: "google-oauth2", user_id: "1" }],
          },
        },
      }),
    );
  });

  test("Nothing secret passes", async () => {
    await run(login());
    for (const secret of [SECRET, KEY, "the password", "one-time-code", "ya29.idp", "hidden", "secret plan", "not for others"]) {
      assert.ok(!bot.received[0].body.includes(secret), `leaked: ${secret}`);
    }
  });

  test("Dates become texts", async () => {
    await run(login({ user: { user_id: "auth0|1", created_at: new Date(0), updated_at: new Date(Number.NaN) } }));
    assert.deepEqual(JSON.parse(bot.received[0].body).event.user, { user_id: "auth0|1", created_at: "1970-01-01T00:00:00.000Z" });
  });
});

describe("What is not sent", () => {
  test("The exchange of a refresh token is none of our business", async () => {
    const api = await run(login({ transaction: { protocol: "oauth2-refresh-token" } }));
    assert.equal(bot.received.length, 0);
    assert.deepEqual(api.calls, []);
  });

  test("A token exchange is sent like any login", async () => {
    await run(login({ transaction: { protocol: "oauth2-token-exchange" } }));
    assert.equal(bot.received.length, 1);
  });
});

describe("When cicflow cannot be told", () => {
  const outcome = async (more) => {
    const began = Date.now();
    const api = await run(login({ secrets: secrets(more) }));
    return { calls: api.calls, milliseconds: Date.now() - began };
  };

  test("A refusal lets the login go on, with one short line in the log", async () => {
    bot.answer = (response) => response.writeHead(500).end();
    assert.deepEqual((await outcome()).calls, []);
    assert.deepEqual(bot.logs, ["cicflow was not told of a login: cicflow answered 500"]);
  });

  test("A refusal denies the login where failure is closed", async () => {
    bot.answer = (response) => response.writeHead(401).end();
    const { calls } = await outcome({ CICFLOW_ON_FAILURE: "closed" });
    assert.equal(calls.length, 1);
    assert.equal(calls[0][0], "access.deny");
    assert.match(calls[0][1], /try again/);
  });

  test("A redirect is not followed and counts as a refusal", async () => {
    bot.answer = (response) => response.writeHead(307, { location: bot.url }).end();
    await outcome();
    assert.equal(bot.received.length, 1);
    assert.deepEqual(bot.logs, ["cicflow was not told of a login: cicflow answered 307"]);
  });

  test("Silence ends after the time in the secret", async () => {
    bot.answer = () => {};
    const { calls, milliseconds } = await outcome({ CICFLOW_TIMEOUT_MS: "150" });
    assert.deepEqual(calls, []);
    assert.ok(milliseconds >= 100 && milliseconds < 1500, `${milliseconds} ms`);
    assert.deepEqual(bot.logs, ["cicflow was not told of a login: TimeoutError"]);
  });

  test("A time that is not a time means two seconds", async () => {
    bot.answer = () => {};
    const { milliseconds } = await outcome({ CICFLOW_TIMEOUT_MS: "soon" });
    assert.ok(milliseconds >= 1900 && milliseconds < 3500, `${milliseconds} ms`);
  });

  test("A dead server lets the login go on", async () => {
    assert.deepEqual((await outcome({ CICFLOW_URL: "http://127.0.0.1:9/in/key" })).calls, []);
    assert.equal(bot.logs.length, 1);
  });

  test("A dropped connection denies the login where failure is closed", async () => {
    bot.answer = (response) => response.socket.destroy();
    assert.equal((await outcome({ CICFLOW_ON_FAILURE: " Closed " })).calls.length, 1);
  });

  test("Missing or weak secrets let the login go on, and nothing is sent", async () => {
    for (const more of [{ CICFLOW_SECRET: undefined }, { CICFLOW_SECRET: "whsec_c2hvcnQ=" }, { CICFLOW_URL: undefined }]) {
      assert.deepEqual((await outcome(more)).calls, []);
    }
    assert.equal(bot.logs.length, 3);
    assert.equal(bot.received.length, 0);
  });

  test("Log lines are short and hold nothing about the person, the address or the secret", async () => {
    for (const [more, reply] of [
      [{ CICFLOW_URL: "not an address at all" }, undefined],
      [{ CICFLOW_URL: "http://127.0.0.1:9/in/customer.1@example.com" }, undefined],
      [{}, (response) => response.writeHead(403, "customer.1@example.com").end("customer.1@example.com")],
    ]) {
      bot.answer = reply ?? bot.answer;
      await outcome(more);
    }
    assert.equal(bot.logs.length, 3);
    for (const line of bot.logs) {
      assert.ok(line.length < 256, line);
      assert.ok(!/customer|example\.com|whsec|in\/|Lisbon|auth0\|1/.test(line), line);
    }
  });
});

describe("Hostile events never make it throw", () => {
  const trap = new Proxy({}, { get: () => { throw new Error("customer.1@example.com"); }, ownKeys: () => { throw new Error("keys"); } });
  const circular = { name: "round" };
  circular.self = circular;
  circular.list = [circular, { deeper: circular }];
  const bottomless = {};
  let bottom = bottomless;
  for (let depth = 0; depth < 10_000; depth += 1) bottom = bottom.down = {};

  for (const [what, event, api] of [
    ["nothing at all", undefined, undefined],
    ["null", null, null],
    ["a number", 7, 7],
    ["an empty object", {}, {}],
    ["only traps", trap, trap],
    ["a trap for secrets", { get secrets() { throw new Error("no"); } }, recorder()],
  ]) {
    test(`${what} is survived without a request`, async () => {
      await action.onExecutePostLogin(event, api);
      assert.equal(bot.received.length, 0);
      assert.equal(bot.logs.filter((line) => line.includes("customer")).length, 0);
    });
  }

  test("A deny that throws is survived", async () => {
    bot.answer = (response) => response.writeHead(500).end();
    await run(login({ secrets: secrets({ CICFLOW_ON_FAILURE: "closed" }) }), { access: { deny: () => { throw new Error("no"); } } });
    assert.equal(bot.received.length, 1);
  });

  test("Metadata in circles and without end is sent as far as it makes sense", async () => {
    await run(login({ user: { user_id: "auth0|1", app_metadata: circular, user_metadata: bottomless } }));
    const { user } = JSON.parse(bot.received[0].body).event;
    assert.deepEqual(user.app_metadata, { name: "round", list: [null, {}] });
    assert.ok(JSON.stringify(user.user_metadata).length < 200);
  });

  test("Properties that throw and values of the wrong kind are left out, the rest is sent", async () => {
    const hostile = login({
      session: "s1",
      stats: [],
      authorization: { roles: "all" },
      client: { client_id: { deep: 1 }, name: () => "x", metadata: "m" },
      request: { ip: 12n, asn: Symbol("a"), latitude: Number.NaN, geoip: trap, query: null },
      user: { user_id: "auth0|1", get email() { throw new Error("no"); }, identities: [null, 1, trap], multifactor: [null, "otp", {}], app_metadata: { f() {}, n: 10n, ok: 1 } },
    });
    Object.defineProperty(hostile, "organization", { get() { throw new Error("no"); } });
    await run(hostile);
    const { event } = JSON.parse(bot.received[0].body);
    assert.deepEqual(event.user, { user_id: "auth0|1", app_metadata: { ok: 1 }, multifactor: ["otp"], identities: [{}] });
    assert.deepEqual([event.client, event.request], [{ metadata: {} }, { geoip: {}, query: {}, body: {} }]);
    assert.deepEqual([event.organization, event.session, event.stats], [undefined, undefined, undefined]);
    assert.deepEqual(event.authorization, {});
  });

  test("A name that would poison an object is only a name", async () => {
    const assessments = JSON.parse('{"__proto__": {"confidence": "low", "code": "x"}}');
    await run(login({ authentication: { methods: [], riskAssessment: { confidence: "low", version: "1", assessments } } }));
    assert.ok(bot.received[0].body.includes('"__proto__":{"confidence":"low","code":"x"}'));
    assert.equal({}.code, undefined);
  });
});
