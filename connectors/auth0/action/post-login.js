/**
 * cicflow post-login: an Auth0 Action that tells cicflow about a login.
 *
 * It sends an allow-listed part of the event, signed (Standard Webhooks), and lets the login go on. It never throws
 * and never logs anything about a person. Node 18 or later, no packages.
 *
 * Secrets of the Action:
 *   CICFLOW_URL         cicflow's address for this tenant, ending in /in/...
 *   CICFLOW_SECRET      "whsec_" and the shared secret in base64
 *   CICFLOW_ON_FAILURE  "open" (the login goes on, default) or "closed" (it is denied) when cicflow cannot be told
 *   CICFLOW_TIMEOUT_MS  how long to wait for cicflow, default 2000, at most 5000
 */

const crypto = require("node:crypto");

const LONGEST_MS = 5000;
const USUAL_MS = 2000;
const DEEPEST = 12;
const SHORTEST_KEY = 24; // bytes
const NO_KEY = "CICFLOW_SECRET is not a signing secret";
const SILENT = "oauth2-refresh-token"; // fires at every refresh, without a person
const TRY_AGAIN = "We could not finish your login. Please try again in a few minutes.";

// What is sent: the names that may pass, in their order, each with the shape of its value.
const LEAF = Symbol("text, number or boolean");
const LEAVES = Symbol("list of texts, numbers or booleans");
const TREE = Symbol("object of any shape"); // only the metadata of the user
const EMPTY = Symbol("object whose content is never sent"); // but receivers of Auth0 events expect it

const leaves = (...names) => Object.fromEntries(names.map((name) => [name, LEAF]));

const ASSESSMENT = {
  ...leaves("confidence", "code"),
  details: leaves("device", "useragent", "ip", "matches", "source", "category"),
};

const EVENT = {
  tenant: leaves("id"),
  stats: leaves("logins_count"),
  client: { ...leaves("client_id", "name"), metadata: EMPTY },
  connection: leaves("id", "name", "strategy"),
  organization: { ...leaves("id", "name", "display_name"), metadata: EMPTY },
  authentication: {
    methods: [leaves("name", "timestamp", "type")],
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
  request: {
    ...leaves("ip", "asn", "method", "hostname", "language", "user_agent"),
    geoip: leaves(
      "cityName", "continentCode", "countryCode", "countryCode3", "countryName",
      "latitude", "longitude", "subdivisionCode", "subdivisionName", "timeZone",
    ),
    query: EMPTY,
    body: EMPTY,
  },
  resource_server: leaves("identifier"),
  user: {
    ...leaves(
      "user_id", "email", "email_verified", "name", "nickname", "given_name", "family_name", "username",
      "phone_number", "phone_verified", "picture", "created_at", "updated_at", "last_password_reset",
    ),
    app_metadata: TREE,
    user_metadata: TREE,
    multifactor: LEAVES,
    enrolledFactors: [leaves("type")],
    identities: [leaves("connection", "isSocial", "provider", "user_id")],
  },
};

/** Read a property; a getter that throws counts as absent. */
function read(object, name) {
  try {
    return object[name];
  } catch {
    return undefined;
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A text, boolean or finite number as it is, a date as its text; anything else is left out. */
function leaf(value) {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return typeof value === "string" || typeof value === "boolean" ? value : undefined;
}

/** A copy of any JSON-like value: no circles, no functions, no endless depth. */
function tree(value, above = []) {
  if (value === null) return null;
  if (typeof value !== "object" || value instanceof Date) return leaf(value);
  if (above.includes(value) || above.length >= DEEPEST) return undefined;
  const inside = [...above, value];
  if (Array.isArray(value)) return value.map((item) => tree(item, inside) ?? null);
  const pairs = Object.keys(value).map((name) => [name, tree(read(value, name), inside)]);
  return Object.fromEntries(pairs.filter(([, copy]) => copy !== undefined));
}

/** The part of `value` that `shape` lets pass; undefined where nothing of that shape is there. */
function project(value, shape) {
  if (shape === LEAF) return leaf(value);
  if (shape === LEAVES) return Array.isArray(value) ? value.map(leaf).filter((item) => item !== undefined) : undefined;
  if (shape === TREE) return isObject(value) ? tree(value) : undefined;
  if (shape === EMPTY) return {};
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return undefined;
    return value.map((item) => project(item, shape[0])).filter((item) => item !== undefined);
  }
  if (!isObject(value)) return undefined;
  const names = typeof shape === "function" ? shape(value) : shape;
  const pairs = Object.entries(names).map(([name, inner]) => [name, project(read(value, name), inner)]);
  return Object.fromEntries(pairs.filter(([, part]) => part !== undefined));
}

/** The body of the request. */
function compose(event) {
  return JSON.stringify({ trigger: "post-login", event: project(event, EVENT) ?? {} });
}

/** The headers that let cicflow check where the body comes from (Standard Webhooks). */
function sign(body, secret, { id, timestamp }) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  if (key.length < SHORTEST_KEY) throw new Error(NO_KEY);
  const signature = crypto.createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

/** How long to wait for cicflow. */
function patience(setting) {
  const milliseconds = Number(setting);
  return milliseconds > 0 ? Math.min(milliseconds, LONGEST_MS) : USUAL_MS;
}

/** Tell cicflow; throws unless it accepts. */
async function tell(event, secrets) {
  const body = compose(event);
  const id = `evt_${crypto.randomUUID().replaceAll("-", "")}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const response = await fetch(String(secrets.CICFLOW_URL), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "cicflow-action/1",
      ...sign(body, String(secrets.CICFLOW_SECRET ?? ""), { id, timestamp }),
    },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(patience(secrets.CICFLOW_TIMEOUT_MS)),
  });
  response.body?.cancel().catch(() => {}); // what cicflow says is not needed, only that it accepts
  if (!response.ok) throw new Error(`cicflow answered ${response.status}`);
}

/** A reason for the log: one of ours or the name of an error, never a text that could hold data. */
function reason(error) {
  const message = String(read(error, "message") ?? "");
  if (/^cicflow answered \d+$/.test(message) || message === NO_KEY) return message;
  const name = String(read(read(error, "cause") ?? {}, "code") ?? read(error, "name") ?? "");
  return /^\w{1,40}$/.test(name) ? name : "error";
}

/**
 * Called by Auth0 at every login.
 * @param {object} event what Auth0 knows about the login
 * @param {object} api what the Action may do about it
 */
exports.onExecutePostLogin = async (event, api) => {
  let closed = false;
  try {
    if (read(read(event, "transaction") ?? {}, "protocol") === SILENT) return;
    const secrets = read(event, "secrets") ?? {};
    closed = /^\s*closed\s*$/i.test(read(secrets, "CICFLOW_ON_FAILURE"));
    await tell(event, secrets);
  } catch (error) {
    try {
      console.log(`cicflow was not told of a login: ${reason(error)}`);
      if (closed) api.access.deny(TRY_AGAIN);
    } catch {
      // Nothing is left to be done, and a login must not fail because of us.
    }
  }
};
