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

// The graphics card, and what it has taken over; of one graph perhaps only with inputs of some shapes.
function hearOfCard(news) {
  if (news.open) lab.card.open = true;
  else if (news.answered) lab.card.answers += 1;
  else lab.card.news.push(news);
  const taken = {}; // graph -> how many times as fast, at least
  for (const { graph, takes, processor, card } of lab.card.news) {
    if (takes) taken[graph] = Math.min(taken[graph] ?? Infinity, processor / card);
  }
  const work = Object.entries(taken).map(([graph, times]) => `${WORK[graph]} (${times.toFixed(1)} times as fast)`);
  if (!work.length) return;
  const failed = lab.card.news.some(({ problem }) => problem);
  const text = failed
    ? 'The graphics card failed. The processor computes everything again.'
    : `The graphics card gave the same answers as the processor, and does a part of the work now: ${work.join(', ')}.`;
  const line = document.getElementById('card');
  if (line.textContent !== text) line.textContent = text; // a screen reader reads each change
}

start().catch((error) => {
  const what = lab.photo ? 'Not all instruments came. Load the page again.' : 'The lab cannot run here.';
  starting.textContent = `${what} ${error.message}`;
  starting.classList.add('problem');
});
