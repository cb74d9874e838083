"""Processes as /proc shows them."""
from __future__ import annotations

import pathlib
import time
from typing import Callable, NamedTuple


class ProcessId(NamedTuple):
    """A process for good: pids come back, a pid with its start time does not."""

    pid: int
    start: str


def _stat(pid: int) -> list[str]:
    """State, parent, ... of a process; empty if there is none."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def alive(process: ProcessId) -> bool:
    """A zombie is as good as gone."""
    fields = _stat(process.pid)
    return bool(fields) and fields[0] != "Z" and fields[19] == process.start


def command_line(pid: int) -> list[str]:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def descendants(root: int) -> set[ProcessId]:
    """All living processes below `root`."""
    children: dict[int, list[ProcessId]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(ProcessId(int(entry.name), fields[19]))
    found: set[ProcessId] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child.pid)
    return {process for process in found if alive(process)}


def browsers(root: int) -> list[ProcessId]:
    """The main processes of the browsers below `root`."""
    def is_browser(process: ProcessId) -> bool:
        line = " ".join(command_line(process.pid))
        return "--user-data-dir=" in line and "--type=" not in line
    return sorted(filter(is_browser, descendants(root)))


def renderers(root: int) -> int:
    """How many processes below `root` show pages."""
    return sum("--type=renderer" in " ".join(command_line(p.pid)) for p in descendants(root))


def wait_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Polls; TimeoutError with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout} s still not: {what}")
        time.sleep(0.05)
