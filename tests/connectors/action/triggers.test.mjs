// Every Auth0 Action against a real HTTP server: what is sent, what an answer does, and what happens without one.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { API, KEY, SECRET, bot, load, recorder, replying, secrets, standing } from "./ground.mjs";

const EVENTS = JSON.parse(readFileSync(new URL("./events.json", import.meta.url), "utf8"));
const BACK = ["post-login", "password-reset-post-challenge"];
const WAITING = [
  "post-login", "pre-user-registration", "credentials-exchange", "password-reset-post-challenge", "send-phone-message",
  "custom-token-exchange",
];
const DEAF = ["post-user-registration", "post-change-password"];
const CODES = { "credentials-exchange": ["invalid_request"], "custom-token-exchange": ["access_denied"] };
const FAILED = { "credentials-exchange": "server_error", "custom-token-exchange": "server_error" };
const DENYING = WAITING.filter((trigger) => trigger !== "send-phone-message");

standing();

const entry = (trigger) => {
  const action = load(trigger);
  const [name] = Object.keys(action).filter((each) => each.startsWith("onExecute"));
  return action[name];
};

const happening = (trigger, more = {}) => ({ ...structuredClone(EVENTS[trigger]), secrets: secrets(more) });

const run = async (trigger, { more, event = happening(trigger, more), ...how } = {}) => {
  const api = recorder(trigger, event, how);
  await entry(trigger)(event, api);
  return api.calls;
};

const denial = (trigger, text) => {
  if (trigger === "pre-user-registration") return ["access.deny", text, text];
  return ["access.deny", ...(CODES[trigger] ?? []), text];
};

for (const trigger of Object.keys(API)) {
  describe(trigger, () => {
    test("exports what Auth0 calls, and nothing else", () => {
      const names = Object.keys(load(trigger));
      assert.equal(names.length, BACK.includes(trigger) ? 2 : 1);
      assert.equal(names.some((name) => name.startsWith("onContinue")), BACK.includes(trigger));
    });

    test("is sent signed, with its trigger, and goes on", async () => {
      assert.deepEqual(await run(trigger), []);
      assert.equal(bot.received.length, 1);
      const [{ method, url, headers, body }] = bot.received;
      assert.deepEqual([method, url, JSON.parse(body).trigger], ["POST", "/in/key", trigger]);
      const signed = [headers["webhook-id"], headers["webhook-timestamp"], body].join(".");
      assert.equal(headers["webhook-signature"], `v1,${createHmac("sha256", KEY).update(signed).digest("base64")}`);
      assert.deepEqual(bot.logs, []);
    });

    test("nothing that is secret or nobody's business is sent", async () => {
      const event = happening(trigger);
      for (const identity of event.user?.identities ?? []) identity.accessToken = "hidden";
      event.configuration = { key: "hidden" };
      event.client_secret = "hidden";
      await run(trigger, { event });
      assert.equal(bot.received.length, 1);
      assert.ok(!/hidden|whsec_|CICFLOW/.test(bot.received[0].body), bot.received[0].body);
      assert.ok(!bot.received[0].body.includes(SECRET));
    });

    for (const [what, answer] of [
      ["nothing", (response) => response.writeHead(202).end()],
      ["that it was accepted", (response) => response.writeHead(202).end('{"accepted": "evt_1"}')],
      ["no replies", replying()],
      ["an empty reply", replying({})],
    ]) {
      test(`an answer that says ${what} lets it go on, without a word`, async () => {
        bot.answer = answer;
        assert.deepEqual(await run(trigger, { more: { CICFLOW_ON_FAILURE: "closed" } }), []);
        assert.deepEqual(bot.logs, []);
      });
    }

    for (const [what, more, answer] of [
      ["a refusal", {}, (response) => response.writeHead(401).end()],
      ["trouble", {}, (response) => response.writeHead(503).end()],
      ["a redirect", {}, (response) => response.writeHead(302, { location: bot.url }).end()],
      ["silence", { CICFLOW_TIMEOUT_MS: "60" }, () => {}],
      ["a broken connection", {}, (response) => response.socket.destroy()],
      ["a dead bot", { CICFLOW_URL: "http://127.0.0.1:9/in/key" }, undefined],
      ["a bad secret", { CICFLOW_SECRET: "whsec_c2hvcnQ=" }, undefined],
    ]) {
      test(`${what} lets it go on where failure is open, with one short line in the log`, async () => {
        bot.answer = answer ?? bot.answer;
        assert.deepEqual(await run(trigger, { more }), []);
        assert.equal(bot.logs.length, 1);
        assert.ok(bot.logs[0].length < 256 && bot.logs[0].startsWith("cicflow was not told of "), bot.logs[0]);
        assert.ok(!/customer|example\.com|whsec|in\/key|Lisbon/.test(bot.logs[0]), bot.logs[0]);
      });

      test(`${what} denies it where failure is closed, and where denying is possible`, async () => {
        bot.answer = answer ?? bot.answer;
        const calls = await run(trigger, { more: { ...more, CICFLOW_ON_FAILURE: "closed" } });
        assert.deepEqual(calls.map(([name]) => name), DENYING.includes(trigger) ? ["access.deny"] : []);
        assert.ok(calls.every((call) => call.at(-1).includes("try again")));
        assert.ok(calls.every((call) => call.length === 3 || ["post-login", "password-reset-post-challenge"].includes(trigger)));
        assert.ok(calls.every((call) => call[1] === (FAILED[trigger] ?? call.at(-1))));
      });
    }

    test("hostile events are survived", async () => {
      const trap = new Proxy({}, { get: () => { throw new Error("customer.1@example.com"); }, ownKeys: () => { throw new Error("no"); } });
      bot.answer = replying({ deny: "No.", "require mfa": true, hold: { page: "https://bot.example.com/hold", token: { hold: "r" } } });
      for (const event of [undefined, null, 7, {}, trap, { secrets: secrets(), user: trap, request: trap }]) {
        for (const api of [undefined, null, {}, trap, recorder(trigger, {})]) await entry(trigger)(event, api);
      }
      assert.ok(bot.logs.every((line) => line.length < 256 && !line.includes("customer")));
    });
  });
}

