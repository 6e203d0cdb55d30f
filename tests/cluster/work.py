"""What the tests give to workers. It imports no torch, so that a worker that died is back at once."""

import os
import signal
import time
from pathlib import Path

from course_utils.cluster.run import NotHere, Unfit


class Double:
    """Twice a number; some numbers end their worker, always or only the first time."""

    def __init__(self, folder, *, deadly=(), once=(), most=99):
        self.folder, self.deadly, self.once, self.most = Path(folder), set(deadly), set(once), most

    def begin(self, folder):
        with open(self.folder / "begun", "a") as file:
            file.write("x")
        begun = len((self.folder / "begun").read_text())
        return "" if begun <= self.most else "there are enough"

    def __call__(self, numbers):
        for number in numbers:
            tried = self.folder / f"tried-{number}"
            if number in self.deadly or (number in self.once and not tried.exists()):
                with open(tried, "a") as file:
                    file.write("x")
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
        with open(self.folder / "log", "a") as file:
            file.write("".join(f"{number}\n" for number in numbers))
        return [2 * number for number in numbers]


def halves(numbers):
    half = len(numbers) // 2
    return [numbers[:half], numbers[half:]] if half else []


class UnfitOnce:
    """Twice an item; the first worker that is asked cannot do it."""

    def __init__(self, place: Path):
        self.place = place

    def __call__(self, item: int) -> int:
        try:
            (self.place / "unfit").touch(exist_ok=False)
        except FileExistsError:
            return 2 * item
        raise Unfit("its disk is full")


class SeesNothing:
    """Twice an item; the first worker that begins does not see it, nor does anybody see what is in `nowhere`."""

    def __init__(self, place: Path, nowhere=()):
        self.place, self.nowhere = place, set(nowhere)

    def begin(self, folder: str) -> str:
        try:
            (self.place / "blind").touch(exist_ok=False)
            self.blind = True
        except FileExistsError:
            self.blind = False
        return ""

    def __call__(self, item: int) -> int:
        if self.blind or item in self.nowhere:
            raise NotHere(f"it does not see {item}")
        time.sleep(0.02)
        return 2 * item
