// Maps made of the gradient of a class's score by the pixels: saliency, SmoothGrad, gradient x input.

import { about, gradient } from './network.js';
import { normal } from './noise.js';
import { photo } from './photo.js';

export async function gradientMap({ method, target, samples = 25, noise = 0.15, seed = 0 }, { say, stopped }) {
  const places = about.side ** 2;
  if (method === 'times') {
    const found = (await gradient(photo.pixels, target)).gradient;
    const products = found.map((slope, i) => slope * photo.pixels[i]);
    return { method, target, signed: true, map: sumOverColors(products, places) };
  }
  if (method === 'saliency') {
    const found = (await gradient(photo.pixels, target)).gradient;
    return { method, target, map: largestOverColors(found, places) };
  }
  const draw = normal(seed);
  const total = new Float32Array(3 * places);
  let done = 0;
  while (done < samples && !stopped()) {
    const noisy = photo.pixels.map((value) => value + noise * draw());
    const found = (await gradient(noisy, target)).gradient;
    for (let i = 0; i < total.length; i++) total[i] += found[i];
    done += 1;
    await say({ part: done / samples, map: largestOverColors(total.map((sum) => sum / done), places) });
  }
  return { method, target, done, of: samples, map: largestOverColors(total.map((sum) => sum / done), places) };
}

function largestOverColors(values, places) {
  const map = new Float32Array(places);
  for (let i = 0; i < places; i++) {
    for (let c = 0; c < 3; c++) map[i] = Math.max(map[i], Math.abs(values[c * places + i]));
  }
  return map;
}

function sumOverColors(values, places) {
  const map = new Float32Array(places);
  for (let i = 0; i < values.length; i++) map[i % places] += values[i];
  return map;
}
