"""A style of one's own: only its row learns, the network and its styles stay, and a file gives back what was saved."""

import pytest
import torch
from torch.nn import functional as F

from course_utils.errors import WeightsError
from course_utils.fun import StyleNet, add_style, load_style_net, new_style, save_style_net, stylize
from course_utils.fun.fast_style import style_rows
from tests.fun.test_fast_style import images, shaken

SMALL = {"widths": (4, 6, 8), "blocks": 2}


@pytest.fixture
def net():
    return shaken(StyleNet(["a", "b", "c"], **SMALL).double())


def trained(net, **options):
    """A new style after a few steps toward a gray picture."""
    one = new_style(net, "mine", **options)
    adam = torch.optim.Adam(one.parameters(), lr=0.05)
    for _ in range(3):
        adam.zero_grad()
        (one(images(2, 3, 16, 20)) - 0.5).square().mean().backward()
        adam.step()
    return one


def test_it_starts_as_a_mixture_of_the_styles(net):
    x = images(1, 3, 17, 20)
    for start, mix in ((None, [1, 1, 1]), ("b", "b"), ({"a": 1, "c": 3}, {"a": 1, "c": 3})):
        one = new_style(net, "mine", start=start)
        assert one.styles == ("mine",) and not one.training
        assert torch.allclose(stylize(one, x, "mine"), stylize(net, x, mix), atol=1e-12)
        assert torch.equal(one(x).detach(), stylize(one, x, "mine"))  # one style needs no mix


def test_only_its_rows_learn(net):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    one = trained(net)
    rows = {id(row) for row in style_rows(one)}
    assert all(p.requires_grad == (id(p) in rows) for p in one.parameters())
    started = new_style(net, "mine").state_dict()
    for name, p in one.named_parameters():
        assert torch.equal(p, started[name]) != (id(p) in rows), name
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_the_network_gets_one_style_more_and_keeps_the_others(net):
    one, x = trained(net), images(2, 3, 18, 21)
    more = add_style(net, one)
    assert more.styles == ("a", "b", "c", "mine") and net.styles == ("a", "b", "c")
    assert not any(p.requires_grad for p in more.parameters())
    assert torch.allclose(stylize(more, x, "mine"), stylize(one, x, "mine"), atol=1e-12)
    for name in net.styles:
        assert torch.allclose(stylize(more, x, name), stylize(net, x, name), atol=1e-12)
    half = stylize(more, x, {"mine": 1, "a": 1})
    assert min((half - stylize(more, x, name)).abs().max() for name in ("mine", "a")) > 1e-3
    both = add_style(more, new_style(more, "second"))
    assert both.styles == ("a", "b", "c", "mine", "second")


def test_a_file_gives_it_back_in_half_precision(net, tmp_path):
    more, x = add_style(net, trained(net)).float(), images(1, 3, 16, 20).float()
    sha256 = save_style_net(more, tmp_path / "folder" / "mine.safetensors")
    kept = load_style_net(tmp_path / "folder" / "mine.safetensors")
    assert len(sha256) == 64 and kept.styles == more.styles
    assert (stylize(kept, x, "mine") - stylize(more, x, "mine")).abs().max() < 0.02
    assert all(torch.equal(p, kept.state_dict()[name].half().float()) for name, p in kept.state_dict().items())


def test_a_file_that_is_missing_or_of_another_kind(tmp_path):
    with pytest.raises(WeightsError, match="mine.safetensors cannot be read"):
        load_style_net(tmp_path / "mine.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(WeightsError, match="is damaged, or it is no file that save_style_net wrote"):
        load_style_net(tmp_path / "text.safetensors")


def test_what_does_not_fit_is_said(net):
    one = trained(net)
    with pytest.raises(ValueError, match="has a style 'mine' already"):
        add_style(add_style(net, one), one)
    with pytest.raises(ValueError, match="belongs to another network"):
        add_style(shaken(StyleNet(["a"], **SMALL).double(), seed=1), one)
    with pytest.raises(ValueError, match="belongs to another network"):
        add_style(StyleNet(["a"]).double(), one)
    with pytest.raises(ValueError, match="no rows of single styles"):
        new_style(StyleNet(["a"], norm="batch", **SMALL), "mine")
    with pytest.raises(ValueError, match="style must be one of 'a', 'b', 'c'"):
        new_style(net, "mine", start="d")
    with pytest.raises(ValueError, match="name must be the name of the new style, such as 'coral'; not ' '"):
        new_style(net, " ")
    with pytest.raises(TypeError, match="must be a StyleNet, not Linear"):
        new_style(torch.nn.Linear(2, 2), "mine")
    with pytest.raises(ValueError, match="this network has 3 styles: say in which mix"):
        net(images(1, 3, 16, 16))


def test_it_can_learn_also_when_made_in_inference_mode(net):
    with torch.inference_mode():
        one = new_style(net, "mine")
    F.mse_loss(one(images(1, 3, 16, 16)), torch.zeros(1, 3, 16, 16).double()).backward()
    assert one.color.grad.abs().max() > 0
