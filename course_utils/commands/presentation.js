// A JupyterLab extension without a build step, for `course live`: presentation mode, large letters, no side panel.
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

  const plugin = {
    id: "course-presentation:plugin",
    autoStart: true,
    activate: (app) => {
      document.head.appendChild(style);
      app.restored.then(() => {
        app.commands.execute("application:toggle-presentation-mode");
        app.shell.collapseLeft();
        app.shell.collapseRight();
      });
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["course-presentation"] = {
    init: () => {},
    get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
  };
})();
