// Occlusion: cover a window with gray, and see how far the score falls.
//
// A covered window changes only a small part of what the first blocks put out. That part is computed from a crop of the
// covered photo and put into the output for the whole photo. The result is the same as with the whole covered photo.

import { about, run, softmax } from './network.js';
import { photo } from './photo.js';

const GRAY = 0.5;
const STARTS = 14; // windows along each side
const FIRST = 4; // few, so that a picture is there soon
const BATCH = 14;

// Cover one window, { top, left, size }. The new score and probability of the class `target`.
export async function cover({ target, top, left, size }) {
  const [scores] = await scoresOf([{ top, left, size }]);
  return { before: photo.scores[target], after: scores[target], probability: softmax(scores)[target] };
}

// The map of all windows: every pixel's mean drop over the windows that cover it.
export async function occlusion({ target, size }, { say, stopped }) {
  const { side } = about;
  const stride = Math.ceil((side - size) / (STARTS - 1));
  const windows = coarseFirst().map(([row, column]) => ({ top: row * stride, left: column * stride, size }));
  const drops = [];
  while (drops.length < windows.length && !stopped()) {
    const count = drops.length ? BATCH : FIRST;
    const scores = await scoresOf(windows.slice(drops.length, drops.length + count));
    for (const one of scores) drops.push(photo.scores[target] - one[target]);
    await say({ part: drops.length / windows.length, map: meanDrops(windows, drops, side) });
  }
  return { map: meanDrops(windows, drops, side), size, stride, target, done: drops.length, of: windows.length };
}

// All places of the grid, every fourth of them first, so that a rough picture is there soon.
function coarseFirst() {
  const places = [];
  for (let row = 0; row < STARTS; row++) for (let column = 0; column < STARTS; column++) places.push([row, column]);
  const level = ([row, column]) => (row % 4 || column % 4 ? (row % 2 || column % 2 ? 2 : 1) : 0);
  return places.sort((a, b) => level(a) - level(b));
}

function meanDrops(windows, drops, side) {
  const total = new Float32Array(side * side);
  const count = new Float32Array(side * side);
  drops.forEach((drop, i) => {
    const { top, left, size } = windows[i];
    for (let y = top; y < Math.min(side, top + size); y++) {
      for (let x = left; x < Math.min(side, left + size); x++) {
        total[y * side + x] += drop;
        count[y * side + x] += 1;
      }
    }
  });
  return total.map((sum, i) => (count[i] ? sum / count[i] : NaN));
}

// The scores of the photo with each of the windows covered.
async function scoresOf(windows) {
  const [, channels, height, width] = photo.early.shape;
  const all = new Float32Array(windows.length * channels * height * width);
  for (let i = 0; i < windows.length; i++) {
    all.set(await coveredEarly(windows[i]), i * channels * height * width);
  }
  const { scores } = await run('late', { early: [all, [windows.length, channels, height, width]] }, ['scores']);
  const classes = about.classes.length;
  return windows.map((_, i) => scores.values.subarray(i * classes, (i + 1) * classes));
}

// What the first blocks put out for the covered photo.
async function coveredEarly({ top, left, size }) {
  const rows = touched(top, size);
  const columns = touched(left, size);
  const crop = cropped(rows, columns, { top, left, size });
  const { early } = await run('early', { images: [crop, [1, 3, rows.pixels, columns.pixels]] }, ['early']);
  const [, channels, height, width] = photo.early.shape;
  const [, , cropHeight, cropWidth] = early.shape;
  const values = photo.early.values.slice();
  for (let c = 0; c < channels; c++) {
    for (let y = rows.first; y <= rows.last; y++) {
      const from = (c * cropHeight + y - rows.skip) * cropWidth + columns.first - columns.skip;
      const part = early.values.subarray(from, from + columns.last - columns.first + 1);
      values.set(part, (c * height + y) * width + columns.first);
    }
  }
  return values;
}

// Along one side: the places of `early` that see the window, and the pixels that these places see.
function touched(begin, length) {
  const { size, stride, start } = about.early;
  const places = about.side / stride;
  const first = Math.max(0, Math.ceil((begin - size - start + 1) / stride));
  const last = Math.min(places - 1, Math.floor((begin + length - 1 - start) / stride));
  const low = Math.max(0, stride * first + start);
  const high = Math.min(about.side, stride * last + start + size);
  const skip = Math.floor(low / stride); // a crop begins and ends where a place does
  const end = Math.ceil(high / stride);
  return { first, last, skip, pixels: stride * (end - skip), from: stride * skip };
}

function cropped(rows, columns, { top, left, size }) {
  const { side } = about;
  const crop = new Float32Array(3 * rows.pixels * columns.pixels);
  let at = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = rows.from; y < rows.from + rows.pixels; y++) {
      for (let x = columns.from; x < columns.from + columns.pixels; x++) {
        const covered = y >= top && y < top + size && x >= left && x < left + size;
        crop[at++] = covered ? GRAY : photo.pixels[(c * side + y) * side + x];
      }
    }
  }
  return crop;
}
