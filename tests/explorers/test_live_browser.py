"""The explorers of long work in a real browser: choose, start, watch, stop.

Bars: a first change within 2 s, stop obeyed within 1 s, a style slider within 300 ms; `hold` prints them.
"""

from __future__ import annotations

import re

import pytest

from tests.explorers.browser import hold

FIRST, STOP, TURN = 2000, 1000, 300  # ms
LITE = 'from course_utils import explorers, load_network\nnet = load_network("efficientnet_lite0")'
VGG = 'from course_utils import explorers, load_network\nvgg = load_network("vgg19")'


def widgets(page) -> str:
    return "\n".join(page.area.locator(".jp-OutputArea .course-explorer figcaption").all_inner_texts())


def start_and_stop(page, name: str, nth: int, start: str = "Start") -> None:
    """Press Start, see the picture change more than once, press Stop, see it obeyed and the last picture stay."""
    hold(f"{name}: first picture", lambda: page.milliseconds(lambda: page.press_button(start), "img", nth), FIRST)
    for _ in range(2):
        shown = page.source("img", nth)
        page.until(lambda shown=shown: page.source("img", nth) != shown, what="the picture in the making changes again")
    assert page.kernel("explorer.worker.busy")
    assert re.search(r"step \d+ of \d+", page.text(".course-status-work"))
    assert page.locator(".course-status-work progress").get_attribute("value")
    hold(f"{name}: stop", lambda: page.milliseconds(lambda: page.press_button("Stop"), "[role=status]"), STOP)
    page.until(lambda: page.status().startswith("Stopped at step "), what="the status line says that it stopped")
    page.until(lambda: not page.kernel("explorer.worker.busy"), what="the work has ended")
    assert page.error() == "" and page.kernel("explorer.error is None")
    shown = page.source("img", nth)
    page.page.wait_for_timeout(400)
    assert page.source("img", nth) == shown, "the last picture stays"
    assert page.kernel("explorer._stop.disabled")


@pytest.fixture
def open_explorer(lab):
    opened = []

    def opens(name: str, first: str, call: str):
        page = lab.open(name, [first, f"explorer = explorers.{call}\nexplorer"])
        opened.append(page)
        page.locator(".course-explorer img").wait_for()
        return page

    yield opens
    for page in opened:
        page.close()


def test_class_visualization(open_explorer):
    page = open_explorer("class_visualization", LITE, "ClassVisualization(net)")
    assert "goldfish" in widgets(page) and "for the judge" in widgets(page)
    field = page.area.get_by_label("Class", exact=True).first
    field.fill("daisy")
    field.press("Tab")
    page.until(lambda: page.kernel("explorer.knobs().target") == "daisy")
    page.area.get_by_label("Random transforms", exact=True).first.uncheck()
    start_and_stop(page, "class visualization", 0)
    assert "daisy: phases" in widgets(page) and "transforms" not in page.text("figcaption", 0)
    assert page.kernel("explorer.bars.rows[0][0]") in page.text("table")
    page.screenshot("class_visualization")
    field.fill("no such flower")
    field.press("Tab")
    page.press_button("Start")
    page.until(lambda: "no class 'no such flower'" in page.error(), what="the error is told in words")
    page.screenshot("class_visualization_error")


def test_fooling(open_explorer):
    page = open_explorer("fooling", LITE, "Fooling(net)")
    hold("fooling: first picture", lambda: page.milliseconds(lambda: page.press_slider("ε (of 255)", "ArrowRight", 4), "img", 1), FIRST)  # fmt: skip
    page.until(lambda: "6/255" in page.text("figcaption", 1) and not page.kernel("explorer.worker.busy"), 60)
    assert page.kernel("explorer.knobs().eps") == 6
    assert page.kernel("dict(explorer.bars.rows)['toaster']") > 0.5
    assert page.status().endswith("It is fooled.")
    page.screenshot("fooling")
    page.kernel("setattr(explorer, 'steps', 500)")  # so that there is time to stop it
    page.choose("From", "cat")
    page.until(lambda: page.kernel("explorer.clean.caption") in widgets(page) and "eagle" not in widgets(page))
    hold("fooling: stop", lambda: page.milliseconds(lambda: page.press_button("Stop"), "[role=status]"), STOP)
    page.until(lambda: page.status().startswith("Stopped at step "), what="the status line says that it stopped")
    page.until(lambda: not page.kernel("explorer.worker.busy"), 60)


