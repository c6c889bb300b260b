"use strict";
// Runs one Auth0 Action in a process of its own. Reads {mark, code, trigger, entry, event, state} from standard input; tells what
// happens on standard output, one line each, begun by the mark: {"log": text}, {"command": [name, ...arguments]},
// {"error": text}, {"done": true}. `state` is that of the redirect that the person came back from, else null.

const { createHmac, timingSafeEqual } = require("node:crypto");
const { writeSync, readFileSync } = require("node:fs");
const Module = require("node:module");
const { format } = require("node:util");

const LONGEST_LOG = 256;
const TOKEN_SECONDS = 900;
const NOT_INTERACTIVE = [
  "oauth2-refresh-token", "oauth2-token-exchange", "oauth2-password", "oauth2-resource-owner", "oauth2-resource-owner-jwt-bearer",
  "oidc-ciba",
];
const METADATA = ["setAppMetadata", "setUserMetadata"];
const CHALLENGES = ["challengeWith", "challengeWithAny"];

// What an Action of each trigger may ask for, and nothing more. Everybody has a cache.
const SURFACES = {
  "post-login": {
    access: ["deny"],
    accessToken: ["setCustomClaim", "addScope", "removeScope"],
    authentication: [...CHALLENGES, "enrollWith", "enrollWithAny", "recordMethod", "setPrimaryUser"],
    idToken: ["setCustomClaim"],
    multifactor: ["enable"],
    prompt: ["render"],
    redirect: ["sendUserTo"],
    refreshToken: ["revoke", "setExpiresAt", "setIdleExpiresAt", "setMetadata", "deleteMetadata", "evictMetadata"],
    samlResponse: ["setAttribute", "setAudience", "setDestination", "setIssuer", "setLifetimeInSeconds", "setRecipient"],
    session: ["revoke", "setExpiresAt", "setIdleExpiresAt", "setCookieMode", "setMetadata", "deleteMetadata", "evictMetadata"],
    transaction: ["setMetadata"],
    user: METADATA,
    validation: ["error"],
  },
  "pre-user-registration": { access: ["deny"], user: METADATA, validation: ["error"] },
  "post-user-registration": {},
  "post-change-password": {},
  "credentials-exchange": {
    access: ["deny"],
    accessToken: ["setCustomClaim"],
    transaction: ["addTargetScope", "removeTargetScope", "setTargetScopes"],
  },
  "password-reset-post-challenge": {
    access: ["deny"],
    authentication: CHALLENGES,
    prompt: ["render"],
    redirect: ["sendUserTo"],
    transaction: ["setResultUrl"],
  },
  "send-phone-message": {},
  "custom-phone-provider": { notification: ["drop", "retry"] },
  "custom-email-provider": { notification: ["drop", "retry"] },
  "custom-token-exchange": {
    access: ["deny", "rejectInvalidSubjectToken"],
    authentication: ["setUserById", "setUserByConnection", "setOrganization", "setActor"],
    user: METADATA,
  },
};

const given = JSON.parse(readFileSync(0, "utf8"));

