"""A cluster on this machine: equal results whatever dies, its overhead, and what a large run would cost.

    python tests/benchmarks/bench_cluster.py equal [--images 20000]     8 sizes of chunks, 3 workers killed in each run;
                                                                        memory also with a tenth of the images
    python tests/benchmarks/bench_cluster.py speed [--photos 256]       plain, 1 worker, 2 workers; bytes moved
    python tests/benchmarks/bench_cluster.py empty [--tasks 100000]     what the scheduler and the client can do
    python tests/benchmarks/bench_cluster.py grade [--students 40] [--kill 20]
    python tests/benchmarks/bench_cluster.py client [--tasks 100000]    what the client alone does: names, submissions
    python tests/benchmarks/bench_cluster.py plan --image-ms Lite0=45 VGG-19=225 ...            numbers of the above

This process computes with one thread, as each worker does. Every line says the machine's load: what others compute at
the same time changes seconds, and processor seconds less. It exits with 1 if something that must be equal is not.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import shutil
import signal
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch

from course_utils.activations import channel_statistics, top_patches
from course_utils.authoring.editions import build
from course_utils.authoring.files import to_text
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.cluster import workers
from course_utils.cluster.run import results
from course_utils.commands.grade import grade
from course_utils.engines.passes import Chunk, Look
from course_utils.engines.patch_pass import PatchPass
from course_utils.grading.classroom import files_digest
from course_utils.grading.grader import nothing_graded
from course_utils.grading.report import save_student
from course_utils.grading.submissions import find_submissions
from course_utils.grading.tasks import prepare
from course_utils.images import gallery, open_image, walk_images
from course_utils.networks import load_network

CHUNKS = (16, 48, 64, 160, 256, 512, 1024, 4096)
FIELDS = ("values", "images", "places", "boxes")


def say(text: str) -> None:
    print(f"{text}   [load {os.getloadavg()[0]:.1f}]", flush=True)


BROKEN: list[bool] = []


def held(equal: bool) -> bool:
    """The same, and noted for the exit status."""
    BROKEN.extend([True] * (not equal))
    return equal


class Family:
    """Peak memory and processor seconds of this process and of all below it, while a block runs."""

    def __enter__(self) -> Family:
        self.peak, self.cpu, self.stop = {}, {}, threading.Event()
        self.begin = time.perf_counter()
        self._look()
        self.before = dict(self.cpu)
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.stop.wait(0.2):
            self._look()

    def _look(self) -> None:
        me = psutil.Process()
        for one in [me, *me.children(recursive=True)]:
            try:
                times, memory = one.cpu_times(), one.memory_info().rss
            except psutil.Error:
                continue
            self.cpu[one.pid] = times.user + times.system
            self.peak[one.pid] = max(self.peak.get(one.pid, 0), memory)

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._look()
        self.seconds = time.perf_counter() - self.begin
        self.processor = sum(self.cpu[pid] - self.before.get(pid, 0) for pid in self.cpu)

    def memory(self) -> str:
        """Of every process that there was; those that were killed, and small helpers of Python, are among them."""
        mine = self.peak[os.getpid()] >> 20
        others = sorted((size >> 20 for pid, size in self.peak.items() if pid != os.getpid()), reverse=True)
        return f"peak MB: client {mine}, {len(others)} others {' '.join(map(str, others))}"


@contextmanager
def killer(client, *, every: float | None = None, times: int | None = None):
    """Kill a random worker's process now and then; yields the list of those that were."""
    killed, stop, draw = [], threading.Event(), random.Random(0)

    def work() -> None:
        while not stop.wait(every) and (times is None or len(killed) < times):
            try:
                pids = list(client.run(os.getpid, on_error="ignore").values())
                killed.append(draw.choice(pids))
                os.kill(killed[-1], signal.SIGKILL)
            except (OSError, IndexError, TimeoutError):
                continue

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def crops(folder: Path, count: int, side: int) -> None:
    """Crops of the gallery's photos, as JPEG files in folders of 1,000, and 5 files that are none."""
    photos, draw = [open_image(photo.path) for photo in gallery()], random.Random(0)
    for number in range(count):
        photo = photos[number % len(photos)]
        wide = draw.randint(min(side, *photo.size), min(photo.size))
        left, top = draw.randint(0, photo.width - wide), draw.randint(0, photo.height - wide)
        place = folder / f"{number // 1000:03}"
        place.mkdir(exist_ok=True)
        photo.crop((left, top, left + wide, top + wide)).resize((side, side)).save(
            place / f"{number:07}.jpg", quality=90
        )
    for number in range(5):
        (folder / f"{number:03}x.jpg").write_text("no picture")


