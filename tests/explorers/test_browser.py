"""The frame, and the explorers of activations and of backprop, in a real browser: turn, click, drag, type, upload, stop."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from course_utils import explorers
from tests.explorers.browser import Notebook, hold

TURN, FIRST, STOP = 300, 2000, 1000  # ms: a cheap knob, the first change of long work, stop
TABLE = ".widget-html-content:has(table)"  # each change of the bars makes a new table in it


@pytest.fixture
def explore(lab):
    """`explore("FeatureMaps()")`: a notebook with one explorer, which has run."""
    opened = []

    def open_explorer(call: str, setup: str = "") -> Notebook:
        name = call.split("(")[0].lower()
        cells = [f"from course_utils import explorers\n{setup}", f"explorer = explorers.{call}\nexplorer"]
        opened.append(lab.open(name, cells))
        opened[-1].locator("img").wait_for()
        return opened[-1]

    yield open_explorer
    for page in opened:
        page.close()


def turn(
    page: Notebook, label: str, key: str = "ArrowRight", *, name: str, selector: str = "img", nth: int = 0
) -> None:
    """Turn a slider six times by keyboard, and hold the median answer to the bar."""
    acts = [lambda: page.press_slider(label, key)] * 6
    hold(f"{name}: {label}", lambda: page.median_ms(acts, selector, nth), TURN)


def settle(page: Notebook) -> None:
    """Wait until the explorer has nothing to do and the page shows it."""
    page.until(lambda: not page.kernel("explorer.worker.busy"), what="the work is done")
    page.page.wait_for_timeout(100)


def picture(page: Notebook, nth: int) -> Image.Image:
    """What a picture of the page shows, fetched from the page."""
    data = page.locator("img", nth).evaluate(
        "async (img) => Array.from(new Uint8Array(await (await fetch(img.src)).arrayBuffer()))"
    )
    return Image.open(io.BytesIO(bytes(data))).convert("RGB")


# --- the frame ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def threshold(lab):
    cells = ["from tests.explorers.test_framework import Threshold", "explorer = Threshold()\nexplorer"]
    page = lab.open("threshold", cells)
    page.locator("img").wait_for()
    yield page
    page.close()


def test_a_picture_works_by_mouse_and_by_keyboard(threshold):
    page = threshold
    surface = page.locator(".course-surface")
    assert surface.get_attribute("tabindex") == "0" and "Enter" in surface.get_attribute("aria-label")
    page.click_at(0.25, 0.75)
    page.until(lambda: page.kernel("explorer.out.clicks") == 1)
    x, y = page.kernel("[explorer.out.x, explorer.out.y]")
    assert (x, y) == pytest.approx((0.25, 0.75), abs=0.01)
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp"):
        page.page.keyboard.press(key)
    assert page.kernel("explorer.out.clicks") == 1, "arrow keys move the cross; only Enter chooses"
    assert surface.locator("svg .course-dashed").count() > 0
    page.page.keyboard.press("Enter")
    page.until(lambda: page.kernel("explorer.out.clicks") == 2)
    assert page.kernel("[explorer.out.x, explorer.out.y]") == pytest.approx([x + 0.1, y - 0.25], abs=0.001)
    page.page.keyboard.press(" ")
    page.until(lambda: page.kernel("explorer.out.clicks") == 3)
    assert page.page.locator(".jp-Cell").count() == 2, "the keys must not reach the notebook"
    page.until(lambda: page.status().startswith("Clicked at"))


def test_a_picture_can_be_seen_larger_and_saved(threshold, tmp_path):
    page = threshold
    page.until(lambda: page.text("figcaption").startswith("brighter than"))
    small = page.locator("img").bounding_box()
    page.area.get_by_role("button", name="Larger: brighter than 0.5").click()
    large = page.area.locator("dialog img")
    large.wait_for()
    assert large.bounding_box()["width"] > 2 * small["width"]
    page.page.keyboard.press("Escape")
    page.until(lambda: not page.area.locator("dialog").count())
    assert page.page.locator(".jp-Cell").count() == 2 and page.kernel("explorer.out.clicks") == 0
    with page.page.expect_download() as saved:
        page.area.get_by_role("link", name="Save: brighter than 0.5").click()
    assert saved.value.suggested_filename == "brighter-than-0-5.png"
    saved.value.save_as(tmp_path / "saved.png")
    assert Image.open(tmp_path / "saved.png").size == (64, 64)


def serious(page: Notebook) -> dict[str, str]:
    """What axe-core calls serious or critical in the outputs of the notebook."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page.page, context=".jp-OutputArea").response["violations"]
    return {one["id"]: one["nodes"][0]["html"][:300] for one in found if one["impact"] in ("serious", "critical")}


