"""The site: its pages from notebooks and docstrings; links; and, in a real browser, no outside request, 390 pixels, search."""

import base64
import functools
import http.server
import importlib.util
import io
import re
import threading
from dataclasses import dataclass

import nbformat
import pytest
from PIL import Image
from typer.testing import CliRunner

from course_utils import cli, explorers
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.site import api, build_site, commands, lessons, links, settings
from course_utils.authoring.web import build_lab, needed
from course_utils.errors import CourseError
from tests.explorers.browser import CHROMIUM, FLAGS

pytestmark = pytest.mark.filterwarnings("ignore:.*MystReferenceResolver.app")  # of MyST, for a later Sphinx

# a function of the package, as its author would write it


def example(net, images, target=None, *, of="score", mark=print):
    """Maps of a class.

    Args:
        net: a classifier,
            frozen or not.
        images: `(N, 3, H, W)`.

    Returns:
        `(N, H, W)`.

    Raises:
        ValueError: no such class.

    Reference:
        Somebody, 2014.

    >>> 1 + 1
    2
    """


def test_a_docstring_becomes_markdown():
    text = api.markdown(example.__doc__)
    assert text.startswith(
        "Maps of a class.\n\n**Args:**\n\n- **net**: a classifier,\n  frozen or not.\n- **images**: `(N, 3, H, W)`."
    )
    assert "**Returns:** `(N, H, W)`." in text and "- **ValueError**: no such class." in text
    assert "**Reference:** Somebody, 2014." in text and text.endswith("```pycon\n>>> 1 + 1\n2\n```")


def test_a_signature_is_what_a_person_writes():
    assert api.signature(example) == "(net, images, target=None, *, of='score', mark=...)"


def test_every_public_name_is_on_a_page_of_the_reference():
    from tests.test_api import ROOMS, THINGS

    assert set(ROOMS) <= set(api.ROOMS)
    there = {f"{room}.{name}" for room in api.ROOMS for name in api.public(room)}
    assert set(THINGS) <= there
    assert {f"explorers.{name}" for name in explorers._HOME} == {n for n in there if n.startswith("explorers.")}
    assert {"fun.STYLE_NAMES", "gradients.PHASES", "optimize.CROPS", "stimuli.TEXTURES"} <= there
    assert "{py:data} course_utils.gradients.PARTS\n:value: ('luma coarse', 'luma fine', 'chroma')" in api.page(
        "gradients"
    )
    assert ":value: ['vgg19', 'efficientnet_lite0'" in api.page("networks"), "no addresses of functions"
    assert "{py:function} course_utils.gradients.saliency(net, images, target=None, *, of='score')" in api.page(
        "gradients"
    )


def test_the_page_of_commands_has_every_command_and_option():
    page = commands.page(cli.app)
    for words in (
        "## `course lab`",
        "## `course export nbgrader`",
        "| `--font-size` |",
        "If not given: `20`",
        "| `LESSON` |",
    ):
        assert words in page


# formulas


def test_a_formula_becomes_mathml():
    assert settings.to_mathml(r"\arg\max_I S_c(I)").startswith("<math>")
    assert 'display="block"' in settings.to_mathml(r"\frac12", block=True)


# a notebook as a page


def png(size=(30, 20)) -> str:
    held = io.BytesIO()
    Image.new("RGB", size, "red").save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()


@pytest.fixture
def notebook():
    make = nbformat.v4
    picture = make.new_output(
        "display_data", data={"image/png": png()}, metadata={"image/png": {"alt": 'a "red" field'}}
    )
    bare = make.new_output("display_data", data={"image/png": png()})
    cells = [
        make.new_markdown_cell("# 42 · Fields\n\nIntro, and [the next](43_more.ipynb#The-idea)."),
        make.new_code_cell(
            "# draw a field\nfield()", outputs=[picture, bare, make.new_output("stream", text="a ``` b\n")]
        ),
        make.new_markdown_cell(
            "![Expected picture: a red VGG](attachment:expected.png)",
            attachments={"expected.png": {"image/png": png()}},
        ),
    ]
    return make.new_notebook(cells=cells, metadata={"course": {"lesson": "42"}})


def test_a_notebook_becomes_a_page_and_its_pictures_files(notebook, tmp_path):
    page = lessons.page(notebook, "42_fields", tmp_path)
    assert page.startswith("# 42 · Fields\n\n:::{note}") and "course lab 42" in page
    assert "(43_more.md#The-idea)" in page
    assert 'alt="a &quot;red&quot; field" width="30" height="20"' in page
    assert 'alt="Draw a field"' in page  # no text of its own: what the cell says
    assert 'alt="Expected picture: a red VGG"' in page and "attachment:" not in page
    assert "````{code-block} text\n:class: course-output\n\na ``` b\n````" in page
    assert sorted(p.name for p in (tmp_path / "pictures/42_fields").iterdir()) == ["1.png", "2.png", "3.png"]


