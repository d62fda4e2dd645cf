// Lets the browser make a passkey or prove one, and sends its answer with the form. A form says
// what it wants: data-passkey="create" or "get", data-options (or data-from, an address that gives
// them), data-conditional where browsers may offer passkeys beside the e-mail field.
"use strict";

(() => {
  const fromText = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const withId = (each) => ({ ...each, id: fromText(each.id) });

  const decoded = (options) => {
    const publicKey = { ...options, challenge: fromText(options.challenge) };
    if (options.user) publicKey.user = withId(options.user);
    for (const name of ["allowCredentials", "excludeCredentials"]) {
      if (options[name]) publicKey[name] = options[name].map(withId);
    }
    return publicKey;
  };

  const encoded = (credential) => {
    const { response } = credential;
    const answer = { clientDataJSON: toText(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) answer[name] = toText(response[name]);
    }
    if (response.getTransports) answer.transports = response.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response: answer,
    });
  };

  let waiting = null;

  const begin = (form) => {
    const status = form.querySelector("[role=status]");
    const field = form.querySelector("input[data-credential]");

    const options = async () => {
      if (form.dataset.options) return JSON.parse(form.dataset.options);
      const token = form.querySelector("input[name=csrf_token]").value;
      const answer = await fetch(form.dataset.from, {
        method: "POST",
        headers: { "X-CSRF-Token": token, Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return (await answer.json()).options;
    };
    const ask = async (more) => {
      const request = { publicKey: decoded(await options()), ...more };
      const how = form.dataset.passkey === "create" ? "create" : "get";
      field.value = encoded(await navigator.credentials[how](request));
      form.submit();
    };
    const refused = (error) => {
      if (error.name !== "AbortError") status.textContent = form.dataset.failed;
    };

    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      status.textContent = "";
      if (waiting) waiting.abort();
      ask({}).catch(refused);
    });
    if (!("conditional" in form.dataset)) return;
    PublicKeyCredential.isConditionalMediationAvailable?.().then((isAvailable) => {
      if (!isAvailable) return;
      waiting = new AbortController();
      const quietly = { mediation: "conditional", signal: waiting.signal };
      ask(quietly).catch(() => {});
    });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (window.PublicKeyCredential) begin(form);
  }
})();
