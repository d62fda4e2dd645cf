// Shows how far a verification is, and loads the page again when it has ended.
"use strict";

(() => {
  const area = document.querySelector("[data-verification]");
  if (!area) return;
  const bar = area.querySelector("progress");
  const label = area.querySelector("label");

  const look = async () => {
    const answer = await fetch("/admin/audit/verification/state", { cache: "no-store" });
    if (!answer.ok) return;
    const { running, done, total } = await answer.json();
    if (!running) {
      location.reload();
      return;
    }
    bar.max = Math.max(total, 1);
    bar.value = done;
    label.textContent = `${done} of ${total} events`;
    setTimeout(look, 2000);
  };

  setTimeout(look, 1000);
})();
