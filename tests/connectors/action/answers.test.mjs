// What a login's Auth0 Action makes of an answer: several replies, hostile values, refusals, and holding.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { SECRET, STATE, bot, claimsOf, load, recorder, replying, secrets, standing, token } from "./ground.mjs";

const EVENTS = JSON.parse(readFileSync(new URL("./events.json", import.meta.url), "utf8"));
const ENTRIES = {
  "post-login": ["onExecutePostLogin", "onContinuePostLogin"],
  "password-reset-post-challenge": ["onExecutePostChallenge", "onContinuePostChallenge"],
};
const PAGE = "https://bot.example.com/hold";
const HOLD = { page: PAGE, token: { hold: "run-1" }, within: 600 };

standing();

const login = (more = {}, trigger = "post-login") => ({ ...structuredClone(EVENTS[trigger]), secrets: secrets(), ...more });
const having = (...types) => {
  const event = login();
  return { ...event, user: { ...event.user, enrolledFactors: types.map((type) => ({ type })) } };
};

const answered = async (given, { event = login(), trigger = "post-login", ...how } = {}) => {
  bot.answer = replying(...given);
  const api = recorder(trigger, event, how);
  await load(trigger)[ENTRIES[trigger][0]](event, api);
  return api.calls;
};
const closed = (event = login()) => ({ ...event, secrets: secrets({ CICFLOW_ON_FAILURE: "closed" }) });

describe("Several replies", () => {
  test("are put together: of the same name, the later value", async () => {
    const calls = await answered([
      { claims: { "id token": { a: 1, b: 1 } }, "app metadata": { x: 1 } },
      { claims: { "id token": { b: 2 }, "access token": { c: 3 } }, "app metadata": { x: null } },
    ]);
    assert.deepEqual(calls, [
      ["user.setAppMetadata", "x", null],
      ["idToken.setCustomClaim", "a", 1],
      ["idToken.setCustomClaim", "b", 2],
      ["accessToken.setCustomClaim", "c", 3],
    ]);
  });

  test("with a denial still write metadata, and nothing else", async () => {
    const calls = await answered([
      { "app metadata": { denied: true }, claims: { "id token": { a: 1 } }, "revoke session": "Stolen.", hold: HOLD }, { deny: "No." },
    ]);
    assert.deepEqual(calls, [["user.setAppMetadata", "denied", true], ["access.deny", "No."]]);
  });

  test("with a revoked session end there", async () => {
    const calls = await answered([{ hold: HOLD, "require mfa": true }, { redirect: "https://a.example.com" }, { "revoke session": "Stolen." }]);
    assert.deepEqual(calls, [["session.revoke", "Stolen."]]);
  });

  test("hold before they redirect, at the first page", async () => {
    const calls = await answered([{ redirect: "https://a.example.com" }, { hold: HOLD }, { hold: { ...HOLD, page: "https://b.example.com" } }]);
    assert.deepEqual(calls.map(([name, where]) => [name, where]), [["transaction.setMetadata", "cicflow_redirect"], ["redirect.sendUserTo", PAGE]]);
  });

  test("ask for any of all the factors that they name", async () => {
    const calls = await answered([{ "require mfa": true }, { "require mfa": ["otp"] }, { "require mfa": ["otp", "phone"] }], { event: having("phone", "otp", "email") });
    assert.deepEqual(calls, [["authentication.challengeWithAny", [{ type: "otp" }, { type: "phone" }]]]);
  });
});

