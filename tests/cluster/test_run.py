"""Work over workers: each item once, whoever dies; who must not take part is refused in one line."""

import gc
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from threading import Timer

import pytest

from course_utils import places
from course_utils.cluster import carrier, run, workers
from course_utils.cluster.run import Died, NotHere, Nowhere, Unfit, results
from course_utils.cluster.versions import difference, here
from course_utils.errors import CourseError
from tests.cluster.conftest import OPTIONS, distributed
from tests.cluster.work import Double, SeesNothing, UnfitOnce, halves

Client, LocalCluster = distributed.Client, distributed.LocalCluster
CHUNKS = [list(range(n, n + 4)) for n in range(0, 40, 4)]


def hurry(monkeypatch, *, patience, grace=run._GRACE):
    """Seconds in place of minutes: how long to wait for workers, and how often to look."""
    for name, seconds in (("_PATIENCE", patience), ("_GRACE", grace), ("_ASK_AGAIN", 0.1)):
        monkeypatch.setattr(run, name, seconds)


def test_each_item_once(threads, tmp_path):
    given = {tuple(chunk): result for chunk, result in results(threads, Double(tmp_path), CHUNKS)}
    assert given == {tuple(chunk): [2 * n for n in chunk] for chunk in CHUNKS}
    assert sorted(map(int, (tmp_path / "log").read_text().split())) == list(range(40))


def test_only_few_items_are_taken_from_an_endless_list(threads, tmp_path):
    taken = []

    def endless():
        while True:
            taken.append([len(taken)])
            yield taken[-1]

    work = results(threads, Double(tmp_path), endless(), ahead=2)
    assert [next(work)[1] for _ in range(6)] and len(taken) <= 6 + 2 * 2
    work.close()
    carried = threads.run(lambda dask_worker: [name for name in dask_worker.plugins if name.startswith("course-")])
    assert set(map(tuple, carried.values())) == {()}, "the work stays on the workers"


def test_an_error_of_the_work_is_the_callers(threads, tmp_path):
    with pytest.raises(TypeError, match="iterable"):
        list(results(threads, Double(tmp_path), [3]))


class Large:
    """Work whose result takes longer to come than one look at the workers."""

    def __call__(self, item):
        return bytes(item)


def test_a_large_result_comes_however_long_it_takes(processes, monkeypatch):
    monkeypatch.setattr(run, "_ASK_AGAIN", 0.001)
    assert [len(result) for _, result in results(processes, Large(), [20_000_000])] == [20_000_000]


class Late:
    """Work that raises what waiting in vain raises, too."""

    def __call__(self, item):
        raise TimeoutError("the disk does not answer")


def test_the_works_own_timeout_is_the_callers(threads, monkeypatch):
    monkeypatch.setattr(run, "_ASK_AGAIN", 0.001)  # so that waiting is in vain, too
    with pytest.raises(TimeoutError, match="the disk"):
        list(results(threads, Late(), [1]))


def test_if_no_worker_may_take_part_the_run_ends_at_once(threads, tmp_path):
    with pytest.raises(CourseError, match=r"^Worker \S+ is refused: there are enough\. Worker \S+ is refused"):
        list(results(threads, Double(tmp_path, most=0), CHUNKS))
    carried = threads.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.worker_plugins))
    assert not [name for name in carried if name.startswith("course-")]
    assert len(threads.nthreads()) == 2


def test_a_worker_with_other_versions_is_refused_and_the_others_work(tmp_path, monkeypatch):
    ours, said = here(), []
    given = iter([ours, {**ours, "torch": "1.0"}, ours])  # of the client and of two workers
    monkeypatch.setattr(carrier, "here", lambda: next(given))
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:
        found = list(results(client, Double(tmp_path), CHUNKS, tell=said.append))
        assert len(client.nthreads()) == 1
    assert len(found) == len(CHUNKS)
    (line,) = said
    assert line.endswith(f"is refused: it has torch 1.0; here it is torch {ours['torch']}")
    assert difference(ours, ours) == ""


def test_after_the_last_worker_is_refused_the_run_waits_for_others_but_not_for_ever(tmp_path, monkeypatch):
    hurry(monkeypatch, patience=0.3, grace=2.0)
    said = []
    one = {**OPTIONS, "n_workers": 1}
    with LocalCluster(processes=False, **one) as cluster, Client(cluster) as client:

        def tell(line):
            said.append(line)
            if line.startswith("No worker is there"):
                cluster.scale(2)

        found = sorted(result for _, result in results(client, UnfitOnce(tmp_path), range(6), tell=tell))
        assert found == [0, 2, 4, 6, 8, 10] and len(said) == 2
    (tmp_path / "unfit").unlink()
    left = pytest.raises(CourseError, match="^No worker is left: those that were there are refused")
    with LocalCluster(processes=False, **one) as cluster, Client(cluster) as client, left:
        list(results(client, UnfitOnce(tmp_path), range(6), tell=said.append))


