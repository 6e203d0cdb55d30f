// A graphics card, where there is one. Nobody has tried every card, so none is believed. What the processor has
// answered twice, the card computes as well, unseen, and the two answers are compared. If they are the same, the card
// gives the next answer, and keeps the work if it was quicker. All this for each graph, shape of the inputs and choice of
// the outputs by itself. A card that fails, or does not answer at all, is not asked again.

// How far two answers may be apart, as a share of their length. Sums in another order differ by less than a millionth;
// but a ReLU near 0 may then open or shut, and a gradient differs by more.
const SAME = 1e-2;
const WARM = 2; // the first run of a graph is slower than the others

// Whether there is a card. One that the processor plays is slower than the processor itself.
export async function hasCard({ played = false } = {}) {
  const adapter = await navigator.gpu?.requestAdapter();
  return Boolean(adapter) && (played || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}

// `compute(graph, inputs, outputs)` runs a graph on the card, one at a time; `tell` hears of it. `always`: also if it
// is slower. `patience`: milliseconds that an answer may take, or ten times the processor's, if that is longer.
export function newCard(compute, tell, { always = false, patience = 5000 } = {}) {
  const known = new Map(); // graph, outputs and shapes -> { runs, time, same, takes: null until it is known }
  let trials = Promise.resolve(); // one after the other
  let open = 0; // trials; the processor answers meanwhile
  let failed = false;

  function about(graph, inputs, outputs) {
    const key = [graph, ...outputs, ...Object.values(inputs).map(([, shape]) => shape.join('x'))].join(' ');
    if (!known.has(key)) known.set(key, { runs: 0, time: Infinity, same: false, takes: null });
    return known.get(key);
  }

  async function trial(one, graph, inputs, outputs, expected) {
    const found = await compute(graph, inputs, outputs);
    const apart = Math.max(...outputs.map((name) => distance(found[name], expected[name])));
    one.same = apart < SAME; // NaN is not
    tell({ graph, apart, same: one.same });
  }

  function fail(graph, error) {
    failed = true;
    tell({ graph, problem: String(error?.message ?? error) });
  }

  return {
    // The card's answer, or null where the processor must give it.
    async answer(graph, inputs, outputs) {
      const one = about(graph, inputs, outputs);
      if (failed || open || !one.same || one.takes === false) return null;
      const start = performance.now();
      try {
        const found = await (always ? compute(graph, inputs, outputs)
          : within(Math.max(patience, 10 * one.time), compute(graph, inputs, outputs)));
        if (one.takes === null) {
          const time = performance.now() - start;
          one.takes = always || time < one.time;
          tell({ graph, takes: one.takes, processor: one.time, card: time });
        }
        tell({ graph, answered: true });
        return found;
      } catch (error) {
        fail(graph, error);
        return null;
      }
    },
    // What the processor has answered, in how many milliseconds. A promise of the trial, if there is one.
    heard(graph, inputs, outputs, found, time) {
      const one = about(graph, inputs, outputs);
      one.time = Math.min(one.time, time);
      one.runs += 1;
      if (failed || one.runs !== WARM) return trials;
      try {
        const [given, expected] = structuredClone([inputs, found]); // who asked may change them
        open += 1;
        trials = trials
          .then(() => failed || trial(one, graph, given, outputs, expected))
          .catch((error) => fail(graph, error))
          .finally(() => (open -= 1));
      } catch (error) { // no memory: no trial
        fail(graph, error);
      }
      return trials;
    },
  };
}

function within(limit, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${(limit / 1000).toFixed(0)} seconds`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The largest distance of a row from the row that it should be, as a share of that one's length.
function distance({ values, shape }, expected) {
  if (values.length !== expected.values.length) return Infinity;
  const length = (numbers) => Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
  const each = values.length / shape[0];
  let largest = 0;
  for (let row = 0; row < shape[0]; row++) {
    const right = expected.values.subarray(row * each, (row + 1) * each);
    const wrong = length(right.map((value, i) => value - values[row * each + i]));
    if (wrong !== 0) largest = Math.max(largest, wrong / length(right)); // NaN stays
  }
  return largest;
}
