// A picture that can be clicked, dragged over, and used by keyboard. What its traits mean stands in clickable.py.

const SVG = "http://www.w3.org/2000/svg";
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = {
  click: "Arrow keys move the cross, Enter chooses the place.",
  drag: "Arrow keys move the window.",
};

const clamp = (value) => Math.min(1, Math.max(0, value));

function make(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}

// "cat, 224 pixels" -> "cat-224-pixels.png"; the bytes tell PNG from JPEG
function fileName(text, data) {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["picture"];
  const bytes = new Uint8Array(data?.buffer ?? []);
  return `${words.join("-").slice(0, 60)}.${bytes[data?.byteOffset ?? 0] === 0x89 ? "png" : "jpg"}`;
}

function render({ model, el }) {
  const figure = make("figure", "course-picture", el);
  const surface = make("div", "course-surface", figure);
  const image = make("img", "", surface);
  const marks = surface.appendChild(document.createElementNS(SVG, "svg"));
  const caption = make("figcaption", "", figure);
  const tools = make("div", "course-tools", figure);
  const enlarge = make("button", "", tools);
  const save = make("a", "", tools);
  enlarge.textContent = "Larger";
  save.textContent = "Save";
  marks.setAttribute("viewBox", "0 0 1 1");
  marks.setAttribute("preserveAspectRatio", "none");
  marks.setAttribute("aria-hidden", "true");
  image.draggable = false;

  let cursor = null; // where the arrow keys are, before Enter
  let address = null;

  function line(x1, y1, x2, y2, dashed) {
    shape("line", { x1, y1, x2, y2 }, dashed);
  }

  function shape(tag, values, dashed) {
    // white within black: visible on any picture
    for (const layer of ["course-outer", "course-inner"]) {
      const mark = marks.appendChild(document.createElementNS(SVG, tag));
      for (const [name, value] of Object.entries(values)) mark.setAttribute(name, value);
      mark.setAttribute("class", dashed ? layer + " course-dashed" : layer);
    }
  }

  function cross(x, y, dashed) {
    const width = surface.clientWidth || 1, height = surface.clientHeight || 1;
    line(x - 9 / width, y, x + 9 / width, y, dashed);
    line(x, y - 9 / height, x, y + 9 / height, dashed);
  }

  function frame([left, top, right, bottom]) {
    shape("rect", { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) });
  }

  function draw() {
    marks.replaceChildren();
    const x = model.get("x"), y = model.get("y"), [w, h] = model.get("window");
    model.get("boxes").forEach(frame);
    if (w) frame([x - w / 2, y - h / 2, x + w / 2, y + h / 2]);
    if (model.get("cross")) cross(x, y);
    if (cursor) cross(...cursor, true);
  }

  function showImage() {
    const old = address;
    address = URL.createObjectURL(new Blob([model.get("image")]));
    image.src = address;
    save.href = address;
    if (old) URL.revokeObjectURL(old);
  }

  function showRest() {
    const kind = model.get("kind"), text = model.get("caption");
    caption.textContent = text;
    image.alt = text;
    enlarge.setAttribute("aria-label", `Larger: ${text}`);
    save.setAttribute("aria-label", `Save: ${text}`);
    save.download = fileName(text, model.get("image"));
    figure.style.width = model.get("width") + "px"; // of the caption too: it must not push the next picture away
    surface.classList.toggle("course-pixelated", model.get("pixelated"));
    surface.classList.toggle("course-active", kind !== "view");
    if (kind === "view") {
      for (const name of ["tabindex", "role", "aria-label"]) surface.removeAttribute(name);
    } else {
      surface.tabIndex = 0;
      surface.setAttribute("role", "application");
      surface.setAttribute("aria-label", `${text} ${HELP[kind]}`);
    }
    draw();
  }

  // in a window of its own, as large as the page; it has its own picture only while it is open
  function showLarge() {
    const dialog = make("dialog", "course-large", figure);
    const close = make("button", "", dialog);
    const large = make("img", model.get("pixelated") ? "course-sharp" : "", dialog);
    close.textContent = "Close";
    large.src = address;
    large.alt = model.get("caption");
    dialog.setAttribute("aria-label", large.alt || "The picture");
    dialog.addEventListener("close", () => {
      dialog.remove();
      enlarge.focus();
    });
    dialog.addEventListener("click", () => dialog.close());
    // the notebook must not see the keys, such as Escape, which leaves the cell
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.showModal();
  }

  function choose(x, y, click) {
    model.set({ x: clamp(x), y: clamp(y) });
    if (click) model.set("clicks", model.get("clicks") + 1);
    model.save_changes();
    draw();
  }

  function place(event) {
    const box = surface.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  let next = null; // the newest place of the mouse; sent once per drawn frame, not once per event
  function follow(event) {
    if (!next) {
      requestAnimationFrame(() => {
        const [x, y] = next;
        next = null;
        choose(x, y, false);
      });
    }
    next = place(event);
  }

  enlarge.addEventListener("click", showLarge);
  surface.addEventListener("pointerdown", (event) => {
    const kind = model.get("kind");
    if (kind === "view" || event.button !== 0) return;
    surface.focus({ preventScroll: true });
    cursor = null;
    if (kind === "click") return choose(...place(event), true);
    surface.setPointerCapture(event.pointerId);
    follow(event);
  });
  surface.addEventListener("pointermove", (event) => {
    if (surface.hasPointerCapture(event.pointerId)) follow(event);
  });

  surface.addEventListener("keydown", (event) => {
    const kind = model.get("kind"), move = MOVES[event.key];
    if (kind === "view" || event.ctrlKey || event.metaKey || event.altKey) return;
    const from = cursor ?? [model.get("x"), model.get("y")];
    if (move) {
      const far = event.shiftKey ? 5 : 1, step = model.get("step");
      const to = [0, 1].map((i) => clamp(from[i] + move[i] * far * step[i]));
      if (kind === "drag") {
        choose(...to, false);
      } else {
        cursor = to;
        draw();
      }
    } else if ((event.key === "Enter" || event.key === " ") && kind === "click") {
      cursor = null;
      choose(...from, true);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // the notebook would move to the next cell, or run it
  });
  surface.addEventListener("blur", () => {
    cursor = null;
    draw();
  });

  model.on("change:image", () => {
    showImage();
    save.download = fileName(model.get("caption"), model.get("image"));
  });
  for (const name of ["caption", "kind", "width", "pixelated"]) model.on(`change:${name}`, showRest);
  for (const name of ["x", "y", "boxes", "window", "cross"]) model.on(`change:${name}`, draw);
  image.addEventListener("load", draw);
  showImage();
  showRest();
  return () => URL.revokeObjectURL(address);
}

export default { render };
