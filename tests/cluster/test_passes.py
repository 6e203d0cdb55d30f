"""Passes over images: equal results whatever the chunks, the order and the deaths; a broken run goes on."""

import os
import pickle
import random
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_utils.activations import channel_statistics, channels, feature_table, top_patches
from course_utils.cluster import workers
from course_utils.cluster.checkpoint import Done, load, save
from course_utils.engines import passes
from course_utils.engines.accumulators import Moments, Quantiles
from course_utils.engines.passes import Chunk
from course_utils.engines.patch_pass import PatchPass
from course_utils.engines.streaming import batches, wanted_images
from course_utils.engines.top_k import TopPatches
from course_utils.errors import CourseError, ImageError
from course_utils.hooks import features
from course_utils.images import gallery, save_image
from course_utils.networks import load_network
from course_utils.networks.network import Network
from course_utils.places import holds_something
from tests.cluster.conftest import OPTIONS as CLUSTER
from tests.cluster.conftest import distributed

FIELDS = ("values", "images", "places", "boxes")
OPTIONS = {"batch_size": 4, "size": 20, "progress": False}


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3))
    model[0].weight.data[5], model[0].bias.data[5] = 0, -1  # a dead channel: all ties
    return Network(model, name="tiny", input_size=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """46 pictures in two folders, two of them equal, and two files that are none."""
    place, generator = tmp_path_factory.mktemp("pictures"), torch.Generator().manual_seed(1)
    images = torch.rand(46, 3, 24, 24, generator=generator)
    images[40] = images[3]
    for n, image in enumerate(images):
        save_image(image, place / ("a" if n < 20 else "b") / f"{n:02}.png")
    (place / "a" / "05b.png").write_text("no picture")
    (place / "b" / "45b.png").write_text("no picture")
    return place


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


@pytest.mark.filterwarnings("ignore:2 of 48 files")
@pytest.mark.parametrize("chunk", [1, 7, None])
def test_a_cluster_gives_what_one_process_gives(net, folder, threads, chunk, tmp_path):
    for per_image in (1, None):
        options = {"k": 5, "per_image": per_image, **OPTIONS}
        assert same(
            top_patches(net, folder, "1", **options),
            top_patches(net, folder, "1", **options, client=threads, chunk=chunk),
        )
    alone = channel_statistics(net, folder, "1", quantiles=True, **OPTIONS)
    found = channel_statistics(net, folder, "1", quantiles=True, **OPTIONS, client=threads, chunk=chunk)
    assert found.images == alone.images == 46 and torch.equal(found.dead, alone.dead)
    for name in ("peak", "mean", "response"):
        mine, theirs = getattr(alone, name), getattr(found, name)
        assert torch.allclose(mine.mean, theirs.mean, rtol=1e-12, atol=0)
        assert torch.allclose(mine.variance, theirs.variance, rtol=1e-9, atol=0)
    assert all(torch.equal(found.quantiles.at(q), alone.quantiles.at(q)) for q in (0, 0.1, 0.5, 0.99, 1))
    tables = [
        feature_table(net, folder, to=tmp_path / f"{n}.npy", layer="3", **OPTIONS, **more)
        for n, more in enumerate(({}, {"client": threads, "chunk": chunk}))
    ]
    assert torch.equal(*[table.nan_to_num(-1) for table in tables])
    assert tables[0].isnan().any(1).nonzero()[:, 0].tolist() == [6, 47]


@pytest.mark.parametrize("chunk", [3, None])
def test_images_that_are_no_files_and_crops(net, threads, chunk):
    images = torch.rand(23, 3, 20, 24, generator=torch.Generator().manual_seed(2))
    photos = [n // 3 for n in range(23)]
    options = {"k": 4, "photos": photos, "batch_size": 4, "progress": False}
    alone = top_patches(net, images, "3", **options)
    for source in (images, (image for image in images), [images[:9], images[9:]]):
        assert same(alone, top_patches(net, source, "3", **options, client=threads, chunk=chunk))


def test_the_numbers_are_those_of_channels_and_features(net, folder, tmp_path):
    images = torch.rand(23, 3, 20, 24, generator=torch.Generator().manual_seed(3))
    known, found = channels(net, images, "1"), channel_statistics(net, images, "1", batch_size=5, progress=False)
    assert torch.allclose(found.peak.mean.float(), known.peak.mean(0), rtol=1e-6)
    assert torch.allclose(found.peak.variance.float(), known.peak.var(0, correction=0), rtol=1e-5)
    assert torch.allclose(found.mean.mean.float(), known.mean.mean(0), rtol=1e-6)
    assert torch.equal(found.dead, known.dead) and known.dead.tolist() == [False] * 5 + [True]
    assert torch.allclose(found.selectivity.float(), known.selectivity, atol=1e-6)
    table = feature_table(net, images, to=tmp_path / "f", layer="3", progress=False)
    assert torch.allclose(table, features(net, images, layer="3"), atol=1e-6)


def test_a_table_of_what_has_no_length(net, folder, tmp_path):
    paths = sorted((folder / "b").glob("2*.png"))
    images = torch.rand(6, 3, 20, 20, generator=torch.Generator().manual_seed(3))
    options = {"layer": "3", **OPTIONS}
    whole = [feature_table(net, given, to=tmp_path / "a.npy", **options).clone() for given in (paths, images)]
    loader = DataLoader(TensorDataset(images, torch.zeros(6)), batch_size=4)
    for given, expected in ((iter(paths), whole[0]), ((one for one in images), whole[1]), (loader, whole[1])):
        assert torch.equal(feature_table(net, given, to=tmp_path / "b.npy", **options), expected)
    with pytest.raises(CourseError, match="more than 2 images: give single images or paths, no batches"):
        feature_table(net, [images[:3], images[3:]], to=tmp_path / "b.npy", **options)


def test_what_takes_folders_is_named(net, folder):
    for given in (folder, iter([folder])):
        with pytest.raises(TypeError, match="feature_table takes folders"):
            features(net, given, layer="3")
        with pytest.raises(TypeError, match="channel_statistics takes folders"):
            channels(net, given, "1")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"client": "tcp://127.0.0.1:8786"}, "client must come from `with workers"),
        ({"client": workers(local=1)}, "client must come from `with workers"),
        ({"checkpoint": ""}, "checkpoint is empty"),
        ({"checkpoint": 5}, "checkpoint must be a path, not 5"),
        ({"checkpoint": "/proc/nope/c"}, "/proc/nope/c: the checkpoint cannot be written"),
        ({"to": 5}, "to must be a path, not 5"),
        ({"to": "."}, "is a folder; give the name of a file, such as features.npy"),
    ],
)
def test_a_mistake_is_told_before_anything_is_computed(net, options, words, tmp_path, monkeypatch):
    images = torch.rand(3, 3, 20, 20)
    monkeypatch.setattr(passes, "batches", lambda *_, **__: pytest.fail("it has begun"))
    monkeypatch.chdir(tmp_path)
    calls = [lambda: feature_table(net, images, **{"to": "t.npy", "layer": "3", **options})]
    if "to" not in options:
        calls += [lambda f=f: f(net, images, "1", **options) for f in (channel_statistics, partial(top_patches, k=2))]
    for call in calls:
        with pytest.raises((TypeError, ValueError), match=words):
            call()


