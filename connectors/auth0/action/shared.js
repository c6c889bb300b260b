/**
 * What cicflow's Auth0 Actions have in common: they send an allow-listed part of the event, signed (Standard Webhooks),
 * and do what cicflow answers. They never throw and never log anything about a person. Node 18 or later, no packages.
 *
 * An Auth0 Action is one text: installing puts this part before the part of its trigger.
 *
 * Secrets of the Action:
 *   CICFLOW_URL         cicflow's address for this tenant, ending in /in/...
 *   CICFLOW_SECRET      "whsec_" and the shared secret in base64
 *   CICFLOW_ON_FAILURE  "open" (it goes on, default) or "closed" (it is denied) when cicflow cannot be told or obeyed
 *   CICFLOW_TIMEOUT_MS  how long to wait for cicflow, default 2500, at most 10000
 */

const crypto = require("node:crypto");

const LONGEST_MS = 10_000;
const USUAL_MS = 2500; // a flow answers within 2000 if it does not say otherwise
const DEEPEST = 12;
const SHORTEST_KEY = 24; // bytes
const LARGEST_ANSWER = 65536; // bytes
const NO_KEY = "CICFLOW_SECRET is not a signing secret";
const NONSENSE = "cicflow answered nonsense";
const NO_TOKEN = "there is no valid answer from cicflow";
const TRY_AGAIN = "We could not finish this. Please try again in a few minutes.";
const DENIED = "This was not allowed.";
const NOT_CONFIRMED = "This could not be confirmed. Please start again.";

// --- what is sent ----------------------------------------------------------------------------------------------------

// The names that may pass, in their order, each with the shape of its value.
const LEAF = Symbol("text, number or boolean");
const LEAVES = Symbol("list of texts, numbers or booleans");
const TREE = Symbol("object of any shape"); // only the metadata of the user
const EMPTY = Symbol("object whose content is never sent"); // but receivers of Auth0 events expect it

const leaves = (...names) => Object.fromEntries(names.map((name) => [name, LEAF]));

const TENANT = leaves("id");
const CLIENT = { ...leaves("client_id", "name"), metadata: EMPTY };
const CONNECTION = leaves("id", "name", "strategy");
const ORGANIZATION = { ...leaves("id", "name", "display_name"), metadata: EMPTY };
const RESOURCE_SERVER = leaves("identifier");
const METHODS = [leaves("name", "timestamp", "type")];
const REQUEST = {
  ...leaves("ip", "asn", "method", "hostname", "language", "user_agent"),
  geoip: leaves(
    "cityName", "continentCode", "countryCode", "countryCode3", "countryName",
    "latitude", "longitude", "subdivisionCode", "subdivisionName", "timeZone",
  ),
};
const PERSON = leaves(
  "user_id", "email", "email_verified", "name", "nickname", "given_name", "family_name", "username",
  "phone_number", "phone_verified", "picture", "created_at", "updated_at", "last_password_reset",
);
const METADATA = { app_metadata: TREE, user_metadata: TREE };
const FACTORS_OF = { multifactor: LEAVES, enrolledFactors: [leaves("type")] };
const IDENTITIES = [leaves("connection", "isSocial", "provider", "user_id")];

