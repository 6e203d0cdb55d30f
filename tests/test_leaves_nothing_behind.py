"""After any call, also one that fails half-way: nothing of the caller's has changed, to the bit.

A method joins by a line in CASES: its name (and a variant, after a comma), and a function of a network, images and options.
The network is `tiny_net("conv")` (layers "0" to "7") unless NETS says otherwise; the options are those that a test adds
(`callback`). Nothing has to be said about how a call may fail: a first run counts PyTorch's operations, and further runs
break at the first one, at the first and the last layer, on the way back, in a later pass through the network, and so on.
"""

import inspect
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.overrides import _get_current_function_mode
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode
from tqdm import tqdm

from course_utils import (
    activations,
    figures,
    filters,
    fun,
    gradients,
    hooks,
    images,
    networks,
    optimize,
    plots,
    stimuli,
    tiny_net,
)
from course_utils.stimuli.styles import FOLDER

ROOT = Path(__file__).resolve().parents[1]
LOSSES = {"layers": ["1", "4"]}
STYLE = {"content_layers": ["3"], "style_layers": ["1"], "steps": 3, "scales": 2}


def within(block, net, x):
    """Run the network and send something back inside of a `with` block."""
    with block:
        torch.autograd.grad(net(x).sum(), x)


CASES = {
    # networks and hooks
    "predict": lambda net, x: net.predict(x),
    "load_network": lambda net, x: networks.load_network("cifar_net", device="cpu"),
    "randomized": lambda net, x: networks.randomized(net),
    "randomized, with He's scale": lambda net, x: networks.randomized(net, scale="he"),
    "frozen": lambda net, x: within(networks.frozen(net), net, x),
    "capture": lambda net, x: within(hooks.capture(net, ["0", "4"]), net, x),
    "forward_to": lambda net, x: hooks.forward_to(net, x, ["1", "3"]),
    "layer_outputs": lambda net, x: hooks.layer_outputs(net, x, ["3"], batch_size=1),
    "features": lambda net, x: hooks.features(net, x, layer="3", batch_size=1),
    "smallest_size": lambda net, x: hooks.smallest_size(net, ["3"]),
    "check_size": lambda net, x: hooks.check_size(net, x, ["3"]),
    # filters
    "color_share": lambda net, x: filters.color_share(x),
    "filter_response": lambda net, x: filters.filter_response(net, x, channel=1),
    "filter_weights": lambda net, x: filters.filter_weights(net),
    "filters_as_images": lambda net, x: filters.filters_as_images(x),
    "raw_weight_sheet": lambda net, x: filters.raw_weight_sheet(x),
    "expanded_weights": lambda net, x: filters.expanded_weights(x[:1], x[:1, :1], stride=2),
    "strongest_windows": lambda net, x: filters.strongest_windows(net, x, 1, k=2, size=4, framed=True),
    # activations
    "affinities": lambda net, x: activations.affinities(rows(x), perplexity=5),
    "baseline_images": lambda net, x: activations.baseline_images(x, "noise"),
    "baseline_images, blur": lambda net, x: activations.baseline_images(x, "blur"),
    "channel_statistics": lambda net, x: activations.channel_statistics(net, x, "3", batch_size=1),
    "channels": lambda net, x: activations.channels(net, x, "3", batch_size=1),
    "cosine_distances": lambda net, x: activations.cosine_distances(rows(x)),
    "deletion_curve": lambda net, x: activations.deletion_curve(net, x, x[:, 0], 1, steps=2, batch_size=1),
    "evidence_map": lambda net, x: activations.evidence_map(net, x, "4", 1),
    "feature_table": lambda net, x: activations.feature_table(net, x, to=table(), layer="3", batch_size=1),
    "feature_maps": lambda net, x: activations.feature_maps(net, x, "3", batch_size=1),
    "field_crops": lambda net, x: activations.field_crops(
        x, activations.receptive_field(net, "3", size=x.shape[2:]), (1, 2)
    ),
    "grid_cells": lambda net, x: activations.grid_cells(rows(x)[:, :2]),
    "joint": lambda net, x: activations.joint(x[0, 0, :, :16]),
    "kl_divergence": lambda net, x: activations.kl_divergence(x[0, 0], x[1, 0]),
    "kl_gradient": lambda net, x: activations.kl_gradient(x[0, 0, :6, :6], x[1, 0, :6, :2]),
    "l2_distances": lambda net, x: activations.l2_distances(rows(x)),
    "label_agreement": lambda net, x: activations.label_agreement(rows(x), [0, 1] * 48),
    "map_affinities": lambda net, x: activations.map_affinities(rows(x)[:, :2]),
    "nearest": lambda net, x: activations.nearest(x[0, 0, :, :16], 3, exclude_self=True),
    "neighbors": lambda net, x: activations.neighbors(net, x, k=1, layer="3", batch_size=1),
    "neighbors, pixels": lambda net, x: activations.neighbors(None, x, k=1, space="pixels", metric="cosine"),
    "occlusion": lambda net, x: activations.occlusion(net, x, window=6, stride=6, baseline="noise", batch_size=4),
    "occlusion, full": lambda net, x: activations.occlusion(net, x, "3:1", window=6, stride=6, method="full"),
    "occlusion_scores": lambda net, x, **o: activations.occlusion_scores(
        net, x, window=6, stride=6, batch_size=4, of="probability", **o
    ),
    "pca": lambda net, x: activations.pca(rows(x)),
    "perplexity_of": lambda net, x: activations.perplexity_of(x[0, 0, :, :16]),
    "plain_occlusion": lambda net, x: activations.plain_occlusion(net, x, 1, window=6, stride=6, baseline="noise"),
    "plain_receptive_field": lambda net, x: activations.plain_receptive_field(net, "3", 1, 2),
    "plain_top_patches": lambda net, x: activations.plain_top_patches(net, x, "3", 1, k=2),
    "recall_at_k": lambda net, x: activations.recall_at_k(x[0, 0, :, :16], [0, 1] * 8),
    "receptive_field": lambda net, x: activations.receptive_field(net, "3"),
    "scale_maps": lambda net, x: activations.scale_maps(x[0]),
    "selectivity": lambda net, x: activations.selectivity(rows(x)),
    "separation": lambda net, x: activations.separation(rows(x), [True, False] * 48),
    "tile": lambda net, x: activations.tile(x[0]),
    "top_patches": lambda net, x: activations.top_patches(net, x, "3", k=2, batch_size=1),
    "plain_tsne": lambda net, x: activations.plain_tsne(rows(x), perplexity=5, steps=3),
    "tsne": lambda net, x: activations.tsne(rows(x), perplexity=5, steps=250),
    "vectors": lambda net, x: activations.vectors(net, x, layer="3", batch_size=1),
    # gradients
    "ablated": lambda net, x: within(gradients.ablated(net, "3", [1, 2]), net, x),
    "adversarial_patch": lambda net, x, **o: gradients.adversarial_patch(net, x, 1, size=8, steps=3, batch_size=2, **o),
    "as_picture": lambda net, x: gradients.as_picture(x),
    "backprop": lambda net, x: gradients.backprop(net, x, rule="guided"),
    "backprop, from the activation": lambda net, x: gradients.backprop(net, x, "3:1", start="activation"),
    "backprop, a unit": lambda net, x: gradients.backprop(net, x, "3:1", rule="deconvnet"),
    "blur": lambda net, x: gradients.blur(x[0, 0], 1.0),
    "channel": lambda net, x: gradients.channel("3:1")(net, x),
    "channel_importance": lambda net, x: gradients.channel_importance(net, x, "3", batch_size=1),
    "channel_importance, taylor": lambda net, x: gradients.channel_importance(net, x, "3", by="taylor", batch_size=1),
    "class_score": lambda net, x: gradients.class_score(1)(net, x),
    "crop_and_resize": lambda net, x: gradients.crop_and_resize(x),
    "direction": lambda net, x: gradients.direction("3", x.flatten()[:8])(net, x),
    "edges": lambda net, x: gradients.edges(x),
    "Ensemble": lambda net, x: gradients.Ensemble([net, net])(x),
    "effective_field": lambda net, x: gradients.effective_field(net, x, "3", batch_size=1),
    "facet_starts": lambda net, x: gradients.facet_starts(net, many(x), layer="3", count=2, nearest=2, components=3),
    "feature_error": lambda net, x: gradients.feature_error(net, x, "3")(net, x.flip(0)),
    "fgsm": lambda net, x: gradients.fgsm(net, x),
    "fool": lambda net, x: gradients.fool(net, x, 1, steps=3),
    "fooled": lambda net, x: gradients.fooled(net, x, 1),
    "gradient_times_input": lambda net, x: gradients.gradient_times_input(net, x, 1),
    "integrated_gradients": lambda net, x: gradients.integrated_gradients(net, x, 1, steps=3, batch_size=2),
    "grad_cam": lambda net, x: gradients.grad_cam(net, x, "3"),
    "input_gradient": lambda net, x: gradients.input_gradient(net, x, 1),
    "invert": lambda net, x, **o: gradients.invert(net, x, "3", steps=3, **o),
    "invert, pixels with Adam": lambda net, x, **o: gradients.invert(
        net, x, "1", steps=3, parameterization="pixels", optimizer="adam", tv_weight=1.0, **o
    ),
    "jpeg": lambda net, x: gradients.jpeg(x),
    "magnify": lambda net, x: gradients.magnify(x - 0.5),
    "neuron": lambda net, x: gradients.neuron("3:1")(net, x),
    "picture_error": lambda net, x: gradients.picture_error(x, x.flip(3)),
    "pgd": lambda net, x, **o: gradients.pgd(net, x, steps=3, random_start=True, **o),
    "project": lambda net, x: gradients.project(x, 0.1, "l2"),
    "pruning_curve": lambda net, x: gradients.pruning_curve(net, x, "3", 1, range(8), batch_size=1),
    "rank_correlation": lambda net, x: gradients.rank_correlation(x[0], x[1]),
    "relu_rule": lambda net, x: within(gradients.relu_rule("guided"), net, x),
    "saliency": lambda net, x: gradients.saliency(net, x),
    "segment": lambda net, x: gradients.segment(x[:1], x[0, 0]),
    "share_inside": lambda net, x: gradients.share_inside(x[:, 0], slice(2, 9), slice(3, 12)),
    "smoothgrad": lambda net, x: gradients.smoothgrad(net, x, samples=3, batch_size=2),
    "stick_on": lambda net, x: gradients.stick_on(x, x[:1], gradients.random_places(2)),
    "survival": lambda net, x: gradients.survival(net, x, 1),
    "tv_norm": lambda net, x: gradients.tv_norm(x, 1.0),
    "visualize": lambda net, x, **o: gradients.visualize(net, ["3:1", "3:2"], steps=3, size=12, **o),
    "visualize, pixels": lambda net, x, **o: gradients.visualize(
        net, 1, image=gradients.Pixels(x), regularizers=[gradients.L2Decay()], optimizer="ascent", steps=3, **o
    ),
    "visualize, phases": lambda net, x, **o: gradients.visualize(
        net,
        [1, 2],
        image=gradients.Phase(x),
        transforms=[gradients.Crop(size=12), gradients.Noise()],
        views=2,
        steps=3,
        **o,
    ),
    # fun
    "content_loss": lambda net, x: fun.content_loss(net, x, layers=["3"])(net, x.flip(0)),
    "deepdream": lambda net, x, **o: fun.deepdream(net, x, layer="3", steps=2, octaves=2, **o),
    "deepdream, two layers": lambda net, x, **o: fun.deepdream(net, x, ["1", "3:2"], steps=3, octaves=1, **o),
    "deepdream, guided": lambda net, x, **o: fun.deepdream(net, x, layer="3", steps=3, octaves=1, guide=x[:1], **o),
    "dream": lambda net, x: fun.dream("3:1")(net, x),
    "dream_gradient": lambda net, x: fun.dream_gradient(net, x, "3"),
    "dream_step": lambda net, x: fun.dream_step(net, x, "3", step_size=0.01),
    "copy_pixels": lambda net, x: fun.copy_pixels(x[:1], torch.zeros(4, 5, 2, dtype=torch.long)),
    "efros_leung": lambda net, x, **o: fun.efros_leung(x[:1], 9, window=3, **o),
    "gram_loss": lambda net, x: fun.gram_loss(x[:, :, :3, :3].mean(1), x[:, :, :3, :3].mean(1)),
    "gram_matrix": lambda net, x: fun.gram_matrix(x),
    "instance_norm": lambda net, x: fun.instance_norm(x, x[0, 0, 0, :3], x[0, 0, 1, :3]),
    "keep_colors": lambda net, x: fun.keep_colors(x[:1], x[1:]),
    "add_style": lambda net, x: fun.stylize(fun.add_style(net, fun.new_style(net, "mine")), x, "mine"),
    "load_style_net": lambda net, x: fun.load_style_net(),
    "new_style": lambda net, x: fun.new_style(net, "mine")(x),
    "efros_leung_sources": lambda net, x, **o: fun.efros_leung_sources(x[:1], 9, window=3, **o),
    "match_colors": lambda net, x: fun.match_colors(x[:1], x[1:]),
    "mean_gram": lambda net, x: fun.mean_gram([x, x.flip(0)], [0.5, 0.5]),
    "PerceptualLoss": lambda net, x: judged(net, x),
    "style_loss": lambda net, x: fun.style_loss(net, [x[:1]], layers=["1", "3"])(net, x),
    "style_transfer": lambda net, x, **o: fun.style_transfer(net, x, x[:1], preserve_color="match", **STYLE, **o),
    "style_transfer, noise with Adam": lambda net, x, **o: fun.style_transfer(
        net, x, x[:1], init="noise", optimizer="adam", **STYLE, **o
    ),
    "stylize": lambda net, x: fun.stylize(net, x, "dots"),
    "synthesize_texture": lambda net, x, **o: fun.synthesize_texture(net, x[:1], steps=3, **LOSSES, **o),
    "texture_grams": lambda net, x: fun.texture_grams(net, x, ["1", "4"]),
    "texture_loss": lambda net, x: fun.texture_loss(net, x[:1], ["1", "4"])(net, x),
    "plain_efros_leung": lambda net, x: fun.plain_efros_leung(x[:1], (3, 4), window=3),
    "wei_levoy": lambda net, x: fun.wei_levoy(x[:1], 6, window=3, levels=1),
    "wei_levoy_sources": lambda net, x: fun.wei_levoy_sources(x[:1], 6, window=3, levels=1),
    # optimize
    "descend": lambda net, x: optimize.descend(net, gradients.channel("3:1"), gradients.Pixels(x), steps=3, lr=0.1),
    "descend, L-BFGS": lambda net, x: optimize.descend(
        net, gradients.channel("3:1"), gradients.Fourier(x), steps=3, optimizer="lbfgs", maximize=True
    ),
    "total_variation": lambda net, x: optimize.total_variation()(net, x),
    # figures
    "show_boxes": lambda net, x: figures.show_boxes(x[:1], [(1, 2, 6, 9)], ["a box"], heat=False),
    "show_channel": lambda net, x: figures.show_channel(x, x[:, 0], columns=2, marked=[True, False]),
    "show_distances": lambda net, x: figures.show_distances(x[0, 0, :, :16], [0, 1] * 8),
    "show_filters": lambda net, x: figures.show_filters(x, columns=2),
    "show_grid": lambda net, x: figures.show_grid(x, torch.tensor([[0, 0], [0, 1]]), side=8),
    "show_inversions": lambda net, x: figures.show_inversions(inverted(x)),
    "show_layers": lambda net, x: figures.show_layers(net, x[:1], ["1", "3"], k=1),
    "show_map": lambda net, x: figures.show_map(x, x[:, 0, 0, :2]),
    "show_maps": lambda net, x: figures.show_maps(x[0]),
    "show_neighbors": lambda net, x: figures.show_neighbors(x, torch.tensor([[1]]), objects=[0, 0]),
    "show_occlusion": lambda net, x: figures.show_occlusion(x[:1], x[:1, 0]),
    "show_patches": lambda net, x: figures.show_patches(
        activations.top_patches(net, x, "3", channels=[1], k=2, progress=False), x
    ),
    "show_points": lambda net, x: figures.show_points(rows(x)[:, :2], [0, 1] * 48),
    "show_raw_weights": lambda net, x: figures.show_raw_weights(x),
    "show_scree": lambda net, x: figures.show_scree({"pixels": activations.pca(rows(x)).ratio}),
    "show_separation": lambda net, x: figures.show_separation(rows(x)[:4, 0], [True, False] * 2, "abcd"),
    "show_sheets": lambda net, x: figures.show_sheets([x]),
    "show_style_training": lambda net, x: figures.show_style_training(x[:1], x[1:], x[:1]),
    # plots
    "heat_range": lambda net, x: plots.heat_range(x),
    "show_heat": lambda net, x: plots.show_heat(x[:1], x[0, 0]),
    "show_images": lambda net, x: plots.show_images(x),
    "show_predictions": lambda net, x: plots.show_predictions(x[:1], net.predict(x[:1])),
    "to_array": lambda net, x: plots.to_array(x[0]),
    # stimuli and images
    "crop_set": lambda net, x: stimuli.crop_set(["cat"], variants=["left", "recolored"], size=16),
    "digits": lambda net, x: stimuli.digits(marked=True),
    "face_patches": lambda net, x: stimuli.face_patches(2, size=8),
    "inversions": lambda net, x: stimuli.inversions(),
    "lined_tiles": lambda net, x: stimuli.lined_tiles(x[..., :16], 8, width=2),
    "mark": lambda net, x: stimuli.mark(x[:, :1], torch.tensor([1, 2])),
    "on_paper": lambda net, x: stimuli.on_paper(x[:1], 32),
    "paintings": lambda net, x: stimuli.paintings("layers"),
    "paste": lambda net, x: stimuli.paste(x, x[0, :, :4, :4]),
    "photo_tiles": lambda net, x: stimuli.photo_tiles(["cat"], size=32, zooms=[1]),
    "same_spectrum": lambda net, x: stimuli.same_spectrum(x, draws=2),
    "shuffled_tiles": lambda net, x: stimuli.shuffled_tiles(x[..., :16], 8),
    "simple_patterns": lambda net, x: stimuli.simple_patterns(16),
    "style_image": lambda net, x: stimuli.style_image("night", 16),
    "texture_sample": lambda net, x: stimuli.texture_sample("pebbles", 16),
    "write_word": lambda net, x: stimuli.write_word(x, "cat"),
    "center_crop": lambda net, x: images.center_crop(x, 8),
    "from_pil": lambda net, x: images.from_pil(images.to_pil(x[0])),
    "iter_folder": lambda net, x: list(images.iter_folder(FOLDER, 8)),
    "load_folder": lambda net, x: images.load_folder(FOLDER, 8),
    "load_image": lambda net, x: images.load_image(FOLDER / "night.jpg", 8),
    "photo": lambda net, x: images.photo("cat", 8),
    "resize": lambda net, x: images.resize(x, 8),
    "save_image": lambda net, x: images.save_image(x[0], Path(tempfile.gettempdir(), "saved.png")),
    "to_pil": lambda net, x: images.to_pil(x[0]),
}

