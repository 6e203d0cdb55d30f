"""After any call, also one that raised: inputs, parameters, grads, modes, hooks and random state are bit-identical.

A method joins by a line in CASES: its name, and a function of a network and images.
"""

import random

import numpy as np
import pytest
import torch

from course_utils import activations, features, fun, gradients, layer_outputs, tiny_net
from course_utils.filters import filter_response
from course_utils.gradients import edges, input_gradient, saliency, smoothgrad
from course_utils.networks import randomized

CASES = {
    "predict": lambda net, x: net.predict(x),
    "layer_outputs": lambda net, x: layer_outputs(net, x, ["3"]),
    "features": lambda net, x: features(net, x, layer="3"),
    "filter_response": lambda net, x: filter_response(net, x, channel=1),
    "randomized": lambda net, x: randomized(net),
    "input_gradient": lambda net, x: input_gradient(net, x, 1),
    "saliency": lambda net, x: saliency(net, x),
    "smoothgrad": lambda net, x: smoothgrad(net, x, samples=3),
    "edges": lambda net, x: edges(x),
    "feature_maps": lambda net, x: activations.feature_maps(net, x, "3"),
    "channels": lambda net, x: activations.channels(net, x, "3"),
    "evidence_map": lambda net, x: activations.evidence_map(net, x, "4", 1),
    "deletion_curve": lambda net, x: activations.deletion_curve(net, x, x[:, 0], 1, steps=2),
    "neighbors": lambda net, x: activations.neighbors(net, x, k=1, layer="3"),
    "neighbors in pixel space": lambda net, x: activations.neighbors(None, x, k=1, space="pixels", metric="cosine"),
    "tsne": lambda net, x: activations.tsne(x.flatten(0, 2).detach(), perplexity=5, steps=250),
    "fool": lambda net, x: gradients.fool(net, x, 1, steps=3),
    "fgsm": lambda net, x: gradients.fgsm(net, x),
    "pgd": lambda net, x: gradients.pgd(net, x, steps=2, random_start=True),
    "survival": lambda net, x: gradients.survival(net, x, 1),
    "invert": lambda net, x: gradients.invert(net, x, "3", steps=3),
    "invert, pixels with Adam": lambda net, x: gradients.invert(
        net, x, "1", steps=3, parameterization="pixels", optimizer="adam", tv_weight=1.0
    ),
    "channel_importance, ablation": lambda net, x: gradients.channel_importance(net, x, "3"),
    "channel_importance, taylor": lambda net, x: gradients.channel_importance(net, x, "3", by="taylor"),
    "pruning_curve": lambda net, x: gradients.pruning_curve(net, x, "3", 1, range(8)),
    "deepdream": lambda net, x: fun.deepdream(net, x, layer="3", steps=2, octaves=2, progress=False),
    "deepdream, guided": lambda net, x: fun.deepdream(net, x, layer="3", steps=1, guide=x[:1], progress=False),
    "occlusion": lambda net, x: activations.occlusion(net, x, window=6, stride=6, baseline="noise", progress=False),
    "occlusion, full": lambda net, x: activations.occlusion(
        net, x, "3:1", window=6, stride=6, method="full", progress=False
    ),
    "receptive_field": lambda net, x: activations.receptive_field(net, "3"),
    "top_patches": lambda net, x: activations.top_patches(net, x, "3", k=2, progress=False),
    "style_transfer": lambda net, x: fun.style_transfer(
        net, x, x[:1].flip(3), content_layers=["3"], style_layers=["1"], steps=3, preserve_color="match", progress=False
    ),
    "style_transfer, noise, adam": lambda net, x: fun.style_transfer(
        net, x, x[:1], content_layers=["3"], style_layers=["1"], steps=3, init="noise", optimizer="adam", progress=False
    ),
    "gram_matrix": lambda net, x: fun.gram_matrix(x),
    "efros_leung": lambda net, x: fun.efros_leung(x[:1], 6, window=3, progress=False),
    "wei_levoy": lambda net, x: fun.wei_levoy(x[:1], 6, window=3, levels=1, progress=False),
    "synthesize_texture": lambda net, x: fun.synthesize_texture(net, x[:1], layers=["1", "4"], steps=3, progress=False),
}


def snapshot(net, images):
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in net.modules()]
    return {
        "images": images.detach().clone(),
        "image grad": None if images.grad is None else images.grad.clone(),
        "requires grad": [images.requires_grad, *(p.requires_grad for p in net.parameters())],
        "state": {k: v.clone() for k, v in net.state_dict().items()},
        "grads": [None if p.grad is None else p.grad.clone() for p in net.parameters()],
        "modes": [m.training for m in net.modules()],
        "modules": [id(m) for m in net.modules()],
        "hooks": hooks,
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].copy(),
        "python": random.getstate(),
        "grad mode": torch.is_grad_enabled(),
    }


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def awkward_net():
    """A network in a state that a careless method would change: train mode, gradients wanted and already there."""
    net = tiny_net("conv", seed=1, inplace=True).train()
    net.requires_grad_(True)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    return net


def awkward_images():
    images = torch.rand(2, 3, 16, 18, dtype=torch.float64).requires_grad_()
    images.grad = torch.ones_like(images)
    return images


@pytest.mark.parametrize("name", CASES)
def test_a_call_leaves_nothing_behind(name):
    net, images = awkward_net(), awkward_images()
    before = snapshot(net, images)
    CASES[name](net, images)
    after = snapshot(net, images)
    assert [key for key in before if not same(before[key], after[key])] == []


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_raises_leaves_nothing_behind(name, monkeypatch):
    net, images = awkward_net(), awkward_images()

    def broken(*args):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(net.layer("4"), "forward", broken)
    before = snapshot(net, images)
    try:
        CASES[name](net, images)
    except RuntimeError as error:
        assert "broken on purpose" in str(error)
    after = snapshot(net, images)
    assert [key for key in before if not same(before[key], after[key])] == []
