"""The exported graphs: each equals the PyTorch function that it stands for."""

import numpy as np
import pytest
import torch

from course_utils import feature_maps, input_gradient, load_style_net, photo, stylize
from course_utils.errors import CourseError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from course_utils.authoring.web import models
from course_utils.authoring.web.graph import Graph, Weights


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The files as the page gets them."""
    folder = tmp_path_factory.mktemp("shipped")
    return folder, models.write_models(folder)


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """The same graphs with all weights in float32."""
    folder = tmp_path_factory.mktemp("exact")
    models.write_models(folder, half_from=10**9)
    return models.Exported(folder)


def correlation(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


# the writer


def test_large_arrays_are_stored_in_half_and_all_begin_at_a_multiple_of_four():
    weights = Weights("w.bin", half_from=5)
    graph = Graph(weights)
    large, small = np.arange(7.0), np.array([0.1, 0.2])
    x = graph.add("Mul", "x", graph.weight("large", large))
    graph.add("Add", x, graph.weight("small", small), name="y")
    graph.weight("large", large)  # a second time: nothing new
    assert [(a.dtype.str, offset) for a, offset in weights.places.values()] == [("<f2", 0), ("<f4", 16)]
    assert len(weights.data) == 16 + 8
    assert graph.bytes("g", {"x": [7]}, {"y": [7]})


def test_a_number_that_half_precision_does_not_hold_is_refused():
    with pytest.raises(ValueError, match="loud"):
        Weights("w.bin").keep("loud", np.array([1e6]))


# the classifier


@pytest.mark.parametrize("name", ["cat", "bald_eagle"])
def test_with_all_weights_in_float32_the_graphs_are_the_functions_of_the_course(exact, lite, name):
    image = photo(name)
    found = exact.scores(image)
    scores = lite(image).numpy()
    assert np.abs(found["scores"] - scores).max() < 1e-4 * np.abs(scores).max()
    for target in (scores.argmax().item(), 859):
        gradient = input_gradient(lite, image, target).numpy()
        there = exact.gradient(image, target)
        assert correlation(there, gradient) > 0.9999
        if name == "cat":  # in the eagle, values at a kink of ReLU6 fall to another side; in float64 they do, too
            assert np.abs(there - gradient).max() < 1e-4 * np.abs(gradient).max()


def test_the_maps_are_those_of_the_layers_whose_names_they_have(exact, lite):
    image = photo("cat")
    found = exact.scores(image)
    for layer in models.lite.MAPS:
        maps = feature_maps(lite, image, layer).numpy()
        assert maps.shape == found[layer].shape and np.abs(found[layer] - maps).max() < 1e-3


def test_the_first_blocks_take_a_crop_of_any_size(exact, lite):
    crop = photo("cat")[:, :, 40:104, 20:100]
    found = exact.run("early", images=crop)["early"]
    assert np.abs(found - feature_maps(lite, crop, models.lite.EARLY).numpy()).max() < 1e-3


def test_several_images_go_through_at_once(exact, lite):
    images = torch.cat([photo("cat"), photo("coffee")])
    assert np.abs(exact.scores(images)["scores"] - lite(images).numpy()).max() < 1e-3


@pytest.mark.parametrize("name", ["bald_eagle", "jeep", "beaker"])
def test_as_shipped_top_5_is_the_same_and_the_maps_correlate(shipped, lite, name):
    image, exported = photo(name), models.Exported(shipped[0])
    scores, there = lite(image)[0], exported.scores(image)["scores"][0]
    assert (-there).argsort()[:5].tolist() == scores.topk(5).indices.tolist()
    assert np.abs(there - scores.numpy()).max() < models.BOUNDS["scores"]
    target = scores.argmax().item()
    gradient, found = input_gradient(lite, image, target).numpy(), exported.gradient(image, target)
    assert correlation(np.abs(found).max(1), np.abs(gradient).max(1)) > models.BOUNDS["gradient"]


# the styles


def test_the_painter_is_the_network_of_styles_for_any_mixture_and_shape(shipped):
    net, image = load_style_net(), photo("coffee", (96, 128))
    for weights in (np.eye(8)[3], np.arange(8.0)):
        mix = (weights / weights.sum()).astype(np.float32)[None]
        painted = models.Exported(shipped[0]).paint(image, mix)
        assert np.abs(painted - stylize(net, image, mix[0].tolist()).numpy()).max() < 1e-4


# the files


def test_the_models_are_small_and_known_by_their_checksums(shipped):
    folder, files = shipped
    assert {path.name for path in folder.iterdir()} == set(files)
    assert sum(about["bytes"] for about in files.values()) < 15e6
    assert all(models.about(folder / name) == about for name, about in files.items())


def test_the_same_files_come_out_again(shipped, tmp_path):
    assert models.write_models(tmp_path) == shipped[1]


def test_other_weights_are_refused(shipped, tmp_path):
    for path in shipped[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = np.frombuffer((tmp_path / "lite0.bin").read_bytes(), np.uint16).copy()
    data[-20_000:] = 0
    (tmp_path / "lite0.bin").write_bytes(data.tobytes())
    with pytest.raises(CourseError, match="not those of the course"):
        models.compare(tmp_path)