def test_the_frame_and_the_quiz_can_be_used_by_everybody(lab):
    setup = "from course_utils import passed_so_far, quiz\nfrom tests.explorers.test_framework import Threshold"
    page = lab.open("everybody", [f"{setup}\nexplorer = Threshold()\nexplorer", 'quiz("00")', 'passed_so_far("00")'])
    try:
        page.locator("img").wait_for()
        page.area.get_by_role("radio").first.click()
        page.until(lambda: "questions right" in page.area.locator(".jp-OutputArea").last.inner_text())
        page.page.wait_for_timeout(700)  # the sliders get their names
        assert serious(page) == {}
    finally:
        page.close()


@pytest.mark.sweep
@pytest.mark.parametrize("name", sorted(explorers._HOME))
def test_each_explorer_can_be_used_by_everybody(explore, name):
    page = explore(f"{name}()")
    settle(page)
    page.page.wait_for_timeout(700)
    assert serious(page) == {}


def test_frames_can_be_seen_on_black_and_on_white(threshold):
    page = threshold
    page.execute("explorer.out.boxes = [[0.1, 0.1, 0.4, 0.4]]; explorer.out.cross = True")
    page.until(lambda: page.locator("svg rect").count() or page.area.locator("svg rect").count())
    strokes = page.area.locator(".course-surface svg rect").evaluate_all(
        "(marks) => marks.map((m) => [getComputedStyle(m).stroke, parseFloat(getComputedStyle(m).strokeWidth)])"
    )
    assert strokes == [["rgb(0, 0, 0)", 4], ["rgb(255, 255, 255)", 2]], "a white line within a black one"
    for shade in (0.0, 1.0):
        page.execute(f"import torch; explorer.out.show(torch.full((8, 8), {shade}))")
        page.screenshot(f"frame-on-{'white' if shade else 'black'}")


def test_errors_are_words_on_the_page_and_go_away(threshold):
    page = threshold
    page.press_slider("Level", "End")
    page.until(lambda: page.error() == "Error: The level is too high; choose at most 0.9.")
    assert page.area.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0, "no traceback"
    page.screenshot("error")
    page.press_slider("Level", "Home")
    page.until(lambda: page.error() == "")
    assert page.slider("Level").get_attribute("aria-label") == "Level"


def test_progress_and_stop(threshold):
    page = threshold
    hold("frame: first change", lambda: page.milliseconds(lambda: page.press_button("Slowly")), FIRST)
    page.until(lambda: "step" in page.text(".course-status-work") and "left" in page.text(".course-status-work"))
    assert page.button("Stop").is_enabled()
    hold("frame: stop", lambda: page.milliseconds(lambda: page.press_button("Stop"), "[role=status]"), STOP)
    page.until(lambda: page.status().startswith("Stopped at step"))
    caption = page.text("figcaption")
    page.page.wait_for_timeout(300)
    assert page.text("figcaption") == caption and "step" in caption, "the last picture stays"
    assert not page.locator(".course-status-work").is_visible()


def test_only_the_newest_of_many_turns_is_shown(threshold):
    page = threshold
    page.execute("import time; explorer.seen.clear(); fast = explorer.update\n"
                 "explorer.update = lambda knobs: (time.sleep(0.2), fast(knobs))")  # fmt: skip
    page.press_slider("Level", "Home")
    page.press_slider("Level", "ArrowRight", times=6)
    page.until(lambda: page.kernel("not explorer.worker.busy and explorer.seen[-1] == explorer.level.value"))
    assert page.kernel("explorer.level.value") > 0
    page.until(lambda: page.text("figcaption") == f"brighter than {page.kernel('explorer.level.value')}")
    assert page.kernel("len(explorer.seen)") < 7, "positions on the way were not computed"


def test_the_page_answers_while_a_cell_runs_elsewhere(threshold):
    page = threshold
    page.press_button("Slowly")
    page.until(lambda: page.kernel("explorer.status.step > 2"), what="the kernel answers while an explorer works")
    page.press_button("Stop")
    settle(page)