# Public functions without a case, and why.
EXEMPT = {
    "best_device": "asks the machine",
    "cached_checkpoint": "makes a path",
    "torchvision_names": "makes a list of names",
    "convolutions": "reads names",
    "describe_figure": "reads words",
    "gallery": "makes a list of names",
    "image_files": "makes a list of names",
    "new_figure": "no tensors",
    "labelled_photos": "is `photo` for each name",
    "object_masks": "is `segment`'s search, and keeps what it found",
    "open_image": "no tensors",
    "random_places": "numbers in, numbers out",
    "save_style_net": "writes a file",
    "short": "a number in, a word out",
    "show_bars": "no tensors",
    "style_names": "makes a list of names",
    "transfer_table": "reads the file of a measurement",
    "walk_images": "makes a list of names",
    "warn_of_broken": "warns",
    "window_starts": "numbers in, numbers out",
}

# Open: what a method leaves behind today, though it must not. The list only shrinks: what is mended has to go.
OPEN: dict[str, list[str]] = {}

NETS = dict.fromkeys(
    ("add_style", "new_style", "stylize"),
    lambda: fun.StyleNet(["dots", "ink"], widths=(4, 6, 8), blocks=1).double(),
)


def rows(x):
    """Images as rows of numbers, `(96, 18)`."""
    return x.flatten(0, 2).detach()


