// The input line: Enter sends, a slash opens the list of commands.

export function compose(form, send) {
  const say = form.querySelector("#say");
  const hints = form.querySelector("#hints");
  if (!say) return;
  const options = [...hints.children];
  const shown = () => options.filter((option) => !option.hidden);
  const active = () => options.find((option) => option.getAttribute("aria-selected") === "true");

  const choose = (option) => {
    for (const one of options) one.setAttribute("aria-selected", String(one === option));
    if (option) say.setAttribute("aria-activedescendant", option.id);
    else say.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    hints.hidden = true;
    say.setAttribute("aria-expanded", "false");
    choose(null);
  };
  const offer = () => {
    const typed = say.value.trimStart();
    for (const option of options) option.hidden = !option.dataset.line.startsWith(typed) || option.dataset.line === typed;
    if (!typed.startsWith("/") || !shown().length) return close();
    hints.hidden = false;
    say.setAttribute("aria-expanded", "true");
    choose(null);
  };
  const fill = (line) => {
    say.value = line;
    say.focus();
    close();
  };

  const submit = async () => {
    const text = say.value;
    if (!text.trim()) return;
    say.value = "";
    close();
    const sent = await send({ channel: form.dataset.channel, text });
    if (!sent && !say.value) say.value = text;
  };

  say.addEventListener("input", offer);
  say.addEventListener("blur", () => setTimeout(close, 150));
  say.addEventListener("keydown", (event) => {
    const list = hints.hidden ? [] : shown();
    const at = list.indexOf(active());
    if (event.isComposing) return;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list.length) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(list[(at + step + list.length + (at < 0 && step < 0 ? 1 : 0)) % list.length]);
    } else if ((event.key === "Tab" && list.length) || (event.key === "Enter" && at >= 0)) {
      event.preventDefault();
      fill(list[Math.max(at, 0)].dataset.line);
    } else if (event.key === "Escape" && list.length) {
      close();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  });
  hints.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[data-line]");
    if (option) fill(option.dataset.line);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  document.addEventListener("click", (event) => {
    const suggestion = event.target.closest("[data-try]");
    if (suggestion) fill(suggestion.dataset.try);
  });
}
