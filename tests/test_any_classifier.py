"""Any classifier of torchvision: its last-layer features, and layers whose channels are not on axis 1. Weights are random."""

import warnings

import pytest
import torch
import torchvision
from torch import nn

from course_utils import (
    Network,
    ablated,
    channel_importance,
    channels,
    check_size,
    deepdream,
    feature_maps,
    features,
    grad_cam,
    layer_outputs,
    occlusion,
    receptive_field,
    smallest_size,
    style_transfer,
    synthesize_texture,
    top_patches,
    torchvision_names,
    visualize,
)
from course_utils.gradients import backprop, class_score, direction, neuron
from tests.test_every_input import transformer

# one of each file of torchvision.models, and the side of the images; the others with `--run-sweep`
FAST = {"mobilenet_v3_small": 64, "shufflenet_v2_x0_5": 64, "squeezenet1_1": 64, "densenet121": 64, "mnasnet0_5": 64}
SLOW = {
    "alexnet": 64, "convnext_tiny": 64, "efficientnet_b0": 64, "googlenet": 64, "inception_v3": 96, "maxvit_t": 224,
    "mobilenet_v2": 64, "regnet_y_400mf": 64, "resnet18": 64, "swin_t": 64, "swin_v2_t": 64, "vgg11": 64, "vit_b_32": 224,
}  # fmt: skip
EVERY = [*FAST, *(pytest.param(name, marks=pytest.mark.sweep) for name in SLOW)]
NO_LINEAR_END = {"squeezenet1_1"}


def build(name: str) -> Network:
    options = {"init_weights": False} if name in ("googlenet", "inception_v3", "vgg11") else {}
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        model = torchvision.models.get_model(name, **options)
        if name == "vit_b_32":
            nn.init.normal_(model.heads.head.weight)  # zero at first
    return Network(model, name=name, input_size=224)


def test_every_family_is_here():
    def families(names):
        return {torchvision.models.get_model_builder(name).__module__ for name in names}

    assert families([*FAST, *SLOW]) == families(torchvision_names())


@pytest.mark.parametrize("name", EVERY)
def test_features_times_weights_are_the_scores(name):
    net, side = build(name), {**FAST, **SLOW}[name]
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    if name in NO_LINEAR_END:
        with pytest.raises(ValueError, match="does not end in a linear layer.*choose a layer with layer="):
            features(net, images)
        return
    found = features(net, images, batch_size=1)
    last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
    bias = 0 if last.bias is None else last.bias
    with torch.no_grad():
        scores = net(images)
    assert found.ndim == 2 and not found.requires_grad and scores.std() > 0
    torch.testing.assert_close(found @ last.weight.T + bias, scores, rtol=1e-4, atol=1e-4 * scores.abs().max().item())


def test_features_of_a_linear_layer_that_is_not_the_end():
    """A linear layer whose result is changed again gives no features whose weights make the scores."""
    net = Network(nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.ReLU()), name="mine", input_size=4)
    with pytest.raises(ValueError, match="mine does not end in a linear layer"):
        features(net, torch.rand(2, 3, 4, 4))
    assert not any(module._forward_hooks for module in net.modules())


# Where the channels are


def count_of_channels(module: nn.Module) -> tuple[int, bool] | None:
    """How many channels a layer puts out, and whether they are on the last axis; None if its kind does not say."""
    if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
        return getattr(module, "out_channels", getattr(module, "num_features", None)), False
    if type(module).__name__ == "LayerNorm2d":  # ConvNeXt's goes there and back
        return module.normalized_shape[-1], False
    if type(module) in (nn.Linear, nn.LayerNorm):
        return (module.out_features if type(module) is nn.Linear else module.normalized_shape[-1]), True
    return None


NETS = ["vit", "swin", "convnext", *(pytest.param(n, marks=pytest.mark.sweep) for n in ("maxvit_t", "swin_v2_t"))]