for (const trigger of DEAF) {
  test(`${trigger}: no answer is read, whatever it says`, async () => {
    bot.answer = replying({ deny: "No." });
    assert.deepEqual(await run(trigger, { more: { CICFLOW_ON_FAILURE: "closed" } }), []);
    bot.answer = (response) => response.writeHead(202).end("{ nonsense");
    assert.deepEqual(await run(trigger, { more: { CICFLOW_ON_FAILURE: "closed" } }), []);
    assert.deepEqual(bot.logs, []);
  });
}

const LARGE = JSON.stringify({ answers: [{ deny: "x".repeat(70_000) }] });
for (const trigger of WAITING) {
  for (const [what, body] of [
    ["no JSON", "{ nonsense"], ["a list", "[]"], ["a text", '"accepted"'], ["null", "null"],
    ["replies that are no list", '{"answers": {"deny": "No."}}'], ["far too much", LARGE],
  ]) {
    test(`${trigger}: an answer of ${what} counts as a failure`, async () => {
      bot.answer = (response) => response.writeHead(200).end(body);
      assert.deepEqual(await run(trigger), []);
      assert.match(bot.logs.join("\n"), /^cicflow was not told of [\w -]+: cicflow answered nonsense$/);
      const calls = await run(trigger, { more: { CICFLOW_ON_FAILURE: "closed" } });
      assert.equal(calls.length, DENYING.includes(trigger) ? 1 : 0);
    });
  }

  test(`${trigger}: an answer that never ends is not waited for`, async () => {
    bot.answer = (response) => response.writeHead(200).write('{"answers": [');
    const began = Date.now();
    assert.deepEqual(await run(trigger, { more: { CICFLOW_TIMEOUT_MS: "80" } }), []);
    assert.ok(Date.now() - began < 1500);
    assert.equal(bot.logs.length, 1);
  });
}

