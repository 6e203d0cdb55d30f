// What it says: the five classes with the highest scores.

import { className, lab, percent } from '../lab.js';
import { panel } from '../panel.js';

const { find, say } = panel('says');
const answer = document.getElementById('answer'); // in the bar at the top

export function newPhoto() {
  const { top, name } = lab.photo;
  lab.results.says = top;
  find('tbody').replaceChildren(...top.map(row));
  const said = `${className(top[0].target)}, ${percent(top[0].probability)}`;
  say(`${name}: ${said}.`);
  answer.textContent = said;
}

function row({ target, score, probability }) {
  const tr = document.createElement('tr');
  const cells = [className(target), score.toFixed(2), percent(probability)].map((text, i) => {
    const cell = document.createElement(i ? 'td' : 'th');
    if (!i) cell.scope = 'row';
    cell.textContent = text;
    return cell;
  });
  cells[2].style.setProperty('--value', probability);
  tr.append(...cells);
  return tr;
}
