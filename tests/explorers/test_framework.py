"""The frame of the explorers, without a browser: static figure, newest request only, stop, errors in words, nothing left."""

from __future__ import annotations

import base64
import gc
import io
import threading
import time

import ipywidgets
import psutil
import pytest
import torch
from PIL import Image

from course_utils import gallery, load_network
from course_utils.explorers import panel
from course_utils.explorers import worker as worker_module
from course_utils.explorers.bars import Bars
from course_utils.explorers.chooser import OWN, PhotoChooser
from course_utils.explorers.clickable import Picture
from course_utils.explorers.own_network import own_network
from course_utils.explorers.panel import FIGURE_BYTES, Explorer, in_words
from course_utils.explorers.worker import Worker


class Threshold(Explorer):
    """A small explorer: bright pixels of a photo."""

    title = "Threshold"

    def __init__(self, photo="cat"):
        super().__init__()
        self.seen = []
        self.knob("photo", PhotoChooser(photo))
        self.level = self.knob("level", ipywidgets.FloatSlider(value=0.5, min=0, max=1, description="Level"))
        self.button("Slowly", self.sweep)
        self.out = self.picture("Bright pixels", name="place", kind="click")
        self.bars = self.view(Bars("How many"))
        self.start()

    def update(self, knobs):
        self.seen.append(knobs.level)
        if knobs.level > 0.9:
            raise ValueError("The level is too high; choose at most 0.9.")
        bright = (knobs.photo.tensor(64).mean(1) > knobs.level).float()
        self.out.show(bright[0], f"brighter than {knobs.level}")
        self.bars.show([("bright", bright.mean()), ("dark", 1 - bright.mean())])
        self.say(f"Clicked at {knobs.place}.")

    def sweep(self, knobs):
        for step in range(1000):
            time.sleep(0.005)
            self.out.show(torch.full((8, 8), step / 1000), f"step {step}")
            yield step + 1, 1000


# --- the worker --------------------------------------------------------------------------------------------------------


def test_only_the_newest_request_is_computed():
    began, go, done = threading.Event(), threading.Event(), []

    def first():
        began.set()
        go.wait(5)
        done.append("first")

    worker = Worker()
    worker.submit(first)
    assert began.wait(5)
    for number in range(20):
        worker.submit(lambda number=number: done.append(number))
    go.set()
    worker.wait(5)
    assert done == ["first", 19]


def test_a_newer_request_ends_a_running_generator_at_its_next_step():
    steps, closed, began = [], [], threading.Event()

    def slow():
        try:
            for step in range(10_000):
                steps.append(step)
                began.set()
                time.sleep(0.005)
                yield step + 1, 10_000
        finally:
            closed.append(True)

    worker = Worker()
    worker.submit(slow)
    assert began.wait(5)
    worker.submit(lambda: steps.append("newer"))
    worker.wait(5)
    assert steps[-1] == "newer" and len(steps) < 200
    assert closed == [True], "the generator's `finally` must have run"


@pytest.mark.parametrize("how", ["yield", "tick"])
def test_stop_is_obeyed_at_the_next_step(how):
    began, ended = threading.Event(), []
    worker = Worker(on_end=lambda error, stopped: ended.append((error, stopped)))

    def generator():
        for step in range(10_000):
            began.set()
            time.sleep(0.005)
            yield (step + 1, 10_000)

    def with_callback():
        for step in range(10_000):
            began.set()
            time.sleep(0.005)
            if worker.tick(step + 1, 10_000):
                break

    worker.submit(generator if how == "yield" else with_callback)
    assert began.wait(5)
    asked = time.monotonic()
    worker.stop()
    worker.wait(5)
    assert time.monotonic() - asked < 1
    assert ended == [(None, True)]


def test_stop_also_drops_what_waits():
    began, go, done = threading.Event(), threading.Event(), []
    worker = Worker()
    worker.submit(lambda: (began.set(), go.wait(5)))
    assert began.wait(5)
    worker.submit(lambda: done.append("waited"))
    worker.stop()
    go.set()
    worker.wait(5)
    assert done == []


