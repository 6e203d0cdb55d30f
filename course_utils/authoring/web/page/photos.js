// The visitor's photo: from a file, the camera, or the gallery. It never leaves the browser. The newest one counts.

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
let unreadable = 0; // the newest one that could not be read
let networkIsHere;
const network = new Promise((resolve) => (networkIsHere = resolve));

// Be told of every new photo.
export const onPhoto = (listener) => listeners.push(listener);

// Take a photo: a Blob (a file), or the promise of one or of a camera's frame.
async function take(source, name) {
  const mine = ++newest;
  const began = performance.now();
  let bitmap;
  try {
    bitmap = await createImageBitmap(await source);
  } catch {
    if (mine !== newest) return;
    unreadable = mine;
    status.textContent =
      source instanceof Blob
        ? `${name} is empty or damaged, or of a kind that this browser cannot read. JPEG and PNG always work.`
        : `The photo ${name} did not come. Try it again.`;
    return;
  }
  if (!lab.about && mine === newest) status.textContent = 'It is looked at as soon as the network is here.';
  await network;
  if (mine !== newest) return bitmap.close(); // the worker must not have another photo than the page
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

// The network is here: the gallery, and its first photo, unless somebody has chosen one while the network came.
export async function showFirst() {
  place.querySelector('.gallery').replaceChildren(...lab.about.photos.map(thumbnail));
  networkIsHere();
  if (newest === unreadable) await fromGallery(lab.about.photos[0].name);
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

const fromGallery = (name) => take(fetched(name), name);

async function fetched(name) {
  if (!kept.has(name)) kept.set(name, await (await fetch(`photos/${name}.jpg`)).blob());
  return kept.get(name);
}

export async function keepGallery() {
  for (const { name } of lab.about.photos) await fetched(name);
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
const camera = document.getElementById('camera');
camera.addEventListener('click', async () => {
  try {
    await openCamera(video, camera);
    status.textContent = '';
    finder.hidden = false;
    finder.querySelector('.shoot').focus();
  } catch (error) {
    status.textContent = error.message;
  }
});
finder.querySelector('.shoot').addEventListener('click', async () => {
  const frame = createImageBitmap(video);
  take(frame, 'from the camera');
  await frame.catch(() => {}); // `take` says so
  closeFinder();
});
finder.querySelector('.close').addEventListener('click', closeFinder);

function closeFinder() {
  closeCamera(video);
  finder.hidden = true;
  camera.focus();
}