describe("What stands at the person", () => {
  const AHEAD = new Date(Date.now() + 60_000).toISOString();
  const PAST = new Date(Date.now() - 1000).toISOString();
  const ANY = ["multifactor.enable", "any", { allowRememberBrowser: false }];
  const noted = (notes, more = {}) => {
    const event = login({ connection: { strategy: "auth0" } });
    return { ...event, user: { ...event.user, enrolledFactors: [], app_metadata: notes, ...more } };
  };
  const away = async (event, how = {}) => {
    const api = recorder("post-login", event, how);
    await load("post-login").onExecutePostLogin({ ...event, secrets: { ...event.secrets, CICFLOW_URL: "http://127.0.0.1:1/" } }, api);
    return api.calls;
  };

  test("asks for a second factor, whatever cicflow answers, and if it is away", async () => {
    const event = noted({ cicflow_require_mfa: { until: AHEAD } });
    assert.deepEqual(await answered([], { event }), [ANY]);
    assert.deepEqual(await answered([{ claims: { "id token": { a: 1 } } }], { event }), [["idToken.setCustomClaim", "a", 1], ANY]);
    assert.deepEqual(await away(event), [ANY]);
    const factors = noted({ cicflow_require_mfa: { factors: ["otp"] } }); // without a time: until somebody removes it
    assert.deepEqual(await away(factors), [["authentication.enrollWithAny", [{ type: "otp" }]]]);
  });

  test("is removed when it has run out", async () => {
    const event = noted({ cicflow_require_mfa: { until: PAST }, cicflow_new_password: { since: PAST, until: PAST } });
    const removed = [["user.setAppMetadata", "cicflow_require_mfa", null], ["user.setAppMetadata", "cicflow_new_password", null]];
    assert.deepEqual(await away(event), removed);
  });

  test("refuses a password of before, and only that", async () => {
    const order = { cicflow_new_password: { since: PAST, until: AHEAD } };
    const refused = ["access.deny", "Please choose a new password first: use the link for a forgotten password."];
    assert.deepEqual(await away(noted(order)), [refused]);
    assert.deepEqual(await away(noted(order, { last_password_reset: "2020-01-01T00:00:00.000Z" })), [refused]);
    assert.deepEqual(await away(noted(order, { last_password_reset: new Date() })), [["user.setAppMetadata", "cicflow_new_password", null]]);
    assert.deepEqual(await away({ ...noted(order), connection: { strategy: "google-oauth2" } }), []);
  });

  test("is ignored where it is none, and never keeps the rest from being done", async () => {
    for (const odd of [null, 7, "soon", true, [], { cicflow_require_mfa: "always" }, { cicflow_new_password: 1 }]) {
      assert.deepEqual(await answered([{ deny: "No." }], { event: noted(odd) }), [["access.deny", "No."]]);
    }
  });
});

describe("Multi-factor authentication", () => {
  const challenge = (...types) => ["authentication.challengeWithAny", types.map((type) => ({ type }))];
  const enrol = (...types) => ["authentication.enrollWithAny", types.map((type) => ({ type }))];
  for (const [what, wanted, has, calls] of [
    ["a factor that the person has", ["otp"], ["otp", "phone"], [challenge("otp")]],
    ["factors of which the person has one", ["webauthn-roaming", "otp"], ["otp"], [challenge("otp")]],
    ["a factor that nobody has yet", ["otp"], [], [enrol("otp")]],
    ["another factor than the person's", ["webauthn-platform"], ["phone"], [challenge("phone"), enrol("webauthn-platform")]],
    ["e-mail only, where it is not there", ["email"], [], [challenge("email")]],
    ["e-mail or a code, where nothing is there", ["email", "otp"], [], [enrol("otp")]],
  ]) {
    test(`${what}: ${wanted}`, async () => {
      assert.deepEqual(await answered([{ "require mfa": wanted }], { event: having(...has) }), calls);
      assert.deepEqual(bot.logs, []);
    });
  }

  for (const wanted of [["telepathy"], "otp", {}, 7, [null, {}]]) {
    test(`${JSON.stringify(wanted)} is not understood, and any factor is asked for`, async () => {
      assert.deepEqual(await answered([{ "require mfa": wanted }]), [["multifactor.enable", "any", { allowRememberBrowser: false }]]);
      assert.deepEqual(bot.logs, ["cicflow's answer, not understood: require mfa"]);
    });
  }

  for (const nothing of [false, null, []]) {
    test(`${JSON.stringify(nothing)} asks for nothing`, async () => {
      assert.deepEqual(await answered([{ "require mfa": nothing }]), []);
    });
  }

  test("that Auth0 refuses is a failure", async () => {
    const refusing = ["multifactor.enable"];
    assert.deepEqual(await answered([{ "require mfa": true }], { refusing }), []);
    const calls = await answered([{ "require mfa": true }], { refusing, event: closed() });
    assert.deepEqual(calls.map(([name]) => name), ["access.deny"]);
  });

  for (const enrolledFactors of [undefined, null, "otp", [null, 7, { type: 7 }]]) {
    test(`odd factors of a person, ${JSON.stringify(enrolledFactors)}, are none`, async () => {
      const event = login();
      event.user.enrolledFactors = enrolledFactors;
      assert.deepEqual(await answered([{ "require mfa": ["otp"] }], { event }), [enrol("otp")]);
    });
  }

  test("of somebody who resets a password is asked for among what is there, and fails where nothing is", async () => {
    const trigger = "password-reset-post-challenge";
    const event = login({}, trigger);
    event.user.enrolledFactors = [];
    assert.deepEqual(await answered([{ "require mfa": true }], { event, trigger }), []);
    assert.deepEqual(bot.logs, ["cicflow's answer, refused: require mfa"]);
    const calls = await answered([{ "require mfa": true }], { event: closed(event), trigger });
    assert.deepEqual(calls.map(([name]) => name), ["access.deny"]);
    event.user.enrolledFactors = [{ type: "phone" }];
    assert.deepEqual(await answered([{ "require mfa": ["otp", "phone"] }], { event, trigger }), [challenge("phone")]);
  });
});

