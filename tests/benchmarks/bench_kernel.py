"""What one student's kernel takes: memory at its peak, processor seconds, for a solved lesson from top to bottom.

python tests/benchmarks/bench_kernel.py 07 12
"""

from __future__ import annotations

import json
import os
import sys

import nbformat

from course_utils.authoring.cells import is_claim
from course_utils.authoring.editions import build
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.run import run_notebook
from course_utils.authoring.source import read_lesson

# the kernel says it of itself: its own peak, and the processor time of all its threads
ASK = """import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_maxrss / 1024, used.ru_utime + used.ru_stime]))"""


def measure(number: str) -> tuple[float, float, float]:
    """`(MB at the peak, processor seconds, seconds on the clock)` of a lesson's kernel."""
    book = build(read_lesson(lesson_paths([number])[0]), "solution")
    book.cells = [cell for cell in book.cells if not is_claim(cell)]  # students do not have them
    book.cells.append(nbformat.v4.new_code_cell(ASK))
    done, _, seconds = run_notebook(book)
    return (*json.loads(done.cells[-1].outputs[0].text), seconds)


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("lesson  peak MB  processor s  clock s")
    for number in sys.argv[1:] or ("07", "12"):
        memory, processor, clock = measure(number)
        print(f"{number:<6}  {memory:7.0f}  {processor:11.0f}  {clock:7.0f}", flush=True)


if __name__ == "__main__":
    main()
