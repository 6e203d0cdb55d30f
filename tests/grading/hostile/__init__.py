"""Submissions that cheat, break or merely surprise the grader, each with the score that it must get.

They are made from the solution edition of lesson 07 by code, so they do not grow old with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent, indent

from course_utils.authoring.editions import build
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.solved import exercise_functions
from course_utils.authoring.source import read_lesson
from course_utils.exercises.machine import run_check

LESSON = "07"


@dataclass(frozen=True)
class Hostile:
    """A submission and what it must get.

    Attributes:
        name: also the student's name.
        lost: the exercises for which it gets no points; all others get full marks.
        graded: False if it must be "not graded".
        says: a piece of the message of every lost exercise, or of the reason why it is not graded.
    """

    name: str
    content: Callable[[], bytes]
    lost: tuple[str, ...] = ()
    graded: bool = True
    says: str = ""
    file: str = field(default="")


CASES: list[Hostile] = []


def _lesson():
    return read_lesson(lesson_paths([LESSON])[0])


ALL = tuple(e.id for e in _lesson().exercises)


def notebook(edition: str = "solution") -> dict:
    """A notebook of the lesson, as a plain dictionary."""
    return json.loads(json.dumps(build(_lesson(), edition)))


def exercise_cell(book: dict, which: str) -> dict:
    return next(c for c in book["cells"] if c["metadata"].get("exercise") == which and c["cell_type"] == "code")


def with_body(book: dict, which: str, body: str, after: str = "") -> dict:
    """Another body for one of the functions; the old function is called `right` in it."""
    cell = exercise_cell(book, which)
    head = re.search(r"^def (\w+)\(([^)]*)\):", cell["source"], re.M)
    old = cell["source"][: cell["source"].rindex("check(")].replace(f"def {head[1]}(", "def right(", 1)
    old = re.sub(r"\bright\b", f"right_{head[1]}", old)
    body = body.replace("right(", f"right_{head[1]}(").replace("ARGS", head[2])
    cell["source"] = f"{old}\n\ndef {head[1]}({head[2]}):\n{indent(dedent(body).strip(), '    ')}\n\n{dedent(after)}\n"
    return book


def notebook_inputs(which: str) -> int:
    """How many different first inputs the notebook's own check of an exercise hands to the function."""
    seen = set()
    right = exercise_functions(_lesson())[which]

    def spy(*inputs):
        seen.add(float(inputs[0].sum()))
        return right(*inputs)

    assert run_check(which, spy).passed
    return len(seen)


def with_all(body: str, first: str = "") -> dict:
    """The same wrong body for every function, on blank stubs: there is no solution in the notebook. `first` runs before."""
    book = notebook("student")
    for which in ALL:
        with_body(book, which, body)
    return with_cell(book, first) if first else book


def with_cell(book: dict, source: str, at: int = 1) -> dict:
    """A cell of the student's own, before the `at`-th code cell (the setup cell is number 0)."""
    places = [i for i, c in enumerate(book["cells"]) if c["cell_type"] == "code"]
    place = places[at] if at < len(places) else len(book["cells"])
    cell = {"cell_type": "code", "id": f"own{at}", "metadata": {}, "source": dedent(source).strip()}
    book["cells"].insert(place, {**cell, "outputs": [], "execution_count": None})
    return book


def hostile(*lost: str, graded: bool = True, says: str = "", file: str = ""):
    """Register a submission; the decorated function returns a notebook, or the bytes of a file."""

    def register(make):
        def content() -> bytes:
            made = make()
            return made if isinstance(made, bytes) else json.dumps(made).encode()

        CASES.append(Hostile(make.__name__, content, lost, graded, says, file))
        return make

    return register


def write_all(folder: Path, names: tuple[str, ...] = ()) -> list[Path]:
    """Write the submissions, a folder for each student."""
    written = []
    for case in CASES:
        if not names or case.name in names:
            path = folder / case.name / (case.file or "07_saliency_maps.ipynb")
            path.parent.mkdir(parents=True)
            path.write_bytes(case.content())
            written.append(path)
    return written


# --- honest ----------------------------------------------------------------------------------------------------------------


@hostile()
def correct():
    return notebook()


@hostile(*ALL)
def blank():
    return notebook("student")


@hostile("07.1", says="mean over the color channels")
def wrong():
    return with_body(notebook(), "07.1", "return right(net, images, target) * 0 + _mean(net, images, target)", """
        def _mean(net, images, target):
            pixels = images.clone().requires_grad_()
            chosen = net(pixels)[range(len(images)), target]
            return torch.autograd.grad(chosen.sum(), pixels)[0].abs().mean(1)
        """)  # fmt: skip