def table():
    """A file that nobody has written yet."""
    return Path(tempfile.mkdtemp()) / "table.npy"


def many(x):
    """Eight different images out of two."""
    return torch.cat([x, x.flip(2), x.flip(3), 1 - x]).detach()


def judged(net, x):
    loss = fun.PerceptualLoss(net, [x[:1]], style_weights=[1.0], content_layers=["3"], style_layers=["1"])
    return loss(x, loss.content(x.flip(3)), torch.tensor([0, 0]))


def inverted(x):
    """What `inversions` returns, for one photo and two layers."""
    one = {"feature_errors": torch.ones(1, 2, 2), "errors": torch.ones(1, 2, 2, 3)}
    return stimuli.Inversions([("cat", "trained")], ["1", "3"], [3, 3], x[None], **one)


ROOMS = (filters, activations, gradients, fun, optimize, networks, hooks, figures, stimuli, images, plots)
# A method of a network, and classes that are used as functions.
ALSO = {"predict", "relu_rule", "Ensemble", "PerceptualLoss"}


def public_functions() -> set[str]:
    """What a lesson can call: the functions of the lecture's four parts, their engine, and those around them."""
    return ALSO | {
        name for room in ROOMS for name, value in vars(room).items() if is_public_function(room, name, value)
    }


