"""A real JupyterLab in Debian's chromium, driven as a person would: for the tests of the explorers and of live coding.

The fixture `lab` (tests/explorers/conftest.py) is one server and one kernel for the whole test session:

    def test_the_slider(lab):
        page = lab.open("threshold", ["from course_utils import explorers", "explorer = explorers.Threshold()\\nexplorer"])
        before = page.source("img")                       # the picture's address in the page
        page.press_slider("Level", "ArrowRight")          # by its label, by keyboard
        page.until(lambda: page.source("img") != before)
        assert page.kernel("explorer.level.value") == 0.55
        page.screenshot("threshold")

When a test ends, the fixture `lab` fails it if the console had an error or the page asked for anything outside.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat

from tests.measured import measured

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(os.environ.get("COURSE_SCREENSHOTS", ROOT / "build" / "screenshots"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


HUNG = 10  # times the bar: so late is no matter of a busy machine


def hold(what: str, act: Callable[[], float], bar: float) -> None:
    """Measure `act()`, in milliseconds, for the summary, beside its bar; fails where the page hung.

    The bar is for a machine with nothing else to do (`pytest tests/explorers`, alone); beside other tests it says nothing.
    """
    ms = act()
    measured(what, ms / 1000, bar / 1000)
    assert ms < bar * HUNG, what


class Server:
    """A JupyterLab of its own: fresh configuration, a free port, the notebooks in a temporary folder."""

    def __init__(self, *, arguments: Sequence[str] = (), command: Sequence[str] = ("-m", "jupyterlab")):
        """Start Python on `command`, with the options of JupyterLab behind it."""
        self.folder = Path(tempfile.mkdtemp(prefix="lab-"))
        self.kernel: str | None = None  # that all pages share, once one has started it
        self.root = self.folder / "notebooks"
        self.root.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "run"}
        env = dict(os.environ, **{f"JUPYTER_{name}": str(self.folder / sub) for name, sub in places.items()})
        env |= {f"JUPYTERLAB_{name}_DIR": str(self.folder / name) for name in ("WORKSPACES", "SETTINGS")}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))  # kernels find the tests
        command = [
            sys.executable, *command, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
            "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *arguments,
        ]  # fmt: skip
        self._log = open(self.folder / "lab.log", "w")  # noqa: SIM115  closed in close()
        self._process = subprocess.Popen(command, env=env, stdout=self._log, stderr=subprocess.STDOUT)
        end = time.monotonic() + 180
        while True:
            try:
                urllib.request.urlopen(self.url + "/api", timeout=2).close()
                break
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    log = (self.folder / "lab.log").read_text()[-2000:]
                    self.close()
                    raise RuntimeError(f"JupyterLab did not start:\n{log}") from None
                time.sleep(0.2)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Lab:
    """A page of chromium with JupyterLab in it, and one kernel that all notebooks share, so that torch loads once."""

    def __init__(self, server: Server, *, size: tuple[int, int] = (1300, 950)):
        from playwright.sync_api import sync_playwright

        self.server = server
        self.console_errors: list[str] = []
        self.outside: list[str] = []
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        self.page = self._browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.page.set_default_timeout(60_000)
        self.page.on("console", lambda m: self.console_errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("request", self._requested)
        self.page.goto(f"{server.url}/lab?reset", wait_until="load")
        self.page.wait_for_function("() => window.jupyterapp && document.querySelector('#jp-main-dock-panel')")
        self.page.evaluate("() => window.jupyterapp.restored.then(() => 0)")
        self.page.add_style_tag(content=".Toastify { display: none !important }")  # notices cover the page
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def _requested(self, request) -> None:
        if request.url.startswith(("http:", "https:", "ws:", "wss:")):
            host = request.url.split("://", 1)[1]
            if not host.startswith(self.server.url.split("://", 1)[1]):
                self.outside.append(request.url)

    def command(self, name: str, **arguments) -> None:
        """Execute one of JupyterLab's commands."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => 0)", [name, arguments]
        )

    def open(self, name: str, cells: Sequence[str], *, timeout: float = 120) -> Notebook:
        """Write a notebook of code cells, open it with the shared kernel and run all cells.

        Raises:
            AssertionError: a cell raised.
        """
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(book, self.server.root / f"{name}.ipynb")
        notebook = self.open_file(f"{name}.ipynb", kernel=self.server.kernel)
        self.server.kernel = notebook.kernel_id()
        notebook.run_all(timeout)
        return notebook

    def open_file(self, path: str, *, kernel: str | None = None) -> Notebook:
        """Open a notebook of the server's folder, with a kernel of its own unless an id is given; nothing runs."""
        self.page.evaluate(
            """async ([path, kernel]) => {
                const app = window.jupyterapp;
                const options = kernel ? { kernel: { id: kernel } } : {};
                const widget = await app.commands.execute('docmanager:open', { path, factory: 'Notebook', ...options });
                await widget.context.ready;
                await widget.sessionContext.ready;
                await widget.sessionContext.session.kernel.info;
            }""",
            [path, kernel],
        )
        return Notebook(self)

    def close(self) -> None:
        self._browser.close()
        self._playwright.stop()


