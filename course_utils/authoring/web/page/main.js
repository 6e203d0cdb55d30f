// Starts the page: the network, the first photo, then everything that a visitor may want next.

import { ask, onNews } from './ask.js';
import * as fooling from './instruments/fooling.js';
import * as maps from './instruments/maps.js';
import * as occlusion from './instruments/occlusion.js';
import * as saliency from './instruments/saliency.js';
import * as says from './instruments/says.js';
import * as styles from './instruments/styles.js';
import { className, lab } from './lab.js';
import { keepGallery, onPhoto, showFirst } from './photos.js';

const starting = document.getElementById('starting');

async function start() {
  if (typeof WebAssembly !== 'object') throw new Error('This browser has no WebAssembly, in which the networks run.');
  if (typeof DecompressionStream !== 'function') throw new Error('This browser cannot unpack a file; a newer one can.');
  if (typeof OffscreenCanvas !== 'function') throw new Error('This browser cannot draw in a worker; a newer one can.');
  starting.textContent = 'The network comes.';
  let there = 0; // when the last byte came
  lab.about = await ask('load', {}, ({ bytes, of }) => {
    there = performance.now();
    starting.textContent = `The network comes: ${(bytes / 1e6).toFixed(0)} of ${(of / 1e6).toFixed(0)} MB.`;
  });
  document.getElementById('classes').append(...lab.about.classes.map((_, i) => new Option(className(i))));
  for (const instrument of [says, maps, occlusion, saliency, fooling, styles]) onPhoto(instrument.newPhoto);
  await showFirst();
  lab.times.start = performance.now() - there;
  starting.textContent = 'You can begin. The other instruments come.';
  onNews(hearOfCard);
  const graphics = new URLSearchParams(location.search).get('graphics'); // 'no', 'always', or what is quicker
  await Promise.all([ask('loadRest', { graphics }), keepGallery()]);
  starting.textContent = 'Everything is here. From now on the page works without a connection.';
  document.body.dataset.ready = 'all';
}

const WORK = { early: 'the first layers', late: 'the last layers', gradient: 'gradients', paint: 'styles' };

// What the graphics card has taken over, each with the last measured share of the processor's time.
function hearOfCard(news) {
  lab.trials.push(news);
  const taken = new Map(lab.trials.filter((trial) => trial.takes).map((trial) => [trial.graph, trial]));
  if (!taken.size) return;
  const work = ([graph, trial]) => `${WORK[graph]} (${(trial.processor / trial.card).toFixed(1)} times as fast)`;
  document.getElementById('card').textContent = news.problem
    ? 'The graphics card failed. The processor computes everything again.'
    : `The graphics card gave the same answers as the processor, and computes now: ${[...taken].map(work).join(', ')}.`;
}

start().catch((error) => {
  starting.textContent = `The lab cannot run here. ${error.message}`;
  starting.classList.add('problem');
});
