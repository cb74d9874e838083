"""Live progress for people: one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time


class Progress:
    """A named bar: `step()` moves it on, `done()` ends it with a summary."""

    def __init__(self, name: str, total: int):
        self.name, self.total, self.count = name, total, 0
        self.live = sys.stderr.isatty()
        self.began = self.shown = time.monotonic()
        self.note = ""

    def step(self, note: str = "") -> None:
        self.count += 1
        self.note = note or self.note
        now = time.monotonic()
        if self.live and (now - self.shown > 0.1 or self.count == self.total):
            self.shown = now
            filled = int(24 * self.count / max(1, self.total))
            bar = "#" * filled + "." * (24 - filled)
            sys.stderr.write(f"\r\033[K{self.name} [{bar}] {self.count}/{self.total} {self.note}")
            sys.stderr.flush()

    def done(self, summary: str) -> None:
        start = "\r\033[K" if self.live else ""
        sys.stderr.write(f"{start}{self.name}: {summary} ({time.monotonic() - self.began:.0f} s)\n")
        sys.stderr.flush()
