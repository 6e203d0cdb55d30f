// Resizing as Pillow does it (bicubic, with antialiasing), since a browser's own resizing gives other pixels.

function cubic(x) {
  const a = -0.5;
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

const ONE = 2 ** 22; // Pillow counts shares in whole numbers, of which so many are 1; only so are all pixels the same

// For each new pixel: where its old pixels begin, and their shares. When a picture shrinks, the kernel grows with it.
function shares(from, to) {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  const reach = 2 * wide;
  const rows = [];
  for (let i = 0; i < to; i++) {
    const middle = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(middle - reach + 0.5));
    const end = Math.min(from, Math.trunc(middle + reach + 0.5));
    const values = [];
    for (let j = first; j < end; j++) values.push(cubic((j - middle + 0.5) / wide));
    const sum = values.reduce((a, b) => a + b, 0);
    rows.push({ first, values: values.map((value) => awayFromZero((value / sum) * ONE)) });
  }
  return rows;
}

const awayFromZero = (x) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

// One direction. `step` leads to the next pixel along it, `across` to the next line; each color by itself, rounded to 8 bits.
function along(source, from, to, lines, step, across, target, targetStep, targetAcross) {
  const rows = shares(from, to);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < to; i++) {
      const { first, values } = rows[i];
      let red = ONE / 2; // a half, for rounding
      let green = ONE / 2;
      let blue = ONE / 2;
      let at = line * across + first * step;
      for (let j = 0; j < values.length; j++, at += step) {
        red += values[j] * source[at];
        green += values[j] * source[at + 1];
        blue += values[j] * source[at + 2];
      }
      const there = line * targetAcross + i * targetStep;
      target[there] = Math.floor(red / ONE); // the array cuts off what is below 0 or above 255
      target[there + 1] = Math.floor(green / ONE);
      target[there + 2] = Math.floor(blue / ONE);
      target[there + 3] = 255;
    }
  }
}

// A picture is { data: RGBA in 8 bits, width, height }, like ImageData.
export function resize(picture, width, height) {
  const middle = new Uint8ClampedArray(4 * width * picture.height);
  along(picture.data, picture.width, width, picture.height, 4, 4 * picture.width, middle, 4, 4 * width);
  const data = new Uint8ClampedArray(4 * width * height);
  along(middle, picture.height, height, width, 4 * width, 4, data, 4 * width, 4);
  return { data, width, height };
}

// The square in the middle, as ImageNet networks are tested: the shorter side becomes 8/7 of `side` first.
export function square(picture, side) {
  const scale = (side / Math.min(picture.width, picture.height)) * (8 / 7);
  const small = resize(picture, Math.max(1, halfToEven(picture.width * scale)), Math.max(1, halfToEven(picture.height * scale)));
  const left = halfToEven((small.width - side) / 2);
  const top = halfToEven((small.height - side) / 2);
  const data = new Uint8ClampedArray(4 * side * side);
  for (let y = 0; y < side; y++) {
    const begin = 4 * ((top + y) * small.width + left);
    data.set(small.data.subarray(begin, begin + 4 * side), 4 * y * side);
  }
  return { data, width: side, height: side };
}

// Python's round: 2.5 becomes 2, 3.5 becomes 4.
function halfToEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

// The whole picture, with so many pixels along its longer side, and both sides multiples of 4.
export function whole(picture, longer) {
  const scale = longer / Math.max(picture.width, picture.height);
  const fit = (side) => Math.max(16, 4 * Math.round((side * scale) / 4));
  return resize(picture, fit(picture.width), fit(picture.height));
}

// RGBA in 8 bits -> red, green and blue one after the other, in [0, 1].
export function toNumbers({ data, width, height }) {
  const places = width * height;
  const values = new Float32Array(3 * places);
  for (let i = 0; i < places; i++) {
    for (let c = 0; c < 3; c++) values[c * places + i] = data[4 * i + c] / 255;
  }
  return values;
}

// And back.
export function toPicture(values, width, height) {
  const places = width * height;
  const data = new Uint8ClampedArray(4 * places);
  for (let i = 0; i < places; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = 255 * values[c * places + i];
    data[4 * i + 3] = 255;
  }
  return { data, width, height };
}