def equal(options: argparse.Namespace, place: Path) -> None:
    crops(place, options.images, 64)
    net = load_network("cifar_net", device="cpu")
    given = {"size": 32, "progress": False}
    few = sorted(place.rglob("0*.jpg"))[: options.images // 10]
    top_patches(net, few[:16], "relu2", **given)  # warm
    with Family() as family:
        top_patches(net, few, "relu2", **given)
    say(f"plain, {len(few)} images: {family.memory()}")
    with Family() as alone:
        expected = top_patches(net, place, "relu2", **given)
    say(f"plain, {options.images} images: {alone.seconds:.0f} s, {alone.processor:.0f} processor s; {alone.memory()}")
    numbers = channel_statistics(net, place, "relu2", quantiles=True, **given)
    for images, count in ((few, len(few)), (place, options.images)):  # new workers for each: a peak never sinks
        with workers(local=2) as client, Family() as family:
            top_patches(net, images, "relu2", **given, client=client)
        say(f"2 workers, nobody killed, {count} images: {family.memory()}")
    with workers(local=2) as client:
        for chunk in CHUNKS:
            every = alone.seconds / 5
            with Family() as family, killer(client, every=every, times=3) as killed:
                found = top_patches(net, place, "relu2", **given, client=client, chunk=chunk)
            same = all(torch.equal(getattr(found, name), getattr(expected, name)) for name in FIELDS)
            say(
                f"chunks of {chunk}: {family.seconds:.0f} s, {family.processor:.0f} processor s, {len(killed)} workers "
                f"killed, {'equal to the bit' if held(same) else 'NOT EQUAL'}; {family.memory()}"
            )
        with killer(client, every=alone.seconds / 5, times=3) as killed:
            other = channel_statistics(net, place, "relu2", quantiles=True, **given, client=client, chunk=160)
        away = (
            (other.peak.mean / numbers.peak.mean - 1).abs().max(),
            (other.peak.variance / numbers.peak.variance - 1).abs().max(),
        )
        same = torch.equal(other.quantiles.at(0.9), numbers.quantiles.at(0.9))
        near = held(max(away) <= 1e-6 and other.images == numbers.images)
        say(
            f"moments, chunks of 160, {len(killed)} workers killed: {max(away):.1e} away, {'held' if near else 'TOO FAR'}; "
            f"quantiles {'equal' if held(same) else 'NOT EQUAL'}, {other.images} images"
        )


def speed(options: argparse.Namespace, place: Path) -> None:
    """The costs of an image and of a start, from two runs of different length: seconds = start + images x each."""
    crops(place, options.photos, 300)
    few = sorted(place.rglob("0*.jpg"))[: options.photos]
    many = few * 4
    for name, layer in (("efficientnet_lite0", "blocks.4.0"), ("vgg19", "relu2_2")):
        net = load_network(name, device="cpu")
        top_patches(net, few[:16], layer, progress=False)  # warm
        each = {}
        for label, local in (("plain", None), ("1 worker", 1), ("2 workers", 2)):
            with workers(local=local) as client:
                if client is not None:  # each worker has imported everything
                    top_patches(net, few, layer, progress=False, client=client, chunk=16)
                runs = []
                for files in (few, many):
                    with Family() as family:
                        top_patches(net, files, layer, progress=False, client=client, chunk=options.chunk)
                    runs.append((family.seconds, family.processor))
            more = len(many) - len(few)
            each[label] = [(long - short) / more for short, long in zip(*runs, strict=True)]
            start = [short - len(few) * one for (short, one) in zip(runs[0], each[label], strict=True)]
            say(
                f"{name} {layer}, {label}: {1000 * each[label][0]:.1f} ms an image ({1 / each[label][0]:.1f} a second), "
                f"{1000 * each[label][1]:.1f} processor ms; start {start[0]:.1f} s, {start[1]:.1f} processor s; {family.memory()}"
            )
        ratio = each["1 worker"][0] / each["2 workers"][0], each["1 worker"][1] / each["plain"][1]
        say(f"{name}: 2 workers / 1 worker {ratio[0]:.2f}; processor time of 1 worker / plain {ratio[1]:.2f}")
        task = PatchPass(net, layer, 16, 224, 9, 1, None, None, None)
        chunk = Chunk(0, [str(path) for path in few])
        sent, back = (len(pickle.dumps(one)) for one in (chunk, Look(task, "cpu")(chunk)))
        number = len(chunk.images)
        print(
            f"bytes, computed, not counted on the wire: the network once {len(pickle.dumps(net)) / 1e6:.0f} MB a worker; an image {sent / number:.0f} there, "
            f"{back / number:.0f} back (chunks of {number})"
        )


def nothing(number: int) -> int:
    return number


def empty(options: argparse.Namespace, place: Path) -> None:
    with workers(local=2) as client:
        with Family() as family:
            for first in range(0, options.tasks, 5000):  # more at once, and a busy machine loses the connection
                client.gather(client.map(nothing, range(first, first + 5000), pure=False))
        say(
            f"{options.tasks} empty tasks, 5,000 at once: {options.tasks / family.seconds:.0f} a second; {family.memory()}"
        )
        count = options.tasks // 10
        with Family() as family:
            assert sum(1 for _ in results(client, nothing, range(count), ahead=50)) == count
        say(f"{count} through the course's loop, 50 ahead: {count / family.seconds:.0f} a second; {family.memory()}")


def class_of(students: int, folder: Path, exercises: str) -> None:
    """Submissions of lesson 07, a quarter of them not written; of the given exercises, all if there are none."""
    lesson = read_lesson(lesson_paths(["07"])[0])
    books = [json.loads(to_text(build(lesson, edition))) for edition in ("solution", "student")]
    for book in books:
        wanted = exercises.split(",") if exercises else {c["metadata"].get("exercise") for c in book["cells"]} - {None}
        book["cells"] = [
            c
            for c in book["cells"]
            if c["metadata"].get("exercise") in wanted or "setup" in c["metadata"].get("tags", [])
        ]
    folder.mkdir()
    for number in range(students):
        (folder / f"student{number:04}.ipynb").write_text(json.dumps(books[number % 4 == 3]))


def graded(folder: Path) -> dict[str, str]:
    """All that was written, without the minute in which it was."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "attempts.csv"):
        text = path.read_text()
        if path.parent.name == "results":
            text = json.loads(text)
            text["extra_data"].pop("graded_at")
            text = json.dumps(text)
        files[path.relative_to(folder).as_posix()] = text
    return files


def grading(options: argparse.Namespace, place: Path) -> None:
    class_of(options.students, place / "in", options.exercises)
    fixed = {"lessons": "07", "seed": 5, "student": None, "sandbox": True, "call_seconds": 30.0, "total_seconds": 300.0}
    files, rates = {}, {}
    for label, more in (
        ("plain", {"jobs": 1}),
        ("1 worker", {"local_workers": 1}),
        ("2 workers", {"local_workers": 2}),
    ):
        if options.kill and label == "1 worker":
            continue
        out = place / label.replace(" ", "-")
        stop = threading.Event()
        thread = threading.Thread(target=_kill_workers, args=(stop, options.kill, out, killed := []), daemon=True)
        if options.kill and label == "2 workers":
            thread.start()
        with Family() as family:
            grade(place / "in", out=out, memory_mb=2048, **{"jobs": None, **fixed, **more})
        stop.set()
        files[label] = graded(out)
        rates[label] = 60 * options.students / family.seconds
        say(
            f"grade, {label}: {rates[label]:.1f} submissions a minute with the start, {family.processor / options.students:.2f} "
            f"processor s each, {len(killed)} killed; {family.memory()}"
        )
    for label, found in files.items():
        print(
            f"{label}: {'the files of the plain run' if held(found == files['plain']) else 'OTHER FILES'}, {len(found)}"
        )


def _kill_workers(stop: threading.Event, every: float, out: Path, killed: list[int]) -> None:
    """When the first results are there: a worker every so many seconds; its nanny starts another one."""
    draw = random.Random(0)
    while not stop.wait(0.2) and not list(out.glob("results/*.json")):
        pass
    while not stop.wait(every):
        try:
            below = [p for p in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
            if below:
                killed.append(draw.choice(below).pid)
                os.kill(killed[-1], signal.SIGKILL)
        except (psutil.Error, OSError):  # it has just ended
            continue


def client(options: argparse.Namespace, place: Path) -> None:
    """What nobody does for the client: names and times of files, hashes of submissions, and their two files of results."""
    (place / "photos").mkdir()
    for number in range(options.tasks):
        (place / "photos" / f"{number:07}.jpg").touch()
    begin = time.perf_counter()
    paths = list(walk_images(place / "photos"))
    walked = time.perf_counter()
    for path in paths:
        path.stat()
    say(f"{len(paths)} names: {walked - begin:.1f} s to walk, {time.perf_counter() - walked:.1f} s for their times")
    class_of(options.students, place / "in", "")
    handed_in = find_submissions(place / "in")
    tasks = prepare(["07"], 5)
    for folder in ("results", "feedback"):
        (place / "out" / folder).mkdir(parents=True)
    begin = time.perf_counter()
    for submission in handed_in:
        files_digest(submission)
    hashed = time.perf_counter()
    for submission in handed_in:
        save_student(place / "out", nothing_graded(submission, tasks, "nothing was done"))
    each = (hashed - begin) / len(handed_in), (time.perf_counter() - hashed) / len(handed_in)
    say(f"{len(handed_in)} submissions: {1000 * each[0]:.1f} ms to hash, {1000 * each[1]:.1f} ms to write, for each")


def plan(options: argparse.Namespace, place: Path) -> None:
    """What ImageNet and ten thousand submissions cost, if nothing but the client is shared."""
    photos, students = 1_281_167, 10_000
    walk = options.walk_s * photos / 100_000
    named = options.stat_s * 256 / 100_000  # the times of the files of a chunk, for the checkpoint
    rows = [
        # what, tasks, seconds of a worker for a task, of the client, and of the client before and after all of them
        (f"ImageNet, {name}", photos / 256, 256 * float(ms) / 1000, 1 / options.tasks_s + named, options.walks * walk)
        for name, _, ms in (given.partition("=") for given in options.image_ms)
    ]
    each = 1 / options.submissions_s + options.write_ms / 1000
    rows.append((f"{students} submissions", students, options.student_s, each, 0))
    for what, tasks, computing, client, alone in rows:
        times = [tasks * max(computing / number, client) + alone for number in (1, 16, 256)]
        print(
            f"{what}: {', '.join(f'{hours:.2f} h' if (hours := one / 3600) >= 1 else f'{one / 60:.1f} min' for one in times)} "
            f"with 1, 16, 256 workers, {alone / 60:.1f} min of it the client alone; "
            f"the scheduler and the client are full with {computing / client:.0f} workers"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"equal": equal, "speed": speed, "empty": empty, "grade": grading, "client": client, "plan": plan}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--exercises", default="", help="such as 07.5")
    parser.add_argument("--kill", type=float, default=0, help="seconds between two killed workers")
    planned = parser.add_argument_group("plan")
    planned.add_argument("--image-ms", nargs="+", default=["Lite0=45"], metavar="NETWORK=MS", help="of a worker")
    planned.add_argument("--student-s", type=float, default=1.0, help="of a worker")
    planned.add_argument("--tasks-s", type=float, default=105.0, help="chunks a second through the course's loop")
    planned.add_argument("--submissions-s", type=float, default=150.0, help="the same of submissions, without writing")
    planned.add_argument("--write-ms", type=float, default=11.3, help="of the client, for each submission")
    planned.add_argument("--walk-s", type=float, default=7.0, help="of the client, through 100,000 names")
    planned.add_argument("--stat-s", type=float, default=0.0, help="of the client, for the times of 100,000 files")
    planned.add_argument("--walks", type=int, default=3, help="walks while nobody computes")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in each worker
    place = Path(tempfile.mkdtemp(prefix="bench-cluster-"))
    try:
        parts[options.part](options, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    raise SystemExit(bool(BROKEN))


if __name__ == "__main__":
    main()
