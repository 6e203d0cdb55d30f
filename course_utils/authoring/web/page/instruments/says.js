// What it says: the five classes with the highest scores.

import { className, lab, percent } from '../lab.js';
import { panel } from '../panel.js';

const { find, say } = panel('says');

export function showAnswer() {
  const { top, name } = lab.photo;
  lab.results.says = top;
  find('tbody').replaceChildren(...top.map(row));
  say(`${name}: ${className(top[0].target)}, ${percent(top[0].probability)}.`);
}

function row({ target, score, probability }) {
  const tr = document.createElement('tr');
  const cells = [className(target), score.toFixed(2), percent(probability)].map((text, i) => {
    const cell = document.createElement(i ? 'td' : 'th');
    if (!i) cell.scope = 'row';
    cell.textContent = text;
    return cell;
  });
  const bar = document.createElement('span');
  bar.className = 'bar';
  bar.style.width = `${100 * probability}%`;
  cells[2].append(bar);
  tr.append(...cells);
  return tr;
}
