// The page's script: shows what has changed as soon as it has, and sends what the person does.

import { follow, refresh, whenShown } from "./changes.js";
import { compose } from "./composer.js";
import { all, choiceOf, contentOf, label, restore, valuesOf } from "./fields.js";
import { ask } from "./menus.js";
import { answered, busyWhile, note, send, wordsOf } from "./server.js";
import "./tenant.js";
import "./world.js";

const byId = (id) => document.getElementById(id);
const body = document.body;
const you = body.dataset.you;

function openViews() {
  for (const dialog of all("dialog.modal", byId("views"))) {
    if (dialog.open) continue;
    dialog.showModal();
    const first = dialog.querySelector("[autofocus], .body input, .body select, .body textarea, .body summary");
    (first ?? dialog.querySelector(".body")).focus();
  }
}

// ---- what the person does -----------------------------------------------------------------------------------------

function confirmed(element) {
  const asks = element?.querySelector(".asks");
  if (!asks) return Promise.resolve(true);
  const dialog = byId("confirm");
  const [deny, confirm] = all("footer button", dialog);
  byId("confirm-title").textContent = asks.dataset.title;
  byId("confirm-text").replaceChildren(...[...asks.cloneNode(true).childNodes]);
  deny.textContent = asks.dataset.deny || "Cancel";
  confirm.textContent = asks.dataset.confirm || "OK";
  confirm.className = `button ${asks.dataset.style === "danger" ? "danger" : "primary"}`;
  dialog.returnValue = "";
  dialog.showModal();
  confirm.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
  });
}

async function click(control, given) {
  const place = control.closest("[data-view-id], [data-ts]");
  const { viewId, ts, channel } = place.dataset;
  const { actionId, blockId } = control.dataset;
  await busyWhile(control, async () => {
    const where = viewId ? { view_id: viewId, values: valuesOf(place) } : { ts, channel };
    const outcome = await send("/clicks", { user: you, ...where, action_id: actionId, block_id: blockId, given });
    // In a channel Slack has already shown, as a message of its own, that the app did not answer.
    if (!answered(outcome) && !outcome.told.shown?.length) complain(place, wordsOf(outcome));
    await refresh().catch(() => undefined);
  });
}

function complain(place, words) {
  const line = place.querySelector(".trouble");
  if (line) line.textContent = words;
  else note(`⚠ ${words}`, "wrong");
}

// Content of an element before the person changed it, for a confirmation that is denied.
const settled = new WeakMap();

async function changed(element) {
  const inForm = element.closest("[data-field]");
  label(element);
  if (inForm) clearError(inForm);
  if (inForm && !inForm.hasAttribute("data-dispatch")) return;
  if (await confirmed(element)) {
    settled.set(element, contentOf(element));
    await click(element, choiceOf(element));
  } else restore(element, settled.get(element) ?? null);
}

function clearError(field) {
  field.removeAttribute("data-wrong");
  field.querySelector("[data-error]").textContent = "";
  for (const input of all("[aria-invalid]", field)) input.removeAttribute("aria-invalid");
}

async function submit(dialog) {
  const place = { user: you, view_id: dialog.dataset.viewId };
  for (const field of all("[data-field]", dialog)) clearError(field);
  dialog.querySelector(".trouble").textContent = "";
  await busyWhile(dialog, async () => {
    const outcome = await send("/submissions", { ...place, values: valuesOf(dialog) });
    const errors = outcome.told.errors ?? {};
    const fields = all("[data-field]", dialog).filter((field) => field.dataset.blockId in errors);
    for (const field of fields) {
      field.setAttribute("data-wrong", "");
      field.querySelector("[data-error]").textContent = errors[field.dataset.blockId];
      field.querySelector("input, select, textarea, summary")?.setAttribute("aria-invalid", "true");
    }
    fields[0]?.querySelector("input, select, textarea, summary")?.focus();
    if (!fields.length && (!answered(outcome) || outcome.told.shown?.length)) complain(dialog, wordsOf(outcome));
    await refresh().catch(() => undefined);
  });
}

const close = async (dialog) => {
  await send("/closes", { user: you, view_id: dialog.dataset.viewId });
  await refresh().catch(() => undefined);
};

