// Shows what a new password is worth while it is typed. The password goes to this site alone, which
// judges it and keeps nothing; without this script the form's answer says the same.
"use strict";

(() => {
  const PAUSE = 300;

  const begin = (part) => {
    const form = part.closest("form");
    const field = form.querySelector("input[autocomplete=new-password]");
    const meter = part.querySelector("meter");
    const text = part.querySelector("[role=status]");
    let timer;
    let running;

    const ask = async () => {
      running?.abort();
      running = new AbortController();
      const about = [...form.querySelectorAll("#name, #email, [name=username]")]
        .map((input) => input.value)
        .filter((value) => value && value.length <= 254);
      const response = await fetch(part.dataset.strength, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "X-CSRF-Token": form.elements.csrf_token.value,
        },
        body: JSON.stringify({ password: field.value, about }),
        signal: running.signal,
      });
      if (!response.ok) throw new Error(response.statusText);
      return response.json();
    };

    const show = async () => {
      if (!field.value) {
        part.hidden = true;
        return;
      }
      try {
        const { score, word, advice } = await ask();
        meter.value = score + 1;
        meter.textContent = word;
        text.textContent = [`${word}.`, ...advice.map((sentence) => `${sentence}.`)].join(" ");
        part.hidden = false;
      } catch (error) {
        // Asked again since, or too often, or offline: no word is better than a stale one.
        if (error.name !== "AbortError") part.hidden = true;
      }
    };

    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, PAUSE);
    });
  };

  document.querySelectorAll("[data-strength]").forEach(begin);
})();
