"""How the grader talks with a submission's process: lines of JSON, and nothing that comes back is believed."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from course_utils.exercises.left_behind import EVERYWHERE, OF_AN_INPUT, Found
from course_utils.exercises.machine import Refused, StudentError
from course_utils.exercises.transport import REASONS, encode
from course_utils.grading.answers import MAX_MESSAGE, NoAnswer, answer, read_reply
from course_utils.grading.limits import MB
from course_utils.grading.plain_text import plain_text

if TYPE_CHECKING:
    from course_utils.grading.sandbox import Sandbox


class Broken(StudentError):
    """The process is gone, or had to be killed: `kind` is Timeout, Memory, Processes, Size, Died or Protocol."""


class NoSuchFunction(StudentError):
    """There is no function of this name."""


class StudentProcess:
    """A submission's process, as the grader sees it: a socket from which nothing is believed."""

    def __init__(self, sandbox: Sandbox, channel: socket.socket):
        self.sandbox, self.limits = sandbox, sandbox.limits
        self._channel, self._buffer, self._number = channel, bytearray(), 0
        self._watched = time.monotonic()
        channel.setblocking(False)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self.sandbox.end()

    def run_cell(self, source: str, *, how: str = "whole", seconds: float | None = None) -> None:
        """Run a cell, "whole", in "pieces", or only its "definitions"; see `inside.cells`.

        Raises:
            StudentError: the cell raised.
            Broken: it did not come back.
        """
        self._request({"cell": source, "how": how}, seconds)

    def call(self, function: str, arguments: Sequence[Any], *, times: int = 1, seconds: float | None = None) -> list:
        """Run a function of the notebook, `times` times on the same objects; returns its answers as plain values."""
        return self.ask(function, arguments, times=times, seconds=seconds)[0]

    def ask(
        self,
        function: str,
        arguments: Sequence[Any],
        *,
        times: int = 1,
        gradient: bool = False,
        seconds: float | None = None,
    ) -> tuple[list[Any], list[Found]]:
        """Run a function of the notebook as `runner.run` does; returns its plain answers and what it left behind.

        Raises:
            StudentError: the function raised.
            NoSuchFunction: there is none of this name.
            Refused: its answer is too large, or cannot be compared.
            Broken: it did not come back.
        """
        options = {"times": times, "gradient": gradient}
        trees = [encode(a) for a in arguments]
        reply = self._request({"call": function, "args": trees, "options": options}, seconds)
        values, left = reply.get("values"), reply.get("left")
        if not isinstance(values, list) or len(values) != times or not _plausible(left, len(trees)):
            raise self._broken("Protocol", "it interfered with the grader")
        try:
            return [answer(v) for v in values], [tuple(one) for one in left]
        except NoAnswer as error:
            raise Refused(str(error)) from None

    def _request(self, request: dict, seconds: float | None) -> dict:
        if self._channel is None:
            raise Broken("Died", "the process has ended")
        seconds = self.limits.call if seconds is None else seconds
        self._number += 1
        text = json.dumps({"n": self._number, **request}).encode() + b"\n"
        reply = self._exchange(text, time.monotonic() + seconds, seconds)
        if not isinstance(reply, dict) or reply.get("n") != self._number:
            raise self._broken("Protocol", "it interfered with the grader")
        if reply.get("ok") is True:
            return reply
        if reply.get("missing") is True:
            raise NoSuchFunction("Missing", "there is no such function")
        if isinstance(reply.get("refused"), str):
            raise Refused(REASONS.get(reply["refused"], REASONS["other"]))
        kind, message, line = (
            reply.get(k) if isinstance(reply.get(k), str) else "" for k in ("kind", "message", "line")
        )
        if not kind.isidentifier() or len(kind) > 60:
            kind = "Exception"
        raise StudentError(kind, plain_text(message, 300), line=plain_text(line, 200))

    def _exchange(self, text: bytes, deadline: float, seconds: float) -> Any:
        """Send one line and read one, and look now and then at what the process uses."""
        poll = select.poll()
        end = self._buffer.find(b"\n")
        while text or end < 0:
            if len(self._buffer) > MAX_MESSAGE:
                raise self._broken("Size", f"its answer is larger than {MAX_MESSAGE // MB} MB")
            now = time.monotonic()
            if now >= deadline:
                raise self._broken("Timeout", f"it did not come back within {seconds:.0f} seconds")
            if now - self._watched > 0.3:
                self._watched = now
                over = self.sandbox.over_limit()
                if over:
                    raise self._broken(over, self._words(over))
            poll.register(self._channel, select.POLLIN | (select.POLLOUT if text else 0))
            try:
                for _, event in poll.poll(min(200, 1000 * max(deadline - now, 0.001))):
                    if event & select.POLLOUT and text:
                        text = text[self._channel.send(text[:65536]) :]
                    if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                        piece = self._channel.recv(1 << 20)
                        if not piece:
                            raise ConnectionResetError
                        self._buffer += piece
                        if end < 0:
                            end = self._buffer.find(b"\n", len(self._buffer) - len(piece))
            except BlockingIOError:
                continue
            except OSError:
                raise self._broken("Died", "its process ended") from None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return read_reply(line)
        except NoAnswer as error:
            raise Refused(str(error)) from None

    def _words(self, kind: str) -> str:
        if kind == "Memory":
            return f"it used more than {self.limits.memory // MB} MB of memory"
        return f"it started more than {self.limits.processes} processes"

    def _broken(self, kind: str, message: str) -> Broken:
        self.close()
        return Broken(kind, message)


def _plausible(left: Any, inputs: int) -> bool:
    """Whether this is a list of things that a call with so many inputs can leave behind."""
    possible = [[code, number] for code in OF_AN_INPUT for number in range(inputs)] + [
        [code, None] for code in EVERYWHERE
    ]
    return isinstance(left, list) and len(left) <= len(possible) and all(one in possible for one in left)