// ---- listening ----------------------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const at = event.target;
  if (!(at instanceof Element)) return;
  for (const menu of all("details.menu[open], details.picker[open]", document)) if (!menu.contains(at)) menu.open = false;

  const closer = at.closest("[data-close]");
  if (closer) return void close(closer.closest("dialog"));
  const answer = at.closest("#confirm footer button");
  if (answer) return void byId("confirm").close(answer.value);
  const option = at.closest("[data-option]");
  if (option) {
    const menu = option.closest("details.menu");
    menu.open = false;
    if (option.dataset.url) window.open(option.dataset.url, "_blank", "noopener");
    if (await confirmed(menu.closest(".element"))) await click(menu, { selected_option: option.dataset.option });
    return;
  }
  const button = at.closest("button[data-action-id], a[data-action-id]");
  if (button && (await confirmed(button.closest(".element")))) await click(button, {});
});

document.addEventListener("focusin", ({ target }) => {
  const element = target.closest("[data-action-id]:not(button, a)");
  if (element && !settled.has(element)) settled.set(element, contentOf(element));
});

document.addEventListener("change", ({ target }) => {
  if (target.id === "you") return void target.form.submit();
  const element = target.closest("[data-action-id]");
  if (!element) return;
  const picker = target.closest("details.picker");
  if (picker?.dataset.most && all("input:checked", picker).length > Number(picker.dataset.most)) target.checked = false;
  // A list of many tells the app when it is closed, a text when Enter is pressed.
  if (picker?.dataset.kind === "radio" && target.type === "radio") picker.open = false;
  if (picker) return void label(element), clearErrorAround(element);
  if (target.matches("textarea, input[type=text], input[type=email], input[type=url], input[type=number]")) return;
  changed(element);
});

const clearErrorAround = (element) => element.closest("[data-field]") && clearError(element.closest("[data-field]"));

document.addEventListener("input", ({ target }) => {
  const element = target.closest("[data-action-id]");
  if (!element) return;
  if (target.matches("[data-asks] input[type=search]")) return void ask(target.closest("[data-asks]"), send, you);
  clearErrorAround(element);
  const dispatches = element.closest("[data-dispatch]") && element.dataset.fires?.includes("on_character_entered");
  if (dispatches) click(element, choiceOf(element));
});

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.matches?.("details.picker")) return;
    const element = target.closest("[data-action-id]");
    if (target.open && target.matches("[data-asks]")) {
      ask(target, send, you);
      target.querySelector("input[type=search]").focus();
    }
    if (target.open) settled.set(element, contentOf(element));
    else if (String(settled.get(element)) !== String(contentOf(element))) changed(element);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open], details.picker[open]");
  if (event.key === "Escape" && menu) {
    event.preventDefault();
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  // A search in a menu is not the form.
  if (event.key === "Enter" && event.target.matches?.("input[type=search]")) return void event.preventDefault();
  const element = event.target.closest?.("[data-dispatch] [data-action-id]");
  if (event.key === "Enter" && element && event.target.matches("input") && element.dataset.fires?.includes("on_enter_pressed")) {
    event.preventDefault();
    click(element, choiceOf(element));
  }
});

document.addEventListener("submit", (event) => {
  const dialog = event.target.closest("dialog");
  if (!dialog) return;
  event.preventDefault();
  if (dialog.matches(".modal")) submit(dialog);
});

document.addEventListener(
  "cancel",
  (event) => {
    if (!event.target.matches("dialog.modal")) return;
    event.preventDefault();
    if (!event.target.querySelector("details[open].menu, details[open].picker")) close(event.target);
  },
  true,
);

// ---- beginning ----------------------------------------------------------------------------------------------------

function rememberZone() {
  const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
  if (document.cookie.includes(`zone=${zone}`)) return false;
  document.cookie = `zone=${zone}; path=/; SameSite=Strict; max-age=31536000`;
  return zone !== "UTC";
}

if (byId("composer")) compose(byId("composer"), async (deed) => {
  const outcome = await send("/wordings", { user: you, ...deed });
  if (!outcome.ok) note(wordsOf(outcome), "wrong");
  await refresh().catch(() => undefined);
  const timeline = byId("timeline");
  timeline.scrollTop = timeline.scrollHeight;
  return outcome.ok;
});
if (byId("timeline")) byId("timeline").scrollTop = byId("timeline").scrollHeight;
if (byId("home")) send("/home", { user: you });
whenShown(openViews);
openViews();
if (rememberZone()) refresh().catch(() => undefined);
follow();
