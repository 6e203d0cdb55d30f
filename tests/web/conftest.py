"""The lab, built once for all tests, and its page in chromium."""

import functools
import http.server
import threading
import time

import pytest
from playwright.sync_api import Error

from course_utils.authoring.web import build_lab, needed
from course_utils.errors import CourseError
from tests.explorers.browser import CHROMIUM, FLAGS
from tests.measured import measured

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # chromium's own test picture


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """`(folder, Lab)`. Without the runtime's npm package there is no page, and nothing to test."""
    try:
        needed()
    except CourseError as error:
        pytest.skip(f"The lab cannot be built here. {error}")
    folder = tmp_path_factory.mktemp("lab")
    return folder, build_lab(folder)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class LabPage:
    """A page of the lab in chromium, and what it complained of and asked for.

    `evaluate` takes JavaScript; in the page, `lab.results` holds what the instruments found.
    """

    def __init__(self, browser, url, *, width=1366, script="", service_workers="allow"):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, service_workers=service_workers)
        self.page = self.context.new_page()
        self.errors, self.outside = [], []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._heard)
        self.url = url
        if script:
            self.page.add_init_script(script)
        self.page.goto(url)

    def _heard(self, request):
        if request.method != "GET" or not request.url.startswith((self.url, "data:", "blob:")):
            self.outside.append(f"{request.method} {request.url}")

    def evaluate(self, script, given=None):
        return self.page.evaluate(script, given)

    def until(self, condition, seconds=180):
        """Wait until a condition holds in the page. (Its policy forbids `wait_for_function`, which evaluates text.)"""
        end = time.monotonic() + seconds
        while not self._holds(condition):
            if time.monotonic() > end:
                raise TimeoutError(f"{condition}; the page says: {self.page.inner_text('#starting')}")
            time.sleep(0.02)

    def _holds(self, condition):
        try:
            return self.evaluate(f"() => Boolean({condition})")
        except Error as error:  # a first visit loads the page twice
            if "navigation" not in str(error) and "lab is not defined" not in str(error):
                raise
            return False

    def result(self, name, act):
        """What an instrument finds after `act()`; its pictures as lists."""
        self.evaluate("name => { delete lab.results[name]; }", name)
        act()
        self.until(f"lab.results['{name}']")
        return self.evaluate(f"() => JSON.parse(JSON.stringify(lab.results['{name}'], {PLAIN}))")

    def upload(self, path):
        """A new photo; gives the five classes. All instruments forget what they found."""
        self.evaluate("() => { lab.results = {}; }")
        self.result("says", lambda: self.page.set_input_files("input[type=file]", str(path)))
        self.until("lab.results.cover && lab.results.field")
        return self.evaluate("() => lab.results.says")

    def measure(self, what, time_name, bar):
        """Keep the time that the page itself measured."""
        measured(f"lab: {what}", self.evaluate(f"() => lab.times['{time_name}'] / 1000"), bar)

    def says(self, name):
        return self.page.inner_text(f"#{name} [role=status]")


PLAIN = "(key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value"


@pytest.fixture(scope="module")
def browser(built):
    """`(chromium, address)`: the lab, served."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium); the browser tests need it")
    from playwright.sync_api import sync_playwright

    handler = functools.partial(_Quiet, directory=str(built[0]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *CAMERA])
        yield chromium, f"http://127.0.0.1:{server.server_port}/"
        chromium.close()
    server.shutdown()


@pytest.fixture(scope="module")
def whole(browser):
    """The page with everything loaded; one for all tests of a module."""
    page = LabPage(*browser)
    page.until("document.body.dataset.ready === 'all'")
    page.measure("usable, after its files are there", "start", 3)
    assert page.errors == [] and page.outside == []
    yield page
    page.context.close()


@pytest.fixture
def lab(whole):
    """The same; fails a test in which the page wrote an error, asked another host for something, or sent anything."""
    whole.errors.clear()
    whole.outside.clear()
    yield whole
    assert whole.errors == [] and whole.outside == []
