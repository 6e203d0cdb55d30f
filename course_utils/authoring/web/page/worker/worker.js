// The worker: everything that computes is here, so that the page never stands still.
//
// It hears { id, task, given }, and says { id, part } on the way and { id, result } or { id, problem } at the end.
// { stop: id } ends a task early; it then gives what it has. { news }, of the graphics card, comes at any time.

import { fool } from './fooling.js';
import { gradientMap } from './gradients.js';
import { load, loadRest } from './network.js';
import { cover, occlusion } from './occlusion.js';
import { strongest, takePhoto } from './photo.js';
import { paint } from './styles.js';

const TASKS = {
  load: (given, { say }) => load(say),
  loadRest: ({ graphics }) => loadRest(graphics, (news) => self.postMessage({ news })),
  takePhoto,
  strongest,
  cover,
  occlusion,
  gradientMap,
  fool,
  paint,
};
const stops = new Set();

// Let messages in: what is running must hear that it should stop.
const breath = () => new Promise((resolve) => setTimeout(resolve, 0));

self.onmessage = async ({ data }) => {
  if ('stop' in data) return void stops.add(data.stop);
  const { id, task, given } = data;
  const say = (part) => {
    self.postMessage({ id, part });
    return breath();
  };
  try {
    const result = await TASKS[task](given, { say, stopped: () => stops.has(id) });
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, problem: String(error?.message ?? error) });
  }
  stops.delete(id);
};
