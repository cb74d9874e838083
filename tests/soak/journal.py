"""A journal that survives `kill -9` of its writer: one JSON object a line, each written by one call."""
from __future__ import annotations

import json
import os
import pathlib
import threading
from typing import Any


class Journal:
    """Appends; thread-safe."""

    def __init__(self, path: str):
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()

    def write(self, **entry: Any) -> None:
        with self._lock:
            os.write(self._file, json.dumps(entry).encode() + b"\n")


def read_journal(path: pathlib.Path) -> list[dict[str, Any]]:
    """All whole entries of a journal; none if there is no such file."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]
