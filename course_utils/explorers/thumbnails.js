// A button that opens small pictures with their names, as a group of radio buttons: Tab goes to it, arrow keys choose.
// The pictures are asked for when it is opened first: a closed one weighs nothing.

function make(tag, parent, options = {}) {
  const element = Object.assign(document.createElement(tag), options);
  parent.append(element);
  return element;
}

function render({ model, el }) {
  const group = "course-" + Math.random().toString(36).slice(2), addresses = [];
  el.classList.add("course-thumbnails");
  const button = make("button", el, { type: "button", className: "jupyter-widgets jupyter-button" });
  button.textContent = model.get("description");
  const panel = make("fieldset", el, { id: group, hidden: true });
  make("legend", panel, { textContent: `${model.get("names").length} pictures` });
  button.setAttribute("aria-controls", group);

  function open(shown) {
    if (shown && !panel.querySelector("label")) {
      for (const name of model.get("names")) {
        const label = make("label", panel);
        const radio = make("input", label, { type: "radio", name: group, value: name });
        radio.addEventListener("change", () => {
          model.set("value", name);
          model.save_changes();
        });
        make("img", label, { alt: "" }); // its name stands below it
        make("span", label, { textContent: name.replaceAll("_", " ") });
      }
      choose();
      model.send({ opened: true });
    }
    panel.hidden = !shown;
    el.toggleAttribute("data-open", shown);
    button.setAttribute("aria-expanded", shown);
  }

  function choose() {
    for (const radio of panel.querySelectorAll("input")) radio.checked = radio.value === model.get("value");
  }

  function receive(message, buffers) {
    panel.querySelectorAll("img").forEach((image, index) => {
      addresses[index] ??= URL.createObjectURL(new Blob([buffers[index]], { type: "image/jpeg" }));
      image.src = addresses[index];
    });
  }

  button.addEventListener("click", () => {
    open(panel.hidden);
    if (!panel.hidden) (panel.querySelector("input:checked") ?? panel.querySelector("input")).focus();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open(false);
    button.focus();
  });
  model.on("change:value", choose);
  model.on("msg:custom", receive);
  open(false);
  return () => {
    model.off("change:value", choose);
    model.off("msg:custom", receive);
    addresses.forEach((address) => URL.revokeObjectURL(address));
  };
}

export default { render };
