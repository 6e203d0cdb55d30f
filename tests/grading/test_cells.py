"""What honest students do in their cells, each of which works in a kernel: nothing of it may cost a function."""

import pytest

from course_utils.exercises.machine import StudentError
from course_utils.exercises.reference import ANSWERS
from course_utils.exercises.tiny import tiny_net
from course_utils.grading.limits import Limits
from course_utils.grading.notebooks import Notebook, Step, steps
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.session import Session
from course_utils.grading.walls import bubblewrap_problem

pytestmark = pytest.mark.skipif(bool(bubblewrap_problem()), reason=f"no sandbox here: {bubblewrap_problem()}")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(call=2, total=30, memory=1 << 30)) as made:
        yield made


def answer(sandbox, *cells, hidden=()):
    """What `f()` returns after these cells, and the remarks."""
    session = Session(sandbox, [c if isinstance(c, Step) else Step(c, "a cell") for c in cells], hidden)
    try:
        return session.ask("f", [], 1, False)[0][0], session.notes
    finally:
        session.close()


SETUP = "import math\nfrom course_utils import check"


@pytest.mark.parametrize(
    "delete", ["%reset -f", "globals().clear()", "del math", "for k in list(globals()): del globals()[k]"]
)
def test_names_that_are_deleted_before_the_setup_cell(delete, sandbox):
    class Cell:
        source, metadata = SETUP, {"tags": ["setup"]}

    texts = (delete, SETUP, "def f(): return math.floor(2.5)")
    cells = [{"source": s, "id": "", "exercise": ""} for s in texts]
    assert answer(sandbox, *steps(Notebook(None, "07", cells), [Cell]))[0] == 2


@pytest.mark.parametrize("cells", [
    ("%%writefile my_utils.py\ndef two(): return 2", "import my_utils\ndef f(): return my_utils.two()"),
    ("open('helpers.py', 'w').write('two = 2')", "from helpers import two", "def f(): return two"),
    ("import os\nos.makedirs('lib', exist_ok=True)", "%%writefile lib/__init__.py\ntwo = 2", "from lib import two\ndef f(): return two"),
])  # fmt: skip
def test_modules_that_cells_write(cells, sandbox):
    assert answer(sandbox, *cells)[0] == 2


def test_modules_that_were_handed_in(sandbox):
    cells = [{"source": "import my_utils\ndef f(): return my_utils.two()", "id": "", "exercise": ""}]
    book = Notebook(None, "07", cells, {"my_utils.py": "def two():\n    return 'zwei \\u00fc'\n"})
    assert answer(sandbox, *steps(book, []))[0] == "zwei \u00fc"


SLOW = "while True: pass"


@pytest.mark.parametrize("cell", [
    f"%matplotlib inline\nROWS = (1, 2)\nSCALE = 1 / 1\ndef f(): return ROWS[1] * SCALE\n{SLOW}",
    f"%%time\ndef f(): return 2\n{SLOW}",
    f"!true\nimport torch\nK = torch.tensor([1., 2.])\na, b = 1, len(K)\nN: int = 1\nN += 1\n{SLOW}\ng = lambda: N\nf = g",
    "TABLE = []\nfor i in range(3): TABLE.append(i)\ntry:\n    import nothing_of_this_name\nexcept ImportError:\n    last = -1\n"
    f"{SLOW}\ndef f(): return TABLE[last]",
])  # fmt: skip
def test_a_slow_test_beside_the_function(cell, sandbox):
    assert answer(sandbox, cell)[0] == 2


@pytest.mark.parametrize("cell", [
    "net = load_network('vgg19')\ndef f(): return 2",
    "from google.colab import drive\nif True:\n    two = 2\ndef f():\n    return two",
    "import torch\n%tensorboard --logdir x\ndef f(): return 2",
    "def g(): return [][1]\n\ng()\n\nN = 2\ndef f(): return N",
    "%%time\nraise ValueError\ndef f(): return 2",
    "%%capture out\nraise ValueError\ndef f(): return 2",
])  # fmt: skip
def test_what_stands_behind_a_statement_that_raises(cell, sandbox):
    assert answer(sandbox, "from course_utils import load_network", cell)[0] == 2


def test_a_statement_runs_once_although_another_raises(sandbox):
    assert answer(
        sandbox, "n = []", "n.append(1)\n[][1]; n.append(2)\nn.append(3)\n[][2]\nn.append(4)\ndef f(): return n"
    )[0] == [1, 3, 4]


def test_cells_that_take_long_one_after_the_other(sandbox, monkeypatch):
    monkeypatch.setattr(sandbox, "limits", Limits(call=2, total=9))
    long = "import time\ntime.sleep(1.6)"
    got, notes = answer(sandbox, long, long, "SCALE = 2 / 1\ntime.sleep(9)\ndef f(): return SCALE")
    assert got == 2 and any("third of the time" in note for note in notes)


def test_a_cell_that_kills_python_ends_as_nothing(sandbox):
    got, notes = answer(sandbox, "import os\nclass Bomb:\n    os._exit(1)", "def f(): return 2")
    assert got == 2 and notes == ["a cell: Died: its process ended"]


@pytest.mark.parametrize("body", [
    "from course_utils import layer_outputs; return layer_outputs(net, images, ['0'])['0']",
    "from course_utils.hooks import forward_to; return forward_to(net, images, ['0'])['0']",
    "import course_utils.hooks as h, importlib; return importlib.reload(h).forward_to(net, images, ['0'])['0']",
    "import sys; sys.modules.pop('course_utils.hooks', 0); from course_utils.hooks import capture\nwith capture(net, ['0']) as seen: net(images)\nreturn seen['0']",
])  # fmt: skip
def test_what_answers_an_exercise_is_not_there_in_its_lesson(body, sandbox):
    import torch

    net, images = tiny_net("conv"), torch.rand(1, 3, 8, 9, dtype=torch.float64)
    cell = "def f(net, images):\n" + "\n".join(f"    {line}" for line in body.splitlines())
    session = Session(
        sandbox, [Step("from course_utils import capture, layer_outputs", ""), Step(cell, "")], ANSWERS["02"]
    )
    with pytest.raises(StudentError, match="reference"):
        session.ask("f", [net, images], 1, False)
    session.close()
    session = Session(sandbox, [Step(cell, "")])  # another lesson, in the same sandbox
    assert session.ask("f", [net, images], 1, False)[0][0].shape == (1, 6, 8, 9)
    session.close()


@pytest.mark.parametrize("nested", [True, False])
def test_what_answers_an_exercise_is_in_no_file_and_no_object_of_its_lesson(nested):
    look = """
import gc, os
found = []
for folder, _, files in os.walk("/course"):
    found += [f for f in files if "def forward_to" in open(os.path.join(folder, f)).read()]
for one in gc.get_objects():
    code = getattr(one, "__code__", None) if type(one).__name__ == "function" else None
    found += [code.co_filename] if code is not None and code.co_filename.endswith("course_utils/hooks.py") else []
return sorted(set(found))
"""
    cell = "def f():\n" + "\n".join(f"    {line}" for line in look.strip().splitlines())
    with Sandbox(warm=["from course_utils.hooks import forward_to"]) as one:
        one._nested = nested  # False: as on a host that allows no namespaces inside of others
        other = one.start()
        other.run_cell(cell)
        assert "hooks.py" in other.call("f", [])[0]
        other.close()
        here = one.start(ANSWERS["02"])
        here.run_cell(cell)
        assert here.call("f", [])[0] == []