describe("Values are looked at before they are handed on", () => {
  const deep = {};
  let bottom = deep;
  for (let depth = 0; depth < 50; depth += 1) bottom = bottom.down = {};
  for (const [what, reply, calls, odd] of [
    ["claims that a token has of its own", { claims: { "id token": { sub: "auth0|2", exp: 1, ok: 1 } } }, [["idToken.setCustomClaim", "ok", 1]], "id token"],
    ["claims in Auth0's own name", { claims: { "access token": { "https://x.auth0.com/roles": [] } } }, [], "access token"],
    ["claims without a name", { claims: { "id token": { "": 1 } } }, [], "id token"],
    ["claims with endless names", { claims: { "id token": { ["x".repeat(201)]: 1 } } }, [], "id token"],
    ["claims that are a list", { claims: { "id token": [1] } }, [], "id token"],
    ["claims that are a text", { claims: "all" }, [], "claims"],
    ["claims with a large value", { claims: { "id token": { a: "x".repeat(16_000) } } }, [], "id token"],
    ["metadata with a dot in its name", { "user metadata": { "a.b": 1, ok: 1 } }, [["user.setUserMetadata", "ok", 1]], "user metadata"],
    ["metadata with a dollar at the front", { "app metadata": { $set: 1 } }, [], "app metadata"],
    ["metadata that is no object", { "app metadata": 7 }, [], "app metadata"],
    ["a redirect that is no address", { redirect: "not an address" }, [], "redirect"],
    ["a redirect to a script", { redirect: "javascript:alert(1)" }, [], "redirect"],
    ["a redirect over http", { redirect: "http://pages.example.com" }, [], "redirect"],
    ["a redirect with a password", { redirect: "https://a:b@pages.example.com" }, [], "redirect"],
    ["an endless redirect", { redirect: `https://pages.example.com/${"x".repeat(2000)}` }, [], "redirect"],
    ["a hold without a page", { hold: { token: { hold: "r" } } }, [], "hold"],
    ["a hold without a token", { hold: { page: PAGE } }, [], "hold"],
    ["a hold with a large token", { hold: { page: PAGE, token: { hold: "x".repeat(3000) } } }, [], "hold"],
    ["a hold that is a text", { hold: "please" }, [], "hold"],
    ["a word that is not known", { delete_everything: true }, [], "something unknown"],
    ["a reply that is no object", "allow", [], "a reply"],
    ["a reply that is nothing", null, [], "a reply"],
  ]) {
    test(`${what}`, async () => {
      assert.deepEqual(await answered([reply]), calls);
      assert.equal(bot.logs[0], `cicflow's answer, not understood: ${odd}`);
      assert.ok(bot.logs.every((line) => line.length < 256));
    });
  }

  test("A name that would poison an object is only a name", async () => {
    bot.answer = (response) => response.writeHead(200).end('{"answers": [{"__proto__": {"deny": "x"}, "app metadata": {"__proto__": {"a": 1}}, "claims": {"id token": {"__proto__": {"b": 2}}}}]}');
    const event = login();
    const api = recorder("post-login", event);
    await load("post-login").onExecutePostLogin(event, api);
    assert.deepEqual(api.calls.map(([name, key]) => [name, key]), [["idToken.setCustomClaim", "__proto__"]]);
    assert.equal({}.a ?? {}.b ?? {}.deny, undefined);
  });

  test("Values without end are cut", async () => {
    const calls = await answered([{ "app metadata": { deep } }]);
    assert.ok(JSON.stringify(calls).length < 300);
  });

  test("More metadata than Auth0 takes at once is left out, and the rest is done", async () => {
    const note = "ü".repeat(6000);
    const calls = await answered([{ "app metadata": { a: note, b: note }, "user metadata": { ok: 1 } }, { "app metadata": { c: note } }]);
    assert.deepEqual(calls, [["user.setUserMetadata", "ok", 1]]);
    assert.deepEqual(bot.logs, ["cicflow's answer, not understood: app metadata"]);
  });

  test("Whatever a bot may answer, only what fits is handed on", async () => {
    let seed = 20_260_101;
    const upTo = (most) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >>> 8) % most;
    };
    const one = (list) => list[upTo(list.length)];
    const leafs = [null, true, false, 0, -1, 1e308, "", "otp", "No.", "https://a.example.com", "http://a.example.com", "javascript:1", "\u0000"];
    const fields = ["sub", "a.b", "$x", "", "ok", "__proto__", "constructor"];
    const inside = {
      claims: ["id token", "access token"], hold: ["page", "token", "within"], token: ["hold"],
      reply: ["deny", "require mfa", "claims", "user metadata", "app metadata", "redirect", "revoke session", "hold", "x"],
    };
    const any = (name, depth) => {
      const kind = upTo(depth > 4 ? 2 : 6);
      if (kind < 2) return one(leafs);
      if (kind === 2) return Array.from({ length: upTo(4) }, () => any(name, depth + 1));
      const names = inside[name] ?? fields;
      return Object.fromEntries(Array.from({ length: upTo(5) }, () => one(names)).map((each) => [each, any(each, depth + 1)]));
    };
    for (let round = 0; round < 400; round += 1) {
      for (const [name, first, second] of await answered(Array.from({ length: upTo(3) }, () => any("reply", 0)))) {
        assert.equal(typeof first, Array.isArray(first) ? "object" : "string", name);
        assert.ok(name !== "redirect.sendUserTo" || first.startsWith("https://"), first);
        assert.ok(!name.endsWith("setCustomClaim") || !["", "sub"].includes(first), first);
        assert.ok(!name.endsWith("Metadata") || !["", "a.b", "$x", "__proto__"].includes(first), first);
        assert.ok(!name.endsWith("Any") || first.every(({ type }) => type === "otp"), name);
        assert.notEqual(second === undefined && /set/.test(name), true, name);
      }
    }
    assert.ok(bot.logs.length > 100);
    assert.ok(bot.logs.every((line) => line.startsWith("cicflow's answer, ") && line.length < 256));
  });

  test("A log line never says what was refused", async () => {
    await answered([{ claims: { "id token": { sub: "customer.1@example.com" } }, "customer.1@example.com": 1, redirect: "customer.1@example.com" }]);
    assert.ok(bot.logs.every((line) => !line.includes("customer")));
  });
});

