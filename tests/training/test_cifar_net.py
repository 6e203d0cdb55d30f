import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils.errors import CourseError
from course_utils.networks.cifar import DURING, SIDE, cifar_network, cifar_stack
from course_utils.networks.weights import FOLDER, OWN
from course_utils.training import cifar_net
from course_utils.training.cifar_net import TEST, TRAIN, Pictures, class_accuracy, read_cifar, read_npz, save, train

COMMAND = [sys.executable, "-m", "course_utils.training.cifar_net"]


def synthetic(count=256, seed=0):
    """Ten classes that a network can learn in seconds: noise around ten colors."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, count)
    corners = [(r, g, b) for r in (50, 200) for g in (50, 200) for b in (50, 200)]
    colors = np.array([*corners, (125, 125, 125), (200, 125, 50)]).reshape(10, 1, 1, 3)
    return (colors[labels] + draw.integers(-40, 41, (count, SIDE, SIDE, 3))).astype(np.uint8), labels


def write_npz(path, images, classes, **instead):
    from io import BytesIO

    from PIL import Image

    files = []
    for image in images:
        stream = BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=95)
        files.append(stream.getvalue())
    arrays = {
        "jpeg": np.frombuffer(b"".join(files), np.uint8),
        "offsets": np.cumsum([0, *map(len, files)]),
        "labels": classes.astype(np.uint8),
    }
    np.savez(path, **{k: v for k, v in (arrays | instead).items() if v is not None})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cifar")
    write_npz(place / TRAIN, *synthetic())
    write_npz(place / TEST, *synthetic(100, seed=5))
    return place


@pytest.fixture(scope="module")
def pictures(folder):
    return read_cifar(folder)[0]


@pytest.fixture(scope="module")
def trained(pictures):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar_net, "SNAPSHOTS", (0, 20, 1000))
        return train(pictures, steps=60, batch_size=32, lr=0.01)


def test_pictures_come_back_in_their_order_and_colors(pictures):
    images, labels = synthetic()
    assert pictures.images.dtype == torch.uint8 and pictures.images.shape == (256, 3, SIDE, SIDE)
    assert pictures.labels.tolist() == labels.tolist()
    wrong = pictures.images.permute(0, 2, 3, 1).float().mean((1, 2)) - torch.from_numpy(images).float().mean((1, 2))
    assert wrong.abs().max() < 4  # JPEG keeps a picture's mean color


def test_one_of_the_two_files_names_their_folder(folder):
    for given in (folder, folder / TRAIN, folder / TEST):
        assert [len(part.labels) for part in read_cifar(given)] == [256, 100]


def test_the_loss_falls_and_the_network_learns(trained, folder):
    assert sum(trained.losses[-10:]) < 0.5 * sum(trained.losses[:10])
    assert np.mean(class_accuracy(trained.model, read_cifar(folder)[1])) > 0.8


def test_the_same_seed_gives_the_same_weights_and_leaves_the_random_state_alone(pictures):
    before = torch.get_rng_state()
    one, same, other = (train(pictures, steps=3, batch_size=16, seed=s).model.conv1.weight for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_smoothness_pulls_neighboring_weights_together(pictures):
    rough = {}
    for smoothness in (0.0, 0.1):
        weight = train(pictures, steps=30, batch_size=16, lr=0.02, smoothness=smoothness).model.conv1.weight.detach()
        rough[smoothness] = (weight.diff(dim=3).square().sum() / weight.square().sum()).item()
    assert rough[0.1] < 0.8 * rough[0.0]


def test_shifts_keep_a_picture_in_its_colors_and_flips_mirror_it(monkeypatch):
    """Seen by the network's first layer: half red, half green pictures stay so, with either half on either side."""
    image = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8)
    image[:, 0, :, :16], image[:, 1, :, 16:] = 255, 255
    seen = []

    def spy(module, inputs):
        network = cifar_network(torch.nn.Identity())
        seen.append(inputs[0].detach() * network.std + network.mean)

    def watched():
        stack = cifar_stack()
        stack.conv1.register_forward_pre_hook(spy)
        return stack

    monkeypatch.setattr("course_utils.networks.cifar.cifar_stack", watched)
    train(Pictures(image, torch.zeros(1, dtype=torch.int64)), steps=40, shift=3)
    pixels = torch.cat(seen)
    assert ((pixels[:, 0] - 1).abs() < 1e-5).logical_xor((pixels[:, 1] - 1).abs() < 1e-5).all()
    edges = {int(row.sum()) for row in pixels[:, 0, 0] > 0.5}
    assert edges == set(range(13, 20))  # 16, and up to 3 to either side
    assert {bool(row[0] > 0.5) for row in pixels[:, 0, 0]} == {True, False}


