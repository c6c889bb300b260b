"use strict";
// Runs one Auth0 Action in a process of its own. Reads {mark, code, entry, event} from standard input; tells what happens on
// standard output, one line each, begun by the mark: {"log": text}, {"command": [name, ...arguments]}, {"error": text}, {"done": true}.

const { createHmac } = require("node:crypto");
const { writeSync, readFileSync } = require("node:fs");
const Module = require("node:module");
const { format } = require("node:util");

const LONGEST_LOG = 256;
const NOT_INTERACTIVE = ["oauth2-refresh-token", "oauth2-token-exchange", "oauth2-password", "oauth2-resource-owner"];
const COMMANDS = {
  access: ["deny"],
  accessToken: ["setCustomClaim", "addScope", "removeScope"],
  authentication: ["challengeWith", "challengeWithAny", "enrollWith", "enrollWithAny", "recordMethod", "setPrimaryUser"],
  idToken: ["setCustomClaim"],
  multifactor: ["enable"],
  prompt: ["render"],
  redirect: ["sendUserTo"],
  refreshToken: ["revoke", "setExpiresAt", "setIdleExpiresAt", "setMetadata", "deleteMetadata", "evictMetadata"],
  samlResponse: ["setAttribute", "setAudience", "setDestination", "setIssuer", "setLifetimeInSeconds", "setRecipient"],
  session: ["revoke", "setExpiresAt", "setIdleExpiresAt", "setCookieMode", "setMetadata", "deleteMetadata", "evictMetadata"],
  transaction: ["setMetadata"],
  user: ["setAppMetadata", "setUserMetadata"],
  validation: ["error"],
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

function recorder(event) {
  const api = {};
  for (const [group, names] of Object.entries(COMMANDS)) {
    api[group] = {};
    for (const name of names) {
      api[group][name] = (...values) => {
        tell({ command: [`${group}.${name}`, ...values] });
        return api;
      };
    }
  }
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  api.redirect.canRedirect = () => !NOT_INTERACTIVE.includes(event.transaction?.protocol);
  api.redirect.encodeToken = ({ secret, payload, expiresInSeconds = 900 }) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iat: now, iss: event.request?.hostname, sub: event.user?.user_id, exp: now + expiresInSeconds, ip: event.request?.ip, ...payload };
    const unsigned = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
    return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
  };
  api.redirect.validateToken = () => {
    throw new Error("there is no token to validate before the user has been redirected");
  };
  const kept = new Map();
  api.cache = {
    get: (key) => kept.get(key),
    set: (key, value, { ttl = 900_000 } = {}) => {
      const now = Date.now();
      kept.set(key, { value: String(value), expires_at: now + ttl });
      return { type: "success", record: kept.get(key) };
    },
    delete: (key) => {
      kept.delete(key);
      return { type: "success" };
    },
  };
  api.rules = { wasExecuted: () => false };
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
  if (typeof entry === "function") await entry(given.event, recorder(given.event));
}

main().then(() => finish(), finish);