def test_a_picture_of_ones_own_and_a_file_that_is_none(threshold, tmp_path):
    page = threshold
    Image.new("RGB", (120, 90), "white").save(tmp_path / "white.png")
    (tmp_path / "notes.txt").write_text("no picture")
    page.upload(tmp_path / "notes.txt")
    page.until(lambda: "notes.txt cannot be read as a picture" in page.error())
    assert page.kernel("explorer._knobs['photo'].value.name") == "cat"
    page.upload(tmp_path / "white.png")
    page.until(lambda: page.kernel("explorer._knobs['photo'].value.name") == "white.png")
    page.until(lambda: picture(page, 0).getextrema()[0] == (255, 255), what="all pixels are bright")
    assert page.error() == ""
    assert "100.0%" in page.text("table")


def test_the_gallery_as_small_pictures_works_by_keyboard_and_by_mouse(threshold):
    page, chosen = threshold, "explorer._knobs['photo'].value.name"
    show, small = page.button("Show all"), page.area.locator(".course-thumbnails")
    assert small.locator("img").count() == 0 and show.get_attribute("aria-expanded") == "false"
    beside = page.button("My own picture").bounding_box()["y"]
    assert abs(show.bounding_box()["y"] - beside) < 5, "closed, it takes no line of its own"
    show.focus()
    page.page.keyboard.press("Enter")
    loaded = "all => all.length > 30 && all.every((one) => one.naturalWidth === 72)"
    page.until(lambda: small.locator("img").evaluate_all(loaded), what="the small pictures are there")
    assert small.locator("label").all_inner_texts() == [
        name.replace("_", " ") for name in page.kernel("explorer._knobs['photo'].thumbnails.names")
    ]
    assert small.locator("input:checked").get_attribute("value") == "cat"
    assert small.locator("input:checked").evaluate("one => one === document.activeElement")
    page.page.keyboard.press("ArrowRight")
    page.until(lambda: page.kernel(chosen) != "cat")
    assert page.area.get_by_label("Photo", exact=True).first.input_value() == page.kernel(chosen)
    small.get_by_text("coffee", exact=True).click()
    page.until(lambda: page.kernel(chosen) == "coffee")
    assert serious(page) == {}
    page.page.keyboard.press("Escape")
    assert show.evaluate("one => one === document.activeElement") and not small.locator("fieldset").is_visible()
    page.choose("Photo", "goose")
    show.click()
    page.until(lambda: small.locator("input:checked").get_attribute("value") == "goose")
    page.screenshot("thumbnails")


def cells_of(page: Notebook) -> list[str]:
    return page.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.map((c) => c.model.sharedModel.source)"
    )


def shown_stills(page: Notebook) -> list[bool]:
    """For each output that stays of a widget: whether it is seen."""
    return page.area.locator(".course-still").evaluate_all("(all) => all.map((one) => one.checkVisibility())")


def test_keys_stay_in_an_explorer_and_in_a_quiz(lab):
    page = lab.open("keys", ["from tests.explorers.test_framework import Threshold\nfrom course_utils import quiz",
                             "explorer = Threshold()\nexplorer", "quiz('00')"])  # fmt: skip
    page.locator(".course-explorer img").wait_for()
    before, active = cells_of(page), "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    radio = page.area.locator(".jp-OutputArea input[type=radio]").first
    photos = page.area.get_by_label("Photo", exact=True).first
    for control in (photos, page.slider("Level"), radio, page.button("Slowly")):
        control.focus()
        at = page.page.evaluate(active)
        for key in (*"catddxzm00jk", "ArrowDown", "ArrowUp", "ArrowDown", "Escape"):
            page.page.keyboard.press(key)
        assert page.page.evaluate(active) == at and not page.page.locator(".jp-Dialog").count()
    assert cells_of(page) == before and page.page.locator(".jp-MarkdownCell").count() == 0
    assert page.area.locator(".jp-OutputArea input[type=radio]:checked").count() == 1, "the arrow keys choose an answer"
    radio.focus()
    page.page.keyboard.press("Control+s")  # combinations are the notebook's
    page.until(lambda: page.page.evaluate("() => !window.jupyterapp.shell.currentWidget.model.dirty"))
    page.close()