def test_a_saved_network_is_read_back_with_its_snapshots(trained, tmp_path, monkeypatch):
    from course_utils import load_network
    from course_utils.networks import cifar, weights

    digest = save(trained, tmp_path / "new" / "cifar_net.safetensors")
    assert digest == save(trained, tmp_path / "again.safetensors")  # the same bytes each time
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "new")
    monkeypatch.setitem(weights.OWN, "cifar_net", digest)
    net = load_network("cifar_net", device="cpu")
    x = torch.rand(2, 3, SIDE, SIDE)
    assert torch.allclose(net(x), cifar_network(trained.model)(x), atol=1e-5)
    during = cifar.first_layer_during_training()
    assert list(during) == [0, 20, 60]
    assert torch.equal(during[60], net.layer("conv1").weight) and not torch.equal(during[0], during[60])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "there is no file"),
        (lambda path: path.write_bytes(b"no archive"), "cannot be read as an .npz file"),
        (lambda path: path.write_bytes(path.read_bytes()[:2000]), "cannot be read as an .npz file"),
        (lambda path: write_npz(path, *synthetic(4), labels=None), "needs the arrays jpeg, offsets and labels"),
        (lambda path: write_npz(path, *synthetic(4), offsets=np.arange(3)), "offsets fit neither"),
        (lambda path: write_npz(path, *synthetic(4), jpeg=np.frombuffer(b"x" * 9, np.uint8), offsets=np.array([0, 3, 5, 7, 9])), "picture 0 of .* is no 32 x 32 JPEG"),
        (lambda path: write_npz(path, synthetic(4)[0][:, :16], synthetic(4)[1]), "picture 0 of .* is no 32 x 32 JPEG"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why_in_one_line(tmp_path, spoil, says):
    path = tmp_path / "a.npz"
    write_npz(path, *synthetic(4))
    spoil(path)
    with pytest.raises(CourseError, match=says) as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)


def test_without_a_network_the_download_says_what_to_do(monkeypatch):
    from urllib.error import URLError

    def no_network(*args, **kwargs):
        raise URLError("no route")

    monkeypatch.setattr("torchvision.datasets.CIFAR10", no_network)
    with pytest.raises(CourseError, match="no route.*--data"):
        read_cifar(None)


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def test_the_command_trains_saves_and_tells(folder, tmp_path):
    out = tmp_path / "mine.safetensors"
    done = run("--data", folder, "--out", out, "--steps", 12, "--seed", 3)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^step +12 of 12: loss \d", done.stdout, flags=re.M)
    assert re.search(r"^\d+\.\d\d% of the test pictures right$", done.stdout, flags=re.M)
    assert re.search(r"mine\.safetensors: sha256 [0-9a-f]{64}$", done.stdout.strip())
    assert out.is_file()


def test_the_commands_mistakes_are_one_line(folder):
    for arguments, says in (
        (["--data", folder / "none"], "--data needs a folder with cifar10_train.npz and cifar10_test.npz"),
        (["--data", folder, "--epochs", 0], "--epochs"),
        (["--data", folder, "--wrong"], "--wrong"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith("cifar_net: ") and done.stderr.count("\n") == 1 and says in done.stderr


def test_the_help_names_every_option():
    shown = run("--help").stdout
    assert all(option in shown for option in ("--data", "--out", "--epochs", "--steps", "--seed", "CIFAR-10"))


def test_the_card_tells_what_the_file_is(cifar):
    """The numbers of the model card are those of the code and of the file beside it."""
    card = (FOLDER / "cifar_net.md").read_text(encoding="utf-8")
    assert OWN["cifar_net"] in card
    assert f"{sum(p.numel() for p in cifar.parameters()):,}" in card
    for name in ("epochs", "lr", "weight_decay", "smoothness", "batch_size", "shift", "seed"):
        value = train.__kwdefaults__[name]
        assert re.search(rf"`{name}` \| {re.escape(str(value))} ", card), f"{name} {value}"
    steps = 12 * (50_000 // train.__kwdefaults__["batch_size"])
    assert all(f"{DURING}{step}`" in card for step in (*cifar_net.SNAPSHOTS, steps))
