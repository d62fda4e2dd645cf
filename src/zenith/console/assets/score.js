// Asks reCAPTCHA for a token when the form is sent: version 3 shows nothing and gives a score.
"use strict";

(() => {
  const begin = (field) => {
    const { form } = field;
    form.addEventListener("submit", (event) => {
      if (field.value || !globalThis.grecaptcha) return;
      event.preventDefault();
      grecaptcha.ready(async () => {
        field.value = await grecaptcha.execute(field.dataset.score, { action: field.dataset.action });
        form.requestSubmit();
      });
    });
  };

  document.querySelectorAll("[data-score]").forEach(begin);
})();
