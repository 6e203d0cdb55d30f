// What all parts of the page share. In the browser's console, `lab.results` holds the numbers behind every picture.

export const lab = {
  about: null, // the manifest: classes, layers, styles, colors
  photo: null, // { name, seen, top }: the photo's square of 224 pixels, and what the network says of it
  results: {}, // instrument -> its last result
  times: {}, // instrument -> how long its last result took, in milliseconds
  card: { open: false, answers: 0, news: [] }, // the graphics card: how many answers it gave; what its trials found
};
window.lab = lab;

// The name of a class. A few names stand for two classes; these carry their number.
export function className(target) {
  const { classes } = lab.about;
  const name = classes[target];
  return classes.indexOf(name) === classes.lastIndexOf(name) ? name : `${name} (${target})`;
}

// The class of a name as `className` gives it, or -1.
export function classIndex(text) {
  const wanted = text.trim().toLowerCase();
  return lab.about.classes.findIndex((_, i) => className(i).toLowerCase() === wanted);
}

// Up to three classes whose names share most of their pairs of letters with a text.
export function alike(text) {
  const pairs = (word) => new Set([...word.toLowerCase()].map((letter, i, all) => letter + (all[i + 1] ?? ' ')));
  const given = pairs(text.trim());
  const share = (name) => {
    const known = pairs(name);
    return [...given].filter((pair) => known.has(pair)).length / Math.max(given.size, known.size);
  };
  const names = lab.about.classes.map((_, i) => className(i)).filter((name) => share(name) >= 0.4);
  return names.sort((a, b) => share(b) - share(a)).slice(0, 3);
}

export function percent(share) {
  if (share < 0.001) return 'under 0.1%';
  return share >= 0.995 ? `${(100 * share).toFixed(1)}%` : `${(100 * share).toPrecision(2)}%`;
}
