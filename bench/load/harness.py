"""What the load benchmarks share: a proctord of their own, what a process uses, medians with spread, tables and JSON."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Iterator, Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A running child; stopped by SIGTERM, and if that does not do by SIGKILL."""

    def __init__(self, command: Sequence[str], log: pathlib.Path, environment: dict[str, str] | None = None):
        with open(log, "ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(environment or {})})
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, timeout: float = 60.0) -> None:
        if self.running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(30)

    def cpu_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> dict[str, float]:
        """MiB: now (VmRSS, of it not file-backed: RssAnon) and at most so far (VmHWM)."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon", "VmHWM")}

    def threads(self) -> int:
        return len(list(pathlib.Path(f"/proc/{self.pid}/task").iterdir()))


class Proctord(Process):
    """On a data directory in `folder`; answers when made."""

    def __init__(self, folder: pathlib.Path, config: dict[str, Any], timeout: float = 120.0):
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        path = folder / "proctord.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML.
        addresses = self.data / "addresses.json"
        addresses.unlink(missing_ok=True)
        super().__init__([str(BUILD / "server" / "proctord"), "--config", str(path), "--data-dir", str(self.data), "--listen", "127.0.0.1:0",
                          "--log-level", "warning"], folder / "proctord.log")
        deadline = time.monotonic() + timeout
        while not (addresses.exists() and addresses.read_text().endswith("\n")):
            if not self.running() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("proctord did not start:\n" + self.log.read_text())
            time.sleep(0.05)
        self.addresses: dict[str, str] = json.loads(addresses.read_text())

    @property
    def target(self) -> str:
        """Loopback TCP: what a client on another machine would use."""
        return self.addresses["grpc"]


@contextlib.contextmanager
def proctord(folder: pathlib.Path, config: dict[str, Any]) -> Iterator[Proctord]:
    server = Proctord(folder, config)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def scratch() -> Iterator[pathlib.Path]:
    """A folder below TMPDIR: choose the disk that counts. Removed afterwards."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def no_browsers(**more: Any) -> dict[str, Any]:
    """A configuration for the null environment, episodes as long as they may be, so that few begin while it is measured."""
    return {"environments": {"web": {"enabled": False}, "practice": {"enabled": False}, "null": {"max_sessions": 10_000}},
            "default_limits": {"max_steps": 10_000, "max_duration": "24h"}, **more}


def run_load(options: dict[str, Any], server: Process) -> dict[str, Any]:
    """One run of proctor_act_load; its result, with what the server used in the time measured."""
    command = [str(BUILD / "bench" / "proctor_act_load"), *(f"--{name}={value}" for name, value in options.items())]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = {}
    before = after = 0.0
    try:
        for line in load.stdout:
            told = json.loads(line)
            if told.get("event") == "measuring":
                before = server.cpu_seconds()
            elif told.get("event") == "measured":
                after = server.cpu_seconds()
                result.update(server.memory(), threads=server.threads())
            else:
                result.update(told)
        if load.wait(60) != 0:
            raise RuntimeError(f"the load failed: {' '.join(command)}")
    finally:
        load.kill()  # Nothing, if it is over.
        load.wait(30)
    result["server_cpu_seconds"] = after - before
    return result


def hardware() -> str:
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown processor")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    load = " ".join(pathlib.Path("/proc/loadavg").read_text().split()[:3])
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return (f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, kernel {os.uname().release}, load before {load}; "
            f"commit {commit or 'unknown'}, {time.strftime('%Y-%m-%d')}")


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median (least-most)."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def column(runs: Sequence[dict[str, Any]], name: str | Callable[[dict[str, Any]], float]) -> list[float]:
    return [name(run) if callable(name) else run[name] for run in runs]


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """In Markdown, so that it can be copied."""
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def write_json(name: str, content: dict[str, Any]) -> None:
    path = BUILD / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"all numbers: {path}")


def end_cleanly_on_sigterm() -> None:
    """So that servers and folders go where the benchmark is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
