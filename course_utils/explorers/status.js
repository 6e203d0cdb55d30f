// What an explorer does, in words. The two live regions are made once, so that screen readers follow them.

function make(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}

function time(seconds) {
  if (!(seconds >= 0)) return "";
  if (seconds < 90) return `, about ${Math.max(1, Math.round(seconds))} s left`;
  return `, about ${Math.round(seconds / 60)} min left`;
}

function render({ model, el }) {
  const line = make("div", "course-status", el);
  const text = make("div", "course-status-text", line);
  const error = make("div", "course-status-error", line);
  const work = make("div", "course-status-work", line);
  const bar = make("progress", "", work);
  const left = make("span", "", work);
  text.setAttribute("role", "status");
  error.setAttribute("role", "alert");
  bar.setAttribute("aria-label", "progress");

  function draw() {
    const steps = model.get("steps"), step = model.get("step"), problem = model.get("error");
    if (text.textContent !== model.get("text")) text.textContent = model.get("text");
    const words = problem ? "Error: " + problem : "";
    if (error.textContent !== words) error.textContent = words;
    work.hidden = !model.get("busy");
    bar.hidden = !steps;
    bar.max = steps || 1;
    bar.value = step;
    left.textContent = steps ? `step ${step} of ${steps}${time(model.get("seconds_left"))}` : "working ...";
  }

  // the handles of ipywidgets' sliders have no name of their own: give them their label's
  function nameSliders() {
    for (const slider of el.closest(".course-explorer")?.querySelectorAll(".widget-slider") ?? []) {
      const label = slider.querySelector(".widget-label")?.textContent;
      if (label) slider.querySelectorAll(".noUi-handle").forEach((handle) => handle.setAttribute("aria-label", label));
    }
  }

  model.on("change", () => {
    draw();
    nameSliders();
  });
  draw();
  setTimeout(nameSliders, 500);
}

export default { render };
