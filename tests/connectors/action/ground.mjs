// What the tests of the Auth0 Actions stand on: a bot that answers what a test says, and an `api` that has, for each
// trigger, what Auth0 documents for it and nothing else.
import { createHmac } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
// The texts as they are installed, where the test that starts this has written them; else the parts of the repository.
const PARTS = fileURLToPath(new URL("../../../connectors/auth0/action/triggers", import.meta.url));
const FOLDER = process.env.AUTH0_ACTIONS ?? PARTS;

export const KEY = "a shared secret of thirty bytes";
export const SECRET = `whsec_${Buffer.from(KEY).toString("base64")}`;
export const STATE = "the state of this transaction";

export const load = (trigger) => require(path.join(FOLDER, `${trigger}.js`));

/** The bot, as a test steers it. */
export const bot = { url: undefined, received: [], logs: [], answer: undefined };

export const replying = (...answers) => (response) =>
  response.writeHead(202, { "content-type": "application/json" }).end(JSON.stringify({ accepted: "evt_1", answers }));

export function standing() {
  let server;
  const write = console.log;
  before(async () => {
    server = http.createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts).toString();
      bot.received.push({ method: request.method, url: request.url, headers: request.headers, body });
      bot.answer(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    bot.url = `http://127.0.0.1:${server.address().port}/in/key`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    bot.received = [];
    bot.logs = [];
    bot.answer = (response) => response.writeHead(202).end("{}");
    console.log = (...words) => bot.logs.push(words.join(" "));
  });
  afterEach(() => {
    console.log = write;
  });
}

export const secrets = (more = {}) => ({ CICFLOW_URL: bot.url, CICFLOW_SECRET: SECRET, ...more });

const METADATA = { user: ["setUserMetadata", "setAppMetadata"] };
const CACHE = { cache: ["get", "set", "delete"] };
const REDIRECT = { redirect: ["sendUserTo", "encodeToken", "validateToken", "canRedirect"] };
export const API = {
  "post-login": {
    access: ["deny"],
    accessToken: ["setCustomClaim", "addScope", "removeScope"],
    idToken: ["setCustomClaim"],
    authentication: ["challengeWith", "challengeWithAny", "enrollWith", "enrollWithAny", "recordMethod", "setPrimaryUser"],
    multifactor: ["enable"],
    session: ["revoke", "setMetadata"],
    transaction: ["setMetadata"],
    ...METADATA, ...REDIRECT, ...CACHE,
  },
  "pre-user-registration": { access: ["deny"], validation: ["error"], ...METADATA, ...CACHE },
  "post-user-registration": CACHE,
  "post-change-password": CACHE,
  "credentials-exchange": {
    access: ["deny"], accessToken: ["setCustomClaim"], transaction: ["addTargetScope", "setTargetScopes"], ...CACHE,
  },
  "password-reset-post-challenge": {
    access: ["deny"],
    authentication: ["challengeWith", "challengeWithAny"],
    prompt: ["render"],
    transaction: ["setResultUrl"],
    ...REDIRECT, ...CACHE,
  },
  "send-phone-message": CACHE,
  "custom-token-exchange": {
    access: ["deny", "rejectInvalidSubjectToken"],
    authentication: ["setUserById", "setUserByConnection", "setOrganization", "setActor"],
    ...METADATA, ...CACHE,
  },
};

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const hash = (text, secret) => createHmac("sha256", secret).update(text).digest("base64url");

/** A token, signed. */
export function token(claims, secret = SECRET) {
  const unsigned = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${unsigned}.${hash(unsigned, secret)}`;
}

export const claimsOf = (text) => JSON.parse(Buffer.from(text.split(".")[1], "base64url").toString());

/** Check a token as Auth0 does: signature, expiry, and the claims that must be those of the transaction. */
function validate({ secret, tokenParameterName }, { event, state }) {
  const given = event.request?.query?.[tokenParameterName] ?? event.request?.body?.[tokenParameterName];
  if (typeof given !== "string") throw new Error("no token");
  const [head, body, signature] = given.split(".");
  if (hash(`${head}.${body}`, secret) !== signature) throw new Error("invalid signature");
  const claims = claimsOf(given);
  if (!claims.iss || !claims.iat || !(claims.exp > Date.now() / 1000)) throw new Error("expired");
  if (claims.sub !== event.user.user_id || claims.state !== state) throw new Error("another transaction's");
  return claims;
}

/** Records what an Action asks Auth0 to do. `refusing` names calls that Auth0 refuses. */
export function recorder(trigger, event, { refusing = [], browser = true, state = STATE } = {}) {
  const calls = [];
  const api = { calls };
  for (const [group, names] of Object.entries(API[trigger])) {
    api[group] = {};
    for (const name of names) {
      api[group][name] = (...values) => {
        if (refusing.includes(`${group}.${name}`)) throw new Error("customer.1@example.com");
        calls.push([`${group}.${name}`, ...values]);
        return api;
      };
    }
  }
  const kept = (name, function_) => {
    const recorded = api.redirect[name];
    api.redirect[name] = (...values) => {
      recorded(...values); // which throws where Auth0 is to refuse it
      calls.pop();
      return function_(...values);
    };
  };
  if (api.redirect) {
    kept("canRedirect", () => browser);
    kept("encodeToken", ({ secret, expiresInSeconds = 900, payload }) => {
      const now = Math.floor(Date.now() / 1000);
      return token({ ...payload, iat: now, iss: "example.auth0.com", sub: event?.user?.user_id, exp: now + expiresInSeconds }, secret);
    });
    kept("validateToken", (options) => validate(options, { event, state }));
  }
  return api;
}