def test_a_page_says_where_the_lesson_is_in_other_languages(notebook, tmp_path):
    notebook.metadata["course"] = {"lesson": "00", "language": "ko"}
    other = {"English": "../42_fields.md", "中文": "../zh/42_fields.md"}
    page = lessons.page(notebook, "ko/42_fields", tmp_path, other=other)
    assert "\n\n[English](../42_fields.md) · [中文](../zh/42_fields.md)\n\n" in page
    assert "`course lab 00`을" in page and "You read" not in page, "the note is translated"
    assert 'href="../../pictures/ko/42_fields/1.png"' in page and (tmp_path / "pictures/ko/42_fields/1.png").is_file()


# links


def test_links_that_lead_nowhere_and_outside_requests_are_found(tmp_path):
    (tmp_path / "there.html").write_text('<h1 id="top-of">x</h1>', encoding="utf-8")
    (tmp_path / "look.css").write_text(
        "@import 'gone.css'; body { background: url(https://b.example/c.png) }", encoding="utf-8"
    )
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="look.css"><a href="there.html#top-of">1</a><a href="there.html#gone">2</a><a href="no.html">3</a>'
        '<a href="https://a.example">4</a><script src="https://a.example/x.js"></script><img src="no.png"><a href="#here">5</a>',
        encoding="utf-8",
    )
    broken, outside = links.check(tmp_path)
    assert broken == [
        "index.html: there.html#gone",
        "index.html: no.html",
        "index.html: #here",
        "index.html: no.png",
        "look.css: gone.css",
    ]
    assert outside == ["index.html: https://a.example/x.js", "look.css: https://b.example/c.png"]


# the command


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for folder, words in ((tmp_path, "not empty"), (tmp_path / "mine.txt", "is a file")):
        with pytest.raises(CourseError, match=words):
            build_site(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_says_its_mistakes_in_one_line(tmp_path):
    result = CliRunner().invoke(cli.app, ["site", "--to", str(tmp_path), "99"])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "no lesson '99'" in result.stderr


# sites in a browser


@dataclass
class Site:
    """A built site, served, and a page of chromium that notes what it asks for and what it complains of."""

    built: object
    folder: object
    url: str
    page: object
    outside: list
    errors: list

    def open(self, name):
        self.page.goto(f"{self.url}/{name}", wait_until="load")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder, built):
    """Yields the site of a folder in a browser."""
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        pytest.skip("chromium or playwright is not installed")
    from playwright.sync_api import sync_playwright

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 800})
        site = Site(built, folder, url, page, [], [])
        page.on(
            "request",
            lambda request: None if request.url.startswith((url, "data:")) else site.outside.append(request.url),
        )
        page.on("console", lambda message: site.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: site.errors.append(str(error)))
        yield site
        browser.close()
    server.shutdown()


@pytest.fixture(scope="module")
def lab():
    """What builds the lab; None where it cannot be built."""
    try:
        needed()
    except CourseError:
        return None
    return build_lab


@pytest.fixture(scope="module")
def whole(tmp_path_factory, lab):
    folder = tmp_path_factory.mktemp("whole")
    yield from serve(folder, build_site(folder, command=cli.app, lab=lab))


def names(site):
    """The pages; the lab has tests of its own."""
    pages = (path.relative_to(site.folder).as_posix() for path in site.folder.rglob("*.html"))
    return sorted(name for name in pages if not name.startswith("lab/"))


def wide(site):
    """The pages that are wider than the screen of a phone, and what sticks out."""
    found = {}
    for name in names(site):
        site.open(name)
        width = site.page.evaluate("() => document.scrollingElement.scrollWidth")
        if width > 390:
            found[name] = width
    return found


def finds(site, words, title):
    """Waits until the search has found a page with this title."""
    site.open(f"search.html?q={words}")
    site.page.locator("#search-results li a", has_text=title).first.wait_for(timeout=20_000)


def violations(site, name):
    """What axe-core calls serious or critical on a page."""
    from axe_playwright_python.sync_playwright import Axe

    site.open(name)
    found = Axe().run(site.page).response["violations"]
    return {one["id"]: one["nodes"][0]["html"][:200] for one in found if one["impact"] in ("serious", "critical")}


def hold(site):
    assert site.built.warnings == [] and site.built.broken == [] and site.built.outside == []
    assert wide(site) == {}
    assert site.outside == [] and site.errors == []