describe("What Auth0 refuses", () => {
  test("does not lose the rest", async () => {
    const calls = await answered([{ claims: { "id token": { a: 1 }, "access token": { b: 2 } }, "app metadata": { c: 3 }, "user metadata": { d: 4 } }], {
      refusing: ["idToken.setCustomClaim", "user.setUserMetadata"],
    });
    assert.deepEqual(calls, [["user.setAppMetadata", "c", 3], ["accessToken.setCustomClaim", "b", 2]]);
    assert.deepEqual(bot.logs, ["cicflow's answer, refused: user metadata, id token"]);
  });

  test("is no failure for claims and metadata, even where failure is closed", async () => {
    const calls = await answered([{ claims: { "id token": { a: 1 } } }], { refusing: ["idToken.setCustomClaim"], event: closed() });
    assert.deepEqual(calls, []);
  });

  test("of a session, denies the login instead", async () => {
    const calls = await answered([{ "revoke session": "Stolen." }], { refusing: ["session.revoke"] });
    assert.deepEqual(calls, [["access.deny", "Stolen."]]);
  });

  for (const [what, reply] of [["a hold", { hold: HOLD }], ["a redirect", { redirect: "https://pages.example.com" }]]) {
    test(`of ${what}, or where there is no browser, is a failure`, async () => {
      for (const how of [{ refusing: ["redirect.sendUserTo"] }, { browser: false }]) {
        const kept = (calls) => calls.map(([name]) => name).filter((name) => name !== "transaction.setMetadata");
        assert.deepEqual(kept(await answered([reply], how)), []);
        assert.deepEqual(kept(await answered([reply], { ...how, event: closed() })), ["access.deny"]);
      }
      assert.equal(new Set(bot.logs).size, 1);
    });
  }

  test("A hold that cannot be understood is a failure, too", async () => {
    const calls = await answered([{ hold: { page: "http://elsewhere.example.com", token: {} } }], { event: closed() });
    assert.deepEqual(calls.map(([name]) => name), ["access.deny"]);
  });
});