def test_a_saved_notebook_shows_what_was_done_when_its_kernel_is_gone(lab):
    page = lab.open("stays", ["from tests.explorers.test_framework import Threshold\nfrom course_utils import quiz",
                              "explorer = Threshold()\nexplorer", "quiz('00')"])  # fmt: skip
    page.locator(".course-explorer img").wait_for()
    assert shown_stills(page) == [False, False], "the live widgets hide what stays of them"
    page.press_slider("Level", "ArrowRight")
    page.area.locator(".jp-OutputArea input[type=radio]").first.check()
    saved = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.model.toJSON())"
    page.until(lambda: "brighter than 0.6" in page.page.evaluate(saved), what="the notebook keeps the new picture")
    page.until(lambda: "chosen" in page.page.evaluate(saved))
    assert shown_stills(page) == [False, False]
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.until(lambda: shown_stills(page) == [True, True], what="without their kernel the widgets make room")
    assert not page.area.locator(".course-explorer").first.is_visible()
    assert "Run this cell again" in page.text(".course-still")
    lab.command("docmanager:save")
    lab.command("application:close")
    page = lab.open_file("stays.ipynb", kernel=lab.server.kernel)
    page.until(lambda: shown_stills(page) == [True, True])
    page.page.wait_for_timeout(3000)  # so long JupyterLab looks for the widgets
    assert not page.area.get_by_text("Error displaying widget").first.is_visible()
    assert "brighter than 0.6" in page.locator(".course-still img").get_attribute("alt")
    assert page.locator(".course-still img").evaluate("(img) => img.naturalWidth") > 300
    page.screenshot("stays", selector=".jp-Notebook")
    lab.command("application:close")
    gone = ("widget model not found", "Canceled future")  # JupyterLab says what we have done to its kernel
    lab.console_errors[:] = [error for error in lab.console_errors if not any(one in error for one in gone)]


def test_a_large_photo_is_made_smaller_and_a_large_scan_is_refused_in_words(threshold, tmp_path):
    page = threshold
    noise = Image.effect_noise((3000, 2800), 120)
    noise.convert("RGB").save(tmp_path / "phone.jpg", quality=97)
    noise.save(tmp_path / "scan.tif")
    assert (tmp_path / "phone.jpg").stat().st_size > 2e6 and (tmp_path / "scan.tif").stat().st_size > 8e6
    page.upload(tmp_path / "scan.tif")
    page.until(lambda: "scan.tif is too large: it has 8.4 MB" in page.error())
    page.upload(tmp_path / "phone.jpg")
    page.until(lambda: page.kernel("explorer._knobs['photo'].value.name") == "phone.jpg")
    assert page.kernel("explorer._knobs['photo'].value.tensor(None).shape[2:]") == [1911, 2048]
    assert page.kernel("len(explorer._knobs['photo'].value.data)") < 4e6
    Image.new("RGB", (120, 90), "white").save(tmp_path / "white.png")
    page.upload(tmp_path / "white.png")
    page.until(lambda: page.kernel("explorer._knobs['photo'].value.name") == "white.png")
    assert page.error() == ""


def test_a_broken_callback_fails_the_cell(lab):
    code = "from tests.explorers.test_framework import Threshold\nclass Broken(Threshold):\n    def update(self, knobs):\n        raise RuntimeError('broken')"
    with pytest.raises(AssertionError, match="RuntimeError: broken"):
        lab.open("broken", [code, "Broken()"])
    lab.command("docmanager:save")
    lab.command("application:close")


# --- the explorers -----------------------------------------------------------------------------------------------------


def test_feature_maps(explore, tmp_path):
    page = explore("FeatureMaps()")
    turn(page, "Channel", name="feature maps")
    settle(page)
    assert page.kernel("explorer.channel.value") >= 6
    page.until(lambda: f"channel {page.kernel('explorer.channel.value')}:" in page.text("figcaption"))

    frame = page.kernel("explorer.shown.boxes[0]")
    page.click_at(0.8, 0.2, 0)
    page.until(lambda: page.kernel("explorer.shown.boxes[0]") != frame, what="the frame in the photo moves")
    left, top, right, bottom = page.kernel("explorer.shown.boxes[0]")
    assert left < 0.8 < right and top < 0.2 < bottom
    page.until(lambda: "row 11, column 44" in page.status())
    assert page.locator(".course-surface", 1).locator("svg rect").count() == 2

    page.click_at(0.5 / 32, 3.5 / 8, 2)  # the sheet of 256 maps, 32 in a row
    page.until(lambda: page.kernel("explorer.channel.value") == 96)
    page.until(lambda: "channel 96:" in page.text("figcaption"))

    page.choose("Layer", "relu5_1")
    page.until(lambda: "14x14" in page.text("figcaption"))
    page.until(lambda: "all 512 channels of relu5_1" in page.text("figcaption", 2))
    wide = page.until(lambda: (b := page.kernel("explorer.shown.boxes[0]"))[2] - b[0] > 0.3 and b)
    assert wide[0] <= left and wide[3] >= bottom, "deeper places see more"
    page.screenshot("feature-maps")

    Image.new("RGB", (300, 200), "red").save(tmp_path / "red.png")
    before = page.source("img", 1)
    page.upload(tmp_path / "red.png")
    page.until(lambda: page.source("img", 1) != before and "red.png" in page.text("figcaption", 1))
    assert picture(page, 1).getpixel((100, 100))[0] > 240
    assert page.error() == ""


