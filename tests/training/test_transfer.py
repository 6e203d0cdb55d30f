"""The measurement of lesson 10: what its file holds, how it is read, and that a cell comes out again."""

import json

import pytest
import torch

from course_utils import load_network, pgd, resize, tiny_net
from course_utils.gradients import transfer_table
from course_utils.gradients.transfer import FILE
from course_utils.training import transfer

LITE0, _, LITE2 = transfer.NETWORKS


@pytest.fixture
def small(monkeypatch):
    """Three tiny classifiers, and five pictures that all of them name "right"."""
    nets = {name: tiny_net("conv", seed=3, classes=1000) for name in transfer.NETWORKS}
    pictures = torch.rand(5, 3, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    said = transfer.says(nets[LITE0], pictures)
    labels = [*said[:4], (said[4] + 1) % 1000]  # the last one is named wrong
    monkeypatch.setattr(transfer, "networks", lambda: nets)
    monkeypatch.setattr(transfer, "labelled_photos", lambda: (pictures, labels, list("abcde")))
    return nets, labels


def test_pairs_are_photos_that_all_name_right_and_other_targets(small):
    nets, labels = small
    names, images, right, targets = transfer.pairs(nets, 30)
    assert names == [*"abcd"] * 7 + ["a", "b"] and len(images) == 30  # not the one that is named wrong
    assert right.tolist() == (labels[:4] * 8)[:30]
    assert not (targets == right).any() and len(set(targets.tolist())) > 20 and targets.max() < 1000


def test_a_run_goes_on_and_each_cell_is_there_once(small, tmp_path, capsys):
    path = tmp_path / "new" / "transfer.json"
    transfer.main(path, count=4, strengths=(8,), steps=1)
    whole = path.read_text(encoding="utf-8")
    stored = json.loads(whole)
    assert len(stored["rows"]) == 3 * (4 + len(transfer.SOURCES)) + 3  # three attacks have a fourth judge
    del stored["rows"][-6:]
    path.write_text(json.dumps(stored), encoding="utf-8")
    capsys.readouterr()
    transfer.main(path, count=4, strengths=(8,), steps=1)
    assert path.read_text(encoding="utf-8") == whole
    assert capsys.readouterr().out.count("\n") == 6
    table = transfer_table(path)
    assert len(table.said) == len(json.loads(whole)["rows"]) and table.steps == 1


def test_shares_are_counted(tmp_path):
    path = tmp_path / "t.json"
    head = {"steps": 1, "photos": ["cat", "coffee", "cat", "rocket"], "labels": [1, 2, 1, 3], "targets": [5, 6, 7, 8]}
    transfer.write(path, head, [{"sources": "x", "eps": 8, "judge": "y", "said": [5, 2, 1, 3]}])
    table = transfer_table(path)
    assert table.reached("x", 8, "y") == 0.25 and table.right("x", 8, "y") == 0.75
    assert table.images([0, 2]).shape == (2, 3, 224, 224) and torch.equal(*table.images([0, 2]))
    assert len(table.images(slice(3))) == 3
    with pytest.raises(KeyError):
        table.right("x", 4, "y")


def test_the_faster_network_is_the_same():
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    plain, fast = load_network(LITE0, device="cpu"), transfer.faster(load_network(LITE0, device="cpu"))
    torch.testing.assert_close(fast(image), plain(image), atol=1e-3, rtol=0)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules())


def test_a_random_change_is_as_large_as_it_says():
    images = torch.full((2, 3, 9, 9), 0.5)
    change = (transfer.changed_at_random(images, 8) - images) * 255
    assert (change.abs() > 7).all() and (change.abs() < 9).all() and change.mean().abs() < 2


def test_each_photo_gets_the_change_of_the_one_before_it():
    images = torch.tensor([0.2, 0.5, 0.9]).view(3, 1, 1, 1).expand(3, 3, 2, 2)
    change = torch.tensor([0.0, 0.2, -0.1]).view(3, 1, 1, 1)
    found = transfer.with_another_change(images, images + change)[:, 0, 0, 0]
    torch.testing.assert_close(found, torch.tensor([0.1, 0.5, 1.0]), atol=0.003, rtol=0)  # cut off at 1


def test_the_stored_measurement_is_whole():
    table = transfer_table()
    assert len(table.photos) == len(table.labels) == len(table.targets) == 50
    assert not (table.labels == table.targets).any()
    measured = {("", 0), *(("random", e) for e in transfer.EPS)}
    measured |= {(" + ".join(names), e) for names in transfer.SOURCES for e in transfer.EPS}
    measured |= {(transfer.SWAPPED, e) for e in transfer.EPS}
    longer = (transfer.longer_attack(LITE0), transfer.EPS[-1])
    expected = {(*attack, judge) for attack in (*measured, longer) for judge in transfer.NETWORKS}
    smaller = {attack for attack in (*measured, longer) if attack[0] in ("", "random", longer[0])}
    assert set(table.said) == expected | {(*attack, transfer.SMALLER) for attack in smaller}
    assert all(len(said) == 50 for said in table.said.values())
    assert all(table.right("", 0, judge) == 1 for judge in transfer.NETWORKS)
    assert FILE.stat().st_size < 50_000


@pytest.mark.sweep
def test_a_cell_comes_out_again():
    """Ten pairs. A processor that rounds differently changes some answers: three on the one where it changed most."""
    table, few = transfer_table(), slice(10)
    attacked = pgd(
        load_network(LITE0, device="cpu"),
        table.images(few),
        table.targets[few],
        eps=16 / 255,
        steps=table.steps,
        targeted=True,
        progress=False,
    )
    for judge in (LITE0, LITE2):
        net = load_network(judge, device="cpu")
        with torch.no_grad():
            said = net(resize((attacked * 255).round() / 255, net.input_size)).argmax(1)
        stored = table.said[LITE0, 16, judge]
        assert (said == stored[few]).sum() >= 6
        assert (said == stored[10:20]).sum() <= 2  # those of other pairs


def test_what_was_not_measured_is_refused_with_what_was():
    table = transfer_table()
    with pytest.raises(
        KeyError, match=r"\('', 0, 'vgg16'\) was not measured. Sources: .*; eps: .*; judges: 'efficientnet_lite0'"
    ):
        table.right("", 0, "vgg16")
