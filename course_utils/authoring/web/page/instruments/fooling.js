// Fooling: climb until the network says another class.

import { show } from '../draw.js';
import { className, lab, percent } from '../lab.js';
import { panel } from '../panel.js';

const { find, say, run, outdated, classField } = panel('fooling');
const target = classField();

export function newPhoto() {
  outdated();
  if (lab.results.fooling) return; // its pictures stay, as those of an earlier photo
  show(find('.changed'), lab.photo.seen);
  const gray = new Uint8ClampedArray(4 * lab.about.side ** 2).map((_, i) => (i % 4 === 3 ? 255 : 128));
  show(find('.difference'), { data: gray, width: lab.about.side, height: lab.about.side });
}

find('.run').addEventListener('click', async () => {
  if (!lab.photo) return;
  const wanted = target();
  if (wanted === null) return;
  const draw = ({ picture, difference }) => {
    show(find('.changed'), picture);
    show(find('.difference'), difference);
  };
  const found = await run('fool', { target: wanted }, (part) => {
    draw(part);
    const [first] = part.top;
    say(`Step ${part.step}: ${className(first.target)} ${percent(first.probability)}, ${className(wanted)} ${percent(part.confidence)}.`);
  });
  if (!found) return;
  draw(found);
  say(summary(found));
});

function summary({ fooled, step, largest, confidence, target, top }) {
  const change = `No color value has changed by more than ${(100 * largest).toFixed(1)}% of the range from black to white.`;
  if (step === 0 && fooled) return `It says ${className(target)} already. Choose another class.`;
  if (fooled) return `Fooled after ${step} ${step === 1 ? 'step' : 'steps'}: it says ${className(target)}, ${percent(confidence)}. ${change}`;
  return `Not fooled after ${step} steps: it says ${className(top[0].target)}, ${percent(top[0].probability)}. ${change}`;
}