def test_neighbors(explore):
    page = explore("Neighbors()")
    places = [((i + 0.5) / 12, 0.5) for i in range(6)]
    acts = [lambda place=place: page.click_at(*place, 0) for place in places]
    hold("neighbors: click", lambda: page.median_ms(acts, "img", 2), TURN)
    page.until(lambda: "The frame: cat, recolored" in page.text("figcaption", 0))
    assert page.text("figcaption", 1).startswith("nearest in pixels:")
    assert "in pixels" in page.status() and "in features" in page.status()
    before = page.source("img", 2)
    page.press_button("cosine")
    page.until(lambda: page.source("img", 2) != before)
    assert page.kernel("explorer.metric.value") == "cosine"
    page.page.keyboard.press("Shift+Tab")
    page.locator(".course-surface").focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")  # one row further down
    page.until(lambda: "The frame: cannon, recolored" in page.text("figcaption", 0))
    page.screenshot("neighbors")


@pytest.mark.sweep
def test_feature_space(explore):
    page = explore("FeatureSpace()")
    index = 30
    x, y = page.kernel(f"(explorer._places(explorer.knobs())[{index}] / 460).tolist()")
    page.click_at(x, y, 0)
    settle(page)
    name = page.text("figcaption", 1).removeprefix("the framed one: ")
    assert page.kernel("explorer.map.boxes[0][0]") == pytest.approx(page.kernel("explorer.map.x") - 14 / 460, abs=0.01)
    assert page.status().startswith(name)
    acts = [lambda p=p: page.click_at(*p, 0) for p in ((0.1, 0.5), (0.5, 0.9), (0.9, 0.4), (0.4, 0.1), (0.7, 0.7), (0.2, 0.2))]  # fmt: skip
    hold("feature space: click", lambda: page.median_ms(acts, "img", 1), TURN)
    settle(page)
    page.screenshot("feature-space")
    before = page.source("img", 0)
    page.press_button("PCA")
    page.until(lambda: "PCA" in page.text("figcaption", 0) and page.source("img", 0) != before)
    page.press_button("pixels")
    page.until(lambda: "by their pixels" in page.text("figcaption", 0))
    assert page.kernel("[explorer.space.value, explorer.method.value]") == ["pixels", "PCA"]


@pytest.mark.sweep
def test_top_patches(explore):
    page = explore("TopPatches()")
    turn(page, "Channel", name="top patches")
    settle(page)
    channel = page.kernel("explorer.channel.value")
    page.until(lambda: f"channel {channel}:" in page.text("figcaption", 0))
    page.click_at(0.5, 0.5, 0)
    page.until(lambda: page.text("figcaption", 1).startswith("number 5:"))
    page.screenshot("top-patches")
    layer = page.kernel("explorer.layer.options[-1]")
    act = lambda: page.milliseconds(lambda: page.choose("Layer", layer))  # noqa: E731
    hold("top patches: another layer, first patches", act, FIRST)
    page.until(lambda: layer in page.text("figcaption", 0))
    page.until(lambda: page.status().endswith("the best of 37 photos."), timeout=90)


def test_top_patches_can_be_stopped_and_go_on(explore):
    page = explore(
        "TopPatches(images=photos)", "from course_utils import labelled_photos\nphotos = labelled_photos(64)[0]"
    )
    page.execute(
        "slow = explorer.net.layer('conv_stem').register_forward_hook(lambda *_: __import__('time').sleep(0.2))"
    )
    page.choose("Layer", page.kernel("explorer.layer.options[1]"))
    page.until(lambda: page.kernel("explorer.worker.busy and explorer.status.step >= 2"))
    hold("top patches: stop", lambda: page.milliseconds(lambda: page.press_button("Stop"), "[role=status]"), STOP)
    page.until(lambda: page.status().startswith("Stopped at step"))
    done = page.kernel("explorer.status.step")
    assert 0 < done < 20
    page.execute("slow.remove()")
    page.press_slider("Channel", "ArrowRight")
    page.until(lambda: page.status().endswith("the best of 20 photos."))


