"""Training of the style network: a falling loss in seconds, the losses of lesson 14, and a run that goes on."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from course_utils.exercises.tiny import tiny_net
from course_utils.figures import show_style_training
from course_utils.fun import StyleNet, gram_matrix
from course_utils.fun.perceptual_loss import PerceptualLoss
from course_utils.fun.style_losses import content_loss, style_loss
from course_utils.training import styles
from course_utils.training.styles import Stage, app, crops, pass_and_steps, photos_of, train
from tests.nets import without_normalization

LAYERS = {"content_layers": ["4"], "style_layers": ["1", "4"]}
SMALL = {"widths": (4, 6, 8), "blocks": 1}


def picture(seed, height, width):
    """Soft random colors, as photos have them."""
    grid = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("photos")
    for i in range(6):
        picture(i, 150 + 10 * i, 200).save(place / f"{i}.png")
    return place


def photos(count=3):
    return [torch.from_numpy(np.array(picture(i, 60, 70))).permute(2, 0, 1).contiguous() for i in range(count)]


def two_styles():
    stripes = torch.tensor([0.0, 1.0]).repeat(8).expand(1, 3, 16, 16)
    noise = torch.from_numpy(np.random.default_rng(0).uniform(size=(1, 3, 20, 16))).float()
    return [stripes, noise]


def tiny_loss():
    return PerceptualLoss(
        without_normalization(tiny_net("maps")).float(), two_styles(), style_weights=[3.0, 0.5], **LAYERS
    )


def test_the_loss_of_a_batch_is_lesson_14s_loss_of_each_picture():
    loss = tiny_loss()
    x, photo = torch.rand(2, 3, 4, 16, 18, generator=torch.Generator().manual_seed(0)).unbind(0)
    x, photo = x.transpose(0, 1)[:3].contiguous(), photo.transpose(0, 1)[:3].contiguous()
    x, photo = x[:, :3], photo[:, :3]
    got = loss(x, loss.content(photo), torch.tensor([1, 0, 1]))
    for i, number in enumerate([1, 0, 1]):
        wanted = content_loss(loss.net, photo[i : i + 1], layers=LAYERS["content_layers"])
        wanted += [3.0, 0.5][number] * style_loss(loss.net, [two_styles()[number]], layers=LAYERS["style_layers"])
        assert got[i].item() == pytest.approx(wanted(loss.net, x[i : i + 1]).item(), rel=1e-5)


def test_gram_targets_are_the_styles():
    loss = tiny_loss()
    assert loss.grams["4"].shape == (2, 8, 8)
    assert torch.allclose(loss.grams["4"], loss.grams["4"].transpose(1, 2))
    assert gram_matrix(torch.ones(1, 8, 2, 2)).shape == loss.grams["4"][:1].shape


def test_one_pass_and_the_steps_are_measured_by_the_same_loss(vgg):
    photo = picture(0, 40, 48)
    photo = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None] / 255
    net = StyleNet(["glass", "ink"], **SMALL)  # untrained: it gives back the photo
    (painted, loss), looks = pass_and_steps(vgg, net, photo, "glass", 3)
    assert torch.allclose(painted, photo[0], atol=1e-3) and loss == pytest.approx(1, rel=1e-2)
    assert len(looks) == 4 and torch.allclose(looks[0][0], photo[0], atol=1e-3) and looks[0][1] == 1
    assert looks[-1][0].shape == photo.shape[1:]


def test_the_drawing_names_its_parts():
    photo = torch.rand(1, 3, 20, 30)
    figure = show_style_training(photo, photo, photo[..., :20])
    assert {"photo $p$", "style $s$"} <= {text.get_text() for text in figure.axes[0].texts}
    assert len(figure.axes[0].images) == 3


def test_the_loss_falls_within_seconds():
    torch.manual_seed(0)
    history = train(StyleNet(["a", "b"], **SMALL), tiny_loss(), photos(), stages=[Stage(32, 4, 200)], lr=3e-3)
    assert [entry["step"] for entry in history] == list(range(25, 201, 25))
    assert history[-1]["loss"] < 0.98 and history[-1]["loss"] < 0.8 * history[0]["loss"], "1 is the untouched photo"


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path):
    def run(stages, **options):
        torch.manual_seed(0)
        net = StyleNet(["a", "b"], **SMALL)
        train(net, tiny_loss(), photos(), stages=stages, decay=1e-9, **options)
        return net.state_dict()

    whole = run([Stage(32, 2, 30)])
    path = tmp_path / "run.checkpoint"
    half = run([Stage(32, 2, 20)], checkpoint=path)
    resumed = run([Stage(32, 2, 30)], checkpoint=path)
    assert all(torch.allclose(resumed[name], value, atol=1e-6) for name, value in whole.items())
    assert not all(torch.allclose(half[name], value, atol=1e-6) for name, value in whole.items())


def test_the_checkpoint_knows_how_far_each_style_has_come(tmp_path):
    path = tmp_path / "run.checkpoint"
    plan = [Stage(32, 1, 30)]
    history = train(StyleNet(["a", "b"], **SMALL), tiny_loss(), photos(), stages=plan, checkpoint=path, log_every=1)
    order = [n for step in range(0, 30, 2) for n in torch.randperm(2, generator=generator_of(step)).tolist()]
    reached = [1.0, 1.0]
    for n, entry in zip(order, history, strict=True):
        reached[n] += 0.02 * (entry["loss"] - reached[n])
    assert torch.load(path, weights_only=True)["reached"].tolist() == pytest.approx(reached)
    assert reached[0] != reached[1]


def generator_of(step):
    return torch.Generator().manual_seed(step)


def test_crops_are_in_range_and_follow_the_generator():
    one, same, other = (crops(photos(), 5, 24, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert one.shape == (5, 3, 24, 24) and one.min() >= 0 and one.max() <= 1
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert len({tuple(c.flatten()[:5].tolist()) for c in one}) > 1


def test_photos_are_resized_and_some_are_held_out(folder):
    kept, held_out = photos_of(folder, every=3)
    assert [p.name for p in held_out] == ["0.png", "3.png"]
    assert len(kept) == 4 and all(min(p.shape[1:]) == styles.SHORTER_SIDE and p.dtype == torch.uint8 for p in kept)
    assert len(photos_of(folder, every=0)[0]) == 6


def test_the_command_trains_and_writes_the_weights(folder, tmp_path, monkeypatch, capsys):
    net = tiny_net("maps").float()
    monkeypatch.setattr(styles, "load_network", lambda *args, **kwargs: net)
    monkeypatch.setattr(styles, "PerceptualLoss", lambda *args, **kwargs: PerceptualLoss(*args, **kwargs, **LAYERS))
    out = tmp_path / "mine.safetensors"
    arguments = ["--content", str(folder), "--styles", "night,dots", "--out", str(out), "--every", "3"]
    with pytest.raises(SystemExit, match="0"):
        app([*arguments, "--stages", "32x2x3,40x2x1"])
    assert "4 photos to train on, 2 held out; styles: night, dots" in capsys.readouterr().out
    stored = load_file(out)
    assert stored["color"].shape == (2, 3, 3) and stored["color"].dtype == torch.float16
    StyleNet(["night", "dots"]).load_state_dict(stored)
    on = tmp_path / "on.safetensors"  # from there; a step of length 0 changes nothing
    with pytest.raises(SystemExit, match="0"):
        app([*arguments, "--stages", "32x2x1", "--out", str(on), "--start", str(out), "--lr", "1e-12"])
    assert all(torch.equal(value, stored[name]) for name, value in load_file(on).items())
    with pytest.raises(SystemExit, match="2"):
        app([*arguments, "--styles", "dots,night", "--start", str(out)])
    assert f"{out} paints night, dots, not dots, night" in capsys.readouterr().err


def test_styles_can_be_painted_more_often(monkeypatch):
    asked = []
    loss = tiny_loss()
    monkeypatch.setattr(loss, "forward", lambda p, c, n: asked.extend(n.tolist()) or p.mean((1, 2, 3)) + 1)
    train(StyleNet(["a", "b"], **SMALL), loss, photos(), stages=[Stage(32, 4, 20)], shares=[3, 1])
    assert sum(asked[-80:]) == 20  # of 80 pictures a quarter is the second


@pytest.mark.parametrize(
    "change, message",
    [
        ({"--styles": "night,moon"}, "'moon' is neither a folder nor a style of the course"),
        ({"--shares": "night=0"}, "--shares are styles that are trained and whole numbers"),
        ({"--shares": "moon=2"}, "not 'moon=2'"),
        ({"--content": "nowhere"}, "There is no folder nowhere"),
        ({"--weights": "1"}, "style_weights has 1 numbers for 8 styles"),
        ({"--weights": "1,much"}, "--weights are numbers separated by commas, for example 2,0.5; not '1,much'"),
        ({"--stages": "64"}, "a stage is SIDExBATCHxSTEPS, for example 64x4x1000; not '64'"),
        ({"--stages": "64x0x2"}, "a stage is SIDExBATCHxSTEPS"),
        ({"--lr": "0"}, "lr"),
        ({"--every": "-1"}, "--every"),
    ],
)
def test_mistakes_are_named_in_one_line(folder, tmp_path, monkeypatch, capsys, change, message):
    monkeypatch.setattr(styles, "load_network", lambda *args, **kwargs: tiny_net("maps").float())
    options = {"--content": str(folder), "--styles": "all", "--out": str(tmp_path / "x.safetensors")} | change
    with pytest.raises(SystemExit, match="2"):
        app([word for pair in options.items() for word in pair])
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