@pytest.mark.parametrize("name", NETS)
def test_channels_are_on_axis_1_in_every_layer(name):
    net = build(name) if name in SLOW else transformer(name)
    side = SLOW.get(name, 16)
    image, raw = torch.rand(1, 3, side, side), {}
    kinds = {layer: kind for layer in net.layers if (kind := count_of_channels(net.layer(layer)))}

    def remember(layer):
        def hook(module, given, made):
            raw[layer] = made.detach().clone()  # a ReLU may work in place

        return net.layer(layer).register_forward_hook(hook)

    handles = [remember(layer) for layer in kinds]
    with torch.no_grad():
        net(image)
    for handle in handles:
        handle.remove()
    wanted = [layer for layer in raw if raw[layer].ndim > 2]  # an attention's own linear layer is read, and never runs
    assert len(wanted) > 5
    found = layer_outputs(net, image, wanted)
    for layer in wanted:
        count, last = kinds[layer]
        right = raw[layer].movedim(-1, 1) if last else raw[layer]
        assert found[layer].shape[1] == count, layer
        torch.testing.assert_close(found[layer], right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fast", [True, False])
def test_an_attention_gives_several_tensors_and_its_channels_are_last(fast, monkeypatch):
    """The dropout behind the attention of a ViT, between two layers whose channels are on axis 1 as well."""
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 12, "mlp_dim": 16}
    model = torchvision.models.VisionTransformer(image_size=16, patch_size=4, num_classes=5, **sizes)
    net, layer = Network(model, name="vit", input_size=16), "encoder.layers.encoder_layer_0."
    monkeypatch.setattr(torch.backends.mha, "get_fastpath_enabled", lambda: fast)
    found = layer_outputs(net, torch.rand(2, 3, 16, 16), [layer + name for name in ("ln_1", "dropout", "ln_2", "mlp")])
    assert [tuple(maps.shape) for maps in found.values()] == [(2, 12, 17)] * 4


def test_channels_that_are_somewhere_are_not_said_to_be_on_axis_1():
    class Strange(nn.Module):
        """It puts the channels last, and then does what nobody follows."""

        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.fold, self.end = nn.Conv2d(3, 6, 1), nn.LayerNorm(6), Fold(), nn.Linear(3, 5)

        def forward(self, images):
            return self.end(self.fold(self.norm(self.conv(images).permute(0, 2, 3, 1))).mean((1, 2)))

    class Fold(nn.Module):
        def forward(self, maps):
            return maps.unfold(3, 3, 3).mean(3)

    net, image = Network(Strange(), name="strange", input_size=8), torch.rand(1, 3, 8, 8)
    assert layer_outputs(net, image, ["norm"])["norm"].shape == (1, 6, 8, 8)
    for call in (
        lambda: layer_outputs(net, image, ["fold"]),
        lambda: grad_cam(net, image, "fold"),
        lambda: channel_importance(net, image, "fold"),
    ):
        with pytest.raises(
            ValueError, match=r"output \(1, 8, 8, 3\) this layer has its channels is not known"
        ) as caught:
            call()
        assert "\n" not in str(caught.value)


# a block, what is inside of it, and a stage: `(N, H, W, C)` in Swin
SWIN = {"features.1": 16, "features.1.0": 16, "features.1.0.attn": 16, "features.1.0.norm2": 16, "features.3": 32}


@pytest.fixture(scope="module")
def swin():
    return transformer("swin")


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 32, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def plain_output(net, images, layer):
    seen = []
    handle = net.layer(layer).register_forward_hook(lambda module, given, made: seen.append(made))
    try:
        net(images)
    finally:
        handle.remove()
    return seen[0]


@pytest.mark.parametrize("layer", SWIN)
def test_maps_of_swin(swin, images, layer):
    maps = feature_maps(swin, images, layer)
    with torch.no_grad():
        right = plain_output(swin, images, layer).permute(0, 3, 1, 2)
    assert maps.shape[1] == SWIN[layer] and torch.allclose(maps, right)
    assert channels(swin, images, layer).peak.shape == (2, SWIN[layer])
    assert torch.allclose(features(swin, images, layer=layer), right.mean((2, 3)))


