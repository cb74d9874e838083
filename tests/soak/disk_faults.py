"""Disk faults: as kill_rounds.py, but what fails is the disk.

In each round writes fail, syncs fail or the disk is full for a while under load, in the server's data directory; in half of the rounds the
server is killed meanwhile. The same is compared at the end: nothing acknowledged is lost, nothing is rewarded twice, and what a fault ended
is masked, never 0.

usage: disk_faults.py [--rounds N] [--seed N] [--json FILE]    with $PROCTORD naming the server and $FAULTY_DISK the library to preload
"""
from __future__ import annotations

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parents[1] / "bench")]

from common.measuring import Report
from faulty_disk import FaultyDisk
from kill_rounds import Soak, main
from processes import wait_until
from proctor.v1 import reward_pb2

#: How long a fault lasts at least.
FAULT_SECONDS = (0.3, 2.0)
#: How long it lasts at most, if nobody writes anything.
PATIENCE_SECONDS = 30.0


class DiskFaults(Soak):
    NAME = "disk_faults"
    KINDS = tuple((kind, world) for kind in ("write", "sync", "full") for world in ("practice", "null"))
    WHAT = "the disk fails: {}"

    def __init__(self, rounds: int, seed: int, report: Report):
        super().__init__(rounds, seed, report)
        self.disk = FaultyDisk(self.server)
        self.failures_before = 0
        report.facts |= {"calls_failed": 0, "servers_killed": 0}

    def happen(self, kind: str, killed: int) -> None:
        self.failures_before = self.disk.failures()
        dies = self.random.random() < 0.5
        self.disk.order(kind)
        try:
            time.sleep(self.random.uniform(*FAULT_SECONDS))
            # An agent that is between two calls, or all of them done: then nothing is met, and the round counts for nothing.
            try:
                wait_until(lambda: self.disk.failures() >= self.failures_before + 1
                           or not any(agent.poll() is None for agent in self.agents), PATIENCE_SECONDS, "a failure")
            except TimeoutError:
                print("  nothing was written", flush=True)
            if dies:
                self.server.kill9()
        finally:
            self.disk.order("none")
        self.report.facts["calls_failed"] = self.disk.failures()
        if dies:
            self.report.facts["servers_killed"] += 1
            print("  and the server is killed", flush=True)
            self.server_died()

    def delivered(self, group: str) -> bool:
        # Whoever reads rewards goes on by itself: its stream is opened again.
        for name, consumer in self.consumers.items():
            if consumer.poll() is not None:
                raise RuntimeError(f"the consumer {name} ended with exit code {consumer.returncode}")
        return super().delivered(group)

    def was_met(self, kind: str, group: str, redelivered: int) -> bool:
        return self.disk.failures() > self.failures_before and reward_pb2.MASK_REASON_SERVER_FAULT in self.masks(group)


if __name__ == "__main__":
    sys.exit(main(DiskFaults, "rounds of disk faults", __doc__))
