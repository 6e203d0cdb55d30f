// The visitor's photo: from a file, the camera, or the gallery. It never leaves the browser.

import { ask } from './ask.js';
import { closeCamera, openCamera } from './camera.js';
import { show } from './draw.js';
import { lab } from './lab.js';

const place = document.getElementById('photo');
const canvas = place.querySelector('canvas');
const small = document.getElementById('small');
const status = place.querySelector('[role=status]');
const listeners = [];
let newest = 0;

// Be told of every new photo.
export const onPhoto = (listener) => listeners.push(listener);

// Take a photo: a Blob (a file), or something that can be drawn (a video).
export async function take(source, name) {
  const mine = ++newest;
  let bitmap;
  try {
    bitmap = await createImageBitmap(source);
  } catch {
    status.textContent = `${name} cannot be read as a picture. JPEG and PNG always work.`;
    return;
  }
  const began = performance.now();
  const { seen, top } = await ask('takePhoto', { bitmap });
  if (mine !== newest) return; // another one came in between
  lab.times.says = performance.now() - began;
  lab.photo = { name, seen, top };
  show(canvas, seen);
  show(small, seen);
  canvas.setAttribute('aria-label', `The photo: ${name}`);
  status.textContent = '';
  for (const listener of listeners) listener();
}

// The gallery, and its first photo.
export async function showFirst() {
  place.querySelector('.gallery').replaceChildren(...lab.about.photos.map(thumbnail));
  await fromGallery(lab.about.photos[0].name);
}

function thumbnail({ name, credit }) {
  const button = document.createElement('button');
  button.type = 'button';
  button.title = credit;
  button.style.backgroundImage = `url(photos/${name}.jpg)`;
  button.setAttribute('aria-label', `Photo: ${name}`);
  button.addEventListener('click', () => fromGallery(name));
  return button;
}

const kept = new Map(); // photos of the gallery, so that the page also works when the network is gone

async function fromGallery(name) {
  if (!kept.has(name)) kept.set(name, await (await fetch(`photos/${name}.jpg`)).blob());
  await take(kept.get(name), name);
}

export async function keepGallery() {
  for (const { name } of lab.about.photos) {
    if (!kept.has(name)) kept.set(name, await (await fetch(`photos/${name}.jpg`)).blob());
  }
}

// a file: chosen, or dropped on the page
const file = place.querySelector('input[type=file]');
file.addEventListener('change', () => {
  const [chosen] = file.files;
  if (chosen) take(chosen, chosen.name);
  file.value = ''; // so that the same file can be chosen again
});
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  const [dropped] = event.dataTransfer.files;
  if (dropped) take(dropped, dropped.name);
});

// the camera
const finder = document.getElementById('viewfinder');
const video = finder.querySelector('video');
document.getElementById('camera').addEventListener('click', async () => {
  try {
    await openCamera(video);
    status.textContent = '';
    finder.hidden = false;
    finder.querySelector('.shoot').focus();
  } catch (error) {
    status.textContent = error.message;
  }
});
finder.querySelector('.shoot').addEventListener('click', async () => {
  await take(video, 'from the camera');
  closeFinder();
});
finder.querySelector('.close').addEventListener('click', closeFinder);

function closeFinder() {
  closeCamera(video);
  finder.hidden = true;
  document.getElementById('camera').focus();
}
