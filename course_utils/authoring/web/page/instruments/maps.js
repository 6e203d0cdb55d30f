// Feature maps of five layers, and the receptive field of the place that was chosen.

import { ask } from '../ask.js';
import { CELL, cell, frame, show, strip } from '../draw.js';
import { lab } from '../lab.js';
import { panel } from '../panel.js';

const COUNT = 6; // maps of each layer: those with the highest peaks
const phone = matchMedia('(max-width: 36rem)'); // two rows of maps: in one, a finger could not point at a place
const columns = () => (phone.matches ? COUNT / 2 : COUNT);
const { find, say } = panel('maps');
const rows = new Map(); // layer -> { layer, canvas, result }
let chosen = null; // { layer, k, y, x }: the k-th map of the layer, and the place in it
phone.addEventListener('change', () => chosen && [...rows.values()].forEach(draw));

export async function newPhoto() {
  const { photo } = lab;
  if (rows.size === 0) find('.layers').replaceChildren(...lab.about.layers.map(makeRow));
  const results = {};
  for (const row of rows.values()) {
    const result = await ask('strongest', { layer: row.layer.name, count: COUNT });
    if (photo !== lab.photo) return;
    row.result = results[row.layer.name] = result;
    draw(row);
  }
  lab.results.maps = results;
  const layer = chosen?.layer ?? lab.about.layers[1].name;
  choose({ layer, k: 0, ...peak(rows.get(layer).result) });
}

function makeRow(layer, i) {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  const canvas = document.createElement('canvas');
  const side = layer.seen.length;
  const name = document.createElement('code'); // as the course's Python has it
  name.textContent = layer.name;
  caption.append(`Layer ${i + 1}, `, name, `: ${side} × ${side} places; each sees ${sees(layer)}`);
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', `Maps of layer ${i + 1}. The arrow keys move the place.`);
  canvas.setAttribute('aria-describedby', 'maps-keys');
  const row = { layer, canvas, number: i + 1, result: null };
  rows.set(layer.name, row);
  canvas.addEventListener('pointerdown', (event) => choose(placeAt(row, event)));
  canvas.addEventListener('keydown', (event) => move(row, event));
  figure.append(caption, canvas);
  return figure;
}

function sees({ size }) {
  const { side } = lab.about;
  return size >= 2 * side ? 'the whole photo' : `${size} × ${size} pixels${size > side ? ', more than the photo has' : ''}`;
}

// Where the first map of a layer is largest
function peak({ maps, width }) {
  const at = maps[0].map.indexOf(maps[0].peak);
  return { y: Math.floor(at / width), x: at % width };
}

function draw(row) {
  const { width, height, maps } = row.result;
  strip(row.canvas, maps, width, height, columns());
  if (chosen?.layer !== row.layer.name) return;
  const place = CELL.side / width; // one place of the map, in the strip
  const map = cell(chosen.k, columns());
  const left = map.left + chosen.x * place;
  const top = map.top + chosen.y * place;
  const more = Math.max(0, (6 - place) / 2); // a very small one gets a margin
  frame(row.canvas, left - more, top - more, left + place + more, top + place + more);
}

function placeAt(row, event) {
  const { width, height } = row.result;
  const box = row.canvas.getBoundingClientRect();
  const across = ((event.clientX - box.left) / box.width) * row.canvas.width;
  const down = ((event.clientY - box.top) / box.height) * row.canvas.height;
  const nth = (value, count) => Math.min(count - 1, Math.floor(value / (CELL.side + CELL.gap)));
  const k = nth(down, COUNT / columns()) * columns() + nth(across, columns());
  const { left, top } = cell(k, columns());
  const x = Math.min(width - 1, Math.floor(((across - left) / CELL.side) * width));
  const y = Math.min(height - 1, Math.floor(((down - top) / CELL.side) * height));
  return { layer: row.layer.name, k, y, x };
}

const KEYS = {
  ArrowLeft: { x: -1 },
  ArrowRight: { x: 1 },
  ArrowUp: { y: -1 },
  ArrowDown: { y: 1 },
  PageUp: { k: -1 },
  PageDown: { k: 1 },
};

function move(row, event) {
  const by = KEYS[event.key];
  if (!by || !row.result) return;
  event.preventDefault();
  const { width, height } = row.result;
  const here = chosen.layer === row.layer.name ? chosen : { layer: row.layer.name, k: 0, y: height >> 1, x: width >> 1 };
  const inside = (value, count) => Math.min(count - 1, Math.max(0, value));
  choose({
    layer: here.layer,
    k: inside(here.k + (by.k ?? 0), COUNT),
    y: inside(here.y + (by.y ?? 0), height),
    x: inside(here.x + (by.x ?? 0), width),
  });
}

function choose(place) {
  const before = rows.get(chosen?.layer);
  const row = rows.get(place.layer);
  chosen = place;
  if (before && before !== row) draw(before);
  draw(row);
  const { layer, number, result } = row;
  const { channel, map } = result.maps[place.k];
  const [top, bottom] = layer.seen[place.y];
  const [left, right] = layer.seen[place.x];
  const canvas = find('.field');
  show(canvas, lab.photo.seen);
  frame(canvas, left, top, right, bottom);
  lab.results.field = { layer: layer.name, ...place, channel, box: [top, left, bottom, right] };
  const value = map[place.y * result.width + place.x];
  say(
    `Layer ${number}, channel ${channel} of ${result.channels}, row ${place.y}, column ${place.x}: ${value.toFixed(2)}. ` +
      `It can see rows ${top} to ${bottom - 1} and columns ${left} to ${right - 1} of the photo.`,
  );
}