def test_progress_and_the_time_left():
    told = []
    worker = Worker(on_step=lambda step, steps, left: told.append((step, steps, left)))

    def work():
        for step in range(4):
            time.sleep(0.05)
            yield step + 1, 4

    worker.submit(work)
    worker.wait(5)
    assert [t[:2] for t in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert 0.1 < told[0][2] < 2 and told[-1][2] == 0
    assert told[0][2] > told[2][2]


def test_work_without_progress_and_the_first_run_have_no_worker_to_ask():
    worker = Worker()
    assert worker.tick(1, 2) is False
    worker.stop()
    assert not worker.busy


def test_an_error_does_not_end_the_thread():
    ended, done = [], []
    worker = Worker(on_end=lambda error, stopped: ended.append(error))
    worker.submit(lambda: 1 / 0)
    worker.wait(5)
    worker.submit(lambda: done.append(1))
    worker.wait(5)
    assert isinstance(ended[0], ZeroDivisionError) and ended[1] is None and done == [1]


def test_wait_has_a_limit():
    go = threading.Event()
    worker = Worker()
    worker.submit(lambda: go.wait(5))
    with pytest.raises(TimeoutError, match="not done"):
        worker.wait(0.05)
    go.set()
    worker.wait(5)


def test_one_thread_and_it_ends_when_idle(monkeypatch):
    monkeypatch.setattr(worker_module, "IDLE_SECONDS", 0.05)
    before = threading.active_count()
    worker, threads = Worker(), set()
    for _ in range(50):
        worker.submit(lambda: threads.add(threading.get_ident()))
    worker.wait(5)
    assert len(threads) == 1
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= before  # threads of other tests may end meanwhile
    worker.submit(lambda: threads.add("again"))  # a new thread, on demand
    worker.wait(5)
    assert "again" in threads


# --- the panel ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def displayed(monkeypatch):
    """What is displayed: `(display_id, data, metadata)`, and with "update" before it what is renewed."""
    outputs = []

    def display(data, metadata=None, raw=False, display_id=None):
        assert raw
        outputs.append((display_id, data, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("IPython.display.update_display", lambda data, **options: display(data, **options))
    return outputs


def test_without_a_browser_there_is_a_small_static_figure(displayed):
    explorer = Threshold()
    explorer._ipython_display_()
    (_, view, _), (name, still, metadata) = displayed
    assert view["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.box.model_id
    assert view["text/plain"] == "Threshold: run this cell to use it." and name
    kind = next(k for k in still if k.startswith("image/"))
    data = base64.b64decode(still[kind])
    assert len(data) <= FIGURE_BYTES
    picture = Image.open(io.BytesIO(data))
    assert picture.width > 300 and len(picture.convert("L").getcolors()) > 2
    alt = metadata[kind]["alt"]
    assert alt.startswith("Threshold. Clicked at") and "brighter than 0.5; How many: bright" in alt
    assert f'alt="{alt}"' in still["text/html"] and "Run this cell again" in still["text/html"]


def test_what_stays_is_renewed_when_the_work_rests(displayed, monkeypatch):
    monkeypatch.setattr(worker_module, "REST_SECONDS", 0.2)
    explorer = Threshold()
    explorer._ipython_display_()
    for level in (0.6, 0.7, 0.8):
        explorer.level.value = level
        explorer.wait()
    assert len(displayed) == 2, "not for every turn"
    end = time.monotonic() + 5
    while len(displayed) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    _, (name, _, _), (renewed, data, _) = displayed
    assert renewed == name and "brighter than 0.8" in data["text/plain"]


def test_a_cell_that_runs_again_stops_what_its_old_explorer_computes(monkeypatch):
    monkeypatch.setattr(panel, "_running_cell", lambda: "cell 1")
    old = Threshold()
    old.run(old.sweep)
    monkeypatch.setattr(panel, "_running_cell", lambda: "cell 2")
    Threshold()
    assert old.worker.busy, "another cell's explorer goes on"
    monkeypatch.setattr(panel, "_running_cell", lambda: "cell 1")
    Threshold()
    old.wait(5)
    assert old.status.text.startswith("Stopped at step") or old.status.step == 0


def test_all_explorers_of_a_cell_stop_when_it_runs_again(monkeypatch):
    monkeypatch.setattr(panel, "_running_cell", lambda: "cell with two")
    both = [Threshold(), Threshold()]
    for one in both:
        one.run(one.sweep)
    new = Threshold()
    for one in both:
        one.wait()
    assert all(one.status.step < 1000 for one in both)
    assert set(panel._by_cell["cell with two"]) == {*both, new}


def test_a_broken_callback_fails_the_cell():
    class Broken(Threshold):
        def update(self, knobs):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        Broken()


def test_of_a_long_update_the_first_steps_run():
    class Long(Explorer):
        title, first_steps = "Long", 3

        def __init__(self):
            super().__init__()
            self.steps = 0
            self.start()

        def update(self, knobs):
            for step in range(100):
                self.steps += 1
                yield step + 1, 100

    explorer = Long()
    assert explorer.steps == 3
    explorer.run(explorer.update)
    explorer.wait()
    assert explorer.steps == 103


def test_a_knob_and_a_click_update_in_the_background():
    explorer = Threshold()
    before = explorer.out.image
    explorer.level.value = 0.7
    explorer.wait()
    assert explorer.out.caption == "brighter than 0.7" and explorer.out.image != before
    with explorer.out.hold_trait_notifications():
        explorer.out.x, explorer.out.y, explorer.out.clicks = 0.25, 2.0, 1
    explorer.wait()
    assert explorer.status.text == "Clicked at (0.25, 1.0)."  # y was beyond the picture


def test_errors_are_shown_in_words_and_go_away():
    explorer = Threshold()
    explorer.level.value = 0.95
    explorer.wait()
    assert explorer.status.error == "The level is too high; choose at most 0.9."
    assert isinstance(explorer.error, ValueError) and not explorer.status.busy
    assert explorer.out.caption == "brighter than 0.5"  # the last result stays
    explorer.level.value = 0.2
    explorer.wait()
    assert explorer.status.error == "" and explorer.error is None
    assert in_words(KeyError("x")) == "something went wrong (KeyError: 'x')."
    assert in_words(ValueError("one\ntwo")) == "one"


def test_stop_keeps_the_last_picture_and_says_where():
    explorer = Threshold()
    explorer.run(explorer.sweep)
    end = time.monotonic() + 5
    while explorer.status.step < 5 and time.monotonic() < end:
        time.sleep(0.01)
    assert not explorer._stop.disabled
    explorer._stop.click()
    explorer.wait(5)
    step = explorer.status.step
    assert explorer.out.caption == f"step {step - 1}" and step < 900
    assert explorer.status.text == f"Stopped at step {step} of 1000."
    assert explorer._stop.disabled and not explorer.status.busy


def test_every_knob_needs_a_label():
    explorer = Explorer()
    with pytest.raises(ValueError, match="no description"):
        explorer.knob("level", ipywidgets.IntSlider())


def test_a_hundred_turns_leave_no_memory_and_no_queue():
    explorer = Threshold()
    process = psutil.Process()
    explorer.level.value = 0.1
    explorer.wait()
    gc.collect()
    before, seen = process.memory_info().rss, len(explorer.seen)
    for turn in range(100):
        explorer.level.value = 0.2 + 0.005 * turn
    explorer.wait()
    gc.collect()
    assert explorer.seen[-1] == pytest.approx(0.695), "the last position is always computed"
    assert len(explorer.seen) - seen <= 100
    assert not explorer.worker.busy
    assert process.memory_info().rss - before < 50e6


# --- choosing a photo --------------------------------------------------------------------------------------------------


def upload(chooser: PhotoChooser, name: str, data: bytes) -> None:
    """What the browser's message does."""
    chooser.upload._told(None, {"name": name}, [memoryview(data)])


def png(color: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(file, "PNG")
    return file.getvalue()


def test_a_photo_of_the_gallery_or_ones_own():
    chooser = PhotoChooser("cat")
    assert chooser.value.tensor(32).shape == (1, 3, 32, 32)
    upload(chooser, "mine.png", png("red"))
    assert chooser.photos.value == OWN and chooser.value.name == "mine.png" and not chooser.problem
    assert chooser.value.tensor(32)[0, :, 16, 16].tolist() == pytest.approx([1, 0, 0], abs=0.01)
    chooser.photos.value = "coffee"
    assert chooser.value.name == "coffee"
    chooser.photos.value = OWN
    assert chooser.value.name == "mine.png"
    upload(chooser, "second.png", png("blue"))  # also when the own picture is already chosen
    assert chooser.value.tensor(32)[0, 2, 16, 16] == pytest.approx(1, abs=0.01)


def test_all_photos_of_the_gallery_can_be_seen_small():
    chooser, sent = PhotoChooser("cat"), []
    shown = chooser.thumbnails
    assert shown.names == gallery().names and shown.value == "cat"
    shown.send = lambda message, buffers: sent.append(buffers)
    shown._handle_custom_msg({"opened": True}, [])
    (pictures,) = sent
    assert len(pictures) == len(shown.names) > 30 and sum(map(len, pictures)) < 150_000
    opened = [Image.open(io.BytesIO(data)) for data in pictures]
    assert {one.size for one in opened} == {(72, 72)}
    red, _, blue = opened[shown.names.index("strawberry")].resize((1, 1)).getpixel((0, 0))
    assert red > blue + 40, "each picture is that of its name"
    shown.value = "coffee"
    assert chooser.value.name == chooser.photos.value == "coffee"
    chooser.photos.value = "goose"
    assert shown.value == "goose"
    upload(chooser, "mine.png", png("red"))
    assert shown.value == OWN and shown.value not in shown.names
    assert len(PhotoChooser("night", names=["night", "glass"]).children) == 2, "styles are no photos"


def test_a_broken_file_is_told_in_words_and_changes_nothing():
    explorer = Threshold()
    chooser = explorer._knobs["photo"]
    upload(chooser, "notes.txt", b"no picture")
    assert explorer.status.error.startswith("notes.txt cannot be read as a picture")
    assert chooser.value.name == "cat"
    explorer.level.value = 0.3
    explorer.wait()
    assert explorer.status.error == ""
    upload(chooser, "notes.txt", b"no picture")  # a second time: told again
    assert "notes.txt" in explorer.status.error
    upload(chooser, "mine.png", png("red"))
    explorer.wait()
    assert explorer.status.error == ""
    chooser.upload._told(None, {"problem": "scan.tif is too large"}, [])  # the browser did not send it
    assert explorer.status.error == "scan.tif is too large" and chooser.value.name == "mine.png"
    upload(chooser, "second.png", png("blue"))
    explorer.wait()
    assert explorer.status.error == "" and chooser.value.name == "second.png"


# --- parts -------------------------------------------------------------------------------------------------------------


def test_a_picture_draws_its_frames_cross_and_window():
    picture = Picture(width=100)
    picture.show(torch.full((50, 50), 0.5), "gray")
    plain = picture.to_pil()
    assert plain.getpixel((50, 50)) == (128, 128, 128) and picture.pixelated
    picture.cross = True
    assert picture.to_pil().getpixel((50, 50)) == (255, 255, 255)
    picture.cross, picture.boxes = False, [[0.2, 0.2, 0.6, 0.6]]
    assert picture.to_pil().getpixel((20, 40)) != (128, 128, 128)
    picture.boxes, picture.window = [], [0.4, 0.4]
    assert picture.to_pil().getpixel((30, 50)) != (128, 128, 128)
    assert picture.to_pil().getpixel((50, 50)) == (128, 128, 128)


def test_bars_say_names_and_values_in_text():
    bars = Bars("Classes")
    bars.show([("<cat>", 0.75), ("a very long name of a class that cannot fit in here", 0.25)])
    assert "&lt;cat&gt;" in bars.value and "75.0%" in bars.value
    assert bars.to_pil().size[1] == 22 * 3


def test_an_explorers_network_shares_weights_and_not_hooks():
    net = load_network("efficientnet_lite0")
    own = own_network(net)
    called = []
    own.layer(own.layers[0]).register_forward_hook(lambda *_: called.append(1))
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(net(image), net(image)) and not called
    assert torch.equal(own(image), net(image)) and called == [1]
    for mine, theirs in zip(own.parameters(), net.parameters(), strict=True):
        assert mine.data_ptr() == theirs.data_ptr()
    assert not net.layer(net.layers[0])._forward_hooks
