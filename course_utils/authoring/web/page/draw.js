// From numbers to pictures on a canvas.

import { lab } from './lab.js';

export function show(canvas, { data, width, height }) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
}

// A map over the gray photo, as the course draws it: strong values cover it, weak ones let it through.
export function heat(canvas, photo, map, { signed = false } = {}) {
  const top = brightest(map);
  const data = new Uint8ClampedArray(4 * map.length);
  for (let i = 0; i < map.length; i++) {
    const gray = (photo.data[4 * i] + photo.data[4 * i + 1] + photo.data[4 * i + 2]) / 3;
    const paper = 0.35 * 255 + 0.65 * gray;
    const known = !Number.isNaN(map[i]);
    const strength = known ? Math.min(1, Math.abs(map[i]) / top) : 0;
    const cover = 0.9 * strength ** 0.7;
    const color = shade(known ? map[i] / top : 0, signed);
    for (let c = 0; c < 3; c++) data[4 * i + c] = cover * color[c] + (1 - cover) * paper;
    data[4 * i + 3] = 255;
  }
  show(canvas, { data, width: photo.width, height: photo.height });
}

// The value that is drawn as the strongest: a high percentile, so that one pixel does not darken all others.
export function brightest(map) {
  const sizes = Float32Array.from(map.filter((value) => !Number.isNaN(value)), Math.abs).sort();
  return sizes[Math.ceil(0.995 * (sizes.length - 1))] || sizes[sizes.length - 1] || 1;
}

// Where a map of the photo's square is largest: { row, column, value }. Places without a value are NaN.
export function largest(map) {
  let at = 0;
  map.forEach((value, i) => {
    if (value > map[at] || Number.isNaN(map[at])) at = i;
  });
  const { side } = lab.about;
  return { row: Math.floor(at / side), column: at % side, value: map[at] };
}

// The color of a value from 0 to 1, or from -1 to 1 if it has a sign.
export function shade(value, signed) {
  const colors = signed ? lab.about.colors.signed : lab.about.colors.heat;
  const share = Math.min(1, Math.max(0, signed ? (value + 1) / 2 : value));
  return colors[Math.round(share * (colors.length - 1))];
}

export const CELL = { side: 112, gap: 4 }; // pixels of a map in a strip, and between two

// Where the k-th map of a strip begins, so many in a row
export const cell = (k, columns) => ({
  left: (k % columns) * (CELL.side + CELL.gap),
  top: Math.floor(k / columns) * (CELL.side + CELL.gap),
});

// Feature maps side by side, each from black (its smallest value) to white (its largest).
export function strip(canvas, maps, width, height, columns) {
  const { side, gap } = CELL;
  canvas.width = columns * (side + gap) - gap;
  canvas.height = Math.ceil(maps.length / columns) * (side + gap) - gap;
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  const small = document.createElement('canvas');
  maps.forEach(({ map }, k) => {
    const low = map.reduce((a, b) => Math.min(a, b));
    const high = map.reduce((a, b) => Math.max(a, b));
    const data = new Uint8ClampedArray(4 * map.length).fill(255);
    map.forEach((value, i) => data.fill(high > low ? (255 * (value - low)) / (high - low) : 0, 4 * i, 4 * i + 3));
    show(small, { data, width, height });
    const { left, top } = cell(k, columns);
    context.drawImage(small, left, top, side, side);
  });
}

// A frame around pixels of the photo
export function frame(canvas, left, top, right, bottom, color = '#ffcf33') {
  const context = canvas.getContext('2d');
  context.lineWidth = 3; // dark around bright: it shows on every photo
  context.strokeStyle = '#12304f';
  context.strokeRect(left, top, right - left, bottom - top);
  context.lineWidth = 1;
  context.strokeStyle = color;
  context.strokeRect(left, top, right - left, bottom - top);
}
