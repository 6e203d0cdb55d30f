// The networks: four graphs, run by ONNX Runtime. Everything that goes in or comes out is a Float32Array.

import { hasCard, newCard } from './card.js';
import { forCard, forProcessor } from './runtime.js';

const LAB = new URL('../../', import.meta.url);
const WEIGHTS = { early: 'lite0.bin', late: 'lite0.bin', gradient: 'lite0.bin', paint: 'style.bin' };

export let about = null; // the manifest
const files = new Map(); // name -> promise of its bytes
const processor = place('wasm', forProcessor);
let card = null; // see card.js
let turn = Promise.resolve(); // one run after the other

// Load what the first answer needs. `say` hears how many bytes are there.
export async function load(say) {
  about = await (await fetch(new URL('manifest.json', LAB))).json();
  await file('lite0.bin', say);
  await Promise.all([processor.session('early'), processor.session('late')]);
  return about;
}

// Fetch everything else, so that the page needs no network any more. A graphics card may come behind it: 'no' card;
// 'always', also one that is slower; else, one that is quicker. `tell` hears of it.
export async function loadRest(graphics, tell) {
  await file('style.bin');
  await processor.session('gradient');
  await processor.session('paint');
  if (graphics !== 'no') openCard(graphics === 'always', tell);
}

async function openCard(always, tell) {
  try {
    if (!(await hasCard({ played: always }))) return;
    const there = place('webgpu', forCard);
    await there.session('early'); // fetches all of the runtime
    card = newCard(there.compute, tell, { always });
    tell({ open: true });
  } catch (error) { // the processor does the work
    tell({ problem: String(error?.message ?? error) });
  }
}

// What `make` promises, remembered by its name; not if it fails, so that it can be tried again.
function once(kept, name, make) {
  if (!kept.has(name)) {
    const promise = make();
    kept.set(name, promise);
    promise.catch(() => kept.delete(name));
  }
  return kept.get(name);
}

function file(name, say) {
  return once(files, name, () => fetchFile(name, say));
}

async function fetchFile(name, say) {
  const answer = await fetch(new URL(`models/${name}`, LAB));
  if (!answer.ok) throw new Error(`The file models/${name} is not there.`);
  const { bytes, sha256 } = about.models[name];
  const content = new Uint8Array(bytes);
  let there = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    if (there + value.length > bytes) throw new Error(`The file models/${name} is another one.`);
    content.set(value, there);
    there += value.length;
    say?.({ bytes: there, of: bytes });
  }
  if (there !== bytes) throw new Error(`The file models/${name} did not come whole: ${there} of ${bytes} bytes.`);
  if (self.crypto?.subtle) { // browsers have it on https pages only
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
    const found = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (found !== sha256) throw new Error(`The file models/${name} is another one, or damaged.`);
  }
  return content;
}

// Where graphs run: on the processor ('wasm') or on a card ('webgpu').
function place(provider, openRuntime) {
  const opened = new Map(); // graph -> promise of its session; and the runtime
  const runtime = () => once(opened, 'runtime', openRuntime);
  const session = (graph) => once(opened, graph, () => open(graph));

  async function open(graph) {
    const weights = WEIGHTS[graph];
    const [ort, model, data] = await Promise.all([runtime(), file(`${graph}.onnx`), file(weights)]);
    const externalData = [{ path: weights, data }];
    const ready = await ort.InferenceSession.create(model, { executionProviders: [provider], externalData });
    ort.env.wasm.wasmBinary = undefined; // it is compiled by now
    return ready;
  }

  async function compute(graph, inputs, outputs) {
    const [ort, ready] = await Promise.all([runtime(), session(graph)]);
    const given = {};
    for (const [name, [values, shape]] of Object.entries(inputs)) given[name] = new ort.Tensor('float32', values, shape);
    const found = await ready.run(given, outputs);
    return Object.fromEntries(outputs.map((name) => [name, { values: found[name].data, shape: found[name].dims }]));
  }

  return { session, compute };
}

// Run a graph. `inputs`: name -> [numbers, shape]; `outputs`: the names that are wanted.
export function run(graph, inputs, outputs) {
  const mine = turn.then(async () => {
    const quick = await card?.answer(graph, inputs, outputs);
    if (quick) return quick;
    await processor.session(graph);
    const start = performance.now();
    const found = await processor.compute(graph, inputs, outputs);
    card?.heard(graph, inputs, outputs, found, performance.now() - start);
    return found;
  });
  turn = mine.catch(() => {}); // what fails must not stop the next
  return mine;
}

// The gradient of one class's score by the pixels, and all scores.
export async function gradient(pixels, target) {
  const { side, classes } = about;
  const wanted = new Float32Array(classes.length);
  wanted[target] = 1;
  const inputs = { images: [pixels, [1, 3, side, side]], wanted: [wanted, [1, classes.length]] };
  const found = await run('gradient', inputs, ['scores', 'gradient']);
  return { scores: found.scores.values, gradient: found.gradient.values };
}

// p_c = exp(S_c) / sum of exp(S_k)
export function softmax(scores) {
  const top = scores.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(scores, (score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

// The k classes with the highest scores: [{ target, score, probability }], best first.
export function best(scores, k = 5) {
  const shares = softmax(scores);
  const order = shares.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  return order.slice(0, k).map((target) => ({ target, score: scores[target], probability: shares[target] }));
}
