"""What a server holds while nobody uses it."""
from __future__ import annotations

import os
import pathlib
from typing import NamedTuple

from processes import descendants, renderers


class AtRest(NamedTuple):
    files: int
    threads: int
    processes: int
    pages: int
    temporary: int
    resident_kib: int


def look(pid: int, folders: list[pathlib.Path]) -> AtRest:
    """Open files, threads, processes below the server, pages in its browsers, entries of `folders`, memory."""
    proc = pathlib.Path(f"/proc/{pid}")
    resident = next(int(line.split()[1]) for line in (proc / "status").read_text().splitlines() if line.startswith("VmRSS:"))
    return AtRest(files=len(os.listdir(proc / "fd")), threads=len(os.listdir(proc / "task")), processes=len(descendants(pid)),
                  pages=renderers(pid), temporary=sum(len(list(folder.iterdir())) for folder in folders if folder.exists()),
                  resident_kib=resident)