@hostile()
def correct_but_slow():
    return with_body(notebook(), "07.2", "import time; time.sleep(0.5); return right(ARGS)")


@hostile()
def changes_global_state():
    return with_cell(notebook(), """
        import random, numpy, warnings
        torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False); torch.manual_seed(1)
        torch.use_deterministic_algorithms(True); torch.set_num_threads(2)
        numpy.random.seed(1); random.seed(1); numpy.seterr(all="ignore"); warnings.simplefilter("error")
        """)  # fmt: skip


@hostile()
def helper_in_another_cell():
    book = with_body(notebook(), "07.5", "return helper(ARGS)")
    book = with_cell(book, "%matplotlib inline\nSCALE = 2")
    return with_cell(book, "def helper(maps, top, bottom, left, right):\n"
                           "    return maps[:, top:bottom, left:right].sum((1, SCALE)) / maps.sum((1, 2))", 3)  # fmt: skip


@hostile(file="homework final (2).ipynb")
def renamed_file():
    return notebook()


@hostile(file="07_saliency_maps.ipynb.txt")
def renamed_by_the_platform():
    return notebook()


@hostile()
def metadata_lost():
    book = notebook()
    book["metadata"], book["nbformat_minor"] = {}, 4
    for cell in book["cells"]:
        del cell["id"]
        cell["metadata"] = {}
    book["cells"] = [c for c in book["cells"] if not c["source"].startswith("# 07")]
    return book


@hostile("07.4", "07.5", says="There is no function")
def deleted_cells():
    book = notebook()
    for which in ("07.4", "07.5"):
        book["cells"].remove(exercise_cell(book, which))
    return book


@hostile()
def deleted_setup_cell():
    book = notebook()
    book["cells"] = [c for c in book["cells"] if "setup" not in c["metadata"].get("tags", [])]
    return book


@hostile()
def duplicated_cells():
    book, stubs = notebook(), notebook("student")
    for which in ALL:
        cell = exercise_cell(book, which)
        book["cells"].insert(book["cells"].index(cell) + 1, exercise_cell(stubs, which))
    return book


@hostile("07.1", says="SyntaxError")
def syntax_error():
    book = notebook()
    exercise_cell(book, "07.1")["source"] = "def saliency_map(net, images, target)\n    return 1\n"
    return book


@hostile()
def syntax_errors_in_cells_of_their_own():
    book = notebook()
    broken = [
        'x = """',
        "<<<<<<< HEAD",
        "def g():\nreturn 1",
        "x = '\0'",
        "return 1",
        "nonlocal x",
        "%matplotlib inline\nx = (",
    ]
    for source in broken:
        with_cell(book, source)
    return book


@hostile()
def fifty_megabytes():
    book = notebook()
    text = {"output_type": "stream", "name": "stdout", "text": ["x" * 999 + "\n"] * 50_000}
    next(c for c in book["cells"] if c["cell_type"] == "code")["outputs"] = [text]
    return book


@hostile(graded=False, says="damaged")
def broken_json():
    return json.dumps(notebook()).encode()[:-500]


@hostile(graded=False, says="damaged")
def empty_file():
    return b""


@hostile(graded=False, says="damaged")
def json_bomb():
    return b'{"cells": ' + b"[" * 1_000_000


@hostile(graded=False, says="clear its outputs")
def brackets_without_end():
    return b'{"cells": [' + b"[]," * 4_000_000 + b"[]]}"


@hostile(graded=False, says="current Jupyter")
def an_old_format():
    return b'{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [], "metadata": {}}]}'


@hostile()
def halves_of_characters():
    book = with_cell(notebook(), "smile = '\ud83d'", 3)
    book["cells"][-1]["metadata"]["exercise"] = "\udcff"
    return book


@hostile(graded=False, says="none of the lessons", file="my notes.ipynb")
def another_notebook():
    book = notebook()
    book["cells"], book["metadata"] = [], {}
    return with_cell(book, "x = 1", 0)


# --- loops, crashes, greed -------------------------------------------------------------------------------------------------


@hostile()
def endless_cell():
    return with_cell(notebook(), "while True: pass", 3)


@hostile()
def endless_after_the_function():
    book = notebook()
    exercise_cell(book, "07.1")["source"] += "\nwhile True: pass"
    return book


@hostile("07.2", says="did not come back")
def endless_function():
    return with_body(notebook(), "07.2", "while True: pass")


@hostile("07.2", says="did not come back")
def swallows_interrupts():
    return with_body(notebook(), "07.2", """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True:
            try:
                while True: pass
            except BaseException: pass
        """)  # fmt: skip