def test_a_site_of_one_lesson_has_no_warning_and_no_broken_link(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("searchindex.js", "gone.html", "docs/gone.html", "CNAME"):  # of an earlier site, and its owner's
        (tmp_path / name).write_text("")
    built = build_site(tmp_path, ["00"], api=False, lab=_a_lab, tour=_a_lab)
    assert not list(tmp_path.rglob("gone.html")) and (tmp_path / "CNAME").exists()
    assert built.warnings == [] and built.broken == [] and built.outside == []
    page = (tmp_path / "notebooks/00_start_here.html").read_text(encoding="utf-8")
    assert "<math" in page and not re.search(r'src="[^"]*mathjax', page, re.I) and '<pre tabindex="0">' in page
    assert '<div tabindex="0" class="table-wrapper' in (tmp_path / "docs/rubric_16.html").read_text(encoding="utf-8")
    front = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "notebooks/07" not in front and '<a href="lab/index.html">' in front
    assert (tmp_path / "lab/index.html").read_text() == "<pre>of the lab</pre>"  # as it was built
    assert ' lang="en"' in page.splitlines()[1] and 'href="ko/00_start_here.html"' in page
    korean = (tmp_path / "notebooks/ko/00_start_here.html").read_text(encoding="utf-8")
    assert ' lang="ko"' in korean.splitlines()[1] and 'href="../zh/00_start_here.html"' in korean
    assert '<a href="tour/index.html">' in front and '<a href="../tour/index.html">tour/index.html</a>' in page
    assert '<a href="../../tour/index.html">tour/index.html</a>' in korean
    assert "Next:</strong> 01 · Filters" in page, "there is no page of lesson 01 here, so no link"
    assert 'href="../00_start_here.html"' in korean and "notebooks/ko/00_start_here.html" in front


def _a_lab(folder):
    folder.mkdir()
    (folder / "index.html").write_text("<pre>of the lab</pre>")


def test_a_lab_beside_some_lessons_is_refused(tmp_path):
    result = CliRunner().invoke(cli.app, ["site", "--to", str(tmp_path / "x"), "00", "--lab"])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "all of them" in result.stderr


def test_what_the_lab_lacks_is_said_before_the_site_is_built(tmp_path):
    pytest.importorskip("onnxruntime")
    there = tmp_path / "x"
    result = CliRunner().invoke(cli.app, ["site", "--to", str(there), "--lab", "--runtime", str(tmp_path / "no.tgz")])
    assert result.exit_code == 2 and "There is no file" in result.stderr and not there.exists()


@pytest.mark.sweep
@pytest.mark.timeout(900)
def test_the_whole_site_holds_together(whole):
    hold(whole)
    assert {f"notebooks/{path.stem}.html" for path in lesson_paths()} < set(names(whole))
    assert len(names(whole)) > 45 and whole.built.megabytes < 20 + 30 * (whole.folder / "lab").exists()


@pytest.mark.sweep
def test_the_lab_beside_the_pages_answers_and_its_links_hold(whole, lab):
    if lab is None:
        pytest.skip("the lab cannot be built here (pip install -e .[web], and npm)")
    whole.open("index.html")
    whole.page.click("a[href='lab/index.html']")
    whole.page.locator("#says tbody tr").nth(4).wait_for(timeout=60_000)
    whole.page.click("#saliency .lesson a")
    assert "07 · Saliency maps" in whole.page.inner_text("h1")
    assert whole.outside == [] and whole.errors == []


@pytest.mark.sweep
@pytest.mark.timeout(2400)  # a minute or two, ten of them beside other work
def test_every_page_can_be_read_by_everybody(whole):
    assert {name: found for name in names(whole) if (found := violations(whole, name))} == {}
    whole.page.emulate_media(color_scheme="dark")
    dark = ("notebooks/00_start_here.html", "reference/hooks.html")
    assert {name: found for name in dark if (found := violations(whole, name))} == {}
    whole.page.emulate_media(color_scheme="light")


@pytest.mark.sweep
def test_the_whole_site_can_be_searched(whole):
    finds(whole, "smoothgrad", "07 · Saliency maps")
    finds(whole, "perplexity", "Glossary")


@pytest.mark.sweep
def test_a_picture_of_a_lesson_has_a_text_and_opens_alone(whole):
    whole.open("notebooks/07_saliency_maps.html")
    assert whole.page.locator("a.course-picture").count() > 10
    assert all(whole.page.locator("a.course-picture img").evaluate_all("all => all.map(one => one.alt.length > 3)"))
    whole.page.locator("a.course-picture").first.click()
    assert "/pictures/07_saliency_maps/" in whole.page.url


@pytest.mark.sweep
def test_a_lesson_can_be_printed(whole):
    whole.open("notebooks/07_saliency_maps.html")
    whole.page.emulate_media(media="print")
    whole.page.set_viewport_size({"width": 680, "height": 960})  # a sheet of A4 without its margins
    pictures = whole.page.locator("a.course-picture img:visible").count()  # those in shut folds stay off the paper
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    assert whole.page.locator("article pre").evaluate_all(cut) == [], "paper cannot be scrolled"
    assert not whole.page.locator(".mobile-header").is_visible()
    for image in whole.page.locator("a.course-picture img:visible").all():  # loaded when it comes into sight
        image.scroll_into_view_if_needed()
        image.evaluate("one => one.decode()")
    sheets = whole.page.pdf(format="A4")
    assert sheets.count(b"/Subtype /Image") >= pictures > 10 and sheets.count(b"/Type /Page\n") > 10
    whole.page.emulate_media(media="screen")
    whole.page.set_viewport_size({"width": 390, "height": 800})
