// Solves a proof-of-work challenge (ALTCHA, version 1): finds the number whose SHA-256, after the
// salt, is the challenge. One file is the page's script and the worker that computes for it.
"use strict";

(() => {
  const BATCH = 400;

  const solve = async ({ challenge, salt, maxnumber }, tell) => {
    const encoder = new TextEncoder();
    const wanted = Uint8Array.from(challenge.match(/../g), (pair) => parseInt(pair, 16));
    const isWanted = (digest) => {
      const found = new Uint8Array(digest);
      return found.every((byte, index) => byte === wanted[index]);
    };
    for (let start = 0; start <= maxnumber; start += BATCH) {
      const count = Math.min(BATCH, maxnumber + 1 - start);
      const digests = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          crypto.subtle.digest("SHA-256", encoder.encode(salt + (start + index))),
        ),
      );
      const index = digests.findIndex(isWanted);
      if (index >= 0) return start + index;
      tell(start / maxnumber);
    }
    return null;
  };

  if (typeof document === "undefined") {
    self.onmessage = async ({ data }) => {
      const number = await solve(data, (part) => self.postMessage({ part }));
      self.postMessage({ number });
    };
    return;
  }

  const source = document.currentScript.src;

  const begin = (part) => {
    const form = part.closest("form");
    const field = part.querySelector("input[name=altcha]");
    const text = part.querySelector("[role=status]");
    const bar = part.querySelector("progress");
    const challenge = JSON.parse(part.dataset.challenge);
    let isWaiting = false;

    const show = (share) => {
      bar.value = share;
    };
    const finish = (number) => {
      bar.hidden = true;
      if (number === null) {
        text.textContent = part.dataset.failed;
        return;
      }
      const { algorithm, challenge: hash, salt, signature } = challenge;
      field.value = btoa(JSON.stringify({ algorithm, challenge: hash, number, salt, signature }));
      text.textContent = part.dataset.done;
      if (isWaiting) form.requestSubmit();
    };
    const here = async () => finish(await solve(challenge, show));
    const apart = () => {
      const worker = new Worker(source);
      worker.onerror = (event) => {
        event.preventDefault();
        worker.terminate();
        here();
      };
      worker.onmessage = ({ data }) => {
        if ("part" in data) {
          show(data.part);
        } else {
          worker.terminate();
          finish(data.number);
        }
      };
      worker.postMessage(challenge);
    };

    // Browsers keep WebCrypto from pages that came unencrypted: those people wait.
    if (!globalThis.crypto?.subtle) return;
    text.textContent = part.dataset.working;
    bar.hidden = false;
    form.addEventListener("submit", (event) => {
      if (field.value || bar.hidden) return;
      event.preventDefault();
      isWaiting = true;
      text.textContent = part.dataset.waiting;
    });
    try {
      apart();
    } catch {
      here();
    }
  };

  document.querySelectorAll("[data-challenge]").forEach(begin);
})();
