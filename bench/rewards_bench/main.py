"""rewards: the reward path, see bench/rewards. Runs the measurements of proctor_rewards_bench several times, in turn, and sums them up."""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/clients")]

from common.measuring import Report
from common.memory import peak_resident_mib, resident_mib
from proctord import Proctord

BENCH = ROOT / "build/bench/bench/proctor_rewards_bench"
#: No measurement takes longer.
PATIENCE_SECONDS = 300
CONSUMERS = (1, 8, 64)
#: Rewards a second where latency is measured.
RATE = 1000
STALLED = 8
CONFIG = "environments: {web: {enabled: false}, practice: {enabled: false}}\n"


def run(measurement: str, **flags: object) -> dict[str, float]:
    command = [str(BENCH), measurement, *(f"--{name}={value}" for name, value in flags.items())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Rewards:
    def __init__(self, options: argparse.Namespace, folder: pathlib.Path):
        self.options = options
        self.folder = folder
        self.report = Report("rewards")

    def measure(self) -> None:
        for number in range(self.options.rounds):
            for part, work in (("room", self.room), ("wire", self.wire)):
                if part in self.options.parts:
                    print(f"\rround {number + 1}/{self.options.rounds}: {part}".ljust(61), end="", file=sys.stderr)
                    work()
        if "restart" in self.options.parts:
            self.restart()
        print("\r".ljust(61), end="\r", file=sys.stderr)

    # The room's classes alone.

    def room(self) -> None:
        for consumers in CONSUMERS:
            self.report.add("room: as fast as 16 threads can append", f"{consumers} consumers", **self._stream(consumers=consumers))
        for consumers in CONSUMERS:
            self.report.add(f"room: {RATE:,} a second", f"{consumers} consumers", **self._stream(consumers=consumers, rate=RATE))
        self.report.add(f"room: {RATE:,} a second", f"8 consumers and {STALLED} stalled",
                        **self._stream(consumers=8, rate=RATE, stalled=STALLED))

    def _stream(self, **flags: object) -> dict[str, float]:
        directory = self.folder / "stream"
        try:
            return run("stream", directory=directory, seconds=self.options.seconds, **flags)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    # Over gRPC, episodes of the null environment.

    def wire(self) -> None:
        with Server(start=True) as server:
            for consumers, stalled in ((1, 0), (8, 0), (8, STALLED), (64, 0)):
                row = f"{consumers} consumers" + (f" and {stalled} that never read" if stalled else "")
                self.report.add("gRPC: episodes of one step in 16 null sessions", row, **run(
                    "episodes", address=server.address, consumers=consumers, stalled=stalled, seconds=self.options.seconds))

    # A million rewards that nobody has acknowledged.

    def restart(self) -> None:
        records = self.options.unacked
        self.report.facts["unacked"] = records
        with Server(start=False) as server:
            print(f"\rwriting {records:,} rewards".ljust(61), end="", file=sys.stderr)
            run("fill", directory=server.data, records=records)
            size = sum(path.stat().st_size for path in server.data.iterdir() if path.is_file())
            self.report.facts["log_bytes"] = size
            for _ in range(self.options.restarts):
                print(f"\rrestarting with {records:,} unacknowledged rewards".ljust(61), end="", file=sys.stderr)
                self._forget_cached(server.data)
                self.report.add(f"room: opened with {records:,} unacknowledged, nothing cached", "one consumer",
                                **run("restart", directory=server.data))
                self._restart_server(server)

    def _restart_server(self, server: Proctord) -> None:
        records = self.options.unacked
        self._forget_cached(server.data)
        begin = time.monotonic()
        server.start()
        ready = time.monotonic() - begin
        pid = server.process.pid
        idle = resident_mib(pid)
        first = run("drain", address=server.address, consumers=1, records=1)
        self.report.add(f"proctord: started with {records:,} unacknowledged, nothing cached", "one consumer",
                        ready_ms=1000 * ready, first_record_ms=1000 * ready + first["first_p50_ms"], resident_mib=idle)
        drained = min(self.options.drained, records)
        for consumers in CONSUMERS:
            figures = run("drain", address=server.address, consumers=consumers, records=drained // consumers)
            self.report.add(f"gRPC: reading {drained:,} old rewards in all", f"{consumers} consumers", **figures,
                            server_peak_mib=peak_resident_mib(pid))
        if server.stop() != 0:
            raise RuntimeError("proctord did not stop well:\n" + server.log.read_text()[-2000:])

    @staticmethod
    def _forget_cached(directory: pathlib.Path) -> None:
        """Pages of the files leave the kernel's memory, as after a reboot."""
        for path in directory.rglob("*"):
            if path.is_file():
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(handle)


class Server:
    """A proctord with the null environment alone, stopped and removed at the end."""

    def __init__(self, start: bool):
        self.server = Proctord("--log-level", "error")
        self.server.data.mkdir(mode=0o700)
        config = self.server.folder / "proctord.yaml"
        config.write_text(CONFIG)
        self.server.flags += ("--config", str(config))
        self._start = start

    def __enter__(self) -> Proctord:
        return self.server.start() if self._start else self.server

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/rewards")
    parser.add_argument("--parts", default="room,wire,restart", type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int, default=3, help="of room and wire")
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement of room and wire")
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--unacked", type=int, default=1_000_000, help="rewards in the log at a restart")
    parser.add_argument("--drained", type=int, default=200_000, help="old rewards that consumers read, all together")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench/results/rewards.json")
    options = parser.parse_args()
    if unknown := set(options.parts) - {"room", "wire", "restart"}:
        parser.error(f"--parts: unknown: {', '.join(sorted(unknown))}; known: room, wire, restart")
    with tempfile.TemporaryDirectory(prefix="proctor-bench-") as folder:
        rewards = Rewards(options, pathlib.Path(folder))
        rewards.measure()
    rewards.report.print()
    rewards.report.write(options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
