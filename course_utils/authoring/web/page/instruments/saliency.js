// Saliency, SmoothGrad and gradient x input, for any class.

import { heat, largest } from '../draw.js';
import { className, lab } from '../lab.js';
import { panel } from '../panel.js';

const { root, find, say, run, outdated, whenSeen, classField } = panel('saliency');
const target = classField(compute);
for (const choice of root.querySelectorAll('[name=method]')) choice.addEventListener('change', compute);

const LEGENDS = {
  saliency: 'Bright: the score is sensitive here.',
  smoothgrad: 'Bright: the score is sensitive here, also in noisy copies.',
  times: 'Red: darker pixels here would lower the score. Blue: they would raise it.',
};

export function newPhoto() {
  outdated();
  whenSeen(compute);
}

async function compute() {
  if (!lab.photo) return;
  const wanted = target();
  if (wanted === null) return;
  const { seen } = lab.photo;
  const method = find('[name=method]:checked').value;
  const signed = method === 'times';
  const draw = ({ map }) => {
    heat(find('.map'), seen, map, { signed });
    find('.legend').textContent = LEGENDS[method];
  };
  const found = await run('gradientMap', { method, target: wanted }, draw);
  if (!found) return;
  draw(found);
  const copies = method === 'smoothgrad' ? `, the mean over ${found.done} noisy copies` : '';
  const { row, column } = largest(found.map.map(Math.abs));
  say(`The map for ${className(found.target)} is drawn${copies}. It is strongest around row ${row}, column ${column}.`);
}
