// Talks with the worker. `ask(task, given, onPart)` gives a promise of the result, which also has `stop()`.

const worker = new Worker(new URL('worker/worker.js', import.meta.url), { type: 'module' });
const waiting = new Map();
let count = 0;
let hear = () => {};

// What the worker says without being asked.
export function onNews(listener) {
  hear = listener;
}

worker.onmessage = ({ data: { id, part, result, problem, news } }) => {
  if (news !== undefined) return void hear(news);
  const one = waiting.get(id);
  if (part !== undefined) return void one.onPart?.(part);
  waiting.delete(id);
  if (problem !== undefined) one.reject(new Error(problem));
  else one.resolve(result);
};

worker.onerror = (event) => {
  event.preventDefault();
  for (const one of waiting.values()) one.reject(new Error(event.message || 'The worker did not start.'));
  waiting.clear();
};

export function ask(task, given, onPart) {
  const id = ++count;
  const promise = new Promise((resolve, reject) => waiting.set(id, { onPart, resolve, reject }));
  worker.postMessage({ id, task, given }, given?.bitmap ? [given.bitmap] : []);
  promise.stop = () => worker.postMessage({ stop: id });
  return promise;
}

// For what a hand moves: while one answer is under way, only the newest question waits.
export function latest(act) {
  let busy = false;
  let next = null;
  return async function again(question) {
    next = { question };
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const { question } = next;
        next = null;
        await act(question);
      }
    } finally {
      busy = false;
    }
  };
}
