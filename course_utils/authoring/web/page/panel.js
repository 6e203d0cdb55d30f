// What every instrument has: its section of the page, a line that says how it goes, and a run that can be stopped.

import { ask } from './ask.js';
import { alike, classIndex, lab } from './lab.js';

export function panel(id) {
  const root = document.getElementById(id);
  const status = root.querySelector('[role=status]');
  const progress = root.querySelector('progress');
  const stop = root.querySelector('.stop');
  let running = null;
  let pending = null; // what is done as soon as somebody sees the instrument

  new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting) wake();
  }).observe(root);

  function wake() {
    const act = pending;
    pending = null;
    act?.();
  }

  stop?.addEventListener('click', () => running?.stop());

  return {
    root,
    find: (selector) => root.querySelector(selector),
    say: (text) => (status.textContent = text),

    // Do it now, or when somebody scrolls here.
    whenSeen(act) {
      pending = act;
      const { top, bottom } = root.getBoundingClientRect();
      if (top < innerHeight && bottom > 0) wake();
    },

    // The pictures are those of an earlier photo, or of another question.
    outdated(why = 'there is a new photo') {
      if (running) {
        running.stop();
        running = null;
        root.classList.remove('busy');
        status.textContent = `Stopped: ${why}.`;
      }
      if (lab.results[id]) root.classList.add('outdated');
    },

    // Run a task of the worker. What it found last stays until it has something new. Gives null if a newer run or a
    // newer photo came in between.
    async run(task, given, onPart) {
      running?.stop();
      const began = performance.now();
      const mine = ask(task, given, (part) => {
        if (running !== mine) return;
        if (progress && part.part !== undefined) progress.value = part.part;
        root.classList.remove('outdated');
        lab.times[`${id}-first`] ??= performance.now() - began;
        onPart?.(part);
      });
      running = mine;
      delete lab.times[`${id}-first`];
      root.classList.add('busy');
      if (progress) progress.value = 0;
      try {
        const result = await mine;
        if (running !== mine) return null;
        lab.results[id] = result;
        lab.times[id] = performance.now() - began;
        root.classList.remove('outdated');
        return result;
      } catch (error) {
        if (running === mine) status.textContent = `This did not work: ${error.message}`;
        return null;
      } finally {
        if (running === mine) {
          running = null;
          root.classList.remove('busy');
        }
      }
    },

    // The field for the name of a class. Gives a function: the class, or null (and says so) where there is none of the
    // name. Empty means the class that the network sees, unless the field is required.
    classField(onChange) {
      const input = root.querySelector('.class');
      const hint = root.querySelector('.hint');
      const look = () => {
        const text = input.value.trim();
        const chosen = text || input.required ? classIndex(text) : lab.photo?.top[0].target;
        const unknown = chosen === -1;
        input.setAttribute('aria-invalid', unknown);
        const words = unknown ? whichClass(text) : '';
        if (hint.textContent !== words) hint.textContent = words; // an alert is read out whenever it is set
        return unknown ? null : chosen;
      };
      input.addEventListener('change', () => {
        if (lab.about && look() !== null) onChange?.();
      });
      return () => {
        const chosen = look();
        if (chosen === null) status.textContent = 'Nothing was computed: which class?';
        return chosen;
      };
    },
  };
}

function whichClass(text) {
  if (text === '') return 'Which class? Choose one of the list.';
  const names = alike(text);
  const choice = names.length ? `Did you mean ${names.join(', ')}?` : 'Choose one of the list.';
  return `No class has the name “${text}”. ${choice}`;
}
