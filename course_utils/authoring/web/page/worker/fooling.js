// Fooling: climb the score of another class, step by step, until the network says it.

import { about, best, gradient, softmax } from './network.js';
import { photo } from './photo.js';
import { toPicture } from './resize.js';

export async function fool({ target, length = 0.5, steps = 100, factor = 20 }, { say, stopped }) {
  const { side } = about;
  const pixels = photo.pixels.slice();
  let step = 0;
  while (true) {
    const found = await gradient(pixels, target); // its scores are those before the step
    const top = best(found.scores);
    const fooled = top[0].target === target;
    const report = { step, steps, target, top, fooled, confidence: softmax(found.scores)[target] };
    const enough = fooled || step === steps || stopped();
    if (enough) return { ...report, ...pictures(pixels, side, factor) };
    await say({ ...report, part: step / steps, ...pictures(pixels, side, factor) });
    const norm = Math.sqrt(found.gradient.reduce((sum, slope) => sum + slope * slope, 0)) || 1;
    for (let i = 0; i < pixels.length; i++) {
      pixels[i] = Math.min(1, Math.max(0, pixels[i] + (length * found.gradient[i]) / norm));
    }
    step += 1;
  }
}

// The changed photo, and the change: gray where nothing changed.
function pictures(pixels, side, factor) {
  const change = pixels.map((value, i) => value - photo.pixels[i]);
  const largest = change.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return {
    picture: toPicture(pixels, side, side),
    difference: toPicture(change.map((value) => 0.5 + factor * value), side, side),
    pixels: pixels.slice(),
    largest,
    factor,
  };
}
