"""What another process says, line by line."""
from __future__ import annotations

import os
import select
import time
import typing


class Lines:
    """Of a pipe that nobody else reads."""

    def __init__(self, pipe: typing.IO):
        self.pipe = pipe
        self.rest = b""

    def next(self, timeout: float = 60.0) -> str:
        """The next line, without its end. TimeoutError: it did not come; EOFError: none comes any more."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.pipe], [], [], left)[0]:
                raise TimeoutError(f"no line within {timeout:g} s, but {self.rest!r}")
            said = os.read(self.pipe.fileno(), 1 << 16)
            if not said:
                raise EOFError(f"the output ended with {self.rest!r}")
            self.rest += said
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()
