// A file of its own: the page allows no inline script.

// Whether the reader has signed in by cookie, on this page. The cookie itself is not for scripts to see.
let signedIn = false;

const pathOf = (url) => new URL(url, window.location.href).pathname;

// Sent with the browser's own credentials, a request that is answered `WWW-Authenticate: Basic` makes
// the browser ask for a password in a box of its own, and the answer is never shown. So they are left
// out but where the session cookie is got, given up, or wanted instead of what Authorize has set.
function beforeRequest(request) {
  const byCookie = signedIn && !Object.keys(request.headers ?? {}).some((name) => /^(authorization|x-api-key)$/i.test(name));
  request.credentials = byCookie || pathOf(request.url).startsWith("/auth/cookie/") ? "same-origin" : "omit";
  return request;
}

function afterResponse(response) {
  const path = pathOf(response.url);
  if (path === "/auth/cookie/login" && response.ok) signedIn = true;
  if (path === "/auth/cookie/logout" && response.ok) signedIn = false;
  return response;
}

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  requestInterceptor: beforeRequest,
  responseInterceptor: afterResponse,
  // Tokens and passwords are forgotten with the page.
  persistAuthorization: false,
  // No validator of another host.
  validatorUrl: null,
  oauth2RedirectUrl: window.location.origin + "/docs/oauth2-redirect.html",
});