def is_public_function(room, name, value) -> bool:
    """A module of its own, without `__all__`, has what it defines."""
    listed = name in getattr(room, "__all__", [name] if getattr(value, "__module__", "") == room.__name__ else [])
    return inspect.isfunction(value) and listed and not name.startswith("_")


def function_of(case: str):
    name = case.partition(",")[0]
    homes = [home for home in (*ROOMS, networks.Network) if callable(getattr(home, name, None))]  # no module
    return getattr(homes[0], name) if homes else None  # gone: the first test says so


def test_every_public_function_has_a_case():
    named = {case.partition(",")[0] for case in CASES}
    assert sorted(public_functions() - named - set(EXEMPT)) == [], "add a line to CASES"
    assert sorted(named - public_functions()) == [], "gone: remove its line from CASES"
    assert sorted(set(EXEMPT) - public_functions()) == [] and set(EXEMPT) & named == set()


# What a caller owns


def awkward_net(case: str = ""):
    """A network in a state that a careless method would change: train mode, gradients wanted and already there."""
    net = NETS[case]() if case in NETS else tiny_net("conv", seed=1, inplace=True)
    net.train().requires_grad_(True)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    return net


def awkward_images():
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 16, 18, generator=draw, dtype=torch.float64).requires_grad_()
    images.grad = torch.ones_like(images)
    return images