function tell(message) {
  const line = Buffer.from(`\n${given.mark}${JSON.stringify(message)}\n`);
  let sent = 0;
  while (sent < line.length) {
    try {
      sent += writeSync(1, line, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const signed = (text, secret) => createHmac("sha256", secret).update(text).digest("base64url");
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function seconds() {
  return Math.floor(Date.now() / 1000);
}

function encodeToken(event, { secret, payload, expiresInSeconds = TOKEN_SECONDS } = {}) {
  if (typeof secret !== "string" || !secret) throw new Error("encodeToken needs a secret");
  const now = seconds();
  const own = { iat: now, iss: event.request?.hostname, sub: event.user?.user_id, exp: now + expiresInSeconds, ip: event.request?.ip };
  const unsigned = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...payload, ...own })}`;
  return `${unsigned}.${signed(unsigned, secret)}`;
}

function validateToken(event, state, { secret, tokenParameterName = "session_token" } = {}) {
  if (state === null) throw new Error("there is no token to validate before the user has been redirected");
  const token = event.request?.query?.[tokenParameterName] ?? event.request?.body?.[tokenParameterName];
  if (typeof token !== "string" || !token) throw new Error(`the token ${tokenParameterName} is missing`);
  const [head, body, signature, ...rest] = token.split(".");
  if (!head || !body || signature === undefined || rest.length) throw new Error("the token is malformed");
  let header, claims;
  try {
    [header, claims] = [head, body].map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  } catch {
    throw new Error("the token is malformed");
  }
  if (!isObject(header) || !isObject(claims)) throw new Error("the token is malformed");
  if (header.alg !== "HS256") throw new Error("the token is not signed with HS256");
  const expected = Buffer.from(signed(`${head}.${body}`, secret));
  const found = Buffer.from(signature);
  if (expected.length !== found.length || !timingSafeEqual(expected, found)) throw new Error("the token's signature is invalid");
  if (typeof claims.exp !== "number") throw new Error("the token has no exp claim");
  if (claims.exp <= seconds()) throw new Error("the token has expired");
  if (typeof claims.iss !== "string" || !claims.iss) throw new Error("the token has no iss claim");
  if (claims.sub !== event.user?.user_id) throw new Error("the token's sub claim is not this user");
  if (claims.state !== state) throw new Error("the token's state claim is not the state of this transaction");
  return claims;
}

// Limits of the cache: entries, bytes of a key, of a value and of everything, and milliseconds that a record lives.
const CACHE = { entries: 20, key: 64, value: 4096, all: 8192, longest: 86_400_000, usual: 900_000 };

function cache() {
  const kept = new Map();
  const bytes = (text) => Buffer.byteLength(text);
  const size = () => [...kept].reduce((sum, [key, record]) => sum + bytes(key) + bytes(record.value), 0);
  return {
    get: (key) => {
      const record = kept.get(key);
      return record && record.expires_at > Date.now() ? record : undefined;
    },
    set: (key, value, { ttl = CACHE.usual, expires_at = Infinity } = {}) => {
      if (typeof key !== "string" || typeof value !== "string") throw new Error("a cache holds texts under texts");
      const now = Date.now();
      const before = kept.get(key);
      kept.delete(key);
      const full = kept.size >= CACHE.entries || size() + bytes(key) + bytes(value) > CACHE.all;
      if (full || bytes(key) > CACHE.key || bytes(value) > CACHE.value) {
        if (before) kept.set(key, before);
        return { type: "error", code: full ? "CacheSizeExceeded" : "ItemSizeExceeded" };
      }
      kept.set(key, { value, expires_at: Math.min(now + ttl, expires_at, now + CACHE.longest) });
      return { type: "success", record: kept.get(key) };
    },
    delete: (key) => {
      kept.delete(key);
      return { type: "success" };
    },
  };
}

function apiOf(trigger, event, state) {
  const api = { cache: cache() };
  for (const [group, names] of Object.entries(SURFACES[trigger] ?? {})) {
    api[group] = {};
    for (const name of names) {
      api[group][name] = (...values) => {
        tell({ command: [`${group}.${name}`, ...values] });
        return api;
      };
    }
  }
  if (api.redirect) {
    api.redirect.canRedirect = () => !NOT_INTERACTIVE.includes(event.transaction?.protocol);
    api.redirect.encodeToken = (wish) => encodeToken(event, wish);
    api.redirect.validateToken = (wish) => validateToken(event, state, wish);
  }
  if (trigger === "post-login") api.rules = { wasExecuted: () => false };
  return api;
}

for (const level of ["log", "info", "warn", "error", "debug"]) {
  console[level] = (...values) => tell({ log: format(...values).slice(0, LONGEST_LOG) });
}

function finish(error) {
  if (error !== undefined) tell({ error: String(error?.message ?? error) || "unknown error" });
  tell({ done: true });
  process.exit(0);
}

process.on("uncaughtException", finish);
process.on("unhandledRejection", finish);

async function main() {
  const action = new Module("/action/index.js", null);
  action.paths = [];
  action._compile(given.code, "/action/index.js");
  const entry = action.exports[given.entry];
  if (typeof entry === "function") await entry(given.event, apiOf(given.trigger, given.event, given.state));
}

main().then(() => finish(), finish);
