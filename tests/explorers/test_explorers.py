"""The explorers of activations and of backprop, without a browser: what a knob changes is what the method says."""

from __future__ import annotations

import gc
import io
import re

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from course_utils import explorers, load_network, photo
from course_utils.activations import neighbors, occlusion, receptive_field, top_patches, vectors
from course_utils.authoring.paths import SOURCE, source_paths
from course_utils.errors import ImageError
from course_utils.explorers.fast_style import OwnStyle
from course_utils.explorers.panel import FIGURE_BYTES, _small_file
from course_utils.explorers.parts import cell, cell_box, heat, sheet
from course_utils.explorers.saliency import UNIT
from course_utils.gradients import as_picture, backprop
from course_utils.hooks import layer_outputs
from course_utils.images import from_pil
from course_utils.plots import short
from course_utils.stimuli import crop_set

FEW = ("cat", "coffee", "jeep", "flower")


def crops():
    return crop_set(FEW, variants=("whole", "left", "recolored"), size=64)


def photos():
    return torch.cat([photo(name, 96) for name in ("cat", "coffee", "jeep", "flower", "drum", "rocket", "coins", "text", "brick", "cannon")])  # fmt: skip


# a small version of each explorer, and a knob with the values to turn through
SMALL = {
    "FeatureMaps": (lambda: explorers.FeatureMaps("efficientnet_lite0"), "channel", range(30)),
    "Neighbors": (lambda: explorers.Neighbors(crops=crops()), "metric", ("cosine", "l2")),
    "FeatureSpace": (lambda: explorers.FeatureSpace(crops=crops(), perplexity=3), "method", ("PCA", "t-SNE")),
    "TopPatches": (lambda: explorers.TopPatches(images=photos()), "channel", range(30)),
    "Occlusion": (explorers.Occlusion, "window", (32, 40, 48)),
    "Saliency": (explorers.Saliency, "rule", ("guided", "deconvnet", "gradient")),
}