def tensor_state(tensor):
    grad = None if tensor.grad is None else tensor.grad.clone()
    return [
        id(tensor),
        tensor.detach().clone(),
        grad,
        tensor.requires_grad,
        tensor.dtype,
        tensor.stride(),
        tensor._version,
    ]


def snapshot(net, images) -> dict:
    """Everything of the caller's that a method could change."""
    backends = torch.backends
    return {
        "images": tensor_state(images),
        "parameters": [tensor_state(p) for p in net.parameters()],
        "buffers": [tensor_state(b) for b in net.buffers()],
        "state": {name: value.clone() for name, value in net.state_dict().items()},
        "modes": [m.training for m in net.modules()],
        "modules": [(id(m), type(m), sorted(vars(m))) for m in net.modules()],
        "hooks": [{name: len(value) for name, value in vars(m).items() if "hooks" in name} for m in net.modules()],
        "random numbers of torch": torch.get_rng_state(),
        "random numbers of numpy": list(np.random.get_state()),
        "random numbers of Python": random.getstate(),
        "grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "active modes": (_get_current_function_mode(), _get_current_dispatch_mode(), torch.is_autocast_enabled("cpu")),
        "defaults": (torch.get_default_dtype(), torch.get_default_device()),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads(), cv2.getNumThreads()),
        "determinism": (torch.are_deterministic_algorithms_enabled(), torch.get_deterministic_debug_mode()),
        "backends": (backends.cudnn.deterministic, backends.cudnn.benchmark, backends.mkldnn.enabled),
        "precision": torch.get_float32_matmul_precision(),
        "functions of torch": [torch.nn.functional.relu, torch.relu, torch.Tensor.relu, torch.nn.ReLU.forward],
        "numpy's errors": np.geterr(),
        "warnings": list(warnings.filters),
        "figures": plt.get_fignums(),
        "style of figures": dict(plt.rcParams),
        "progress bars": len(tqdm._instances),
        "environment": (dict(os.environ), os.getcwd()),
    }


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def changes(net, images, call) -> list[str]:
    """The names of what is not as it was before `call()`."""
    cv2.setRNGSeed(4711)  # OpenCV does not show its state, but what it draws next
    expected = cv2.randu(np.zeros(4), 0, 1)
    cv2.setRNGSeed(4711)
    before = snapshot(net, images)
    call()
    drawn, after = cv2.randu(np.zeros(4), 0, 1), snapshot(net, images)
    before["random numbers of OpenCV"], after["random numbers of OpenCV"] = expected, drawn
    return [key for key in before if not same(before[key], after[key])]


