// Menus that the app fills while somebody types: it is asked for what fits, and what was chosen stays among it.

import { all } from "./fields.js";

const PAUSE = 150;
const waiting = new WeakMap();

// Ask for what fits, a moment after the last letter; the answer to an older question is not shown.
export function ask(menu, send, you) {
  clearTimeout(waiting.get(menu));
  waiting.set(menu, setTimeout(() => void fill(menu, send, you), PAUSE));
}

async function fill(menu, send, you) {
  const field = menu.querySelector("input[type=search]");
  const list = menu.querySelector("[data-found]");
  const text = field.value;
  if (text.length < Number(menu.dataset.shortest)) return say(list, `Type at least ${menu.dataset.shortest} letters.`);
  const element = menu.closest("[data-action-id]");
  const { viewId } = menu.closest("[data-view-id]").dataset;
  const { actionId, blockId } = element.dataset;
  menu.setAttribute("aria-busy", "true");
  const { ok, told } = await send("/suggestions", { user: you, view_id: viewId, action_id: actionId, block_id: blockId, value: text });
  menu.removeAttribute("aria-busy");
  if (field.value !== text) return;
  if (!ok || told.shown?.length) return say(list, told.shown?.[0] ?? told.message ?? "The sandbox does not answer.");
  const kept = all("input:checked", list).map((input) => input.closest("label"));
  const others = told.options.filter((option) => !kept.some((line) => line.querySelector("input").value === option.value));
  list.replaceChildren(...kept, ...others.map((option) => line(menu, option)));
  if (!kept.length && !others.length) say(list, "No results");
}

function say(list, words) {
  const note = document.createElement("p");
  note.className = "group";
  note.textContent = words;
  list.replaceChildren(...all("label:has(input:checked)", list), note);
}

function line(menu, option) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = menu.dataset.kind;
  input.name = menu.dataset.name;
  input.value = option.value;
  const words = document.createElement("span");
  words.textContent = option.text.text;
  label.append(input, words);
  return label;
}
