"""The explorers of long work, without a browser: static figure, live pictures, stop, newest request only, errors in words."""

from __future__ import annotations

import base64
import gc
import importlib
import io
import threading
import time

import ipywidgets
import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from course_utils import explorers, photo
from course_utils.explorers.fast_style import OwnStyle
from course_utils.explorers.live_explorer import PAUSE, LiveExplorer
from course_utils.explorers.panel import FIGURE_BYTES
from course_utils.fun.fast_style import load_style_net, stylize
from course_utils.fun.style_net import StyleNet
from course_utils.images import load_image, to_pil
from course_utils.stimuli import texture_sample
from course_utils.stimuli.textures import FOLDER


def until(condition, timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


# --- the frame, with a method that only counts ---------------------------------------------------------------------------


def count(steps, callback, seconds=0.01):
    """A long method as those of the course: gray pictures that become lighter."""
    image = torch.zeros(1, 3, 8, 8)
    for step in range(steps):
        image = torch.full((1, 3, 8, 8), step / steps)
        if callback(step, image, torch.tensor([float(step)])):
            break
        time.sleep(seconds)
    return image


class Counting(LiveExplorer):
    title, first_steps, contrast = "Counting", 5, {"offset": 100}

    def __init__(self, steps=1000):
        super().__init__()
        self.steps, self.runs, self.shown = steps, [], []
        self.offset = self.knob("offset", ipywidgets.IntSlider(0, description="Offset", max=1000), update=False)
        self.button("Start", self.update)
        self.out, self.before = self.picture(""), self.picture("")
        self.start()

    def update(self, knobs):
        self.runs.append(knobs.offset)
        self.keep()

        def show(step, images, values):
            self.shown.append((time.monotonic(), threading.get_ident()))
            self.out.show(images, f"{step}")

        image = count(self.steps, self.watch(self.steps, show))
        self.out.show(image, f"{knobs.offset}: {image.mean():.3f}")
        self.say("done")


def test_the_first_steps_and_the_contrast_are_the_static_figure():
    explorer = Counting()
    assert explorer.runs == [100, 0]
    assert explorer.out.caption == "0: 0.005" and explorer.before.caption == "The result before: 100: 0.005"
    assert not explorer.shown  # a figure that nobody sees in the making costs nothing
    assert explorer.offset.value == 0


def test_live_pictures_come_from_the_background_and_not_too_often(monkeypatch):
    explorer = Counting(steps=60)
    explorer.run(explorer.update)
    explorer.wait()
    times = [t for t, _ in explorer.shown]
    assert 2 <= len(times) < 30 and min(np.diff(times)) >= 0.9 * PAUSE
    assert all(thread != threading.get_ident() for _, thread in explorer.shown)
    assert explorer.out.caption == "0: 0.983" and explorer.status.text == "done"
    assert (explorer.status.step, explorer.status.steps) == (59, 60)
    assert explorer.before.caption == "The result before: 0: 0.083"


def test_stop_ends_it_and_keeps_the_last_picture():
    explorer = Counting()
    assert explorer._stop in explorer.box.children[1].children
    explorer.run(explorer.update)
    until(lambda: explorer.status.step >= 3)
    asked = time.monotonic()
    explorer._stop.click()
    explorer.wait(5)
    assert time.monotonic() - asked < 1
    step = explorer.status.step
    assert (
        explorer.out.caption == f"0: {step / 1000:.3f}" and explorer.status.text == f"Stopped at step {step} of 1000."
    )
    before = explorer.out.image
    time.sleep(0.3)
    assert explorer.out.image == before and explorer.status.step == step


def test_of_many_starts_the_last_one_counts():
    explorer = Counting(steps=100)
    for offset in range(1, 21):
        explorer.offset.value = offset
        explorer.run(explorer.update)
    explorer.wait()
    assert explorer.runs[-1] == 20 and explorer.out.caption.startswith("20: 0.99")
    assert len(explorer.runs) <= 2 + 20 and explorer.runs == sorted(set(explorer.runs), key=explorer.runs.index)
    assert not explorer.worker.busy


def test_the_old_sentence_goes_when_long_work_begins():
    explorer = Counting(steps=200)
    assert explorer.status.text == "done"
    explorer.run(explorer.update)
    until(lambda: explorer.status.step >= 3)
    assert explorer.status.text == "", "it is about the picture before"
    explorer.wait()
    assert explorer.status.text == "done"


# --- the explorers ---------------------------------------------------------------------------------------------------------


def make(name, lite, vgg):
    """A small one of each, so that the tests are fast."""
    options = {
        "ClassVisualization": {"net": lite, "size": 64, "steps": 40, "judge": "efficientnet_lite0"},
        "Fooling": {"net": lite, "steps": 4},
        "Inversion": {"net": vgg, "size": 48, "layer": "relu2_2", "steps": 40},
        "DeepDream": {"net": vgg, "size": 72, "layer": "relu4_1"},
        "Texture": {"net": vgg, "size": 48, "steps": 60},
        "StyleTransfer": {"net": vgg, "size": 64},
    }[name]
    return getattr(explorers, name)(**options)


METHODS = {
    "ClassVisualization": "visualize",
    "Fooling": "pgd",
    "Inversion": "invert",
    "DeepDream": "deepdream",
    "Texture": "synthesize_texture",
    "StyleTransfer": "style_transfer",
}
WITH_START = [name for name in METHODS if name != "Fooling"]


@pytest.fixture(scope="module")
def made(lite, vgg):
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = make(name, lite, vgg)
        return cache[name]

    return get


@pytest.mark.parametrize("name", METHODS)
def test_without_a_browser_there_is_a_figure_that_shows_something(name, made):
    explorer = made(name)
    bundle, _ = explorer.still().bundle()
    data = base64.b64decode(next(value for kind, value in bundle.items() if kind.startswith("image/")))
    assert len(data) <= FIGURE_BYTES
    assert Image.open(io.BytesIO(data)).size[0] > 500
    for picture in (view for view in explorer._views if hasattr(view, "image")):
        assert picture.image and picture.caption
        assert np.asarray(Image.open(io.BytesIO(picture.image)).convert("L"), float).std() > 5
    assert explorer.status.text and explorer._stop in explorer.box.children[1].children


@pytest.mark.parametrize(
    ("name", "knob", "value", "view"),
    [
        ("Inversion", "photo", "coffee", "photo"),
        ("DeepDream", "photo", "coffee", "photo"),
        ("StyleTransfer", "photo", "coffee", "photo"),
        ("StyleTransfer", "style", "waves", "style"),
        ("Texture", "sample", "leaves", "sample"),
    ],
)
def test_what_is_chosen_is_shown_before_start(name, knob, value, view, made):
    explorer = made(name)
    chooser, shown, result = explorer._knobs[knob], getattr(explorer, view), explorer.out.image
    chooser = getattr(chooser, "photos", chooser)
    before, picture = chooser.value, shown.image
    chooser.value = value
    explorer.wait()
    assert shown.image != picture and value in shown.caption
    assert "Press Start" in explorer.status.text and explorer.out.image == result
    chooser.value = before  # other tests use the same explorer
    explorer.wait()
    assert shown.image == picture


@pytest.mark.parametrize(
    ("name", "knob", "view"), [("StyleTransfer", "style", "style"), ("Texture", "sample", "sample")]
)
def test_a_style_and_a_sample_of_ones_own(name, knob, view, made):
    explorer = made(name)
    chooser, shown, calls = explorer._knobs[knob], getattr(explorer, view), []
    file = io.BytesIO()
    Image.new("RGB", (300, 200), (255, 0, 0)).save(file, "PNG")
    first = chooser.photos.value
    chooser.receive("red.png", file.getvalue())
    explorer.wait()
    assert shown.caption.startswith(f"the {knob}: red.png")
    pixels = np.asarray(Image.open(io.BytesIO(shown.image)).convert("RGB"))
    assert pixels[..., 0].min() > 240 and pixels[..., 1:].max() < 15
    given = explorer.knobs()
    used = getattr(given, knob).square(lambda *_: calls.append("a name"), 64)
    assert used.shape == (1, 3, 64, 64) and not calls and used[0, 0].min() > 0.99
    chooser.receive("notes.txt", b"text")
    assert "notes.txt" in explorer.status.error and getattr(explorer.knobs(), knob).name == "red.png"
    chooser.photos.value = first  # other tests use the same explorer
    explorer.wait()
    assert first in shown.caption


@pytest.mark.parametrize("name", METHODS)
def test_a_broken_method_fails_the_cell(name, lite, vgg, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("the method is broken")

    module = importlib.import_module(getattr(explorers, name).__module__)
    monkeypatch.setattr(module, METHODS[name], broken)
    with pytest.raises(RuntimeError, match="the method is broken"):
        make(name, lite, vgg)


@pytest.mark.parametrize("name", WITH_START)
def test_it_shows_the_picture_in_the_making_and_stops(name, made):
    explorer, seen = made(name), []
    explorer.out.observe(lambda change: seen.append(bytes(change.new)), "image")
    explorer.run(explorer.update)
    until(lambda: len(seen) >= 2 and explorer.status.step >= 2)
    explorer.stop()
    explorer.wait()
    assert len(set(seen)) >= 2, "the picture changed while it was made"
    assert explorer.error is None and explorer.status.text.startswith("Stopped at step ")
    assert explorer.status.step < explorer.status.steps - 1
    assert explorer.out.image == seen[-1]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in explorer.net.modules())


@pytest.mark.parametrize("name", ["ClassVisualization", "Fooling"])
def test_a_class_that_does_not_exist_is_told_in_words(name, made):
    explorer = made(name)
    chooser, before = explorer._knobs["target"], explorer.out.image
    right = chooser.value
    chooser.value = "goldfsh"
    explorer.run(explorer.update)
    explorer.wait()
    assert "goldfsh" in explorer.status.error and "goldfish" in explorer.status.error
    assert explorer.out.image == before
    chooser.value = f" {right} "  # spaces are forgiven
    explorer.run(explorer.update)
    until(lambda: not explorer.status.error and explorer.out.image != before)
    explorer.stop()
    explorer.wait()
    assert not explorer.status.error


def test_the_helpers_of_class_visualization_do_what_they_say(made, monkeypatch):
    explorer, calls = made("ClassVisualization"), []
    module = importlib.import_module("course_utils.explorers.ascent")
    monkeypatch.setattr(module, "visualize", lambda net, target, **o: calls.append(o) or torch.rand(1, 3, 64, 64))
    boxes = explorer._knobs
    assert boxes["decay"].disabled
    boxes["decay"].value = True  # it counts only for pixels
    explorer.update(explorer.knobs())
    boxes["phases"].value = False
    explorer.update(explorer.knobs())
    boxes["fourier"].value = False
    assert not boxes["decay"].disabled and boxes["phases"].disabled
    boxes["blur"].value, boxes["robust"].value = True, False
    explorer.update(explorer.knobs())
    phases, fourier, pixels = calls
    assert type(phases["image"]).__name__ == "Phase" and phases["regularizers"] == [] and phases["transforms"]
    assert type(fourier["image"]).__name__ == "Fourier" and fourier["regularizers"] == [] and fourier["transforms"]
    assert type(pixels["image"]).__name__ == "Pixels" and pixels["transforms"] == ()
    assert [type(r).__name__ for r in pixels["regularizers"]] == ["L2Decay", "Blur"]
    assert "pixels, decay, blur" in explorer.out.caption and "for the judge" in explorer.out.caption
    for key, value in (("fourier", True), ("phases", True), ("robust", True), ("decay", False), ("blur", False)):
        boxes[key].value = value


def test_a_larger_eps_fools_and_eps_0_does_nothing(made):
    explorer = made("Fooling")
    shown = {}
    for eps in (0, 8):
        explorer._knobs["eps"].value = eps
        explorer.wait()
        shown[eps] = dict(explorer.bars.rows)
    assert shown[0] == pytest.approx(dict(explorer.first.rows), abs=1e-5)
    assert shown[8]["toaster"] > shown[0]["toaster"] + 0.1
    assert "8/255" in explorer.out.caption


def test_dream_on_starts_from_the_dream(made, monkeypatch):
    explorer, starts = made("DeepDream"), []
    module = importlib.import_module("course_utils.explorers.deepdream")
    real = module.deepdream

    def spy(net, start, layer, **options):
        starts.append(start)
        return real(net, start, layer, **{**options, "octaves": 1, "steps": 1})

    monkeypatch.setattr(module, "deepdream", spy)
    explorer.update(explorer.knobs())
    first = explorer._dream
    explorer.dream_on(explorer.knobs())
    assert starts[1] is first and not torch.equal(explorer._dream, first)


def test_the_first_dream_is_dreamed_at_every_size_and_can_be_seen(vgg):
    explorer = explorers.DeepDream(vgg, size=96, layer="relu4_1")
    change = (explorer._dream - photo("china", 96, crop=False)).abs().mean()
    assert len(explorer.values) == explorer.first_steps  # six steps at each of four sizes
    assert change > 0.08  # stopped in the second of four sizes, as it once was, it is 0.05


def test_texture_pixel_by_pixel_copies_pixels(made):
    explorer = made("Texture")
    knobs = explorer._knobs
    assert knobs["window"].disabled and not knobs["depth"].disabled
    knobs["way"].value, knobs["window"].value = "pixel by pixel", 5
    assert knobs["depth"].disabled and not knobs["window"].disabled
    explorer.run(explorer.update)
    explorer.wait(120)
    assert explorer.error is None and "window 5" in explorer.out.caption
    grown = np.asarray(Image.open(io.BytesIO(explorer.out.image)).convert("RGB")).reshape(-1, 3)
    sample = (texture_sample("pebbles", 56)[0] * 255).round().byte().permute(1, 2, 0).reshape(-1, 3).numpy()
    assert {tuple(p) for p in grown} <= {tuple(p) for p in sample}
    knobs["way"].value = "Gram matrices"


def test_style_weights_turn_while_it_paints(made, monkeypatch):
    explorer, calls = made("StyleTransfer"), []
    module = importlib.import_module("course_utils.explorers.style")
    real = module.style_transfer

    def spy(*args, **options):
        calls.append(options)
        return real(*args, **options)

    monkeypatch.setattr(module, "style_transfer", spy)
    slider = explorer._knobs["style_weight"]
    slider.value = 300.0  # nothing works: nothing starts
    explorer.wait()
    assert not calls
    explorer.run(explorer.update)
    until(lambda: "style 300, content 1; step" in explorer.out.caption)
    slider.value = 1000.0
    until(lambda: "style 1,000, content 1; step" in explorer.out.caption)
    explorer.stop()
    explorer.wait()
    assert calls[0]["init"] == "content" and calls[0]["style_weight"] == pytest.approx(300)
    assert isinstance(calls[1]["init"], torch.Tensor) and calls[1]["style_weight"] == pytest.approx(1000)
    assert calls[1]["scales"] == 1 and "style 1,000" in explorer.out.caption


def wide() -> bytes:
    """A picture that is too low for the layers, at an explorer's size."""
    file = io.BytesIO()
    Image.new("RGB", (1600, 60), "red").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "name, file, method, go_on",
    [("StyleTransfer", "style", "style_transfer", "paint_on"), ("DeepDream", "deepdream", "deepdream", "dream_on")],
)
def test_going_on_is_with_the_photo_that_is_shown(name, file, method, go_on, lite, vgg, monkeypatch):
    module, calls = importlib.import_module(f"course_utils.explorers.{file}"), []
    real = getattr(module, method)

    def spy(net, start, *args, **options):
        calls.append((start, options.get("init", start)))
        return real(net, start, *args, **{**options, "steps": 1})

    monkeypatch.setattr(module, method, spy)
    explorer = make(name, lite, vgg)
    calls.clear()
    chooser, work = explorer._knobs["photo"], getattr(explorer, go_on)
    cat = photo("cat", explorer.size, crop=False)
    for chosen in ("cat", "cat"):
        chooser.photos.value = chosen
        explorer.wait()
        explorer.run(work)
        explorer.wait()
        assert explorer.error is None and explorer.photo.caption.endswith("cat")
    anew, again = calls
    assert torch.equal(anew[0], cat) and (isinstance(anew[1], str) or torch.equal(anew[1], cat))
    assert isinstance(again[1], torch.Tensor) and not torch.equal(again[1], cat), "the same photo: it goes on"
    chooser.receive("wide.png", wide())
    explorer.wait()
    explorer.run(explorer.update)
    explorer.wait()
    assert "too small" in explorer.status.error
    chooser.photos.value = "cat"
    explorer.wait()
    explorer.run(work)
    explorer.wait()
    assert explorer.error is None and isinstance(calls[-1][1], torch.Tensor), "what failed has changed nothing"


