"""Memory of processes as the kernel shares it out."""
from __future__ import annotations

import pathlib
from typing import Iterable


def _field(path: str, name: str) -> float:
    """In MiB; 0 if the process is gone. What may not be read is an error: 0 would pass for a measurement."""
    try:
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def pss_mib(pids: Iterable[int]) -> float:
    """Proportional set size: pages that several processes share are counted once in all. Needs root: without it the kernel
    shows no sandboxed process's. PermissionError where one may not be read."""
    return sum(_field(f"/proc/{pid}/smaps_rollup", "Pss") for pid in pids)


def resident_mib(pid: int) -> float:
    return _field(f"/proc/{pid}/status", "VmRSS")


def peak_resident_mib(pid: int) -> float:
    return _field(f"/proc/{pid}/status", "VmHWM")
