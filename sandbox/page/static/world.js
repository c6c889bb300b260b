// The world around the workspace: its tabs, what is new in each, and trouble on demand.

import { refresh, whenShown } from "./changes.js";
import { all } from "./fields.js";
import { busyWhile, note, send, wordsOf } from "./server.js";

const kept = window.sessionStorage;
const USUAL = "auth0";
const tabs = () => all("#rail [role=tab]", document);
const shown = () => kept.getItem("tab") ?? USUAL;

function draw() {
  const now = tabs().some((tab) => tab.dataset.tab === shown()) ? shown() : USUAL;
  for (const tab of tabs()) {
    tab.setAttribute("aria-selected", String(tab.dataset.tab === now));
    tab.tabIndex = tab.dataset.tab === now ? 0 : -1;
  }
  for (const panel of all(".panel", document)) panel.hidden = panel.id !== `panel-${now}`;
  count();
}

// What has come since the person looked there last.
function count() {
  for (const badge of all("[data-counted]", document)) {
    const place = badge.closest("[data-arrived]");
    if (!place) continue;
    const arrived = Number(place.dataset.arrived);
    const name = `seen ${badge.dataset.counted}`;
    const looking = place.getAttribute("aria-selected") === "true" || place.hasAttribute("aria-current");
    if (looking || kept.getItem(name) === null) kept.setItem(name, String(arrived));
    const fresh = Math.max(0, arrived - Number(kept.getItem(name)));
    badge.textContent = fresh ? String(Math.min(fresh, 999)) : "";
    badge.setAttribute("aria-label", fresh ? `${fresh} new` : "");
  }
}

export function open(name) {
  kept.setItem("tab", name);
  document.body.dataset.pane = "world";
  markPane();
  draw();
}

function markPane() {
  for (const one of all("[data-show]", document)) one.toggleAttribute("aria-current", one.dataset.show === document.body.dataset.pane);
}

// A link to one of the simulated services leads to its tab, and to the record if it names one.
function follow(link) {
  const tab = tabs().find(({ dataset }) => dataset.address && link.href.startsWith(dataset.address));
  const panel = tab && document.getElementById(`panel-${tab.dataset.tab}`);
  const record = panel && all("[data-record]", panel).find(({ dataset }) => link.href.includes(dataset.record.replace(/^\w+-/, "")));
  if (!record) return false;
  open(tab.dataset.tab);
  record.scrollIntoView({ block: "start" });
  record.focus({ preventScroll: true });
  record.classList.add("found");
  setTimeout(() => record.classList.remove("found"), 2500);
  return true;
}

async function upset(button, kind) {
  const service = button.closest("[data-service]").dataset.service;
  await busyWhile(button, async () => {
    const outcome = await send("/troubles", { service, kind });
    if (!outcome.ok) note(wordsOf(outcome), "wrong");
    await refresh().catch(() => undefined);
  });
}

document.addEventListener("click", (event) => {
  const at = event.target;
  if (!(at instanceof Element)) return;
  const tab = at.closest("[data-tab]");
  if (tab) return open(tab.dataset.tab);
  const pane = at.closest("[data-show]");
  if (pane) {
    document.body.dataset.pane = pane.dataset.show;
    return markPane();
  }
  const wrong = at.closest("[data-upset]");
  if (wrong) return void upset(wrong, wrong.closest("[data-service]").querySelector("select").value);
  const right = at.closest("[data-right]");
  if (right) return void upset(right, null);
  const link = at.closest("a[href^=http]");
  if (link && follow(link)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("#rail [role=tab]");
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  event.preventDefault();
  const every = tabs();
  const next = every[(every.indexOf(tab) + step + every.length) % every.length];
  open(next.dataset.tab);
  next.focus();
});

// What is new is lit up for a moment, when it can be seen; what was there at the beginning is not.
const RECORDS = ".record, .note";
const known = new Set(all(RECORDS, document).map(({ dataset }) => dataset.key));

function light() {
  for (const one of all(RECORDS, document)) {
    if (known.has(one.dataset.key)) continue;
    known.add(one.dataset.key);
    if (one.parentElement.closest("[data-fresh]")) continue;
    one.setAttribute("data-fresh", "");
    one.addEventListener("animationend", () => one.removeAttribute("data-fresh"), { once: true });
  }
}

whenShown(draw);
whenShown(light);
draw();
