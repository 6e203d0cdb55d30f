// A service worker that hands on what the server sends, with the two headers that let WebAssembly use threads, and with
// the policy of index.html: a worker does not have that of its page.

const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; " +
  "img-src 'self' blob: data:; media-src 'self' blob: mediastream:; form-action 'none'";

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => event.respondWith(withHeaders(event.request)));

async function withHeaders(request) {
  const answer = await fetch(request);
  if (answer.status === 0) return answer; // not ours to read
  const headers = new Headers(answer.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Content-Security-Policy', POLICY);
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}
