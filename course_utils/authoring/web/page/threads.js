// The first module of the page. WebAssembly may use several threads only in a page that is "cross-origin isolated".
// Two headers say so, and a plain file server does not send them: headers.js, a service worker, adds them. So a first
// visit loads the page twice, before anything large is fetched. Where that is not possible, one thread does the work.

const TRIED = 'lab-tried-headers';

async function needsReload() {
  if (crossOriginIsolated || !navigator.serviceWorker || sessionStorage.getItem(TRIED)) return false;
  sessionStorage.setItem(TRIED, 'yes'); // never a second time
  await navigator.serviceWorker.register('headers.js');
  await Promise.race([navigator.serviceWorker.ready, tooLate(3000)]);
  return true;
}

const tooLate = (wait) => new Promise((_, reject) => setTimeout(reject, wait));

const again = await needsReload().catch(() => false); // private windows refuse service workers or the storage
if (again) location.reload();
else await import('./main.js');