def test_a_worker_that_was_refused_long_ago_does_not_end_the_run(tmp_path, monkeypatch):
    hurry(monkeypatch, patience=0.3, grace=0.6)
    said, given = [], []
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:

        def tell(line):
            said.append(line)
            if line.startswith("No worker is there"):
                Timer(1.5, cluster.scale, (1,)).start()

        for n, _ in results(client, UnfitOnce(tmp_path), range(20), tell=tell):
            given.append(n)
            if len(given) == 5:
                cluster.scale(0)
    assert sorted(given) == list(range(20)) and len(said) == 2


def test_a_worker_without_the_course_is_named_and_the_others_work(tmp_path, monkeypatch):
    said, run_there = [], Client.run

    def not_on_the_first(self, function, *args, **options):
        found = run_there(self, function, *args, **options)
        if function is eval:
            found[min(found)] = ModuleNotFoundError("No module named 'course_utils'")
        return found

    monkeypatch.setattr(Client, "run", not_on_the_first)
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:
        assert len(list(results(client, Double(tmp_path), CHUNKS, tell=said.append))) == len(CHUNKS)
        assert len(client.nthreads()) == 1
        with pytest.raises(CourseError, match=r"^Worker \S+ is refused: it cannot import the course \(ModuleNotFound"):
            list(results(client, Double(tmp_path), CHUNKS))
    (line,) = said
    assert "is refused: it cannot import the course (ModuleNotFoundError" in line


def test_a_worker_that_comes_later_is_refused_and_its_items_are_not_lost(tmp_path):
    said, given = [], []
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:
        for chunk, _ in results(client, Double(tmp_path, most=2), [[n] for n in range(150)], tell=said.append):
            given.append(chunk[0])
            if len(given) == 5:
                cluster.scale(3)
    assert sorted(given) == list(range(150))
    assert len(said) == 1 and said[0].endswith("is refused: there are enough")


def test_an_item_whose_worker_dies_is_done_again(processes, tmp_path):
    given = [n for _, numbers in results(processes, Double(tmp_path, once=[9, 22]), CHUNKS) for n in numbers]
    assert sorted(given) == [2 * n for n in range(40)]


def test_an_item_that_kills_its_workers_is_split_and_named(processes, tmp_path):
    given, died = [], []
    for item, result in results(processes, Double(tmp_path, deadly=[5]), CHUNKS[1:3], split=halves):
        died += item if isinstance(result, Died) else []
        given += [] if isinstance(result, Died) else result
    assert died == [5] and sorted(given) == [2 * n for n in range(4, 12) if n != 5]


def test_three_more_workers_try_it_and_at_the_end_four_alone(tmp_path):
    with workers(local=2) as client:  # as Dask is without a setting of ours
        given = dict(results(client, Double(tmp_path, deadly=[2]), [(n,) for n in range(4)]))
    assert isinstance(given.pop((2,)), Died) and given == {(n,): [2 * n] for n in (0, 1, 3)}
    assert (tmp_path / "tried-2").read_text() == "x" * 8