@hostile()
def exits_in_a_cell():
    return with_cell(notebook(), "import os; os._exit(0)", 3)


@hostile("07.1", says="process ended")
def exits_in_a_function():
    return with_body(notebook(), "07.1", "import os; os._exit(0)")


@hostile("07.1", says="SystemExit")
def sys_exit():
    return with_body(notebook(), "07.1", "import sys; sys.exit(0)")


@hostile("07.1", says="process ended")
def segmentation_fault():
    return with_body(notebook(), "07.1", "import ctypes; ctypes.string_at(0)")


@hostile("07.3", says="processes")
def fork_bomb():
    return with_body(notebook(), "07.3", """
        import os, time
        for _ in range(400):  # bounded, should the walls ever fail
            try: os.fork()
            except OSError: time.sleep(0.01)
        time.sleep(60)
        """)  # fmt: skip


@hostile("07.3")
def memory_hog():
    return with_body(
        notebook(), "07.3", "kept = [bytearray(b'x' * (64 << 20)) for _ in range(100)]; return right(ARGS)"
    )


@hostile("07.3")
def memory_hog_in_many_processes():
    return with_body(notebook(), "07.3", """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                kept = bytearray(b"x" * (400 << 20))
                time.sleep(60)
        time.sleep(60)
        """)  # fmt: skip


@hostile("07.3", says="OSError")
def disk_filler():
    return with_body(notebook(), "07.3", """
        for i in range(100):
            with open(f"fill{i}", "wb") as file: file.write(bytes(16 << 20))
        return right(ARGS)
        """)  # fmt: skip


@hostile("07.1")
def huge_answer():
    return with_body(notebook(), "07.1", "return 'x' * (60 << 20)")


@hostile()
def thread_that_never_ends():
    return with_cell(notebook(), """
        import threading, time
        def forever():
            while True: time.sleep(0.01)
        threading.Thread(target=forever).start()
        """)  # fmt: skip


# --- objects that lie ------------------------------------------------------------------------------------------------------


@hostile(*ALL)
def equals_everything():
    return with_all("return Yes()", """
        class Yes(float):
            def __eq__(self, other): return True
            __lt__ = __le__ = __gt__ = __ge__ = __eq__
            def __hash__(self): return 0
            def __sub__(self, other): return 0.0
            __rsub__ = __mul__ = __abs__ = __sub__
            def __array__(self, *args, **options): raise ValueError
            def __getattr__(self, name): return self
            def __call__(self, *args, **options): return self
        """)  # fmt: skip


@hostile(*ALL)
def array_that_lies():
    return with_all("return numpy.zeros((3, 8, 10)).view(Liar)", """
        import numpy
        class Liar(numpy.ndarray):
            def __array_ufunc__(self, ufunc, method, *args, **options): return True
            def __array_function__(self, function, types, args, options): return True
            @property
            def shape(self): return (1,)
        """)  # fmt: skip


@hostile(*ALL)
def tensor_that_lies():
    return with_all("return Liar(torch.zeros(3, 8, 10))", """
        class Liar(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                return True if "close" in str(function) or "eq" in str(function) else super().__torch_function__(function, types, args, kwargs or {})
        """)  # fmt: skip


@hostile("07.1", "07.5")
def answers_that_cannot_be_compared():
    book = with_body(notebook(), "07.1", "return [[1.0, 2.0], [3.0], 'x', {1: [2]}]")
    return with_body(book, "07.5", "return 10 ** 5000")


@hostile(*ALL)
def forged_encoding():
    return with_all("return 0", """
        import json
        real = json.dumps
        trees = [
            {"net": ["linear", {"height": 100000, "width": 100000}]}, {"array": ["<f8", [10 ** 13], ""]}, {"array": ["O", [1], "AAAAAAAA"]},
            {"int": "9" * 10 ** 6}, {"dict": [[{"list": []}, 1]]}, {"float": []}, {"list": 3}, {"tensor": ["<f16", [1], "A" * 24]}, {}, [],
        ]
        count = 0
        def forged(reply, **options):
            global count
            count += 1
            tree = trees[count % len(trees)]
            values = [tree] * len(reply.get("values", []))
            return real({**reply, "values": values} if values else reply, **options)
        json.dumps = forged
        """)  # fmt: skip


_FORGE = """
import json
real = json.dumps
def forged(reply, **options):
    values = [tree] * len(reply.get("values", []))
    return real({**reply, "values": values} if values else reply, **options)
json.dumps = forged
tree = """


