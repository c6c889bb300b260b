// The tenant's tab: what its customers do.

import { refresh } from "./changes.js";
import { all } from "./fields.js";
import { busyWhile, note, send, wordsOf } from "./server.js";

// What a login looks like: judged by the tenant, or strange and judged by nobody.
const LOGINS = {
  normal: { risk: "high", why: null },
  risky: { risk: "low", why: null },
  medium: { risk: "medium", why: null },
  device: { risk: null, why: null, strange: "device" },
  country: { risk: null, why: null, strange: "country" },
  refresh: { risk: null, why: null, strange: "refresh" },
  wrong: { risk: "high", why: null, mfa: "failed" },
};

async function logIn(button) {
  const reasons = all(".why input:checked", document).map((input) => input.value);
  const login = { ...LOGINS[button.dataset.login] };
  if (login.risk === "low" && reasons.length) login.why = reasons;
  await atTenant(button, "/logins", login);
}

async function atTenant(button, path, deed) {
  await busyWhile(button, async () => {
    const user_id = button.closest("[data-user-id]")?.dataset.userId;
    const outcome = await send(path, user_id ? { user_id, ...deed } : deed);
    if (!outcome.ok) note(wordsOf(outcome), "wrong");
    else if (outcome.told.message) note(outcome.told.message, "wrong");
    await refresh().catch(() => undefined);
  });
}

function deedOf({ times, what, days }) {
  return {
    ...(times && { times: Number(times) }),
    ...(what && { what }),
    ...(days && { days: Number(days) }),
  };
}

document.addEventListener("click", ({ target }) => {
  const login = target.closest?.("[data-login]");
  if (login) return void logIn(login);
  const deed = target.closest?.("[data-deed]");
  if (!deed) return;
  if (deed.dataset.sure && !window.confirm(deed.dataset.sure)) return;
  atTenant(deed, deed.dataset.deed, deedOf(deed.dataset));
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "sign-up") return;
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  atTenant(event.target.querySelector("[type=submit]"), "/signups", given).then(() => {
    event.target.elements.email.value = "";
  });
});