for (const [trigger, [execute, proceed]] of Object.entries(ENTRIES)) {
  describe(`Holding: ${trigger}`, () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = (answers, more = {}) => ({
      iss: "https://bot.example.com", sub: "auth0|1", iat: now, exp: now + 60, state: STATE, answers, ...more,
    });
    const back = async (given, { more = {}, onFailure, metadata, ...how } = {}) => {
      const event = login({ secrets: secrets({ CICFLOW_ON_FAILURE: onFailure }), ...more }, trigger);
      event.request = { ...event.request, query: given === undefined ? {} : { cicflow_token: given, state: STATE } };
      if (metadata) event.transaction = { ...event.transaction, metadata };
      const api = recorder(trigger, event, how);
      await load(trigger)[proceed](event, api);
      return api.calls.filter(([name]) => name !== "transaction.setMetadata");
    };
    const denied = (calls) => assert.deepEqual(calls.map(([name]) => name), ["access.deny"]);

    test("sends the browser to the page with a signed token", async () => {
      const calls = await answered([{ hold: HOLD }], { event: login({}, trigger), trigger });
      const [name, where, { query }] = calls.at(-1);
      assert.deepEqual([name, where, Object.keys(query)], ["redirect.sendUserTo", PAGE, ["session_token"]]);
      const { hold, sub, exp, iat } = claimsOf(query.session_token);
      assert.deepEqual([hold, sub, exp - iat], ["run-1", "auth0|1", 600]);
      assert.deepEqual(bot.logs, []);
    });

    for (const [within, seconds] of [[undefined, 900], ["soon", 900], [-5, 900], [1e9, 86_400], [90.7, 90]]) {
      test(`within ${within} means ${seconds} seconds`, async () => {
        const calls = await answered([{ hold: { ...HOLD, within } }], { event: login({}, trigger), trigger });
        const { exp, iat } = claimsOf(calls.at(-1)[2].query.session_token);
        assert.equal(exp - iat, seconds);
      });
    }

    test("goes on where the answer allows, without asking the bot again", async () => {
      assert.deepEqual(await back(token(claims([]))), []);
      assert.deepEqual(await back(token(claims([{}]))), []);
      assert.deepEqual([bot.received, bot.logs], [[], []]);
    });

    test("ends where the answer denies", async () => {
      assert.deepEqual(await back(token(claims([{}, { deny: "Not you." }]))), [["access.deny", "Not you."]]);
    });

    test("asks for another factor where the answer says so", async () => {
      const calls = await back(token(claims([{ "require mfa": ["otp"] }])));
      assert.deepEqual(calls, [["authentication.challengeWithAny", [{ type: "otp" }]]]);
    });

    for (const onFailure of ["open", "closed"]) {
      for (const [what, given] of [
        ["no token", undefined],
        ["nonsense", "x.y.z"],
        ["an empty token", ""],
        ["a token of another secret", token(claims([]), `${SECRET}x`)],
        ["an expired token", token(claims([], { exp: now - 1 }))],
        ["another person's token", token(claims([], { sub: "auth0|2" }))],
        ["another login's token", token(claims([], { state: "another" }))],
        ["a token without answers", token(claims(undefined))],
        ["a token whose answers are no list", token(claims({ deny: "x" }))],
        ["the token that the page got", token({ hold: "run-1", sub: "auth0|1", iss: "example.auth0.com", iat: now, exp: now + 60 })],
      ]) {
        test(`${what} denies what was held, where failure is ${onFailure}`, async () => {
          denied(await back(given, { onFailure }));
          assert.equal(bot.logs.length, 1);
          assert.ok(bot.logs[0].endsWith("there is no valid answer from cicflow"), bot.logs[0]);
        });
      }
    }

    test("is not endless: what is held again on its way back is denied", async () => {
      denied(await back(token(claims([{ hold: HOLD }]))));
    });

    test("denies where an answer cannot be carried out", async () => {
      denied(await back(token(claims([{ "require mfa": ["otp"] }])), { refusing: ["authentication.challengeWithAny"] }));
    });

    test("survives whatever comes back", async () => {
      const trap = new Proxy({}, { get: () => { throw new Error("customer.1@example.com"); } });
      for (const event of [undefined, null, {}, trap]) {
        for (const api of [undefined, null, {}, trap]) await load(trigger)[proceed](event, api);
      }
      assert.ok(bot.logs.every((line) => !line.includes("customer")));
    });

    test("an answer that nobody could be asked for is not made up", async () => {
      assert.equal(typeof load(trigger)[execute], "function");
      denied(await back(token(claims([])), { more: { secrets: undefined } }));
      for (const secret of [undefined, "", "whsec_c2hvcnQ="]) {
        denied(await back(token(claims([]), String(secret) || "x"), { more: { secrets: { CICFLOW_SECRET: secret } } }));
      }
    });

    if (trigger === "post-login") {
      test("claims of the answer are set on the way back", async () => {
        assert.deepEqual(await back(token(claims([{ claims: { "id token": { a: 1 } } }]))), [["idToken.setCustomClaim", "a", 1]]);
      });

      test("a login that was only sent to a page goes on without a token, unless failure is closed", async () => {
        const metadata = { cicflow_redirect: "page" };
        assert.deepEqual(await back(undefined, { metadata }), []);
        assert.equal(bot.logs.length, 1);
        denied(await back(undefined, { metadata, onFailure: "closed" }));
        assert.deepEqual(await back(token(claims([{ deny: "No." }])), { metadata }), [["access.deny", "No."]]);
      });

      test("where the browser went is kept where it cannot reach", async () => {
        const [held] = await answered([{ hold: HOLD }]);
        const [sent, there] = await answered([{ redirect: "https://pages.example.com/terms" }]);
        assert.deepEqual([held[2], sent[2]], ["hold", "page"]);
        assert.equal(there[1], "https://pages.example.com/terms");
      });

      test("a login whose mark was lost counts as held", async () => {
        const calls = await answered([{ redirect: "https://pages.example.com" }], { refusing: ["transaction.setMetadata"] });
        assert.deepEqual(calls.map(([name]) => name), ["redirect.sendUserTo"]);
        denied(await back(undefined, { metadata: {} }));
      });
    }
  });
}
