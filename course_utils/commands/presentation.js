// A JupyterLab extension without a build step, for `course live`: presentation mode, large letters, no side panel.
// It is what JupyterLab expects of a "federated" extension: a container with the module "./extension".
(() => {
  const style = document.createElement("style");
  style.textContent = `
    html:root {
      --jp-code-presentation-font-size: FONT_SIZE;
      --jp-content-presentation-font-size1: FONT_SIZE;
    }`;

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
