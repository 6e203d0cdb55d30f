// Eight styles, mixed with sliders; live on the camera.

import { latest } from '../ask.js';
import { closeCamera, openCamera } from '../camera.js';
import { show } from '../draw.js';
import { lab } from '../lab.js';
import { panel } from '../panel.js';

const LIVE = 160; // pixels of the longer side of a live picture
const FIRST = 'waves';
const { find, say, run, outdated, whenSeen } = panel('styles');
const live = find('.live');
const sliders = [];

export function newPhoto() {
  if (sliders.length === 0) find('.mixer').replaceChildren(...lab.about.styles.map(makeSlider));
  if (running()) return; // what is painted now is no photo
  outdated();
  whenSeen(repaint);
}

function makeSlider(style) {
  const label = document.createElement('label');
  const image = new Image(48, 48);
  image.src = `photos/style_${style}.jpg`;
  image.alt = '';
  const slider = document.createElement('input');
  slider.type = 'range';
  slider.max = 100;
  slider.value = style === FIRST ? 100 : 0;
  slider.addEventListener('input', repaint);
  sliders.push(slider);
  label.append(image, style, slider);
  return label;
}

const mix = () => sliders.map((slider) => Number(slider.value));

const paint = latest(async () => {
  if (running()) return; // the next live picture has the new mixture
  const found = await run('paint', { mix: mix(), size: Number(find('select').value) });
  if (!found || running()) return;
  show(find('.painted'), found.picture);
  const { width, height } = found.picture;
  find('.legend').textContent = `Painted in one pass, ${width} × ${height} pixels, ${(lab.times.styles / 1000).toFixed(1)} s.`;
  say(`Repainted: ${recipe()}.`);
});

function repaint() {
  if (lab.photo) paint();
}

find('select').addEventListener('change', repaint);

function recipe() {
  const weights = mix();
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) return 'no style, so this is the photo';
  const parts = lab.about.styles.map((style, i) => [style, Math.round((100 * weights[i]) / sum)]);
  return parts.filter(([, share]) => share > 0).map(([style, share]) => `${style} ${share}%`).join(', ');
}

// the camera
const video = document.createElement('video');
video.muted = true;
video.playsInline = true;
const running = () => live.getAttribute('aria-pressed') === 'true';

live.addEventListener('click', async () => {
  if (running()) return stopLive();
  try {
    await openCamera(video, live);
    live.setAttribute('aria-pressed', true);
    say('The camera is on. Its pictures stay on this device.');
    while (running()) await paintFrame();
  } catch (error) {
    stopLive();
    say(error.message);
  }
});

function stopLive() {
  live.setAttribute('aria-pressed', false);
  closeCamera(video);
  repaint();
}

async function paintFrame() {
  const bitmap = await createImageBitmap(video);
  const found = await run('paint', { mix: mix(), size: LIVE, bitmap });
  if (!found || !running()) return;
  show(find('.painted'), found.picture);
  find('.legend').textContent = `Live, ${(1000 / lab.times.styles).toFixed(1)} pictures per second.`;
  lab.results.live = (lab.results.live ?? 0) + 1;
}
