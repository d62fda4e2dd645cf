// Lets people see a password while they type it (NIST SP 800-63B-4 section 3.1.1.2, ASVS 6.2.6). It is
// hidden again when the form leaves, so that no browser keeps it among the plain fields.
"use strict";

(() => {
  const begin = (part) => {
    if (part.dataset.ready) return;
    part.dataset.ready = "yes";
    const field = part.querySelector("input");
    const button = part.querySelector("button");
    const word = button.firstChild;

    const show = (shown) => {
      field.type = shown ? "text" : "password";
      word.data = shown ? "Hide" : "Show";
    };

    button.addEventListener("click", () => {
      show(field.type === "password");
      field.focus();
    });
    field.form.addEventListener("submit", () => show(false));
    button.hidden = false;
  };

  document.querySelectorAll(".reveal").forEach(begin);
})();
