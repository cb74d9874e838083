"""What a server holds while nobody uses it."""
from __future__ import annotations

import os
import pathlib
from typing import NamedTuple

from processes import browsers, descendants, renderers


class AtRest(NamedTuple):
    """Browsers come and go with the load; what belongs to them is told for each."""

    files: int
    threads: int
    browsers: int
    processes_a_browser: float
    pages_a_browser: float
    temporary_a_browser: float
    resident_kib: int


def look(pid: int, folders: list[pathlib.Path]) -> AtRest:
    """Open files, threads, browsers; processes below the server, pages shown, entries of `folders`; memory."""
    proc = pathlib.Path(f"/proc/{pid}")
    resident = next(int(line.split()[1]) for line in (proc / "status").read_text().splitlines() if line.startswith("VmRSS:"))
    count = len(browsers(pid))
    each = max(1, count)
    temporary = sum(len(list(folder.iterdir())) for folder in folders if folder.exists())
    return AtRest(files=len(os.listdir(proc / "fd")), threads=len(os.listdir(proc / "task")), browsers=count,
                  processes_a_browser=len(descendants(pid)) / each, pages_a_browser=renderers(pid) / each,
                  temporary_a_browser=temporary / each, resident_kib=resident)