@pytest.mark.parametrize("layer", ["features.1", "features.3", "norm"])
def test_grad_cam_of_swin(swin, images, layer):
    seen = plain_output(swin, images.clone().requires_grad_(), layer)
    with torch.enable_grad():
        scores = swin(images.clone().requires_grad_())
    assert seen.ndim == 4
    maps = []
    handle = swin.layer(layer).register_forward_hook(lambda module, given, made: maps.append(made))
    scores = swin(images.clone().requires_grad_())[:, 2].sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(scores, maps[0])
    right = (gradient.mean((1, 2), keepdim=True) * maps[0]).sum(3).clamp(min=0)
    torch.testing.assert_close(grad_cam(swin, images, layer, 2), right.detach())


@pytest.mark.parametrize("layer", ["features.1", "features.3", "features.1.0.attn"])
def test_ablation_in_swin(swin, images, layer):
    module = swin.layer(layer)

    def without(module, given, made):
        made = made.clone()
        made[..., [1, 5]] = 0
        return made

    with torch.no_grad():
        handle = module.register_forward_hook(without)
        right = swin(images)
        handle.remove()
        with ablated(swin, layer, [1, 5]):
            found = swin(images)
    torch.testing.assert_close(found, right)
    for by in ("ablation", "taylor", "activation"):
        assert channel_importance(swin, images, layer, 1, by=by, progress=False).shape == (SWIN[layer],)


def test_a_layer_that_never_runs_cannot_be_ablated(swin, images):
    """Swin's attention reads the weights of this linear layer."""
    with (
        pytest.raises(ValueError, match="never runs layer 'features.1.0.attn.qkv'"),
        ablated(swin, "features.1.0.attn.qkv", [1]),
    ):
        swin(images)
    assert not swin._forward_hooks and swin(images).shape == (2, swin(images).shape[1])


def test_importance_in_swin(swin, images):
    classes = torch.tensor([1, 1])
    right = []
    with torch.no_grad():
        before = nn.functional.cross_entropy(swin(images), classes, reduction="none")
        for channel in range(16):
            with ablated(swin, "features.1", [channel]):
                right.append(
                    (nn.functional.cross_entropy(swin(images), classes, reduction="none") - before).abs().mean()
                )
    found = channel_importance(swin, images, "features.1", 1, progress=False)
    torch.testing.assert_close(found, torch.stack(right))
    first_order = channel_importance(swin, images, "features.1", 1, by="taylor", progress=False)
    assert torch.corrcoef(torch.stack([found, first_order]))[0, 1] > 0.8


@pytest.mark.filterwarnings("ignore:.*cannot be computed incrementally")
def test_units_of_swin(swin, images):
    right = plain_output(swin, images.clone().requires_grad_(), "features.3")
    maps = right.permute(0, 3, 1, 2)
    assert torch.allclose(neuron("features.3:20", position=(1, 2))(swin, images), maps[:, 20, 1, 2])
    vector = torch.arange(32.0)
    along = torch.einsum("nchw,c->nhw", maps, vector.double()) / vector.double().norm()
    assert torch.allclose(direction("features.3", vector)(swin, images), along.mean((1, 2)))
    with pytest.raises(ValueError, match="channels 0 to 31"):
        backprop(swin, images, "features.3:32")
    place = torch.tensor([0, 1])
    assert backprop(swin, images, "features.3:20", position=place).shape == images.shape
    options = {"window": 16, "stride": 16, "progress": False}
    auto, full = (occlusion(swin, images, "features.3:20", method=m, **options) for m in ("auto", "full"))
    torch.testing.assert_close(auto, full)
    whole = occlusion(swin, images, "features.3:20", baseline=images, method="full", **options)
    assert full.abs().max() > 1e-6 and whole.abs().max() < 1e-9
    picture = visualize(swin, "features.3:20", steps=2, size=24, transforms=(), progress=False)
    assert picture.shape == (1, 3, 24, 24)


