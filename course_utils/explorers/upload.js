// A button that sends a picture file to the kernel. What its traits mean stands in upload.py.

const LARGE = 2_000_000; // bytes: a larger photo is made smaller, if the browser can read it
const SIDE = 2048; // pixels of its longer side then; no explorer shows more

// the photo as a JPEG file of at most SIDE pixels, turned as the camera says and on white; null if the browser cannot read it
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  } catch {
    return null;
  }
}

function render({ model, el }) {
  const button = document.createElement("button");
  const input = document.createElement("input");
  button.className = "jupyter-widgets jupyter-button widget-upload";
  button.type = "button";
  button.style.width = "auto";
  input.type = "file";
  input.accept = "image/*";
  el.append(button);

  function draw() {
    const icon = document.createElement("i");
    icon.className = "fa fa-upload";
    button.replaceChildren(icon, model.get("description"));
  }

  async function send(file) {
    const most = model.get("most"), mega = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0) + " MB";
    let sent = file;
    if (file.size > LARGE) {
      const less = await smaller(file);
      if (less && less.size < file.size) sent = less;
    }
    if (sent.size > most) {
      const cure = "Save it smaller, or as a JPEG file.";
      model.send({ problem: `${file.name} is too large: it has ${mega(file.size)}, and at most ${mega(most)} can be sent. ${cure}` });
    } else {
      model.send({ name: file.name }, undefined, [await sent.arrayBuffer()]);
    }
  }

  button.addEventListener("click", () => {
    input.value = ""; // the same file may be chosen again
    input.click();
  });
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    button.disabled = true;
    try {
      await send(file);
    } catch {
      model.send({ problem: `${file.name} cannot be read: the browser has no access to it.` });
    } finally {
      button.disabled = false;
    }
  });
  model.on("change:description", draw);
  draw();
}

export default { render };
