// The page without a network: after a first visit everything it needs is here, one version at a time.
//
// `cargo xtask dist` writes three constants before this line: VERSION, NETWORK_FIRST, and FILES with the digest of each file.
// A version is fetched whole or not at all: a file whose digest differs fails the installation, and what was there before stays.
// So what is answered from here always fits together.

const CACHE = `mapscope-${VERSION}`;
const SCOPE = new URL("./", self.location);
const PAGE = new URL("./index.html", SCOPE).href;

async function install() {
  const cache = await caches.open(CACHE);
  const requests = Object.entries(FILES).map(([path, integrity]) => {
    // no-cache: ask the server whether the browser's own copy still holds, and take it if so.
    return new Request(new URL(path, SCOPE), { cache: "no-cache", integrity });
  });
  await cache.addAll(requests);
  if (NETWORK_FIRST) await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("mapscope-") && name !== CACHE).map((name) => caches.delete(name)));
  if (NETWORK_FIRST) await self.clients.claim();
}

// A new version waits until no page runs the old one. A reload of the only page is the moment between two pages: the old
// version steps aside, and the browser asks again at once.
async function stepAside() {
  const waiting = self.registration.waiting;
  if (!waiting || (await self.clients.matchAll()).length > 1) return null;
  waiting.postMessage("take over");
  const blank = '<!doctype html><link rel="icon" href="data:,">';
  return new Response(blank, { headers: { "Content-Type": "text/html", Refresh: "0" } });
}

async function cached(request) {
  const cache = await caches.open(CACHE);
  return cache.match(request.mode === "navigate" ? PAGE : request, { ignoreVary: true });
}

async function fromNetwork(request) {
  try {
    return await fetch(request);
  } catch (reason) {
    const kept = await cached(request);
    if (kept) return kept;
    throw reason;
  }
}

async function fromCache(request) {
  return (await cached(request)) ?? fetch(request);
}

async function answer(request) {
  if (NETWORK_FIRST) return fromNetwork(request);
  const aside = request.mode === "navigate" ? await stepAside() : null;
  return aside ?? fromCache(request);
}

// What is ours: the page itself and the files of the list. A navigation to anything else below our folder is not the page.
function ours(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== SCOPE.origin) return false;
  const path = url.pathname.startsWith(SCOPE.pathname) ? url.pathname.slice(SCOPE.pathname.length) : null;
  return path === "" || Object.hasOwn(FILES, path);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(self.skipWaiting());
});
self.addEventListener("fetch", (event) => {
  if (ours(event.request)) event.respondWith(answer(event.request));
});
