// What is sent to the server, and how its answers are told to the person.

const TROUBLE = "We had some trouble connecting. Try again?";

export async function send(path, deed) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(deed),
    });
    const told = await response.json().catch(() => ({}));
    return { ok: response.ok, told };
  } catch {
    return { ok: false, told: { error: "The sandbox does not answer." } };
  }
}

// The app's own answer: the workspace says with which status the app took what it was sent.
export const answered = ({ ok, told }) => ok && told.status >= 200 && told.status < 300;

// Why something did not work: the workspace's own words, or else what Slack says when an app does not answer.
export const wordsOf = ({ ok, told }) => (ok ? told.shown?.[0] : (told.message ?? told.error)) ?? TROUBLE;

export function note(words, kind = "") {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = words;
  document.getElementById("notices").append(line);
  setTimeout(() => line.remove(), 6000);
}

export async function busyWhile(control, work) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    control.removeAttribute("aria-busy");
  }
}
