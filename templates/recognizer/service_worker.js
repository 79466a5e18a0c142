/**
 * Starts the page without a network. Installs all files of one release at once. Pages of an older
 * release keep its worker and files until they are closed, so no page mixes files of two releases.
 */

const RELEASE = "{{ release }}";
const FILES = [{% for file in files %}
  "{{ file }}",{% endfor %}
];
const PAGE = "/";
const MODEL = "/api/v1/model.onnx";
// Milliseconds to wait for the server before the stored page opens.
const TIMEOUT = 4000;

addEventListener("install", (event) => {
  const store = async () => {
    const cache = await caches.open(RELEASE);
    // The browser's own cache might hold the page of an older release.
    await cache.addAll([...FILES, ...[PAGE, MODEL].map((url) => new Request(url, { cache: "reload" }))]);
  };
  event.waitUntil(store());
});

addEventListener("activate", (event) => {
  const removeOthers = async () => {
    const others = (await caches.keys()).filter((name) => name !== RELEASE);
    await Promise.all(others.map((name) => caches.delete(name)));
  };
  event.waitUntil(removeOthers());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && pathname === PAGE) event.respondWith(openPage());
  else if (pathname === MODEL) event.respondWith(fetchModel(request));
  else if (FILES.includes(pathname)) event.respondWith(stored(pathname).then((file) => file ?? fetch(request)));
});

/** Open the server's page, or the stored one if the server is slow, failing or out of reach. */
async function openPage() {
  const response = await fetch(PAGE, { signal: AbortSignal.timeout(TIMEOUT) }).catch(() => null);
  return response?.ok ? response : stored(PAGE);
}

/** Fetch the serving model, or the last one without a network. */
async function fetchModel(request) {
  const response = await fetch(request).catch(() => null);
  if (!response?.ok) return (await stored(MODEL)) ?? response ?? Response.error();
  const cache = await caches.open(RELEASE);
  await cache.put(MODEL, response.clone());
  return response;
}

async function stored(url) {
  const cache = await caches.open(RELEASE);
  return cache.match(url);
}