/** Read a property; a getter that throws counts as absent. */
function read(object, ...names) {
  try {
    return names.reduce((value, name) => value?.[name], object);
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

/** The secret that is shared with cicflow; throws where it is none, as anybody could sign with that. */
function sharedSecret(secrets) {
  const secret = String(secrets.CICFLOW_SECRET ?? "");
  if (keyOf(secret).length < SHORTEST_KEY) throw new Error(NO_KEY);
  return secret;
}

const keyOf = (secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64");

/** The headers that let cicflow check where the body comes from (Standard Webhooks). */
function sign(body, secret, { id, timestamp }) {
  const key = keyOf(secret);
  const signature = crypto.createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

/** How long to wait for cicflow. */
function patience(setting) {
  const milliseconds = Number(setting);
  return milliseconds > 0 ? Math.min(milliseconds, LONGEST_MS) : USUAL_MS;
}

/** Tell cicflow; gives its replies where they are wanted. Throws unless it accepts. */
async function tell(body, secrets, wanted) {
  const id = `evt_${crypto.randomUUID().replaceAll("-", "")}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const response = await fetch(String(secrets.CICFLOW_URL), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "cicflow-action/1",
      ...sign(body, sharedSecret(secrets), { id, timestamp }),
    },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(patience(secrets.CICFLOW_TIMEOUT_MS)),
  });
  if (response.ok && wanted) return replies(await content(response));
  response.body?.cancel().catch(() => {}); // what cicflow says is not needed, only that it accepts
  if (!response.ok) throw new Error(`cicflow answered ${response.status}`);
  return [];
}

// --- what is answered ------------------------------------------------------------------------------------------------

/** The text of an answer, if it is not too long. */
async function content(response) {
  const parts = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > LARGEST_ANSWER) throw new Error(NONSENSE);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8").trim();
}

/** The replies in an answer; none where it says nothing. */
function replies(text) {
  if (text === "") return [];
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(NONSENSE);
  }
  const given = isObject(answer) ? answer.answers ?? [] : undefined;
  if (!Array.isArray(given)) throw new Error(NONSENSE);
  return given;
}

const LONGEST_TEXT = 500;
const LONGEST_CLAIM = 200;
const LONGEST_NAME = 100;
const LARGEST_VALUE = 16_000; // characters
const LARGEST_NOTES = 32_000; // bytes; with more, Auth0 lets the whole of it fail
const LARGEST_TOKEN = 2000;
const LONGEST_ADDRESS = 2000;
const USUAL_HOLD = 900; // seconds
const LONGEST_HOLD = 86_400;
const FACTORS = [
  "otp", "push-notification", "phone", "email", "webauthn-roaming", "webauthn-platform", "recovery-code",
];
const NOT_ENROLLED = ["email"]; // Auth0 knows that address already: nobody enrols it in a login
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]+/g;
// Claims that a token has of its own, which Auth0 does not let an Action change, and Auth0's own namespaces.
const RESERVED = new Set((
  "acr act active amr at_hash aud auth_time authorization_details azp c_hash client_id cnf entitlements events exp "
  + "groups gty iat iss jti may_act nbf nonce org_id org_name permissions roles s_hash scope sid sub txn typ uuid"
).split(" "));
const AUTH0_OWN = /^https?:\/\/([^/]*\.)?(auth0\.com|webtask\.(io|run))(\/|$)/i;
const KNOWN = [
  "deny", "require mfa", "claims", "user metadata", "app metadata", "redirect", "revoke session", "hold",
];
const TOKENS = ["id token", "access token"];
const NOTES = ["user metadata", "app metadata"];

/** A text that may be shown and logged, or undefined. */
function words(value) {
  if (typeof value !== "string") return undefined;
  return value.replace(CONTROL, " ").trim().slice(0, LONGEST_TEXT) || undefined;
}

/** An address that a browser may be sent to, or undefined: https, or http on the same machine. */
function page(value) {
  if (typeof value !== "string" || value.length > LONGEST_ADDRESS) return undefined;
  try {
    const { protocol, hostname, username, password } = new URL(value);
    const local = protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
    return (protocol === "https:" || local) && !username && !password ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether this may be the name of a claim. */
function isClaim(name) {
  return name !== "" && name.length <= LONGEST_CLAIM && name.search(CONTROL) < 0
    && !RESERVED.has(name) && !AUTH0_OWN.test(name);
}

/** Whether this may be the name of a field of metadata: Auth0 takes dots and dollars for its own. */
function isField(name) {
  return name !== "" && name.length <= LONGEST_NAME && name.search(CONTROL) < 0
    && !name.includes(".") && !name.startsWith("$") && name !== "__proto__";
}

/** Where to hold, with what and for how long; undefined where that cannot be understood. */
function hold(value) {
  const address = page(read(value, "page"));
  const token = read(value, "token");
  const payload = isObject(token) ? tree(token) : undefined;
  if (!address || !payload || JSON.stringify(payload).length > LARGEST_TOKEN) return undefined;
  const within = Math.floor(Number(read(value, "within")));
  const seconds = within > 0 ? Math.min(within, LONGEST_HOLD) : USUAL_HOLD;
  return { page: address, payload, seconds };
}

const isSaid = (value) => value !== undefined && value !== null && value !== false;

/** One reply out of many: what is said of the same thing is put together, and what cannot be understood is named. */
function merge(given) {
  const whole = { sets: new Map([...TOKENS, ...NOTES].map((name) => [name, new Map()])), odd: new Set() };
  for (const reply of given) {
    if (!isObject(reply)) {
      whole.odd.add("a reply");
      continue;
    }
    if (Object.keys(reply).some((name) => !KNOWN.includes(name))) whole.odd.add("something unknown");
    mergeTexts(whole, reply);
    mergePlaces(whole, reply);
    mergeFactors(whole, reply["require mfa"]);
    const claims = reply.claims ?? {};
    if (!isObject(claims)) whole.odd.add("claims");
    for (const name of TOKENS) mergeSet(whole, name, read(claims, name), isClaim);
    for (const name of NOTES) mergeSet(whole, name, reply[name], isField);
  }
  for (const name of NOTES) {
    if (Buffer.byteLength(JSON.stringify([...whole.sets.get(name)])) <= LARGEST_NOTES) continue;
    whole.sets.get(name).clear();
    whole.odd.add(name);
  }
  return whole;
}

/** The first refusal is the one that is told. One whose text cannot be understood is a refusal all the same. */
function mergeTexts(whole, reply) {
  for (const name of ["deny", "revoke session"]) {
    if (!isSaid(reply[name])) continue;
    const text = words(reply[name]);
    if (text === undefined) whole.odd.add(name);
    whole[name] ??= text ?? DENIED;
  }
}

/** A browser can be sent to one place only: to the first. */
function mergePlaces(whole, reply) {
  for (const [name, checked] of [["hold", hold], ["redirect", page]]) {
    if (!isSaid(reply[name])) continue;
    const place = checked(reply[name]);
    if (place === undefined) whole.odd.add(name);
    whole[name] ??= place ?? null;
  }
}

/** Any factor of all that are named. A factor that nobody knows must not make the whole demand disappear. */
function mergeFactors(whole, value) {
  if (!isSaid(value) || (Array.isArray(value) && value.length === 0)) return;
  const named = Array.isArray(value) ? value.filter((factor) => FACTORS.includes(factor)) : [];
  if (value !== true && named.length !== value.length) whole.odd.add("require mfa");
  whole["require mfa"] = [...new Set([...(whole["require mfa"] ?? []), ...named])];
}

/** Names with values; of the same name, the later value. */
function mergeSet(whole, name, values, fits) {
  if (values === undefined || values === null) return;
  if (!isObject(values)) {
    whole.odd.add(name);
    return;
  }
  for (const [key, value] of Object.entries(values)) {
    const copy = tree(value);
    if (copy === undefined || !fits(key) || JSON.stringify(copy).length > LARGEST_VALUE) whole.odd.add(name);
    else whole.sets.get(name).set(key, copy);
  }
}

// --- what is known without asking ------------------------------------------------------------------------------------

const STRICTER = "cicflow_require_mfa"; // {until, factors?}: a second factor at every login
const NEW_PASSWORD = "cicflow_new_password"; // {since, until?}: no login with a password of before
const CHOOSE_PASSWORD = "Please choose a new password first: use the link for a forgotten password.";

const moment = (value) => (value instanceof Date ? value.getTime() : Date.parse(typeof value === "string" ? value : ""));

/** Whether what was left on a person has run out. What names no time stands until somebody removes it. */
const isOver = (order, now) => moment(read(order, "until")) <= now;

/** Whether the person has chosen a password since. Who comes in another way than by a password of ours has none. */
function hasNewPassword(event, order) {
  if (read(event, "connection", "strategy") !== "auth0") return undefined;
  return moment(read(event, "user", "last_password_reset")) >= moment(read(order, "since"));
}

/**
 * What a flow has left on the person for their next logins, as replies: it holds also when cicflow is slow or away. What
 * has run out, or is done, is removed.
 */
function standing(event, now = Date.now()) {
  const notes = read(event, "user", "app_metadata");
  const given = [];
  const stricter = read(notes, STRICTER);
  if (isObject(stricter)) {
    const factors = read(stricter, "factors");
    const wanted = Array.isArray(factors) && factors.length > 0 ? factors : true;
    given.push(isOver(stricter, now) ? { "app metadata": { [STRICTER]: null } } : { "require mfa": wanted });
  }
  const changed = read(notes, NEW_PASSWORD);
  if (isObject(changed)) {
    const done = hasNewPassword(event, changed);
    if (isOver(changed, now) || done === true) given.push({ "app metadata": { [NEW_PASSWORD]: null } });
    else if (done === false) given.push({ deny: CHOOSE_PASSWORD });
  }
  return given;
}

// --- what is done about it -------------------------------------------------------------------------------------------

/** The types of the factors that the person has. */
function enrolled(event) {
  const factors = read(event, "user", "enrolledFactors");
  const types = Array.isArray(factors) ? factors.map((factor) => read(factor, "type")) : [];
  return FACTORS.filter((type) => types.includes(type));
}

const asFactors = (types) => types.map((type) => ({ type }));

/** Ask for one of the factors; without any named, for whatever is there. Who has none of them enrols one. */
function challengeOrEnroll(api, factors, event) {
  if (factors.length === 0) {
    api.multifactor.enable("any", { allowRememberBrowser: false });
    return;
  }
  const present = enrolled(event);
  const fitting = factors.filter((type) => present.includes(type));
  const possible = factors.filter((type) => !NOT_ENROLLED.includes(type));
  if (fitting.length > 0 || possible.length === 0) {
    api.authentication.challengeWithAny(asFactors(fitting.length > 0 ? fitting : factors));
    return;
  }
  // Whoever has only the password must not be able to add a factor to an account that has one.
  if (present.length > 0) api.authentication.challengeWithAny(asFactors(present));
  api.authentication.enrollWithAny(asFactors(possible));
}

/** Ask for one of the factors that the person has; where nobody can enrol. */
function challenge(api, factors, event) {
  const present = enrolled(event);
  const fitting = factors.length === 0 ? present : factors.filter((type) => present.includes(type));
  if (fitting.length === 0 && factors.length === 0) throw new Error("no factor");
  api.authentication.challengeWithAny(asFactors(fitting.length > 0 ? fitting : factors));
}

const MARK = "cicflow_redirect";

/** Send the browser away, and note where in a place that it cannot reach, so that the way back is known. Throws. */
function send(api, where, address, options) {
  if (!address || !api.redirect.canRedirect()) throw new Error("no way");
  try {
    api.transaction.setMetadata(MARK, where);
  } catch {
    // Then it counts as held on its way back: the stricter of the two.
  }
  api.redirect.sendUserTo(address, options);
}

const PLACES = {
  hold: (api, wanted, secrets) => {
    const { page: address, payload, seconds } = wanted; // null where it was not understood: that fails
    const secret = sharedSecret(secrets);
    const token = api.redirect.encodeToken({ secret, expiresInSeconds: seconds, payload });
    send(api, "hold", address, { query: { session_token: token } });
  },
  redirect: (api, address) => send(api, "page", address),
};

/** A line of the tenant's log: Auth0 keeps 256 characters. */
function log(text) {
  try {
    console.log(text.slice(0, 250));
  } catch {
    // Nobody reads it then.
  }
}

/** Do what the replies say, as far as this trigger can; each thing by itself. Gives whether it must not go on. */
async function carryOut({ can, event, api, secrets }, given) {
  const whole = merge(given);
  const ignored = new Set();
  const refused = new Set();
  const attempt = async (name, ...values) => {
    if (!can[name]) {
      ignored.add(name);
      return undefined;
    }
    try {
      await can[name](api, ...values);
      return true;
    } catch {
      refused.add(name);
      return false;
    }
  };
  const set = async (names) => {
    for (const name of names) {
      for (const [key, value] of whole.sets.get(name)) await attempt(name, key, value);
    }
  };
  await set(NOTES); // Auth0 keeps them for somebody who is refused, too
  let failed = false;
  if (whole.deny !== undefined) failed = (await attempt("deny", whole.deny)) === false;
  else if (whole["revoke session"] !== undefined && can["revoke session"]) {
    // Who must lose the session must not get in either.
    const text = whole["revoke session"];
    failed = !(await attempt("revoke session", text)) && !(await attempt("deny", text));
  } else {
    if (whole["revoke session"] !== undefined) ignored.add("revoke session");
    await set(TOKENS);
    if (whole["require mfa"]) failed = (await attempt("require mfa", whole["require mfa"], event)) === false;
    const place = whole.hold !== undefined ? "hold" : "redirect";
    if (whole[place] !== undefined) failed = (await attempt(place, whole[place], secrets)) === false || failed;
  }
  for (const [what, names] of [["not understood", whole.odd], ["not possible here", ignored], ["refused", refused]]) {
    if (names.size > 0) log(`cicflow's answer, ${what}: ${[...names].join(", ")}`);
  }
  return failed;
}

/** A reason for the log: one of ours or the name of an error, never a text that could hold data. */
function reason(error) {
  const message = String(read(error, "message") ?? "");
  if (/^cicflow answered \d+$/.test(message) || [NO_KEY, NONSENSE, NO_TOKEN].includes(message)) return message;
  const name = String(read(error, "cause", "code") ?? read(error, "name") ?? "");
  return /^\w{1,40}$/.test(name) ? name : "error";
}

/** The replies that a person brings back, signed by cicflow for this person and this transaction; throws without. */
function broughtBack(event, api, secrets) {
  let token;
  try {
    token = api.redirect.validateToken({ secret: sharedSecret(secrets), tokenParameterName: "cicflow_token" });
  } catch {
    throw new Error(NO_TOKEN);
  }
  const person = read(event, "user", "user_id");
  // The token that the browser was sent away with has the same secret, but no answers.
  if ((person ?? token?.sub) !== token?.sub || !Array.isArray(token?.answers)) throw new Error(NO_TOKEN);
  return token.answers;
}

/** A browser is sent away once: what is held again and again never ends. */
function endlessly() {
  throw new Error("it is on its way back");
}

/**
 * The functions of an Auth0 Action.
 *
 * `trigger` is its id, `what` what it reports, in words, `shape` the part of the event that is sent, `skips` whether an
 * event is not worth a report, `can` what its `api` has for the answers; without that, no answer is read. `can.fail`
 * refuses where that is done in another way than by `can.deny`. `orders` gives what is done whatever cicflow answers.
 */
function action({ trigger, what, shape, skips = () => false, can, orders = () => [] }) {
  const refuse = async (api, text) => {
    try {
      await (can?.fail ?? can?.deny)?.(api, text);
    } catch {
      // Nothing is left to be done, and nothing must fail because of us.
    }
  };
  const isClosed = (secrets) => /^\s*closed\s*$/i.test(read(secrets, "CICFLOW_ON_FAILURE"));

  const execute = async (event, api) => {
    let closed = false;
    let ordered = [];
    try {
      if (skips(event)) return;
      ordered = orders(event);
      const secrets = read(event, "secrets") ?? {};
      closed = isClosed(secrets);
      const body = JSON.stringify({ trigger, event: project(event, shape) ?? {} });
      const given = [...ordered, ...(await tell(body, secrets, can !== undefined))];
      const failed = given.length > 0 && (await carryOut({ can, event, api, secrets }, given));
      if (failed && closed) await refuse(api, TRY_AGAIN);
    } catch (error) {
      log(`cicflow was not told of ${what}: ${reason(error)}`);
      if (ordered.length > 0) await carryOut({ can, event, api, secrets: {} }, ordered);
      if (closed) await refuse(api, TRY_AGAIN);
    }
  };

  const proceed = async (event, api) => {
    const held = read(event, "transaction", "metadata", MARK) !== "page";
    try {
      const secrets = read(event, "secrets") ?? {};
      const closed = isClosed(secrets);
      let given;
      try {
        given = broughtBack(event, api, secrets);
      } catch (error) {
        log(`cicflow's way back of ${what}: ${reason(error)}`);
        if (held) await refuse(api, NOT_CONFIRMED); // somebody tampered with it, or it took too long
        else if (closed) await refuse(api, TRY_AGAIN);
        return;
      }
      const rest = { ...can, hold: endlessly, redirect: endlessly };
      const failed = await carryOut({ can: rest, event, api, secrets }, given);
      if (failed && (held || closed)) await refuse(api, NOT_CONFIRMED);
    } catch (error) {
      log(`cicflow's way back of ${what}: ${reason(error)}`);
      if (held) await refuse(api, NOT_CONFIRMED);
    }
  };

  return { execute, proceed };
}

module.exports = {
  LEAVES, TREE, EMPTY, leaves,
  TENANT, CLIENT, CONNECTION, ORGANIZATION, RESOURCE_SERVER, METHODS, REQUEST, PERSON, METADATA, FACTORS_OF, IDENTITIES,
  read, challengeOrEnroll, challenge, standing, PLACES, action,
};