ENDED = """
import signal, time
from course_utils.cluster import workers
from course_utils.cluster.run import results

class Slow:
    def __call__(self, item):
        time.sleep(1)

def end(number, _):
    raise SystemExit(128 + number)

if __name__ == "__main__":
    signal.signal(signal.{}, end)
    with workers(local=2) as client:
        for number, _ in results(client, Slow(), range(9999)):
            print(number, flush=True)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no groups of processes")
def test_a_signal_to_all_processes_ends_them_without_a_word(name, tmp_path):
    """As a terminal and batch systems send it."""
    (tmp_path / "ended.py").write_text(ENDED.format(name))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([sys.executable, tmp_path / "ended.py"], **pipes) as process:
        process.stdout.readline()
        time.sleep(0.3)  # it waits for the next result
        os.killpg(process.pid, number := getattr(signal, name))
        assert process.communicate()[1] == "" and process.returncode == 128 + number


def test_where_the_dashboard_is(monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["course_utils.cluster.workers"], "find_spec", lambda name: name == "bokeh")
    with workers(local=1) as client:
        assert client.dashboard_link in capsys.readouterr().err and ":0/" not in client.dashboard_link


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CourseError, match=r"needs Dask.*looking-inside-convnets\[cluster\]"), workers(local=2):
        pass
    with workers() as client:
        assert client is None


@pytest.mark.parametrize(
    "given, words",
    [
        ({"scheduler": "tcp://127.0.0.1:1", "local": 2}, "give a scheduler or"),
        ({"scheduler": "tcp://127.0.0.1:1", "seconds": 0.5}, "No scheduler answers at tcp://127.0.0.1:1"),
        ({"scheduler": "nonsense", "seconds": 0.5}, "No scheduler answers at nonsense"),
        ({"scheduler": "tls://127.0.0.1:1", "seconds": 0.5}, "No scheduler answers at tls:.*ssl_context"),
    ],
)
def test_what_gives_no_client(given, words):
    with pytest.raises(CourseError, match=words), workers(**given):
        pass
    half_made = [one for one in gc.get_objects() if type(one) is Client and one.status not in ("running", "closed")]
    assert not half_made, "it may be collected while another one starts, and both would wait forever"


@pytest.mark.parametrize(
    "given, words",
    [
        ({"local": 0}, "local must be greater than 0, not 0"),
        ({"local": 2.5}, "local must be a whole number, not 2.5"),
        ({"local": "2"}, "local must be a number greater than 0, not '2'"),
        ({"local": 2, "seconds": "a"}, "seconds must be a number"),
        ({"scheduler": 3}, "scheduler must be an address such as .*, not 3"),
    ],
)
def test_what_is_no_address_and_no_number(given, words):
    with pytest.raises((TypeError, ValueError), match=words), workers(**given):
        pass


def test_all_that_computes_is_compared():
    """What pyproject.toml names, but for what only shows notebooks and commands."""
    shows = "psutil tqdm lazy-loader typer jupyterlab ipykernel ipywidgets anywidget jupytext nbformat babel nbclient nbconvert"
    project = tomllib.loads((places.ROOT / "pyproject.toml").read_text())["project"]
    named = {re.match("[a-z0-9_-]+", one)[0] for one in project["dependencies"]}
    assert named - set(here()) == set(shows.split())


def test_an_address_at_which_something_else_answers():
    with LocalCluster(processes=False, **OPTIONS, protocol="tcp") as cluster:
        address = next(iter(cluster.scheduler.workers))
        with pytest.raises(CourseError, match="No scheduler answers at .*a worker answers"), workers(address):
            pass
    with socket.create_server(("127.0.0.1", 0)) as mute:  # as a dashboard's port, which waits for a browser to speak
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(CourseError, match="nothing in 0.5 seconds"), workers(address, seconds=0.5):
            pass


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_scheduler_with_certificates(tmp_path):
    import dask

    key, name = tmp_path / "key.pem", tmp_path / "name.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-keyout", key, "-out", name], check=True, capture_output=True)
    files = {"distributed.comm.tls.ca-file": str(name)}
    for who in ("client", "scheduler", "worker"):
        files |= {f"distributed.comm.tls.{who}.key": str(key), f"distributed.comm.tls.{who}.cert": str(name)}
    with (
        dask.config.set(files),
        LocalCluster(
            processes=False, **{**OPTIONS, "n_workers": 1}, protocol="tls", security=distributed.Security()
        ) as cluster,
        workers(cluster.scheduler_address, seconds=10) as client,
    ):
        assert client.submit(abs, -3).result() == 3


def test_a_refused_worker_that_holds_somebodys_data_gets_nothing_more(tmp_path, monkeypatch):
    """Dask does not retire the last worker that holds a thing."""
    hurry(monkeypatch, patience=0.3, grace=1.0)
    said = []
    with LocalCluster(processes=False, **{**OPTIONS, "n_workers": 1}) as cluster, Client(cluster) as client:
        held = client.scatter([1, 2, 3])
        with pytest.raises(CourseError, match="^No worker is left"):
            list(results(client, UnfitOnce(tmp_path), range(4), tell=said.append))
        del held
    assert len([line for line in said if "is refused" in line]) == 1


class BlindAndUnfit:
    """One worker sees nothing, and is refused; the other one does what it missed, and then is unfit for the rest."""

    def __init__(self, place):
        self.place = place

    def begin(self, folder):
        self.blind = not (self.place / "blind").exists()
        (self.place / "blind").touch()
        return ""

    def __call__(self, item):
        missed, once = self.place / f"missed {item}", self.place / "once"
        if self.blind:
            missed.touch()
            raise NotHere(f"it does not see {item}")
        if missed.exists() and once.exists():
            raise Unfit("its disk is full")
        time.sleep(0.05)
        if missed.exists():
            once.touch()
        return 2 * item


def test_nor_what_another_one_has_missed(tmp_path, monkeypatch):
    hurry(monkeypatch, patience=0.5, grace=1.5)
    said = []
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:
        held = client.scatter([1, 2, 3])
        with pytest.raises(CourseError, match="^No worker is left"):
            list(results(client, BlindAndUnfit(tmp_path), range(8), ahead=2, tell=said.append))
        del held
    assert len([line for line in said if "is refused" in line]) == 2


def test_a_scheduler_without_workers():
    with LocalCluster(processes=False, **{**OPTIONS, "n_workers": 0}) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(CourseError, match=r"has no workers.*--nthreads 1"), workers(address, seconds=0.5):
            pass


def test_one_process_imports_nothing_of_dask(tmp_path):
    code = (
        "import sys, torch\n"
        "from course_utils import channel_statistics, feature_table, tiny_net, top_patches\n"
        "net, images = tiny_net('conv').float(), torch.rand(3, 3, 9, 11)\n"
        "top_patches(net, images, '1', k=2, progress=False); channel_statistics(net, images, '1', progress=False)\n"
        f"top_patches(net, images, '1', k=2, progress=False, checkpoint={str(tmp_path / 'c')!r})\n"
        f"feature_table(net, images, to={str(tmp_path / 'f.npy')!r}, layer='1', progress=False)\n"
        "import course_utils.grading.over_cluster, course_utils.commands.patches\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('dask', 'distributed', 'ddsketch')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stdout + run.stderr


def test_a_worker_that_cannot_do_the_work_leaves_it_to_others(tmp_path):
    said = []
    with workers(local=2) as client:
        found = sorted(result for _, result in results(client, UnfitOnce(tmp_path), range(6), tell=said.append))
        assert len(client.nthreads()) == 1
        assert all(address.startswith("tcp://127.0.0.1:") for address in client.nthreads())
        listening = client.run_on_scheduler(
            lambda dask_scheduler: [s.getsockname()[0] for s in dask_scheduler.http_server._sockets.values()]
        )
        assert set(listening) == {"127.0.0.1"}
    assert found == [0, 2, 4, 6, 8, 10]
    (line,) = said
    assert "is refused: its disk is full" in line


def test_what_a_killed_client_left_is_taken_away(threads, tmp_path):
    """A client that is gone without a word has left its work on the workers."""
    threads.register_plugin(carrier.Carrier(Double(tmp_path), "course-0@Client-gone"))
    list(results(threads, Double(tmp_path), [[1]]))
    left = threads.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.worker_plugins))
    assert "course-0@Client-gone" not in left


def test_a_worker_that_does_not_see_what_others_see_is_refused(tmp_path):
    said = []
    with workers(local=2) as client:
        found = sorted(result for _, result in results(client, SeesNothing(tmp_path), range(30), tell=said.append))
        assert len(client.nthreads()) == 1
    assert found == [2 * n for n in range(30)]
    (line,) = said
    assert " is refused: it does not see " in line


def test_what_no_worker_sees_is_said_and_nobody_is_sent_home(threads, tmp_path):
    (tmp_path / "blind").touch()  # nobody is
    said = []
    found = dict(results(threads, SeesNothing(tmp_path, nowhere=[7]), range(12), tell=said.append))
    nowhere = found.pop(7)
    assert isinstance(nowhere, Nowhere) and nowhere.said.endswith(" says: it does not see 7")
    assert found == {n: 2 * n for n in range(12) if n != 7}
    assert said == [] and len(threads.nthreads()) == 2


def test_without_a_worker_it_says_so_and_waits(tmp_path, monkeypatch):
    hurry(monkeypatch, patience=0.5)
    said, given = [], []
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:

        def tell(line):
            said.append(line)
            cluster.scale(1)

        for chunk, _ in results(client, Double(tmp_path), [[n] for n in range(20)], tell=tell):
            given.append(chunk[0])
            if len(given) == 5:
                cluster.scale(0)
    assert sorted(given) == list(range(20))
    assert said == ["No worker is there; waiting for one. Ctrl-C stops, and keeps what is done."]


@pytest.mark.parametrize("call", ["get_versions", "run", "submit", "nthreads", "retire_workers", "cancel"])
def test_a_scheduler_that_is_gone_is_told_wherever_it_is_noticed(call, tmp_path, monkeypatch):
    """The client finds that its scheduler is gone in any of its calls; its status says so a little later."""
    from distributed.comm import CommClosedError

    noticing = []

    def gone(self, *args, **options):
        noticing.append(Timer(0.2, setattr, (self, "status", "closed")))
        noticing[-1].start()
        raise CommClosedError("in <TCP (closed)>")

    monkeypatch.setattr(run, "_ASK_AGAIN", 0.001)
    with LocalCluster(processes=False, **OPTIONS) as cluster, Client(cluster) as client:
        work = results(client, UnfitOnce(tmp_path), range(9), tell=print)
        if call not in ("get_versions", "run", "retire_workers"):  # the last when the first item is refused
            next(work)
        monkeypatch.setattr(Client, call, gone)
        if call == "cancel":
            work.close()
        else:
            with pytest.raises(CourseError, match="^The scheduler is gone"):
                list(work)
        monkeypatch.undo()
        for timer in noticing:
            timer.join()
        client.status = "running"
