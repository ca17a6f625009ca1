// Lets the page open without a network. A page is always asked of the network first, so no release is pinned; files
// under /assets/ carry a hash of their content and never change; answers of the API and /env.json are never kept.
const pages = "tally-pages";
const assets = "tally-assets";
const assetsMax = 30;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && !pathname.startsWith("/api/")) event.respondWith(networkFirst(request));
  else if (pathname.startsWith("/assets/")) event.respondWith(keptFirst(request));
});

async function networkFirst(request) {
  const cache = await caches.open(pages);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put("/", answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match("/");
    if (kept) return kept;
    throw error;
  }
}

async function keptFirst(request) {
  const cache = await caches.open(assets);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const oldest = (await cache.keys()).slice(0, -assetsMax);
    await Promise.all(oldest.map((old) => cache.delete(old)));
  }
  return answer;
}