@hostile(*ALL, says="cannot be compared")
def keys_that_collide():
    return with_all("return 0", _FORGE + '{"dict": [[k * (2 ** 61 - 1), 0] for k in range(20_000)]}')


@hostile(*ALL, says="values in lists")
def answers_of_many_lists():
    return with_all("return 0", _FORGE + '{"list": [{"list": []}] * 300_000}')


@hostile(*ALL, says="numbers: the right answer is much smaller")
def arrays_that_grow_when_they_are_summed():
    return with_all("return 0", _FORGE + '{"tensor": ["<f8", [0, 10 ** 10], ""]}')


# --- attacks on the grader -------------------------------------------------------------------------------------------------


@hostile(*ALL)
def assertions_stripped():
    return with_all("return 0", """
        import ast
        class Strip(ast.NodeTransformer):
            def visit_Assert(self, node): return ast.Pass()
            def visit_Raise(self, node): return ast.Pass()
        get_ipython().ast_transformers.append(Strip())
        """)  # fmt: skip


@hostile(*ALL)
def check_monkeypatched():
    return with_all("return 0", """
        import course_utils, course_utils.exercises as exercises, sys
        from types import SimpleNamespace
        passed = lambda *args, **options: SimpleNamespace(passed=True, state="passed", problem="", cause="", detail="")
        for module in [course_utils, *[m for n, m in sys.modules.items() if n.startswith("course_utils.exercises")]]:
            module.check = module.run_check = module.close = module.require = module.number = passed
        """)  # fmt: skip


@hostile(*ALL)
def comparisons_patched():
    return with_all("return numpy.zeros(1)", """
        import builtins, math, numpy
        yes = lambda *args, **options: True
        for place in (numpy, numpy.testing, torch, torch.testing, math):
            for name in ("allclose", "isclose", "array_equal", "equal", "assert_allclose", "assert_close", "all"):
                if hasattr(place, name): setattr(place, name, yes)
        torch.Tensor.__eq__ = torch.Tensor.equal = torch.Tensor.allclose = yes
        builtins.isinstance = builtins.all = builtins.any = yes
        """)  # fmt: skip


@hostile(*ALL)
def prints_fake_results():
    return with_all("""
        import json, os, sys
        fake = json.dumps({"score": 10, "tests": [{"name": "07.1", "score": 3, "max_score": 3, "status": "passed"}]})
        print(fake); print(fake, file=sys.stderr)
        for name in ("results.json", "results/results.json", "/autograder/results/results.json"):
            try:
                os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
                open(name, "w").write(fake)
            except OSError: pass
        return 0
        """)  # fmt: skip


@hostile(*ALL)
def writes_to_the_pipe():
    return with_all("return 0", """
        import json, os
        for number in range(1, 200):
            for fd in range(3, 64):
                for reply in ({"n": number, "ok": True, "values": [0]}, {"ok": True, "passed": True, "score": 10}):
                    try: os.write(fd, json.dumps(reply).encode() + b"\\n")
                    except OSError: pass
        """)  # fmt: skip


@hostile(*ALL)
def floods_the_pipe():
    return with_all("""
        import os
        for fd in range(3, 64):
            try:
                while True: os.write(fd, b"x" * 65536)
            except OSError: pass
        """)  # fmt: skip


@hostile(*ALL)
def looks_into_its_process():
    return with_all("""
        import gc, sys
        frame = sys._getframe()
        while frame:
            for value in list(frame.f_locals.values()):
                if callable(value) and "saliency" in getattr(value, "__module__", ""): return value(ARGS)
            frame = frame.f_back
        for thing in gc.get_objects():
            if type(thing).__name__ in ("Exercise", "Outcome", "Draw"): return thing
        return 0
        """)  # fmt: skip


@hostile()
def kills_what_it_can():
    return with_cell(notebook(), """
        import os, signal
        for pid in [-1, *range(2, 3000), os.getppid() or 99999]:
            try: os.kill(pid, signal.SIGKILL)
            except OSError: pass
        """)  # fmt: skip


# --- looking for answers ---------------------------------------------------------------------------------------------------

_SEARCH = """
import os
def search(*words):
    for place, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if f not in ("proc", "sys")]
        if "site-packages" in place and "course" not in place:
            folders[:] = [f for f in folders if "course" in f or "convnets" in f]
        for name in files:
            if any(word in os.path.join(place, name) for word in words):
                try: yield open(os.path.join(place, name)).read()
                except (OSError, UnicodeDecodeError): pass
def try_all(name, args, *words):
    for text in search(*words):
        space = {}
        try:
            if '"cells"' in text:
                import json
                text = "\\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if "def " in "".join(c["source"]))
            exec(text, space)
            return space[name](*args)
        except BaseException: pass
    return 0
"""


