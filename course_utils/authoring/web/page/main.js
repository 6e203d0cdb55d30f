// Starts the page: the networks, then the first photo, then everything that a visitor may do.

import { ask } from './ask.js';
import { showAnswer } from './instruments/says.js';
import { className, lab } from './lab.js';
import { onPhoto, showFirst } from './photos.js';

const starting = document.getElementById('starting');

async function start() {
  if (typeof WebAssembly !== 'object' || typeof OffscreenCanvas !== 'function') {
    throw new Error('This browser has no WebAssembly, or cannot draw in the background. A newer Firefox, Chrome, Edge or Safari can.');
  }
  const began = performance.now();
  lab.about = await ask('load', {}, ({ bytes, of }) => {
    starting.textContent = `The network comes: ${(bytes / 1e6).toFixed(1)} of ${(of / 1e6).toFixed(1)} MB.`;
  });
  document.getElementById('classes').replaceChildren(...lab.about.classes.map((_, i) => new Option(className(i))));
  onPhoto(showAnswer);
  await showFirst();
  lab.times.start = performance.now() - began;
  starting.textContent = 'The first network is here.';
  await ask('loadRest');
  starting.textContent = 'Everything is here. You could cut the network now.';
  document.body.dataset.ready = 'all';
}

start().catch((error) => {
  starting.textContent = `The lab cannot start here. ${error.message}`;
  starting.classList.add('problem');
});
