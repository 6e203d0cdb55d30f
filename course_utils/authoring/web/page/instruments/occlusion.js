// Occlusion: a gray window that a hand moves, and the map of all windows.

import { ask, latest } from '../ask.js';
import { frame, heat, largest, show } from '../draw.js';
import { className, lab, percent } from '../lab.js';
import { panel } from '../panel.js';

const { find, say, run, outdated, classField } = panel('occlusion');
const canvas = find('.cover');
const slider = find('.size');
const target = classField(() => {
  outdated('there is another class');
  if (lab.photo) moved();
});
const place = { y: 112, x: 112 }; // the middle of the window

export function newPhoto() {
  outdated();
  const { side } = lab.about;
  if (!lab.results.occlusion) heat(find('.map'), lab.photo.seen, new Float32Array(side * side)); // nothing found yet
  moved();
}

const size = () => Number(slider.value);

function moved() {
  const { side } = lab.about;
  const half = size() / 2;
  place.y = Math.min(side - half, Math.max(half, place.y));
  place.x = Math.min(side - half, Math.max(half, place.x));
  const top = Math.round(place.y - half);
  const left = Math.round(place.x - half);
  show(canvas, lab.photo.seen);
  const context = canvas.getContext('2d');
  context.fillStyle = 'rgb(128, 128, 128)';
  context.fillRect(left, top, size(), size());
  frame(canvas, left, top, left + size(), top + size());
  const wanted = target();
  if (wanted !== null) cover({ target: wanted, top, left, size: size() });
}

const cover = latest(async (window) => {
  const { photo } = lab;
  const began = performance.now();
  const found = await ask('cover', window);
  if (photo !== lab.photo) return;
  lab.times.cover = performance.now() - began;
  lab.results.cover = { ...window, ...found };
  const drop = found.before - found.after;
  const how = drop >= 0 ? `falls by ${drop.toFixed(2)}` : `rises by ${(-drop).toFixed(2)}`;
  say(`${className(window.target)}: the score ${how}, from ${found.before.toFixed(2)}; the probability is now ${percent(found.probability)}.`);
});

// by hand
canvas.addEventListener('pointerdown', (event) => {
  canvas.setPointerCapture(event.pointerId);
  toPointer(event);
});
canvas.addEventListener('pointermove', (event) => canvas.hasPointerCapture(event.pointerId) && toPointer(event));

function toPointer(event) {
  if (!lab.photo) return;
  const box = canvas.getBoundingClientRect();
  place.y = ((event.clientY - box.top) / box.height) * lab.about.side;
  place.x = ((event.clientX - box.left) / box.width) * lab.about.side;
  moved();
}

// by keyboard
const KEYS = { ArrowLeft: [0, -8], ArrowRight: [0, 8], ArrowUp: [-8, 0], ArrowDown: [8, 0] };
canvas.addEventListener('keydown', (event) => {
  const step = KEYS[event.key];
  if (!step || !lab.photo) return;
  event.preventDefault();
  place.y += step[0];
  place.x += step[1];
  moved();
});

slider.addEventListener('input', () => {
  find('output').textContent = `${size()} pixels`;
  if (!lab.photo) return;
  outdated('the window has another size');
  moved();
});

// all windows
find('.run').addEventListener('click', async () => {
  if (!lab.photo) return;
  const wanted = target();
  if (wanted === null) return;
  const { seen } = lab.photo;
  const draw = ({ map }) => heat(find('.map'), seen, map, { signed: true });
  say('The windows are tried, every fourth of them first.');
  const found = await run('occlusion', { target: wanted, size: size() }, draw);
  if (!found) return;
  draw(found);
  const whole = found.done === found.of ? `All ${found.of} windows` : `Stopped after ${found.done} of ${found.of} windows`;
  const { row, column, value } = largest(found.map);
  say(`${whole}, for ${className(found.target)}. The largest mean drop is ${value.toFixed(2)}, around row ${row}, column ${column}.`);
});

