// Swapping in what the server rendered anew, keeping what a person is at: focus, scroll position, typed text.

// Attributes that belong to the person or to the script, not to the server.
const OURS = new Set(["open", "aria-busy", "aria-expanded", "data-fresh"]);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id : "");

function swapAttributes(old, fresh) {
  for (const { name } of [...old.attributes])
    if (!OURS.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (!OURS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
}

export function swap(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-own")) return;
  swapAttributes(old, fresh);
  // What is in a field is the person's: with the same block_id and action_id it stays, as in Slack.
  if (!old.matches("textarea")) swapChildren(old, fresh);
}

function swapChildren(old, fresh) {
  const keyed = new Map();
  const loose = [];
  for (const child of old.childNodes) keyOf(child) ? keyed.set(keyOf(child), child) : loose.push(child);

  const kept = new Set();
  const wanted = [...fresh.childNodes].map((node) => {
    const alike = (child) => child.nodeName === node.nodeName;
    let match = keyed.get(keyOf(node));
    if (!keyOf(node)) {
      const at = loose.findIndex(alike);
      match = at < 0 ? undefined : loose.splice(0, at + 1).pop();
    }
    if (!match || !alike(match) || kept.has(match)) return document.importNode(node, true);
    kept.add(match);
    swap(match, node);
    return match;
  });

  for (const child of [...old.childNodes]) if (!kept.has(child)) child.remove();
  let here = old.firstChild;
  for (const node of wanted) {
    if (node === here) here = here.nextSibling;
    else old.insertBefore(node, here);
  }
}
