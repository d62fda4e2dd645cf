// Starts Swagger UI from the page's data attributes: the page's policy runs no inline script.
"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  follow();
  dark.addEventListener("change", follow);
  const place = document.getElementById("swagger-ui");
  const options = JSON.parse(place.dataset.options);
  if (place.dataset.redirect) {
    options.oauth2RedirectUrl = window.location.origin + place.dataset.redirect;
  }
  if (place.dataset.csrf) {
    // Whoever is signed in by cookie proves with each change that it was this page that sent it.
    const { header, token } = JSON.parse(place.dataset.csrf);
    options.requestInterceptor = (request) => {
      if (new URL(request.url, window.location.href).origin === window.location.origin) {
        request.headers[header] = token;
      }
      return request;
    };
  }
  const { apis } = SwaggerUIBundle.presets;
  const ui = SwaggerUIBundle({ ...options, domNode: place, presets: [apis] });
  if (place.dataset.oauth) {
    ui.initOAuth(JSON.parse(place.dataset.oauth));
  }
})();
