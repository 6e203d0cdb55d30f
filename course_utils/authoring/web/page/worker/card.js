// A graphics card, where there is one. Nobody has tried every card, so none is believed: what the processor has answered
// twice, the card computes as well, in the background. For this graph and inputs of this shape it takes over only if its
// answer is the same and comes sooner. A card that fails later is not asked again.

// How far two answers may be apart, as a share of their length. Sums in another order differ by less than a millionth; but
// a ReLU near 0 may then open or shut, and a gradient differs by more.
const SAME = 1e-2;
const WARM = 2; // the first run of a graph is slower than the others, on both sides

// Whether there is a card. One that the processor plays is slower than the processor itself.
export async function hasCard({ played = false } = {}) {
  const adapter = await navigator.gpu?.requestAdapter();
  return Boolean(adapter) && (played || !(adapter.info ?? adapter).isFallbackAdapter);
}

// `compute(graph, inputs, outputs)` runs a graph on the card; `tell` hears of every trial. `always`: also if it is slower.
export function newCard(compute, tell, { always = false } = {}) {
  const known = new Map(); // graph and shapes -> { runs, time, takes }
  let trials = Promise.resolve(); // one after the other
  let open = 0; // trials; the processor answers meanwhile, since the card's runtime does one thing at a time
  let failed = false;

  function about(graph, inputs) {
    const key = [graph, ...Object.values(inputs).map(([, shape]) => shape.join('x'))].join(' ');
    if (!known.has(key)) known.set(key, { runs: 0, time: Infinity, takes: false });
    return known.get(key);
  }

  async function timed(...what) {
    const start = performance.now();
    const found = await compute(...what);
    return { found, time: performance.now() - start };
  }

  async function trial(one, graph, inputs, outputs, expected) {
    const { found } = await timed(graph, inputs, outputs);
    const apart = Math.max(...outputs.map((name) => distance(found[name].values, expected[name].values)));
    const same = apart < SAME; // NaN is not
    const { time } = same ? await timed(graph, inputs, outputs) : { time: Infinity };
    one.takes = same && (always || time < one.time);
    tell({ graph, apart, same, takes: one.takes, processor: one.time, card: time });
  }

  function fail(graph, error) {
    failed = true;
    tell({ graph, problem: String(error?.message ?? error) });
  }

  return {
    // The card's answer, or null where the processor must give it.
    async answer(graph, inputs, outputs) {
      if (failed || open || !about(graph, inputs).takes) return null;
      try {
        return await compute(graph, inputs, outputs);
      } catch (error) {
        fail(graph, error);
        return null;
      }
    },
    // What the processor has answered, in how many milliseconds. A promise of the trial, if there is one.
    heard(graph, inputs, outputs, found, time) {
      const one = about(graph, inputs);
      one.time = Math.min(one.time, time);
      one.runs += 1;
      if (failed || one.runs !== WARM) return trials;
      const [given, expected] = structuredClone([inputs, found]); // who asked may change them
      open += 1;
      trials = trials
        .then(() => failed || trial(one, graph, given, outputs, expected))
        .catch((error) => fail(graph, error))
        .finally(() => (open -= 1));
      return trials;
    },
  };
}

function distance(values, expected) {
  const length = (numbers) => Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
  return length(values.map((value, i) => value - expected[i])) / length(expected);
}