for (const trigger of DENYING) {
  test(`${trigger}: a denial is carried out in the way of this trigger`, async () => {
    bot.answer = replying({ deny: "Not from there." });
    assert.deepEqual(await run(trigger), [denial(trigger, "Not from there.")]);
    assert.deepEqual(bot.logs, []);
  });

  test(`${trigger}: a denial wins over everything else, and the first one is told`, async () => {
    bot.answer = replying({ redirect: "https://pages.example.com" }, { deny: "First." }, { deny: "Second.", "require mfa": true });
    assert.deepEqual(await run(trigger), [denial(trigger, "First.")]);
  });

  for (const broken of ["", "  ", 7, {}, ["No."], true]) {
    test(`${trigger}: a denial with ${JSON.stringify(broken)} for a text is still a denial`, async () => {
      bot.answer = replying({ deny: broken });
      assert.deepEqual(await run(trigger), [denial(trigger, "This was not allowed.")]);
      assert.deepEqual(bot.logs, ["cicflow's answer, not understood: deny"]);
    });
  }

  test(`${trigger}: a text is cleaned and cut`, async () => {
    bot.answer = replying({ deny: `No\u0000\n\u2028way ${"x".repeat(9000)}` });
    const [call] = await run(trigger);
    assert.match(call.at(-1), /^No way x+$/);
    assert.equal(call.at(-1).length, 500);
  });

  test(`${trigger}: a denial that Auth0 refuses is survived, and tried again where failure is closed`, async () => {
    bot.answer = replying({ deny: "No." });
    assert.deepEqual(await run(trigger, { refusing: ["access.deny"] }), []);
    assert.deepEqual(bot.logs, ["cicflow's answer, refused: deny"]);
  });
}

// What each trigger can do with each kind of reply: the calls, or nothing, and then a line in the log.
const EVERY = {
  "require mfa": true,
  claims: { "id token": { "https://example.com/vip": true }, "access token": { plan: "gold" } },
  "user metadata": { seen: 1 },
  "app metadata": { risk: { level: "low" } },
};
const ID = ["idToken.setCustomClaim", "https://example.com/vip", true];
const ACCESS = ["accessToken.setCustomClaim", "plan", "gold"];
const NOTED = [["user.setUserMetadata", "seen", 1], ["user.setAppMetadata", "risk", { level: "low" }]];
for (const [trigger, calls, ignored] of [
  ["post-login", [...NOTED, ID, ACCESS, ["multifactor.enable", "any", { allowRememberBrowser: false }]], []],
  ["pre-user-registration", NOTED, ["id token", "access token", "require mfa"]],
  ["credentials-exchange", [ACCESS], ["user metadata", "app metadata", "id token", "require mfa"]],
  ["password-reset-post-challenge", [["authentication.challengeWithAny", [{ type: "otp" }]]],
    ["user metadata", "app metadata", "id token", "access token"]],
  ["send-phone-message", [], ["user metadata", "app metadata", "id token", "access token", "require mfa"]],
  ["custom-token-exchange", NOTED, ["id token", "access token", "require mfa"]],
]) {
  test(`${trigger}: what its api has is done, the rest is ignored with one line in the log`, async () => {
    bot.answer = replying(EVERY);
    assert.deepEqual(await run(trigger, { more: { CICFLOW_ON_FAILURE: "closed" } }), calls);
    assert.deepEqual(bot.logs, ignored.length ? [`cicflow's answer, not possible here: ${ignored.join(", ")}`] : []);
  });
}

for (const trigger of WAITING.filter((each) => !BACK.includes(each))) {
  test(`${trigger}: nobody can be held or sent elsewhere, nor lose a session`, async () => {
    const hold = { page: "https://bot.example.com/hold", token: { hold: "r1" }, within: 60 };
    bot.answer = replying({ hold, "revoke session": "Stolen." }, { redirect: "https://pages.example.com" });
    assert.deepEqual(await run(trigger), []);
    assert.deepEqual(bot.logs, ["cicflow's answer, not possible here: revoke session, hold"]);
  });
}