def test_one_thread_there_and_two_here_are_equal_to_the_bit(tmp_path):
    """A network as people use it: Lite0, over photos, in a process of its own."""
    net, paths = load_network("efficientnet_lite0", device="cpu"), [photo.path for photo in gallery()][:16]
    call = partial(top_patches, net, paths, "blocks.4.0", k=3, batch_size=16, size=96, progress=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        alone = call()
        with workers(local=1) as client:
            assert set(client.run(torch.get_num_threads).values()) == {1}
            assert same(alone, call(client=client))
    finally:
        torch.set_num_threads(before)


def test_moments_and_quantiles_in_any_parts():
    values = torch.randn(400, 3, generator=torch.Generator().manual_seed(4)).exp() * torch.tensor([1, 1e4, -1e-4]) + 7
    shuffle = random.Random(0)
    for _ in range(5):
        cuts = sorted(shuffle.sample(range(1, 400), 6))
        parts = [values[a:b] for a, b in zip([0, *cuts], [*cuts, 400], strict=True)]
        shuffle.shuffle(parts)
        moments, quantiles = Moments.of(parts[0]), Quantiles.of(parts[0])
        for part in parts[1:]:
            moments, quantiles = moments.merge(Moments.of(part)), quantiles.merge(Quantiles.of(part))
        exact = values.double()
        assert torch.allclose(moments.mean, exact.mean(0), rtol=1e-12)
        assert torch.allclose(moments.variance, exact.var(0, correction=0), rtol=1e-9)
        for share in (0.01, 0.5, 0.9):
            wanted = exact.quantile(share, 0, interpolation="lower")
            assert ((quantiles.at(share) - wanted).abs() <= 0.0101 * wanted.abs()).all()


def test_batches_depend_on_numbers_alone(folder):
    def cut(**options):
        return [(first, len(batch)) for first, batch in batches(**options, batch_size=4, size=20, broken=[])]

    whole = cut(images=folder)
    assert whole[:3] == [(0, 4), (4, 2), (7, 1)] and whole[-1] == (44, 3)
    files = sorted(folder.rglob("*.png"))
    assert cut(images=files[:20]) + cut(images=files[20:], first=20) == whole
    images = torch.zeros(10, 3, 8, 8)
    assert cut(images=[images[:3], images[3], images[4:]]) == [(0, 4), (4, 4), (8, 2)]


def test_of_a_folder_only_the_wanted_files_are_opened(folder, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "course_utils.engines.streaming.load_image", lambda path, size: opened.append(path) or torch.zeros(1, 3, 2, 2)
    )
    assert [number for number, _ in wanted_images(folder, {2, 30}, 20)] == [2, 30]
    assert [Path(path).name for path in opened] == ["02.png", "29.png"]


# --- a run that ends before its time ----------------------------------------------------------------------------------


def stop_after(monkeypatch, parts):
    """The pass is interrupted after so many chunks are merged, and then no more."""
    merge, merged = PatchPass.merge, []

    def interrupted(self, found, other):
        merged.append(1)
        if len(merged) == parts:
            raise KeyboardInterrupt
        return merge(self, found, other)

    monkeypatch.setattr(PatchPass, "merge", interrupted)


@pytest.mark.filterwarnings("ignore:. of .. files")
@pytest.mark.parametrize("parts", [1, 5])
def test_an_interrupted_run_goes_on(net, folder, threads, tmp_path, monkeypatch, parts):
    options = {"k": 5, **OPTIONS}
    expected, file = top_patches(net, folder, "1", **options), tmp_path / "c"
    stop_after(monkeypatch, parts)
    partial = top_patches(net, folder, "1", **options, client=threads, chunk=4, checkpoint=file)
    assert not same(partial, expected)
    looked = []
    monkeypatch.setattr(passes, "batches", lambda images, *a, **o: looked.extend(images) or batches(images, *a, **o))
    assert same(top_patches(net, folder, "1", **options, chunk=8, checkpoint=file), expected)
    assert len(looked) == len(set(looked)) == 48 - 4 * parts  # with 4 files in each chunk that was merged
    assert same(top_patches(net, folder, "1", **options, chunk=8, checkpoint=file), expected)
    assert len(looked) == 48 - 4 * parts


@pytest.mark.filterwarnings("ignore:. of .. files")
def test_a_checkpoint_of_something_else(net, folder, tmp_path, monkeypatch):
    file = tmp_path / "c"
    top_patches(net, folder / "b", "1", k=5, **OPTIONS, checkpoint=file)
    for other in ({"layer": "0"}, {"k": 4}, {"size": 22}, {"images": folder / "a"}):
        call = {"images": folder / "b", "layer": "1", "k": 5, **OPTIONS, **other}
        with pytest.raises(CourseError, match="is of another run"):
            top_patches(net, **call, checkpoint=file)
    (folder / "b" / "20.png").rename(folder / "b" / "20x.png")
    try:
        with pytest.raises(CourseError, match="not those of the checkpoint"):
            top_patches(net, folder / "b", "1", k=5, **OPTIONS, checkpoint=file)
    finally:
        (folder / "b" / "20x.png").rename(folder / "b" / "20.png")
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    for other in (folder / "a" / "05b.png", tmp_path / "tensor.pt"):
        with pytest.raises(CourseError, match="no checkpoint of the course"):
            top_patches(net, folder / "b", "1", k=5, **OPTIONS, checkpoint=other)


def test_a_checkpoint_of_other_tensors_or_of_a_network_with_the_same_weights(net, tmp_path):
    images = torch.rand(8, 3, 20, 20, generator=torch.Generator().manual_seed(5))
    options = {"layer": "3", "k": 2, "batch_size": 4, "progress": False}
    top_patches(net, images, **options, checkpoint=tmp_path / "c")
    with pytest.raises(CourseError, match="not those of the checkpoint"):
        top_patches(net, images.flip(0), **options, checkpoint=tmp_path / "c")
    layers = list(net.model)
    wider = nn.Sequential(nn.Conv2d(3, 6, 5), *layers[1:])
    wider[0].load_state_dict(layers[0].state_dict())
    shifted = Network(net.model, name="tiny", input_size=20, mean=(0.1, 0.1, 0.1))
    for other in (Network(wider, name="tiny", input_size=20), shifted):
        with pytest.raises(CourseError, match="is of another run"):
            top_patches(other, images, **options, checkpoint=tmp_path / "c")


@pytest.mark.filterwarnings("ignore:. of .. files", "ignore:Stopped")
def test_a_photo_that_was_replaced_is_another_one(net, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    options = {"layer": "1", "k": 2, **OPTIONS, "checkpoint": tmp_path / "c"}
    top_patches(net, copy, **options)
    save_image(torch.rand(3, 30, 30), copy / "b" / "30.png")
    with pytest.raises(CourseError, match="not those of the checkpoint"):
        top_patches(net, copy, **options)


@pytest.mark.filterwarnings("ignore:. of .. files", "ignore:Stopped")
@pytest.mark.parametrize("where", [(Done, "add"), (Quantiles, "merge"), (Moments, "merge")], ids=lambda w: w[1])
def test_an_interrupt_anywhere_counts_nothing_twice(net, folder, tmp_path, monkeypatch, where):
    options = {"quantiles": True, **OPTIONS}
    expected = channel_statistics(net, folder, "1", **options)
    (kind, name), calls = where, []
    true = getattr(kind, name)

    def interrupted(self, *given):
        result = true(self, *given)
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(kind, name, interrupted)
    found = channel_statistics(net, folder, "1", **options, chunk=4, checkpoint=tmp_path / "c")
    assert len(calls) >= 7 and found.images < 46
    found = channel_statistics(net, folder, "1", **options, chunk=4, checkpoint=tmp_path / "c")
    assert found.images == 46 and torch.equal(found.quantiles.at(0.5), expected.quantiles.at(0.5))
    assert torch.allclose(found.peak.mean, expected.peak.mean, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:. of .. files")
def test_a_table_trusts_no_other_file(net, folder, tmp_path):
    options = {"to": tmp_path / "t.npy", "layer": "3", **OPTIONS}
    first = feature_table(net, folder, **options, checkpoint=tmp_path / "c")
    kept = first.nan_to_num(-1)
    assert torch.equal(feature_table(net, folder, **options, checkpoint=tmp_path / "c").nan_to_num(-1), kept)
    feature_table(net, folder / "b", **options)
    assert torch.equal(first.nan_to_num(-1), kept), "what was returned does not change"
    for _ in range(2):
        with pytest.raises(CourseError, match="not the file that this run began"):
            feature_table(net, folder, **options, checkpoint=tmp_path / "c")
        (tmp_path / "t.npy").unlink(missing_ok=True)


def test_what_the_disk_does_not_give_is_tried_again(net, folder, tmp_path, monkeypatch):
    lost = str(folder / "a" / "07.png")
    options = {"layer": "1", "k": 5, **OPTIONS, "chunk": 8, "checkpoint": tmp_path / "c"}
    true = passes._broken_for_good
    load_true = passes.batches.__globals__["load_image"]

    def failing(path, size):
        if str(path) == lost:
            raise ImageError("the disk failed")
        return load_true(path, size)

    with monkeypatch.context() as sick:
        sick.setattr("course_utils.engines.streaming.load_image", failing)
        sick.setattr(passes, "_broken_for_good", lambda path, size: path != lost and true(path, size))
        with pytest.warns(UserWarning, match="3 of 48 files"):
            top_patches(net, folder, **options)
    with pytest.warns(UserWarning, match="2 of 48 files"):
        found = top_patches(net, folder, **options)
    with pytest.warns(UserWarning, match="2 of 48 files"):
        expected = top_patches(net, folder, "1", k=5, **OPTIONS)
    assert torch.equal(found.images, expected.images) and torch.allclose(found.values, expected.values)


def test_what_a_worker_does_not_find_is_tried_again(net, folder, tmp_path):
    """A drive that is not mounted: the folder is there, and nothing is in it."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    paths = sorted(copy.rglob("*.png"))
    options = {"layer": "1", "k": 2, **OPTIONS, "chunk": 4, "checkpoint": tmp_path / "c"}
    (copy / "b").rename(tmp_path / "b")
    (copy / "b").mkdir()
    with pytest.warns(UserWarning, match="28 of 48 files"):
        top_patches(net, paths, **options)
    (copy / "b").rmdir()
    (tmp_path / "b").rename(copy / "b")
    with pytest.warns(UserWarning, match="2 of 48 files"):
        found = top_patches(net, paths, **options)
    with pytest.warns(UserWarning, match="2 of 48 files"):
        assert same(found, top_patches(net, paths, "1", k=2, **OPTIONS))


def test_a_worker_whose_drive_is_not_mounted_takes_no_part(net, folder, tmp_path, monkeypatch, capsys):
    """Its folder is there, and empty; the other worker sees the photos."""
    blind = {}
    true = passes.batches, passes.holds_something

    def mine():
        return blind.setdefault(distributed.get_worker().address, len(blind)) == 0

    def empty(images, *given, broken, first):
        if mine():
            broken += [(first + n, path) for n, path in enumerate(images)]
            return iter(())
        return true[0](images, *given, broken=broken, first=first)

    monkeypatch.setattr(passes, "batches", empty)
    monkeypatch.setattr(passes, "holds_something", lambda folder: not mine() and true[1](folder))
    options = {"layer": "1", "k": 5, **OPTIONS}
    paths = sorted((folder / "b").glob("[234]?.png"))
    with distributed.LocalCluster(processes=False, **CLUSTER) as cluster, distributed.Client(cluster) as client:
        found = top_patches(net, paths, **options, client=client, chunk=4)
        assert len(client.nthreads()) == 1
    monkeypatch.undo()
    assert same(found, top_patches(net, paths, **options))
    assert "is refused: it does not see" in capsys.readouterr().err


def test_a_folder_that_is_not_for_this_process_is_not_seen(tmp_path, monkeypatch):
    def closed(folder):
        raise PermissionError(13, "Permission denied")

    assert not holds_something(tmp_path) and not holds_something(tmp_path / "nowhere")
    (tmp_path / "x").touch()
    assert holds_something(tmp_path)
    monkeypatch.setattr(os, "scandir", closed)
    assert not holds_something(tmp_path)


def test_a_checkpoint_that_is_refused_stays_as_it_was(net, folder, tmp_path, monkeypatch):
    """Done are the first and the last chunk; a file of the last one is away for a moment."""
    copy = shutil.copytree(folder / "b", tmp_path / "copy")
    options = {"layer": "1", "k": 5, **OPTIONS, "chunk": 4, "checkpoint": tmp_path / "c"}
    with pytest.warns(UserWarning, match="1 of 27 files"):
        expected = top_patches(net, copy, "1", k=5, **OPTIONS)
    true = passes._chunks

    def first_and_last(*given):
        all_of_them = list(true(*given))
        yield all_of_them[0]
        yield all_of_them[-2]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="of 8 images only"):
        patch.setattr(passes, "_chunks", first_and_last)
        top_patches(net, copy, **options)
    kept = (tmp_path / "c").read_bytes()
    away = copy / "30.png"
    away.rename(tmp_path / "30.png")
    with pytest.raises(CourseError, match="not those of the checkpoint"):
        top_patches(net, copy, **options)
    assert (tmp_path / "c").read_bytes() == kept
    (tmp_path / "30.png").rename(away)
    with pytest.warns(UserWarning, match="1 of 27 files"):
        assert same(top_patches(net, copy, **options), expected)


def test_what_fails_once_is_tried_again(net, folder, tmp_path, monkeypatch):
    """A short failure of the disk: when asked a second time, the file is there and good."""
    paths, true, failed = sorted((folder / "b").glob("2*.png")), passes.batches.__globals__["load_image"], []

    def once(path, size):
        if str(path).endswith("23.png") and not failed:
            failed.append(path)
            raise ImageError("Input/output error")
        return true(path, size)

    monkeypatch.setattr("course_utils.engines.streaming.load_image", once)
    options = {"layer": "1", "k": 5, **OPTIONS, "checkpoint": tmp_path / "c"}
    with pytest.warns(UserWarning, match="1 of 10 files"):
        top_patches(net, paths, **options)
    assert same(top_patches(net, paths, **options), top_patches(net, paths, "1", k=5, **OPTIONS))


def test_one_missing_file_does_not_end_a_run(net, folder, processes, tmp_path):
    # not workers that are threads: what opens pictures changes the filters of warnings, and those belong to a process
    paths = [*sorted((folder / "b").glob("2*.png")), tmp_path / "gone.png"]
    for more in ({"checkpoint": tmp_path / "c"}, {"client": processes}):
        with pytest.warns(UserWarning, match="cannot be read as pictures: gone.png"):
            top_patches(net, paths, "1", k=2, **OPTIONS, chunk=4, **more)


def test_a_missing_file_alone_in_its_chunk_does_not_end_a_run(net, folder, processes, tmp_path):
    """Nor the run after it, in which nothing else is left."""
    paths = [*sorted((folder / "b").glob("2*.png"))[:4], tmp_path / "no folder" / "gone.png"]
    expected = top_patches(net, paths[:4], "1", k=2, **OPTIONS)
    for _ in range(2):
        with pytest.warns(UserWarning, match="cannot be read as pictures: gone.png"):
            found = top_patches(net, paths, "1", k=2, **OPTIONS, chunk=4, client=processes, checkpoint=tmp_path / "c")
        assert torch.equal(found.values, expected.values)
    with pytest.raises(CourseError, match=r"^No worker can do this; \S+ says: it does not see .+gone.png"):
        top_patches(net, paths[4:], "1", k=2, **OPTIONS, client=processes)


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_goes_on_where_nobody_sees_the_folder_ends(net, folder, threads, tmp_path, monkeypatch):
    options = {"layer": "1", "k": 2, **OPTIONS, "checkpoint": tmp_path / "c", "chunk": 4}
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        top_patches(net, folder, **options)
    saved = (tmp_path / "c").read_bytes()

    def unseen(*_, **__):
        raise ImageError("There is no file.")

    monkeypatch.setattr("course_utils.engines.streaming.load_image", unseen)
    monkeypatch.setattr(passes, "holds_something", lambda _: False)
    with pytest.raises(CourseError, match=f"^No worker can do this; .* does not see {folder}:"):
        top_patches(net, folder, **options, client=threads)
    assert len((tmp_path / "c").read_bytes()) == len(saved)


def test_an_interrupt_before_the_photos_are_compared_returns_nothing(net, folder, tmp_path, monkeypatch):
    options = {"layer": "1", "k": 2, **OPTIONS, "checkpoint": tmp_path / "c"}
    paths = sorted((folder / "b").glob("2*.png"))
    top_patches(net, paths, **options)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(passes, "_known_as", stop)
    with pytest.raises(KeyboardInterrupt):
        top_patches(net, [paths[3], *paths], **options)


def test_an_image_is_sent_without_its_batch(net, monkeypatch, tmp_path):
    sent = []
    monkeypatch.setattr(passes, "_results", lambda task, chunks, client, **_: sent.extend(chunks) or [])
    passes.go_over(
        PatchPass(net, "1", 4, 20, 1, 1, None, None, None),
        torch.rand(64, 3, 20, 20),
        checkpoint=tmp_path / "c",
        progress=False,
    )
    assert len(pickle.dumps(sent[0])) < 1.5 * len(sent[0].images) * 3 * 20 * 20 * 4


def test_batches_with_labels_and_chunks_that_mean_nothing(net, tmp_path):
    images = torch.rand(8, 3, 20, 20)
    loader, options = [(images[:4], [0] * 4), (images[4:], [1] * 4)], {"layer": "1", "k": 2, "progress": False}
    assert same(top_patches(net, loader, **options, checkpoint=tmp_path / "c"), top_patches(net, images, **options))
    for chunk in (0, -5):
        with pytest.raises(ValueError, match="chunk"):
            top_patches(net, images, **options, chunk=chunk)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile",)


def test_a_checkpoint_cannot_run_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"key": "k", "done": [], "broken": [], "found": Hostile()}, "c")
    with pytest.raises(CourseError, match="no checkpoint"):
        load(Path("c"), "k")
    assert not Path("hostile").exists()


def test_done_counts_nothing_twice(tmp_path):
    names, shuffle = [f"n{i}" for i in range(60)], random.Random(1)
    for size in (1, 7, 13):
        done, spans = Done(), [names[i : i + size] for i in range(0, 60, size)]
        order = list(range(len(spans)))
        shuffle.shuffle(order)
        for number in order[:-1]:
            done.add(size * number, spans[number])
        save(tmp_path / "c", "k", done, [(3, "x")], None)
        done, broken, found = load(tmp_path / "c", "k")
        missing = range(size * order[-1], min(60, size * order[-1] + size))
        assert [number for number, _ in done.left(names)] == list(missing) and len(done) == 60 - len(missing)
        assert broken == [(3, "x")] and found is None
        for number in order[:-1]:
            with pytest.raises(ValueError, match="counted before"):
                done.add(size * number, spans[number])
        done.add(size * order[-1], spans[order[-1]])
        assert len(done.spans) == 1 and list(done.left(names)) == []
        for others in (names[:-1], [*names[:20], "other", *names[21:]]):
            with pytest.raises(CourseError, match="not those of the checkpoint"):
                list(done.left(others))


def test_a_chunk_is_split_at_batches():
    chunk = Chunk(8, list(range(14)))
    assert [(c.first, len(c.images)) for c in chunk.split(4)] == [(8, 4), (12, 10)]
    assert [(c.first, len(c.images)) for c in Chunk(8, [0, 1, 2]).split(4)] == [(8, 1), (9, 2)]
    assert Chunk(8, [0]).split(4) == []


@pytest.mark.filterwarnings("ignore:2 of 48 files")
def test_a_killed_worker_changes_nothing(net, folder, processes, monkeypatch):
    options = {"k": 5, **OPTIONS}
    expected = top_patches(net, folder, "1", **options)
    merge, killed = PatchPass.merge, []

    def deadly(self, found, other):
        if not killed:
            killed.append(next(iter(processes.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)
        return merge(self, found, other)

    monkeypatch.setattr(PatchPass, "merge", deadly)
    assert same(top_patches(net, folder, "1", **options, client=processes, chunk=4), expected)
    assert killed and killed[0] not in processes.run(os.getpid).values()


def test_a_folder_that_the_workers_do_not_see(net, threads):
    with pytest.raises(CourseError, match="images are read where the workers run"):
        top_patches(net, [f"/nowhere/{n}.png" for n in range(5)], "1", k=2, client=threads, progress=False)
    assert len(threads.nthreads()) == 2, "a path that is wrong is no reason to send workers home"


def test_a_photo_that_is_replaced_while_it_is_read_is_another_one(net, folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder / "a", tmp_path / "copy")
    options = {"layer": "1", "k": 2, **OPTIONS, "chunk": 4, "checkpoint": tmp_path / "c"}
    true = passes.Look.__call__

    def read_and_replaced(self, chunk):
        found = true(self, chunk)
        if chunk.first == 8:
            save_image(torch.rand(3, 30, 30), chunk.images[0])
        return found

    monkeypatch.setattr(passes.Look, "__call__", read_and_replaced)
    with pytest.warns(UserWarning, match="1 of 21 files"):
        top_patches(net, copy, **options)
    with pytest.raises(CourseError, match="not those of the checkpoint"):
        top_patches(net, copy, **options)


def test_here_the_network_stays_on_its_device(net, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(Network, "to", lambda *_: pytest.fail("the network was moved"))
    with pytest.warns(UserWarning, match="1 of 21 files"):
        top_patches(net, folder / "a", "1", k=2, **OPTIONS, checkpoint=tmp_path / "c")


def test_a_row_is_changed_whole_or_not_at_all():
    """An interrupt in any line of `_take`: value, image, place, box belong together."""
    inside = 0

    def interrupt(line):
        found = TopPatches("layer", torch.arange(2), 2)
        give = [torch.tensor([[9.0], [8.0]]), torch.tensor([[5], [5]]), torch.full((2, 1, 2), 3)]
        found._take(torch.arange(2), *give, torch.full((2, 1, 4), 7), torch.tensor([[5], [5]]))
        old = {name: getattr(found, name).clone() for name in FIELDS}
        lines = []

        def trace(frame, event, argument):
            if frame.f_code is not TopPatches._take.__code__:
                return None
            lines.append(frame.f_lineno)
            if len(lines) == line:
                raise KeyboardInterrupt
            return trace

        give = [torch.tensor([[19.0], [18.0]]), torch.tensor([[6], [6]]), torch.full((2, 1, 2), 4)]
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            found._take(torch.arange(2), *give, torch.full((2, 1, 4), 6), torch.tensor([[6], [6]]))
        except KeyboardInterrupt:
            same_now = [torch.equal(old[name], getattr(found, name)) for name in FIELDS]
            assert len(set(same_now)) == 1, f"line {line}: {dict(zip(FIELDS, same_now, strict=True))}"
            return True
        finally:
            sys.settrace(before)
        return False

    while interrupt(inside + 1):
        inside += 1
    assert inside > 10


def test_a_folder_without_a_good_file(net, folder, threads, tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(ImageError, match="None of the 1 files"):
        top_patches(net, tmp_path, "1", k=1, client=threads, progress=False)
    with pytest.warns(UserWarning, match="1 of 2 files in the list cannot be read as pictures: x.png"):
        top_patches(net, [tmp_path / "x.png", folder / "a" / "00.png"], "1", k=1, progress=False)