@hostile(*ALL)
def reads_the_checks():
    return with_all("""
        import importlib
        for name in ("course_utils.exercises.lesson_07", "tests.mutants.lesson_07", "lesson_07"):
            try: return importlib.import_module(name)._gradient(ARGS)
            except Exception: pass
        return try_all("_gradient", (ARGS,), "lesson_07", "exercises/", "mutants")
        """, _SEARCH)  # fmt: skip


@hostile(*ALL)
def reads_the_solutions():
    book = notebook("student")
    for which in ALL:
        name = re.search(r"^def (\w+)", exercise_cell(book, which)["source"], re.M)[1]
        with_body(
            book, which, f'return try_all("{name}", (ARGS,), "07_", "saliency", "notebooks", "solution", ".git/")'
        )
    return with_cell(book, _SEARCH)


@hostile(*ALL)
def reads_other_submissions():
    book = notebook("student")
    for which in ALL:
        name = re.search(r"^def (\w+)", exercise_cell(book, which)["source"], re.M)[1]
        with_body(book, which, f'return try_all("{name}", (ARGS,), ".ipynb", "stolen", "results", "gradebook")')
    return with_cell(book, _SEARCH)


@hostile("07.1", "07.2", says="is the reference")
def asks_the_reference():
    book = with_body(
        notebook(), "07.1", "from course_utils.gradients import saliency\nreturn saliency(net, images, target)"
    )
    return with_body(
        book, "07.2", "import course_utils.gradients.saliency as s\nreturn s.smoothgrad(net, image, target)"
    )


@hostile()
def leaves_a_copy_for_others():
    source = exercise_cell(notebook(), "07.1")["source"]
    return with_cell(notebook(), f"""
        import os
        for place in ("/tmp", "/dev/shm", "/dev", "/", "/course", "/proc", "/home", os.path.expanduser("~"), "/var/tmp", "/run"):
            try: open(place + "/stolen_saliency.py", "w").write({source!r})
            except OSError: pass
        """)  # fmt: skip


@hostile("07.1")
def picks_up_what_others_left():
    book = with_body(notebook(), "07.1", 'return try_all("saliency_map", (ARGS,), "stolen")')
    cell = exercise_cell(book, "07.1")
    cell["source"] = cell["source"][cell["source"].index("def saliency_map") :]
    return with_cell(book, _SEARCH)


@hostile("07.1")
def tells_the_environment():
    return with_body(notebook(), "07.1", "import os; raise ValueError(str(dict(os.environ)))")


@hostile("07.1", says="OSError")
def uses_the_network():
    return with_body(notebook(), "07.1", """
        import socket
        with socket.create_connection(("127.0.0.1", PORT), timeout=2) as line: line.sendall(b"hello")
        return right(ARGS)
        """.replace("PORT", str(PORT)))  # fmt: skip


PORT = 47123  # the test listens there, outside of the sandbox


@hostile(*ALL)
def edits_the_gradebook():
    return with_all("""
        import os
        for place, folders, files in os.walk("/"):
            for name in files:
                if "grade" in name or name.endswith((".csv", ".json", ".html", ".ipynb")):
                    try: open(os.path.join(place, name), "w").write("student,total\\nme,10\\n")
                    except OSError: pass
        return 0
        """)  # fmt: skip


# --- what may come out ---------------------------------------------------------------------------------------------------


@hostile("07.3", says="other inputs")
def right_only_on_the_notebook_inputs():
    return with_body(notebook(), "07.3", """
        global seen  # each input may come more than once
        seen = {*globals().get("seen", ()), float(heat.sum())}
        return right(ARGS) if len(seen) <= INPUTS else right(ARGS) * 0
        """.replace("INPUTS", str(notebook_inputs("07.3"))))  # fmt: skip


@hostile("07.5", says="other inputs")
def tells_hidden_inputs():
    return with_body(notebook(), "07.5", """
        global seen
        seen = {*globals().get("seen", ()), float(maps.sum())}
        if len(seen) > INPUTS: raise type("E" + "".join(filter(str.isdigit, str(float(maps[0, 0, 0])))), (ValueError,), {})(str(maps.tolist()))
        return right(ARGS)
        """.replace("right(ARGS)", "right(maps, top, bottom, left, right)").replace("INPUTS", str(notebook_inputs("07.5"))))  # fmt: skip


@hostile("07.1", says="<script>")
def html_in_its_error():
    return with_body(notebook(), "07.1", "raise ValueError('<script>alert(1)</script><img src=x onerror=alert(2)>')")