@pytest.fixture(scope="module")
def explorer():
    """Explorers that are made once; a test leaves the knobs as it likes."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = SMALL[name][0]()
        return made[name]

    yield get
    for one in made.values():
        one.close()


def shown(picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.image)).convert("RGB")).astype(int)


def same(picture, tensor, tolerance=12) -> bool:
    """Whether a picture shows a tensor `(3, H, W)` or `(H, W)` in [0, 1]; JPEG changes a little."""
    want = (tensor.expand(3, *tensor.shape[-2:]).permute(1, 2, 0) * 255).numpy()
    got = shown(picture)
    return got.shape == want.shape and abs(got - want).mean() < tolerance


def hooks_of(one) -> int:
    nets = [*getattr(one, "_nets", {}).values(), *([one.net] if hasattr(one, "net") else [])]
    assert nets or type(one).__name__ in ("Neighbors", "FeatureSpace")
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for n in nets for m in n.modules())  # fmt: skip


def test_every_explorer_stands_in_the_notebook_of_all_and_in_a_lesson():
    texts = {path.name: path.read_text() for path in source_paths()}
    together = texts.pop("explore.py")
    for name in explorers._HOME:
        assert f"explorers.{name}(" in together, f"{name} is missing in {SOURCE.name}/explore.py"
        assert any(re.search(rf"explorers\.{name}\(", text) for text in texts.values()), f"no lesson has {name}"


@pytest.mark.parametrize("name", SMALL)
def test_the_static_figure_is_small_and_shows_something(name, explorer):
    kind, data = _small_file(explorer(name).figure())
    assert kind in ("image/png", "image/jpeg") and len(data) <= FIGURE_BYTES
    assert np.asarray(Image.open(io.BytesIO(data)).convert("L")).std() > 20
    assert kind in explorer(name).still().bundle()[0]


@pytest.mark.parametrize("name", SMALL)
def test_a_broken_callback_fails_the_cell(name, monkeypatch):
    def broken(self, knobs):
        raise RuntimeError("broken")

    monkeypatch.setattr(getattr(explorers, name), "update", broken)
    with pytest.raises(RuntimeError, match="broken"):
        SMALL[name][0]()


@pytest.mark.parametrize("name", SMALL)
def test_every_control_has_a_label_and_every_picture_a_caption(name, explorer):
    one = explorer(name)
    assert all(view.caption for view in one._views if view.layout.display != "none")
    assert one.title and one.status.text


@pytest.mark.parametrize("name", SMALL)
def test_a_hundred_turns_leave_no_memory_no_hook_and_no_queue(name, explorer):
    one, (_, knob, values) = explorer(name), SMALL[name]
    values = list(values)
    for value in values:  # what is kept for each layer or method, is kept now
        one._knobs[knob].value = value
        one.wait(120)
    gc.collect()
    before = psutil.Process().memory_info().rss
    for turn in range(100):
        one._knobs[knob].value = values[turn % len(values)]
        if turn % 2:  # every second position is overtaken by the next
            one.wait(120)
    last = values[99 % len(values)]
    one.wait(120)
    gc.collect()
    assert one.error is None and one._knobs[knob].value == last
    assert psutil.Process().memory_info().rss - before < 50e6
    assert hooks_of(one) == 0
    assert not one.worker.busy and one.worker._waiting is None


# --- feature maps ------------------------------------------------------------------------------------------------------


def test_feature_maps_show_the_channel_and_frame_what_a_place_sees(explorer):
    one, net, image = explorer("FeatureMaps"), load_network("efficientnet_lite0"), photo("motorcycle")
    one.layer.value, one.channel.value = "bn1.act", 3
    one.wait()
    maps = layer_outputs(net, image, ["bn1.act"])["bn1.act"][0]
    want = maps[3] / maps[3].max()
    assert same(one.map, want, 2)
    one.map.x, one.map.y = 0.1, 0.9
    one.map.clicks += 1
    one.wait()
    row, column = int(0.9 * maps.shape[1]), int(0.1 * maps.shape[2])
    top, left, bottom, right = receptive_field(net, "bn1.act").box(row, column)
    assert one.shown.boxes == [pytest.approx([left / 224, top / 224, right / 224, bottom / 224])]
    assert f"row {row}, column {column} of 112x112" in one.status.text
    assert short(maps[3, row, column]) in one.status.text


def test_channel_layer_and_place_need_no_second_pass(explorer):
    one = explorer("FeatureMaps")
    one.network.value = "efficientnet_lite0"
    one.wait()
    calls = []
    handle = one._nets["efficientnet_lite0"].layer("conv_stem").register_forward_hook(lambda *_: calls.append(1))
    try:
        one._fields.clear()
        one.channel.value = 7
        one.wait()
        fields = len(calls)  # the receptive field of a layer runs a blank picture through it, once
        one.channel.value = 8
        one.scaling.value = "shared"
        one.map.clicks += 1
        one.wait()
    finally:
        handle.remove()
        one.scaling.value = "own"
        one.wait()
    assert len(calls) == fields <= 1


def test_a_click_on_the_sheet_chooses_a_channel(explorer):
    one = explorer("FeatureMaps")
    one.layer.value = "bn1.act"  # 32 channels, 16 in a row
    one.wait()
    one.all.x, one.all.y = 2.5 / 16, 1.5 / 2
    one.all.clicks += 1
    one.wait()
    assert one.channel.value == 18 and one.all.boxes == [pytest.approx([2 / 16, 1 / 2, 3 / 16, 1])]


def test_another_network_has_its_own_layers(explorer):
    one = explorer("FeatureMaps")
    one.network.value = "vgg19"
    one.wait()
    assert one.error is None and "relu5_4" in one.layer.options
    one.layer.value = "relu5_4"
    one.wait()
    assert one.channel.max == 511
    one.channel.value = 511
    one.wait()
    one.network.value = "efficientnet_lite0"  # with fewer channels than the slider says
    one.wait()
    assert one.error is None and one.channel.value <= one.channel.max < 511


# --- neighbors and the space of features -------------------------------------------------------------------------------


def test_neighbors_are_those_of_the_method(explorer):
    one, pictures = explorer("Neighbors"), crops()
    one.metric.value = "cosine"
    one.all.x, one.all.y = 4.5 / 12, 0.5  # the fifth picture of one row
    one.all.clicks += 1
    one.wait()
    net = load_network("efficientnet_lite0")
    for space in ("pixels", "features"):
        found = neighbors(net, pictures.images, k=5, space=space, metric="cosine").indices[4]
        hits = sum(bool(pictures.objects[i] == pictures.objects[4]) for i in found)
        assert one.found[space].caption.startswith(f"nearest in {space}: {hits} of 5")
        strip = sheet(list(pictures.images[[4, *found.tolist()]]), side=84, columns=6, labels=[" "] * 6)
        assert abs(shown(one.found[space]) - np.asarray(strip).astype(int))[:84].mean() < 6
    assert one.all.boxes == [pytest.approx(cell_box(4, count=12, columns=12))]


def test_a_click_in_the_feature_space_takes_the_nearest_picture(explorer):
    one, pictures = explorer("FeatureSpace"), crops()
    one.space.value, one.method.value = "features", "PCA"
    one.wait()
    points = one._places(one.knobs())
    one.map.x, one.map.y = (points[7] / 460 + 0.004).tolist()
    one.map.clicks += 1
    one.wait()
    assert same(one.photo, pictures.images[7])
    assert pictures.names[pictures.objects[7]] in one.status.text
    x = vectors(load_network("efficientnet_lite0"), pictures.images)
    centered = (x - x.mean(0)).double()
    first = centered @ torch.linalg.svd(centered, full_matrices=False).Vh[0]
    order = points[:, 0].argsort().tolist()
    assert order in (first.argsort().tolist(), first.argsort(descending=True).tolist())


def test_a_perplexity_that_is_too_large_is_not_offered(explorer):
    assert explorer("FeatureSpace").perplexity.max < len(crops().images) / 3


# --- top patches -------------------------------------------------------------------------------------------------------


def test_top_patches_are_those_of_the_method_in_one_go(explorer):
    one, images, net = explorer("TopPatches"), photos(), load_network("efficientnet_lite0")
    layer = one.layer.options[0]
    one.layer.value = layer
    one.wait()
    want = top_patches(net, images, layer, k=9, progress=False)
    got, done = one._found[layer]
    assert done == len(images)
    assert torch.equal(got.images, want.images) and torch.equal(got.boxes, want.boxes)
    one.channel.value = 5
    one.patches.x, one.patches.y = 0.5, 0.1  # the second
    one.patches.clicks += 1
    one.wait()
    top, left, bottom, right = want.boxes[5, 1].tolist()
    assert one.photo.boxes == [pytest.approx([left / 96, top / 96, right / 96, bottom / 96])]
    assert same(one.photo, images[want.images[5, 1]])
    assert one.photo.caption.startswith(f"number 2: photo {int(want.images[5, 1])},")


def test_a_new_channel_goes_on_where_the_search_was(explorer):
    one = explorer("TopPatches")
    layer = one.layer.options[3]
    steps = one.update(type("Knobs", (), {"layer": layer, "channel": 0, "place": (0.1, 0.1)}))
    assert next(steps) == (2, 10) and next(steps) == (4, 10)
    steps.close()
    steps = one.update(type("Knobs", (), {"layer": layer, "channel": 4, "place": (0.1, 0.1)}))
    assert next(steps) == (6, 10)
    assert "channel 4" in one.patches.caption and "the best of 6 photos" in one.status.text
    assert list(steps)[-1] == (10, 10)


# --- occlusion ---------------------------------------------------------------------------------------------------------


def test_the_window_covers_and_the_bars_follow(explorer):
    one, net, image = explorer("Occlusion"), load_network("efficientnet_lite0"), photo("dalmatian")
    one.window.value = 64
    with one.covered.hold_trait_notifications():
        one.covered.x, one.covered.y = 0.5, 0.25
    one.wait()
    covered = image.clone()
    covered[..., 24:88, 80:144] = 0.5
    probabilities = net(covered).softmax(1)[0]
    best = net(image).softmax(1)[0].topk(5).indices.tolist()
    assert [value for _, value in one.bars.rows] == pytest.approx([probabilities[c].item() for c in best], abs=1e-4)
    assert one.bars.rows[0][0].startswith("dalmatian")
    assert same(one.covered, covered[0])
    assert one.covered.window == [64 / 224, 64 / 224]


def test_the_full_map_is_that_of_the_method(explorer):
    one, net, image = explorer("Occlusion"), load_network("efficientnet_lite0"), photo("dalmatian")
    one.target.value, one.window.value = "Great Dane", 64
    one.wait()
    assert "Full map" in one.map.caption and same(one.map, image[0]), "the map of another class must not stay"
    one.run(one.full_map)
    one.wait()
    want = occlusion(net, image, "Great Dane", window=64, stride=16, progress=False)[0]
    assert same(one.map, from_pil(heat(want, signed=True, photo=image))[0], 3)
    assert one.map.caption.startswith("Great Dane")
    one.map.x, one.map.y = 0.2, 0.8
    one.map.clicks += 1
    one.wait()
    assert (one.covered.x, one.covered.y) == (0.2, 0.8)
    one.target.value = ""
    one.wait()


def test_the_full_map_can_be_stopped_and_keeps_what_it_has(explorer):
    one = explorer("Occlusion")
    one.window.value, one.stride.value = 32, 8
    one.wait()
    stopped = []

    def stop_soon(change):
        stopped.append(change.new)
        one.stop()

    one.status.observe(stop_soon, "step")
    try:
        one.run(one.full_map)
        one.wait()
    finally:
        one.status.unobserve_all()
        one.stride.value = 16
    assert one.error is None
    assert re.fullmatch(rf"Stopped at step {stopped[-1]} of 625\.", one.status.text) and stopped[-1] <= 48


# --- saliency ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
def test_a_class_by_its_name(explorer, rule):
    one, net, image = explorer("Saliency"), load_network("efficientnet_lite0"), photo("bald_eagle")
    one.target.value, one.rule.value = "kite", rule
    one.wait()
    assert one.status.text.startswith("Class kite: score")
    gradient = backprop(net, image, "kite", rule=rule)
    assert same(one.signed, as_picture(gradient)[0])
    one.target.value = ""
    one.wait()
    assert one.status.text.startswith("Class bald eagle")


def test_an_unknown_class_is_told_in_words(explorer):
    one = explorer("Saliency")
    before = one.signed.image
    one.target.value = "dalmation"
    one.wait()
    assert "has no class 'dalmation'. Did you mean dalmatian" in one.status.error
    assert one.signed.image == before
    one.target.value = ""
    one.wait()
    assert one.status.error == ""


def test_one_unit_by_a_click(explorer):
    one, net, image = explorer("Saliency"), load_network("efficientnet_lite0"), photo("bald_eagle")
    one.rule.value, one.what.value = "gradient", UNIT
    one.layer.value, one.channel.value = "bn1.act", 2
    one.wait()
    assert one.map.layout.display == "" and one.target.layout.display == "none"
    maps = layer_outputs(net, image, ["bn1.act"])["bn1.act"][0]
    row, column = divmod(int(maps[2].argmax()), maps.shape[2])
    one.map.x, one.map.y = (column + 0.5) / maps.shape[2], (row + 0.5) / maps.shape[1]
    one.map.clicks += 1
    one.wait()
    gradient = backprop(net, image, "bn1.act:2", position=(row, column))
    assert same(one.signed, as_picture(gradient)[0])
    top, left, bottom, right = receptive_field(net, "bn1.act").box(row, column)
    assert one.shown.boxes == [pytest.approx([left / 224, top / 224, right / 224, bottom / 224])]


def test_a_network_without_classes_has_only_units():
    one = explorers.Saliency("vgg19", "cat", unit="relu3_1:5", rule="guided")
    assert one.what.options == (UNIT,) and "relu3_1:5 has the value" in one.status.text
    value = layer_outputs(load_network("vgg19"), photo("cat"), ["relu3_1"])["relu3_1"][0, 5].max()
    assert f"the value {short(value)}." in one.status.text  # it begins at the strongest place


@pytest.mark.parametrize(
    "unit, words", [("bn2.act", 'written "layer:channel"'), ("bn2.act:1280", "channels 0 to 1279")]
)
def test_what_is_no_unit(unit, words):
    with pytest.raises(ValueError, match=words):
        explorers.Saliency(photo="cat", unit=unit)


# --- parts -------------------------------------------------------------------------------------------------------------


def test_a_cell_of_a_sheet_is_where_it_is_drawn():
    pictures = [torch.full((3, 4, 4), i / 10) for i in range(10)]
    page = np.asarray(sheet(pictures, side=20, columns=4, gap=0))
    assert page.shape == (60, 80, 3)
    for place, want in (((0.3, 0.1), 1), ((0.9, 0.5), 7), ((0.3, 0.9), 9)):
        assert cell(place, count=10, columns=4) == want
        value = page[int(place[1] * 60), int(place[0] * 80), 0]
        assert value == round(want / 10 * 255)
        left, top, right, bottom = cell_box(want, count=10, columns=4)
        assert left < place[0] < right and top < place[1] < bottom
    assert cell((0.99, 0.99), count=10, columns=4) == 9  # an empty place of the last row
    assert cell((1.0, 1.0), count=1, columns=1) == 0


def test_numbers_are_short():
    assert [short(v) for v in (0.012345, 4.789, -3.0, 4794.2, 100)] == ["0.0123", "4.79", "-3", "4,794", "100"]


def test_an_unknown_name_at_the_start_is_said_with_what_there_is():
    with pytest.raises(ValueError, match="a style in weights must be one of 'night'.*not 'starry'"):
        explorers.ManyStyles(weights={"starry": 1.0})
    with pytest.raises(ImageError, match="There is no picture 'corall'. Did you mean coral"):
        OwnStyle("corall")