@pytest.mark.parametrize("name, layer", [("swin", "features.1"), ("vit", "encoder.ln"), ("convnext", "features.1")])
def test_fields_and_patches_are_right_or_refused(name, layer):
    net, image = transformer(name), torch.rand(2, 3, 16, 16, dtype=torch.float64)
    for call in (
        lambda: receptive_field(net, layer),
        lambda: top_patches(net, image, layer, k=1, progress=False),
    ):
        with pytest.raises(ValueError, match="is not known: it goes through|no feature maps") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_patches_of_a_vit_have_no_rows_and_columns():
    net, images = transformer("vit"), torch.rand(2, 3, 16, 16, dtype=torch.float64)
    assert features(net, images, layer="encoder.ln").shape == (2, 16)
    for call, words in (
        (lambda: feature_maps(net, images, "encoder.ln"), "has no maps"),
        (lambda: grad_cam(net, images, "encoder.ln"), "no feature maps"),
        (lambda: backprop(net, images, "encoder.ln:3", position="center"), "no rows and columns"),
        (lambda: neuron("encoder.ln:3")(net, images), "no rows and columns"),
        (lambda: direction("encoder.ln", torch.ones(16), position=(0, 0))(net, images), "no rows and columns"),
        (lambda: features(net, images, layer="encoder.layers.encoder_layer_0.self_attention"), "puts out a tuple"),
    ):
        with pytest.raises((TypeError, ValueError), match=words) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert backprop(net, images, "encoder.ln:3").shape == images.shape  # the strongest patch


@pytest.mark.parametrize("name", ["swin", "vit", "convnext"])
def test_units_of_a_layer_without_positions(name):
    """A classifier's scores are `(N, classes)`: a unit is one number, and its gradient that of a class."""
    net, images = transformer(name), torch.rand(2, 3, 16, 16, dtype=torch.float64)
    last = [layer for layer in net.layers if isinstance(net.layer(layer), nn.Linear)][-1]
    for unit in (f"{last}:2", f"{last}:0"):
        found, right = backprop(net, images, unit), backprop(net, images, int(unit[-1]))
        torch.testing.assert_close(found, right)
        options = {"window": 8, "stride": 8, "progress": False}
        for method in ("auto", "full"):
            found = occlusion(net, images, unit, method=method, **options)
            torch.testing.assert_close(found, occlusion(net, images, int(unit[-1]), method="full", **options))
    with pytest.raises(ValueError, match="has channels 0 to"):
        backprop(net, images, f"{last}:99")


@pytest.mark.parametrize("name", ["vit", "cifar"])
def test_a_network_of_one_size_says_so(name, request):
    net = transformer("vit") if name == "vit" else request.getfixturevalue("cifar")
    with pytest.raises(ValueError, match=r"takes only pictures of one size; give size=, and no Pad") as caught:
        visualize(net, class_score(1), steps=1, progress=False)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="20x12|32 x 32"):
        net(torch.rand(1, 3, 20, 12))
    assert visualize(net, 1, steps=1, transforms=(), progress=False).shape[2] == net.input_size


@pytest.mark.parametrize("side, known", [(24, False), (24, True), (20, True), (16, False)])
def test_a_network_of_one_size_takes_pictures_of_this_size(side, known):
    """Also if the side is no power of two, and if the network's `input_size` is not told."""
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 12, "mlp_dim": 16}
    model = torchvision.models.VisionTransformer(image_size=side, patch_size=4, num_classes=5, **sizes)
    net, layer = Network(model, name="vit", input_size=side if known else 224), "encoder.ln"
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    check_size(net, image, [layer])
    assert smallest_size(net, [layer], size=(side, side)) == side
    for octaves in (1, 3):
        assert deepdream(net, image, layer, octaves=octaves, steps=1, progress=False).shape == image.shape
    options = {"steps": 2, "progress": False}
    painted = style_transfer(net, image, image.flip(3), content_layers=[layer], style_layers=["conv_proj"], **options)
    assert painted.shape == image.shape
    assert synthesize_texture(net, image, layers=["conv_proj"], steps=2, progress=False).shape == image.shape
    if known:
        with pytest.raises(ValueError, match=f"of 12x12 pixels are too small.*smallest size is {side}x{side}"):
            check_size(net, image[:, :, :12, :12], [layer])
    with pytest.raises(ValueError, match="does not take images of 40x40 pixels"):
        deepdream(net, torch.rand(1, 3, 40, 40), layer, progress=False)
