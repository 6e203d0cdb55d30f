"""What a submission may ask of the kernel, and what it shares with others: nothing that is not counted, nothing at all."""

import platform

import pytest

from course_utils.exercises.machine import StudentError
from course_utils.grading.limits import Limits
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.walls import bubblewrap_problem

pytestmark = pytest.mark.skipif(bool(bubblewrap_problem()), reason=f"no sandbox here: {bubblewrap_problem()}")
filtered = pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no filter for this machine")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(call=20, total=200, memory=1 << 30)) as made:
        yield made


@pytest.fixture(params=["nested", "alone"], scope="module")
def worker(request):
    """In namespaces of its own, and as on a host that allows none inside of others."""
    with Sandbox(Limits(call=20, total=200, memory=1 << 30)) as made:
        made._nested = request.param == "nested"
        yield made.start()


def tell(worker, body):
    """What a function with this body returns inside."""
    worker.run_cell("def f(*args):\n" + "\n".join("    " + line for line in body.splitlines()))
    return worker.call("f", [])[0]


@pytest.mark.parametrize("action", [
    "os.pread(fd, 9, 0)", "os.pwrite(fd, b'left', 0)", "os.posix_fallocate(fd, 0, 1 << 20)", "os.ftruncate(fd, 9)",
])  # fmt: skip
def test_descriptors_0_to_2_are_null(worker, action):
    body = f"import os\nsaid = []\nfor fd in (0, 1, 2):\n    try: said.append({action})\n    except OSError: said.append('no')\nreturn [str(s) for s in said]"
    assert set(tell(worker, body)) <= {"no", "b''", "4"}  # what is written is gone: nothing can be read
    assert tell(worker, "import os\nreturn [str(os.fstat(fd).st_rdev) for fd in (0, 1, 2)]") == ["259"] * 3


def test_a_print_works_after_any_seek(sandbox):
    for body in (
        "import os, sys\nos.lseek(2, 64 << 20, 0)\nreturn 1",
        "import sys\nprint('x', file=sys.stderr)\nreturn 2",
    ):
        worker = sandbox.start()
        assert tell(worker, body) in (1, 2)
        worker.close()


def test_the_time_of_a_change_carries_nothing(sandbox):
    worker = sandbox.start()
    body = "import os\nsaid = []\nfor p in ('/dev/null', '/dev/zero', '/dev/ptmx', '/course', '/usr'):\n" \
           "    try: said.append(os.utime(p))\n    except OSError as e: pass\nreturn said"  # fmt: skip
    assert tell(worker, body) == []
    worker.close()


@filtered
@pytest.mark.parametrize("body", [
    "import os; os.memfd_create('x')",
    "import mmap; mmap.mmap(-1, 1 << 20)",
    "import mmap, os; mmap.mmap(os.open('/dev/zero', os.O_RDWR), 1 << 20)",
    "import ctypes; raise OSError(ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600))",
    "import ctypes; raise OSError(ctypes.CDLL(None).msgget(0, 0o1600))",
    "import ctypes; raise OSError(ctypes.CDLL(None).unshare(0x10000000))",
    "import ctypes; raise OSError(ctypes.CDLL(None).syscall(250 if __import__('platform').machine() == 'x86_64' else 219, 0, -3, 1))",
    "import os, ctypes; pid = ctypes.CDLL(None).syscall(56, 0x10000011, 0, 0, 0, 0) if os.uname().machine == 'x86_64' else -1; raise OSError(pid)",
])  # fmt: skip
def test_memory_that_nobody_counts_and_keys_are_refused(worker, body):
    with pytest.raises(StudentError, match=r"OSError: -1|\[Errno|not implemented"):
        tell(worker, body)


def test_threads_processes_and_other_memory_work(sandbox):
    worker = sandbox.start()
    body = "import mmap, multiprocessing, subprocess, threading, torch\nt = threading.Thread(target=print); t.start(); t.join()\n" \
           "m = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\nx = torch.zeros(3).share_memory_()\n" \
           "return [subprocess.run(['/bin/echo', 'hi'], capture_output=True).stdout.decode(), len(m), len(x)]"  # fmt: skip
    assert tell(worker, body) == ["hi\n", 1 << 20, 3]
    worker.close()


def test_signals_to_its_group_reach_nobody_else(sandbox):
    worker = sandbox.start()
    pid = sandbox._process.pid
    body = "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.setpriority(os.PRIO_PGRP, 0, 19)\nos.kill(0, signal.SIGTERM)\nreturn os.getpgid(0)"
    assert tell(worker, body) == 1
    worker.close()
    worker = sandbox.start()
    assert sandbox._process.pid == pid, "the zygote had to be started again"
    assert tell(worker, "import os\nreturn os.getpriority(os.PRIO_PROCESS, 0)") < 19
    worker.close()