def test_a_start_that_waits_stays_one_when_a_weight_is_turned(lite, vgg, monkeypatch):
    module, calls, go = importlib.import_module("course_utils.explorers.style"), [], threading.Event()
    real = module.style_transfer

    def spy(net, content, *args, **options):
        calls.append((options["init"], options["style_weight"]))
        go.wait(20)
        return real(net, content, *args, **{**options, "steps": 1})

    monkeypatch.setattr(module, "style_transfer", spy)
    go.set()
    explorer = make("StyleTransfer", lite, vgg)
    calls.clear(), go.clear()
    explorer.run(explorer.paint_on)
    until(lambda: calls)
    explorer.run(explorer.update)
    explorer._knobs["style_weight"].value = 1000.0
    go.set()
    explorer.wait()
    assert explorer.error is None and calls[1:] == [("content", pytest.approx(1000))]


def test_a_hundred_turns_leave_no_queue(made):
    explorer = made("Fooling")
    runs, real = [], explorer.update
    explorer.update = lambda knobs: runs.append(knobs.eps) or real(knobs)
    try:
        for turn in range(100):
            explorer._knobs["eps"].value = 1 + turn % 5
        explorer._knobs["eps"].value = 3
        explorer.wait(120)
    finally:
        del explorer.update
    assert runs[-1] == 3 and len(runs) < 30, "positions that the slider only passed are not computed"


