// The photo of the moment: what the network says of it, and its maps.

import { about, best, run } from './network.js';
import { resize, square, toNumbers } from './resize.js';

const LARGEST = 2048; // pixels of a side; the browser itself makes larger photos smaller first

export const photo = {
  picture: null, // the whole photo, RGBA
  pixels: null, // the square that the network sees, (3, 224, 224) in [0, 1]
  early: null, // the output of the first blocks
  scores: null,
  maps: null, // layer -> { values, shape }
};

// A new photo. `bitmap` is an ImageBitmap. Until all is there, the earlier photo stays.
export async function takePhoto({ bitmap }) {
  const picture = read(bitmap);
  const { side, layers } = about;
  const seen = square(picture, side);
  const pixels = toNumbers(seen);
  const names = (graph) => layers.filter((layer) => layer.graph === graph).map((layer) => layer.name);
  const first = await run('early', { images: [pixels, [1, 3, side, side]] }, ['early', ...names('early')]);
  const second = await run('late', { early: [first.early.values, first.early.shape] }, ['scores', ...names('late')]);
  const maps = { ...first, ...second };
  Object.assign(photo, { picture, pixels, early: first.early, scores: second.scores.values, maps });
  return { seen, top: best(photo.scores) };
}

function read(bitmap) {
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.fillStyle = 'white'; // what is transparent becomes white
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const picture = { data, width, height };
  // a very long one: enlarging all of it would fill the memory
  const ratio = Math.max(width, height) / Math.min(width, height);
  return ratio > 8 ? resize(picture, Math.min(width, 8 * height), Math.min(height, 8 * width)) : picture;
}

// The channels of a layer with the highest peaks in this photo.
export async function strongest({ layer, count }) {
  const { values, shape } = photo.maps[layer];
  const [, channels, height, width] = shape;
  const places = height * width;
  const found = [];
  for (let channel = 0; channel < channels; channel++) {
    const map = values.subarray(channel * places, (channel + 1) * places);
    found.push({ channel, map, peak: map.reduce((a, b) => Math.max(a, b)) });
  }
  found.sort((a, b) => b.peak - a.peak || a.channel - b.channel);
  const maps = found.slice(0, count).map(({ channel, map, peak }) => ({ channel, peak, map: map.slice() }));
  return { layer, channels, height, width, maps };
}
