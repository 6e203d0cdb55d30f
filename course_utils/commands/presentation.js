// A JupyterLab extension without a build step, for `course live`: presentation mode, large letters, no side panel,
// and the speaker notes in a window of their own, which follow the section.
// It is what JupyterLab expects of a "federated" extension: a container with the module "./extension".
(() => {
  const style = document.createElement("style");
  style.textContent = `
    html:root {
      --jp-code-presentation-font-size: FONT_SIZE;
      --jp-content-presentation-font-size1: FONT_SIZE;
      --jp-widgets-font-size: FONT_SIZE;
      --jp-widgets-inline-height: calc(1.7 * FONT_SIZE);
      --jp-widgets-inline-width: calc(300px * ZOOM);
      --jp-widgets-inline-width-short: calc(148px * ZOOM);
    }
    .course-live, .course-still { font-size: FONT_SIZE; }
    /* pictures grow as the letters do, and so do the words in them */
    .jp-OutputArea img, .course-picture, .course-live table { zoom: ZOOM; }
    .course-picture img { zoom: 1; }
    .course-picture, .course-live table { font-size: calc(FONT_SIZE / ZOOM); }
    .jp-OutputArea img { max-width: 100%; height: auto; }`;

  // the lesson and the heading above the active cell; equal titles are numbered, as the builder does it
  function section(app) {
    const widget = app.shell.currentWidget;
    const model = widget?.content?.model;
    const index = widget?.content?.activeCellIndex ?? -1;
    if (!model?.cells || index < 0) return null;
    const seen = {};
    let title = "Beginning";
    for (let i = 0; i <= index; i++) {
      const cell = model.cells.get(i);
      const found = cell?.type === "markdown" && cell.sharedModel.source.match(/^## (.+)$/m);
      if (!found) continue;
      const name = found[1].trim();
      seen[name] = (seen[name] ?? 0) + 1;
      title = seen[name] === 1 ? name : `${name} (${seen[name]})`;
    }
    return { lesson: model.getMetadata("course")?.lesson, title };
  }

  function follow(app) {
    const channel = new BroadcastChannel("course-notes");
    let told = "";
    function tell() {
      const now = section(app);
      if (!now || JSON.stringify(now) === told) return;
      told = JSON.stringify(now);
      channel.postMessage(now);
    }
    channel.onmessage = ({ data }) => {
      if (!data.ask) return; // said by another tab
      told = ""; // a window of notes has just opened
      tell();
    };
    setInterval(tell, 500);
    const extensions = JSON.parse(document.getElementById("jupyter-config-data").textContent).fullLabextensionsUrl;
    app.commands.addCommand("course:notes", {
      label: "Speaker notes in a window of their own",
      execute: () => void window.open(`${extensions}/course-presentation/static/notes.html`, "course-notes", "popup,width=760,height=820"),
    });
    app.commands.addKeyBinding({ command: "course:notes", keys: ["Alt N"], selector: "body" });
  }

  const plugin = {
    id: "course-presentation:plugin",
    autoStart: true,
    activate: (app) => {
      document.head.appendChild(style);
      app.restored.then(() => {
        app.commands.execute("application:toggle-presentation-mode");
        app.shell.collapseLeft();
        app.shell.collapseRight();
        follow(app);
      });
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["course-presentation"] = {
    init: () => {},
    get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
  };
})();