def test_occlusion(explore):
    page = explore("Occlusion()")
    bars = page.text("table")
    page.drag([(0.5, 0.5), (0.6, 0.4), (0.7, 0.3)], 0)
    page.until(lambda: page.text("table") != bars, what="the probabilities move with the window")
    settle(page)
    assert page.kernel("[explorer.covered.x, explorer.covered.y]") == pytest.approx([0.7, 0.3], abs=0.01)
    gray = picture(page, 0).crop((140, 50, 170, 80)).getextrema()
    assert all(abs(v - 128) < 12 for extremes in gray for v in extremes), "the window is gray"
    page.locator(".course-surface").focus()
    acts = [lambda key=key: page.page.keyboard.press(key) for key in ("ArrowLeft", "ArrowDown") * 3]
    hold("occlusion: arrow keys on the window", lambda: page.median_ms(acts, TABLE), TURN)
    settle(page)
    assert page.kernel("explorer.covered.x") == pytest.approx(0.55, abs=0.01)
    page.screenshot("occlusion")

    combobox = page.area.get_by_label("Map of class", exact=True).first
    combobox.fill("Great Dane")
    combobox.press("Enter")
    page.until(lambda: "Full map" in page.text("figcaption", 1))
    page.press_slider("Step of the map", "Home")
    hold("occlusion: first of the full map", lambda: page.milliseconds(lambda: page.press_button("Full map"), "img", 1), FIRST)  # fmt: skip
    page.until(lambda: page.text("figcaption", 1).startswith("Great Dane"))
    page.press_slider("Window", "Home")  # a turn replaces the long work
    settle(page)
    page.press_button("Full map")
    page.until(lambda: page.kernel("explorer.worker.busy and explorer.status.step > 0"))
    hold("occlusion: stop", lambda: page.milliseconds(lambda: page.press_button("Stop"), "[role=status]"), STOP)
    page.until(lambda: page.status().startswith("Stopped at step"))
    page.click_at(0.2, 0.8, 1)
    page.until(lambda: page.kernel("explorer.covered.x") == pytest.approx(0.2, abs=0.01))
    assert page.error() == ""


def test_saliency_and_rules(explore):
    page = explore("Saliency()")
    assert "bald eagle" in page.status()
    before = page.source("img", 2)  # 1 is the map of a layer, which is hidden now
    page.press_button("guided")
    page.until(lambda: page.text("figcaption", 2).startswith("guided"))
    assert page.source("img", 2) != before
    combobox = page.area.get_by_label("Class", exact=True).first
    combobox.fill("kite")
    combobox.press("Enter")
    page.until(lambda: page.status().startswith("Class kite"))
    combobox.fill("no such class")
    combobox.press("Enter")
    page.until(lambda: "has no class 'no such class'" in page.error())
    combobox.fill("")
    combobox.press("Enter")
    page.until(lambda: page.error() == "" and page.status().startswith("Class bald eagle"))
    page.screenshot("saliency-class")

    page.press_button("one unit")
    page.until(lambda: page.status().startswith("The unit at"))
    page.until(lambda: page.area.locator(".course-surface.course-active").is_visible())
    acts = [lambda p=p: page.click_at(*p, selector=".course-active") for p in ((0.4, 0.6), (0.3, 0.4), (0.6, 0.4), (0.2, 0.3))]  # fmt: skip
    hold("saliency: click on a unit", lambda: page.median_ms(acts, "[role=status]"), TURN)
    settle(page)
    frame = page.kernel("explorer.shown.boxes[0]")
    assert frame[0] < 0.2 < frame[2] and frame[1] < 0.3 < frame[3]
    page.screenshot("saliency-unit")


def test_a_cell_may_use_the_network_while_its_explorer_works(explore):
    setup = "import torch\nfrom course_utils import load_network, photo\nfrom course_utils.gradients import backprop\nnet = load_network('efficientnet_lite0')\nimage = photo('cat')\nalone = backprop(net, image, 1)"
    page = explore("Saliency(net, rule='guided')", setup)
    page.execute(
        "import threading; go = threading.Event()\ndef busy(knobs):\n    while not go.is_set():\n        explorer.update(knobs); yield 1, 2\nexplorer.run(busy)"
    )
    page.execute("both = [backprop(net, image, 1) for _ in range(4)]; busy_then = explorer.worker.busy; go.set()")
    assert page.kernel("busy_then")
    assert page.kernel("all(torch.equal(alone, one) for one in both)"), "the explorer's rule reached the cell's network"