class Broken(Exception):
    """Not a RuntimeError: some methods answer those, on purpose."""


class Operations(TorchDispatchMode):
    """Writes down each operation of PyTorch: forward through a layer, on the way back, or another one; one may fail."""

    LAYERS = (torch.ops.aten.convolution, torch.ops.aten.addmm)

    def __init__(self, fail_at: int | None = None, error: type[BaseException] = Broken):
        super().__init__()
        self.kinds, self.fail_at, self.error = [], fail_at, error

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if len(self.kinds) == self.fail_at:
            self.fail_at = None
            raise self.error("broken on purpose")
        way_back = torch._C._current_graph_task_id() != -1
        layer = func.overloadpacket in self.LAYERS
        self.kinds.append("way back" if way_back else "layer" if layer else "other")
        return func(*args, **(kwargs or {}))

    def places(self) -> dict[int, str]:
        """The operations that should fail, and where they are."""
        where = {kind: [i for i, k in enumerate(self.kinds) if k == kind] for kind in ("layer", "way back")}
        end = len(self.kinds) - 1
        found = {0: "the first operation", end // 3: "a third", 2 * end // 3: "two thirds", end: "the last operation"}
        if layers := where["layer"]:
            found |= {layers[len(layers) // 2]: "a later layer or pass"}
            found |= {layers[0]: "the first layer", layers[-1]: "the last layer"}
        if way := where["way back"]:
            found |= {way[0]: "the begin of the way back", way[-1]: "the end of the last way back"}
        return found


def new(name: str, found: list[str]) -> list[str]:
    return [one for one in found if one not in OPEN.get(name.partition(",")[0], [])]


def break_at(name: str, number: int, error: type[BaseException]) -> list[str]:
    """Make one operation fail; returns what the caller then finds. An error must reach the caller; Ctrl-C may be answered."""
    net, images, found = awkward_net(name), awkward_images(), []

    def call():
        with Operations(fail_at=number, error=error) as run:
            try:
                CASES[name](net, images)
                found.extend([] if error is KeyboardInterrupt else ["no error"])
                found.extend([] if run.fail_at is None else ["the operation never ran"])
            except BaseException as raised:
                found.extend([] if "broken on purpose" in str(raised) else ["a misleading error"])

    return changes(net, images, call) + found


def ran_once(name: str) -> str:
    """So that nothing is imported or stored for the first time."""
    CASES[name](awkward_net(name), awkward_images())
    return name


@pytest.fixture(params=CASES)
def name(request):
    return ran_once(request.param)


def test_a_call_leaves_nothing_behind(name):
    net, images = awkward_net(name), awkward_images()
    assert new(name, changes(net, images, lambda: CASES[name](net, images))) == []


def places_of(name: str) -> dict[int, str]:
    net, images = awkward_net(name), awkward_images()
    with Operations() as operations:
        CASES[name](net, images)
    assert operations.kinds, f"{name} uses no operation of PyTorch: nothing can be broken in it"
    return operations.places()


@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt])
def test_a_call_that_fails_half_way_leaves_nothing_behind(name, error):
    """An error must reach the caller. Ctrl-C may also end the work early: then the best so far is returned."""
    left = {place: new(name, break_at(name, number, error)) for number, place in places_of(name).items()}
    assert {place: found for place, found in left.items() if found} == {}


def test_what_is_open_is_open():
    """The list of open cases only shrinks."""
    found = {
        name: {one for number in places_of(ran_once(name)) for one in break_at(name, number, KeyboardInterrupt)}
        for name in OPEN
    }
    assert found == {name: set(known) for name, known in OPEN.items()}, "mended: take it off the list"


WATCHED = [case for case in CASES if "callback" in inspect.signature(function_of(case) or print).parameters]


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("name", WATCHED)
def test_a_callback_that_fails_leaves_nothing_behind(name, number):
    net, images, calls = awkward_net(name), awkward_images(), []

    def callback(*args):
        calls.append(args)
        if len(calls) > number:
            raise Broken("broken on purpose")

    def call():
        calls.clear()
        with pytest.raises(Broken):
            CASES[name](net, images, callback=callback)
        assert len(calls) == number + 1

    call()
    assert changes(net, images, call) == []


def broken(*args):
    raise Broken("broken on purpose")


def two_good_ones(images):
    yield images[:1]
    yield images[1:]
    broken()


# What fails outside of PyTorch: a function or an iterator of the caller's, the body of a block, another library.
BROKEN = {
    "segment, in OpenCV": CASES["segment"],
    "occlusion, the caller's target": lambda net, x: activations.occlusion(net, x, broken, window=6, stride=6),
    "top_patches, the caller's images": lambda net, x: activations.top_patches(net, two_good_ones(x), "3", k=1),
    "visualize, the caller's objective": lambda net, x: gradients.visualize(
        net, gradients.Objective(broken, layers=["3"]), steps=3, size=12
    ),
    "visualize, the caller's regularizer": lambda net, x: gradients.visualize(
        net, 1, image=gradients.Pixels(), regularizers=[broken], steps=3, size=12
    ),
    "capture, the block": lambda net, x: within(hooks.capture(net, ["0", "4"]), broken, x),
    "frozen, the block": lambda net, x: within(networks.frozen(net), broken, x),
    "ablated, the block": lambda net, x: within(gradients.ablated(net, "3", [1]), broken, x),
    "relu_rule, the block": lambda net, x: within(gradients.relu_rule("guided"), broken, x),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_fails_outside_of_pytorch_leaves_nothing_behind(name, monkeypatch):
    net, images = awkward_net(), awkward_images()
    monkeypatch.setattr(cv2, "grabCut", broken)

    def call():
        with pytest.raises(Broken):
            BROKEN[name](net, images)

    call()
    assert new(name, changes(net, images, call)) == []


# The guard itself: each of these is seen, under its name. In a process of its own, since nobody tidies up.


RUDE = {
    "images": lambda net, x: x.data.mul_(0.5),
    "parameters": lambda net, x: net.get_parameter("model.0.weight").grad.zero_(),
    "buffers": lambda net, x: net.mean.add_(1),
    "state": lambda net, x: net.get_parameter("model.0.weight").data.add_(1),
    "modes": lambda net, x: net.eval(),
    "modules": lambda net, x: setattr(net.layer("3"), "forward", net.layer("4").forward),
    "hooks": lambda net, x: net.layer("3").register_forward_hook(broken),
    "random numbers of torch": lambda net, x: torch.rand(1),
    "random numbers of numpy": lambda net, x: np.random.rand(),
    "random numbers of Python": lambda net, x: random.random(),
    "random numbers of OpenCV": lambda net, x: cv2.setRNGSeed(0),
    "grad mode": lambda net, x: torch.set_grad_enabled(False),
    "active modes": lambda net, x: Operations().__enter__(),
    "defaults": lambda net, x: torch.set_default_dtype(torch.float64),
    "threads": lambda net, x: torch.set_num_threads(torch.get_num_threads() + 1),
    "determinism": lambda net, x: torch.use_deterministic_algorithms(True),
    "backends": lambda net, x: setattr(torch.backends.cudnn, "benchmark", True),
    "precision": lambda net, x: torch.set_float32_matmul_precision("medium"),
    "functions of torch": lambda net, x: setattr(torch, "relu", torch.relu_),
    "numpy's errors": lambda net, x: np.seterr(all="ignore"),
    "warnings": lambda net, x: warnings.simplefilter("ignore"),
    "figures": lambda net, x: plt.figure(),
    "style of figures": lambda net, x: plt.rcParams.update({"font.size": 3}),
    "progress bars": lambda net, x: BARS.append(tqdm(total=3)),
    "environment": lambda net, x: os.environ.update(COURSE_RUDE="1"),
}
BARS = []


def what_is_seen() -> dict[str, list[str]]:
    net, images = awkward_net(), awkward_images()
    return {name: changes(net, images, lambda rude=rude: rude(net, images)) for name, rude in RUDE.items()}


def test_the_guard_sees_everything():
    program = "import json; from tests.test_leaves_nothing_behind import *; print(json.dumps(what_is_seen()))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    seen = json.loads(run.stdout)
    assert {name for name in RUDE if name not in seen[name]} == set()
    net, images = awkward_net(), awkward_images()
    assert set(RUDE) == {*snapshot(net, images), "random numbers of OpenCV"}
