// The visitor's photo: from a file, the camera, or the gallery. It never leaves the browser.

import { ask } from './ask.js';
import { show } from './draw.js';
import { lab } from './lab.js';

const place = document.getElementById('photo');
const canvas = place.querySelector('canvas');
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
  canvas.setAttribute('aria-label', `The photo: ${name}`);
  for (const listener of listeners) listener();
}

export async function showFirst() {
  const gallery = place.querySelector('.gallery');
  for (const { name, credit } of lab.about.photos) {
    const button = document.createElement('button');
    const image = new Image(56, 56);
    image.src = `photos/${name}.jpg`;
    image.alt = name;
    button.title = credit;
    button.append(image);
    button.addEventListener('click', () => fromGallery(name));
    gallery.append(button);
  }
  await fromGallery(lab.about.photos[0].name);
}

async function fromGallery(name) {
  await take(await (await fetch(`photos/${name}.jpg`)).blob(), name);
}

const file = place.querySelector('input[type=file]');
file.addEventListener('change', () => file.files[0] && take(file.files[0], file.files[0].name));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  const [dropped] = event.dataTransfer.files;
  if (dropped) take(dropped, dropped.name);
});