class Notebook:
    """The notebook in front."""

    def __init__(self, lab: Lab):
        self.lab, self.page = lab, lab.page
        self.area = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    # --- the kernel -----------------------------------------------------------------------------------------------------

    def kernel_id(self) -> str:
        return self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")

    def run_all(self, timeout: float = 120) -> None:
        """Run all cells and wait; AssertionError if one raised."""
        self.lab.command("runmenu:run-all")
        self.idle(timeout)
        errors = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, i) =>
                cell.model.type !== 'code' ? [] : cell.model.outputs.toJSON()
                    .filter((o) => o.output_type === 'error').map((o) => `cell ${i}: ${o.ename}: ${o.evalue}`))"""
        )
        assert not errors, errors

    def idle(self, timeout: float = 60) -> None:
        """Wait until the kernel is idle and no cell runs."""
        self.page.wait_for_function(
            """() => { const w = window.jupyterapp.shell.currentWidget;
                return w.sessionContext.session?.kernel?.status === 'idle' && w.content.widgets.every(
                    (c) => c.model.type !== 'code' || c.model.executionState !== 'running') }""",
            timeout=timeout * 1000,
        )

    def kernel(self, expression: str):
        """The value of a Python expression in the kernel; it must be JSON."""
        code = f"__import__('json').dumps({expression})"
        reply = self.page.evaluate(
            """async (code) => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute(
                    { code: '', silent: true, store_history: false, user_expressions: { value: code } });
                const reply = await future.done;
                return reply.content.user_expressions.value;
            }""",
            code,
        )
        assert reply["status"] == "ok", f"{expression}: {reply.get('ename')}: {reply.get('evalue')}"
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def execute(self, code: str) -> None:
        """Run statements in the kernel, outside of the notebook."""
        status = self.page.evaluate(
            """async (code) => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const reply = await kernel.requestExecute({ code, silent: true, store_history: false }).done;
                return reply.content.status === 'ok' ? '' : `${reply.content.ename}: ${reply.content.evalue}`;
            }""",
            code,
        )
        assert not status, status

    # --- what a person sees ---------------------------------------------------------------------------------------------

    def locator(self, selector: str, nth: int = 0):
        """The nth match in the notebook's outputs."""
        return self.area.locator(f".jp-OutputArea {selector}").nth(nth)

    def source(self, selector: str = "img", nth: int = 0) -> str:
        """The address of a picture; it changes with the picture."""
        return self.locator(selector, nth).get_attribute("src")

    def text(self, selector: str, nth: int = 0) -> str:
        return self.locator(selector, nth).inner_text()

    def status(self) -> str:
        """What the explorer's status line says."""
        return self.text("[role=status]")

    def error(self) -> str:
        """What the explorer's line of errors says."""
        return self.text("[role=alert]")

    def until(self, condition: Callable[[], object], timeout: float = 30, what: str = "the condition"):
        """Wait until `condition()` is true and return its value; AssertionError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < end, f"{what} did not come true within {timeout:g} s"
            self.page.wait_for_timeout(20)

    def screenshot(self, name: str, *, selector: str = ".jp-OutputArea-output .widget-vbox", nth: int = 0) -> Path:
        """A picture of the explorer in SCREENSHOTS/name.png."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.area.locator(selector).nth(nth).screenshot(path=str(path))
        return path

    # --- what a person does ---------------------------------------------------------------------------------------------

    def slider(self, label: str):
        """The handle of the slider with this label."""
        row = self.area.locator(".jp-OutputArea .widget-slider", has=self.page.get_by_text(label, exact=True))
        return row.locator(".noUi-handle").first

    def press_slider(self, label: str, key: str, times: int = 1) -> None:
        """Move a slider by keyboard."""
        handle = self.slider(label)
        handle.focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def choose(self, label: str, option: str) -> None:
        """Choose an option of the list with this label."""
        self.area.get_by_label(label, exact=True).first.select_option(option)

    def button(self, text: str):
        """The button with this text."""
        outputs = self.area.locator(".jp-OutputArea")  # the notebook's own "Restart the kernel" is no "Start"
        whole = re.compile(rf"^\W*{re.escape(text)}\W*$")  # an icon counts as a character of the name
        return outputs.get_by_role("button", name=whole).first

    def press_button(self, text: str) -> None:
        self.button(text).click()

    def upload(self, path: Path) -> None:
        """Press the first button for a file of one's own, and choose the file."""
        with self.page.expect_file_chooser() as chooser:
            self.locator("button.widget-upload").click()
        chooser.value.set_files(str(path))

    def click_at(self, x: float, y: float, nth: int = 0, *, selector: str = ".course-surface") -> None:
        """Click on a picture at a fraction of its width and height."""
        box = self._box(selector, nth)
        self.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])

    def drag(self, places: Sequence[tuple[float, float]], nth: int = 0, *, selector: str = ".course-surface") -> None:
        """Press the mouse on a picture at the first place, move over the others, and let go."""
        box = self._box(selector, nth)
        for index, (x, y) in enumerate(places):
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
            if index == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def _box(self, selector: str, nth: int) -> dict:
        element = self.locator(selector, nth)
        element.scroll_into_view_if_needed()
        return element.bounding_box()

    def milliseconds(self, act: Callable[[], None], selector: str = "img", nth: int = 0, timeout: float = 20) -> float:
        """How long after the key or the mouse button an element of the page changes, measured in the page itself."""
        self.locator(selector, nth).evaluate(
            """(element, limit) => {
                let start = null;
                const begin = () => { start ??= performance.now(); };
                const begins = ['keydown', 'pointerdown', 'pointermove', 'change'];
                begins.forEach((name) => window.addEventListener(name, begin, { capture: true }));
                window.courseAnswer = new Promise((resolve) => {
                    const done = (value) => {
                        observer.disconnect();
                        begins.forEach((name) => window.removeEventListener(name, begin, { capture: true }));
                        resolve(value);
                    };
                    const observer = new MutationObserver(() => {
                        if (start !== null) requestAnimationFrame(() => done(performance.now() - start));
                    });
                    observer.observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
                    setTimeout(() => done(null), limit);
                });
            }""",
            timeout * 1000,
        )
        act()
        value = self.page.evaluate("() => window.courseAnswer")
        assert value is not None, f"{selector} did not change within {timeout:g} s"
        return value

    def median_ms(self, acts: Sequence[Callable[[], None]], selector: str = "img", nth: int = 0) -> float:
        """The median answer of several actions; each waits until the one before is done."""
        times = []
        for act in acts:
            times.append(self.milliseconds(act, selector, nth))
            self.idle()
        return statistics.median(times)

    def close(self) -> None:
        """Close the notebook; the kernel stays, without this notebook's widgets."""
        with contextlib.suppress(Exception):
            self.execute("import ipywidgets; ipywidgets.Widget.close_all()")
        # `dispose` asks nobody: what the widgets said at their end may come after the save, and then a dialog would wait
        self.page.evaluate(
            """async () => { const widget = window.jupyterapp.shell.currentWidget;
                await widget.context.save(); widget.dispose() }"""
        )
