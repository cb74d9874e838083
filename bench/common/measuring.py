"""What benchmarks share: the hardware line, repeated figures with median and spread, a table, JSON."""
from __future__ import annotations

import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]


def hardware() -> dict[str, Any]:
    """The machine, as far as it bears on figures."""
    processors = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")]
    memory_kib = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    return {"processor": processors[0] if processors else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(memory_kib / 2**20, 1), "kernel": platform.release()}


def load() -> str:
    return " ".join(pathlib.Path("/proc/loadavg").read_text().split()[:3])


def commit() -> str:
    """Of the working tree, with "-dirty" if it differs from it."""
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def quantile(values: list[float], share: float) -> float:
    """0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def number(value: float) -> str:
    if value and abs(value) < 10:
        return f"{value:.2f}"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


class Report:
    """Figures of a benchmark, by row and column, each measured several times."""

    def __init__(self, name: str):
        self.name = name
        self.begin = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self.hardware = hardware()
        self.commit = commit()
        self.load_before = load()
        self.facts: dict[str, Any] = {}
        self._rows: dict[str, dict[str, dict[str, list[float]]]] = {}
        print(f"{self.hardware['cores']} cores of {self.hardware['processor']}, {self.hardware['memory_gib']} GiB, "
              f"Linux {self.hardware['kernel']}; commit {self.commit}; load before: {self.load_before}", flush=True)

    def add(self, table: str, row: str, **figures: float) -> None:
        """One more measurement of a row."""
        columns = self._rows.setdefault(table, {}).setdefault(row, {})
        for name, value in figures.items():
            columns.setdefault(name, []).append(float(value))

    def print(self) -> None:
        """Every table: medians, least and most in brackets."""
        for table, rows in self._rows.items():
            columns = list(dict.fromkeys(name for figures in rows.values() for name in figures))
            cells = [[row, *(self._cell(figures.get(name, [])) for name in columns),
                      str(max(map(len, figures.values())))] for row, figures in rows.items()]
            lines = [["", *columns, "runs"], *cells]
            widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
            print(f"\n{table}")
            for line in lines:
                print(line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:])), sep="  ")
        print(f"\nload after: {load()}", flush=True)

    def write(self, path: pathlib.Path) -> None:
        """The same as JSON, with every single measurement."""
        tables = {table: {row: {name: {"median": statistics.median(values), "least": min(values), "most": max(values),
                                       "values": values} for name, values in figures.items()}
                          for row, figures in rows.items()} for table, rows in self._rows.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({
            "benchmark": self.name, "begin": self.begin, "commit": self.commit, "command": sys.argv, "hardware": self.hardware,
            "load_before": self.load_before, "load_after": load(), "facts": self.facts, "tables": tables}, indent=1) + "\n")
        print(f"written: {path}", flush=True)

    @staticmethod
    def _cell(values: list[float]) -> str:
        if not values:
            return "-"
        middle = number(statistics.median(values))
        return middle if len(values) == 1 else f"{middle} ({number(min(values))}-{number(max(values))})"