@pytest.mark.sweep
def test_inversion(open_explorer):
    page = open_explorer("inversion", VGG, "Inversion(vgg)")
    page.choose("Layer", "relu2_2")
    start_and_stop(page, "inversion", 1)
    assert page.kernel("explorer.knobs().layer") == "relu2_2" and "relu2_2" in page.text("figcaption", 1)
    assert "relu3_1" in page.text("figcaption", 2), "the result before stays beside it"
    page.screenshot("inversion")


@pytest.mark.sweep
def test_deepdream(open_explorer):
    page = open_explorer("deepdream", VGG, "DeepDream(vgg)")
    page.choose("Layer", "relu4_3")
    page.press_slider("Octaves", "ArrowLeft")
    start_and_stop(page, "DeepDream", 1)
    assert "relu4_3, octaves: 3" in page.text("figcaption", 1)
    assert page.kernel("[explorer.knobs().layer, explorer.knobs().octaves]") == ["relu4_3", 3]
    page.screenshot("deepdream")
    start_and_stop(page, "DeepDream, dream on", 1, start="Dream on")


@pytest.mark.sweep
def test_texture(open_explorer):
    page = open_explorer("texture", VGG, "Texture(vgg)")
    page.choose("Sample", "leaves")
    start_and_stop(page, "texture, Gram matrices", 1)
    page.choose("Method", "pixel by pixel")
    page.until(lambda: page.kernel("not explorer.window.disabled"))
    page.press_slider("Window", "End")  # the slowest: a small window is done before one can stop it
    page.until(lambda: page.kernel("explorer.knobs().window") == 23)
    start_and_stop(page, "texture, pixel by pixel", 1)
    assert "leaves: pixel by pixel, window 23" in widgets(page) and "Gram matrices" in page.text("figcaption", 2)
    page.screenshot("texture")


@pytest.mark.sweep
def test_style_transfer(open_explorer):
    page = open_explorer("style_transfer", VGG, "StyleTransfer(vgg)")
    page.choose("Style", "waves")
    page.press_button("Start")
    page.until(lambda: "waves, style 100, content 1; step" in page.text("figcaption", 2))
    page.press_slider("Style weight", "ArrowRight", 2)  # while it paints
    page.until(
        lambda: "waves, style 1,000, content 1; step" in page.text("figcaption", 2),
        what="it paints with the new weight",
    )
    page.until(lambda: re.search(r"; step \d\d", page.text("figcaption", 2)), 60)  # by then one sees the style
    assert page.kernel("explorer.worker.busy")
    page.press_button("Stop")
    page.until(lambda: page.status().startswith("Stopped"))
    page.screenshot("style_transfer")
    start_and_stop(page, "style transfer", 2)


def test_many_styles(open_explorer):
    page = open_explorer("many_styles", "from course_utils import explorers", "ManyStyles()")
    before, names = page.source("img", 1), ("Waves", "Mosaic", "Ink", "Dots", "Waves")
    turns = [lambda name=name: page.press_slider(name, "ArrowRight") for name in names]
    hold("many styles: slider", lambda: page.median_ms(turns, "img", 1), TURN)
    page.until(lambda: page.kernel("not explorer.worker.busy and explorer._knobs['waves'].value == 0.1"))
    assert page.source("img", 1) != before
    assert "waves 8%" in page.text("figcaption", 1)
    page.screenshot("many_styles")
    page.press_slider("Night", "Home")
    for name in ("Waves", "Mosaic", "Ink", "Dots"):
        page.press_slider(name, "Home")
    page.until(lambda: "All sliders are at 0" in page.error(), what="the error is told in words")
