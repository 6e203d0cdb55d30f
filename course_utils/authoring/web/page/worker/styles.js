// Eight styles in one network: `mix` holds the share of each. Weights are used as shares of their sum.

import { run } from './network.js';
import { photo } from './photo.js';
import { toNumbers, toPicture, whole } from './resize.js';

export async function paint({ mix, size, bitmap }) {
  const picture = whole(bitmap ? readFrame(bitmap) : photo.picture, size);
  const { width, height } = picture;
  const sum = mix.reduce((a, b) => a + b, 0);
  if (!(sum > 0)) return { picture, values: toNumbers(picture), mix }; // no style: the photo
  const shares = Float32Array.from(mix, (weight) => weight / sum);
  const inputs = { image: [toNumbers(picture), [1, 3, height, width]], mix: [shares, [1, mix.length]] };
  const { painted } = await run('paint', inputs, ['painted']);
  return { picture: toPicture(painted.values, width, height), values: painted.values, mix };
}

// A frame of the camera
function readFrame(bitmap) {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}