# --- many styles -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def styles():
    return explorers.ManyStyles(size=64)


def test_sliders_mix_styles(styles):
    image = photo("china", 64, crop=False)
    assert styles.out.caption == "night 100%"
    styles._knobs["ink"].value = 0.25
    styles.wait()
    assert styles.out.caption == "night 80%, ink 20%"
    seen = np.asarray(Image.open(io.BytesIO(styles.out.image)).convert("RGB"))
    wanted = to_pil(stylize(load_style_net(), image, {"night": 0.8, "ink": 0.2}))
    assert np.array_equal(seen, np.asarray(wanted))
    assert not np.array_equal(seen, np.asarray(to_pil(stylize(load_style_net(), image, "night"))))
    before = styles.out.image
    styles._knobs["night"].value = styles._knobs["ink"].value = 0
    styles.wait()
    assert styles.status.error == "All sliders are at 0: raise one of them." and styles.out.image == before
    styles._knobs["night"].value = 1
    styles.wait()
    assert not styles.status.error and styles.out.caption == "night 100%"


def test_many_styles_shows_styles_that_are_not_the_courses():
    net = StyleNet(["night", "mine", "other"], widths=(4, 6, 8), blocks=1).eval()
    one = explorers.ManyStyles(net, size=64, pictures={"mine": torch.zeros(1, 3, 100, 150)})
    assert not one.status.error and set(one._knobs) == {"photo", "night", "mine", "other"}
    seen = np.asarray(Image.open(io.BytesIO(one.styles.image)).convert("RGB"))
    middle = [tuple(seen[36, 36 + k * seen.shape[1] // 4]) for k in (1, 2)]
    assert max(middle[0]) < 10 and min(middle[1]) > 190  # the given picture is black, one that nobody knows is light


def test_a_style_of_ones_own_is_a_texture_or_a_file():
    own = OwnStyle()
    assert torch.equal(own.style, load_image(FOLDER / "coral.png", 224)) and own.out.caption == "coral, 224 pixels"
    own._knobs["size"].value = 128
    own._knobs["photo"].photos.value = "cat"
    own.wait()
    assert torch.equal(own.style, photo("cat", 128)) and own.out.caption == "cat, 128 pixels"
    file = io.BytesIO()
    Image.new("RGB", (200, 150), "red").save(file, "PNG")
    own._knobs["photo"].receive("mine.png", file.getvalue())
    own.wait()
    assert own.out.caption == "mine.png, 128 pixels"
    assert own.style.shape == (1, 3, 128, 128) and own.style[0, 1:].max() < 0.1 and own.style[0, 0].min() > 0.9


def test_many_styles_has_a_figure_and_fails_when_it_is_broken(styles, monkeypatch):
    bundle, _ = styles.still().bundle()
    data = base64.b64decode(next(value for kind, value in bundle.items() if kind.startswith("image/")))
    assert len(data) <= FIGURE_BYTES and Image.open(io.BytesIO(data)).size[0] > 500

    def broken(*args, **options):
        raise RuntimeError("the method is broken")

    monkeypatch.setattr("course_utils.explorers.fast_style.stylize", broken)
    with pytest.raises(RuntimeError, match="the method is broken"):
        explorers.ManyStyles(size=64)


def test_a_hundred_turns_leave_no_memory_and_no_hook(styles):
    process, slider = psutil.Process(), styles._knobs["waves"]
    for value in (0.1, 0.2, 0.3):
        slider.value = value
        styles.wait()
    gc.collect()
    before = process.memory_info().rss
    for turn in range(100):
        slider.value = 0.05 * (1 + turn % 19)
        if turn % 5 == 0:  # else most of them would only replace one another
            styles.wait()
    styles.wait()
    gc.collect()
    assert slider.value == pytest.approx(0.25) and styles.out.caption == "night 80%, waves 20%"
    assert process.memory_info().rss - before < 50e6 and not styles.worker.busy
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in styles.net.modules())
