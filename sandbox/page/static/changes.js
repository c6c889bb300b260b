// What has changed: asked for as soon as it has, and swapped in.

import { all } from "./fields.js";
import { note } from "./server.js";
import { swap } from "./swap.js";

const body = document.body;
const SIDES = body.dataset.sides.split(" ");
const afterwards = [];

let showing = Promise.resolve();
let waiting = false;

// Have something done each time that something new is shown.
export const whenShown = (work) => afterwards.push(work);

export function refresh() {
  if (waiting) return showing;
  waiting = true;
  showing = showing.then(async () => {
    waiting = false;
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(`the page answered ${response.status}`);
    show(new DOMParser().parseFromString(await response.text(), "text/html"));
  });
  const outcome = showing;
  showing = showing.catch(() => undefined);
  return outcome;
}

function show(fresh) {
  const timeline = document.getElementById("timeline");
  const atEnd = timeline && timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 60;
  const focused = document.activeElement;
  for (const region of all("[data-region]", document)) {
    const other = fresh.getElementById(region.id);
    if (other) swap(region, other);
  }
  for (const side of SIDES) body.dataset[side] = fresh.body.dataset[side];
  for (const work of afterwards) work();
  if (atEnd) timeline.scrollTop = timeline.scrollHeight;
  if (focused && focused !== body && !focused.isConnected && !document.querySelector("dialog[open]"))
    (document.getElementById("say") ?? document.getElementById("home"))?.focus({ preventScroll: true });
}

export async function follow() {
  let pause = 500;
  for (;;) {
    try {
      const response = await fetch(`/changes?${SIDES.map((side) => `${side}=${body.dataset[side]}`).join("&")}`);
      if (!response.ok) throw new Error(`the page answered ${response.status}`);
      const numbers = await response.json();
      if (SIDES.some((side) => String(numbers[side]) !== body.dataset[side])) await refresh();
      if (body.hasAttribute("data-lost")) body.removeAttribute("data-lost"), note("The sandbox is back.");
      pause = 500;
    } catch {
      if (!body.hasAttribute("data-lost")) note("The sandbox does not answer. Trying again…", "wrong");
      body.setAttribute("data-lost", "");
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, 8000);
      // A sandbox that was started anew counts from zero.
      for (const side of SIDES) body.dataset[side] = "-1";
    }
  }
}
