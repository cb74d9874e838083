"""browser_sessions: sessions in real browsers at once, see bench/browser_sessions.

Every cell (an arm with so many sessions) starts from nothing: a server or a node process, a browser, sessions; then steps, then resets.
Arms alternate, in another order each round.
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "bench"), str(ROOT / "tests/clients"), str(ROOT / "tests/soak")]

from arms import PlaywrightArm, ProctorArm, Site
from common.measuring import Report, quantile
from common.memory import pss_mib

#: A reset that had time to get ready: how many, and the rest before each, in seconds.
RESTED, REST_SECONDS = 8, 0.5
STEPS, RESETS, MEMORY, RESTED_TABLE = ("steps", "resets back to back", "memory, MiB (proportional)",
                                       "reset of one session after a rest, ms")


def may_read_memory() -> bool:
    return os.geteuid() == 0


def memory(arm) -> tuple[float, float]:
    """Of the arm's browser, and of what drives it; in MiB."""
    return pss_mib(arm.browser_pids()), pss_mib(arm.driver_pids())


def facts(site: Site, options: argparse.Namespace) -> dict[str, object]:
    """What the figures depend on besides the machine."""
    package = pathlib.Path(options.node_modules) / "playwright-core" / "package.json"
    return {"browser": site.executable, "seconds": options.seconds,
            "playwright_core": json.loads(package.read_text(encoding="utf-8"))["version"] if options.node_modules else "left out",
            "memory": "measured" if may_read_memory() else "left out: needs root"}


def measure(arm, count: int, options: argparse.Namespace, report: Report) -> None:
    row = f"{arm.name}, {count} sessions"
    arm.start()
    try:
        idle = memory(arm) if may_read_memory() else None
        opened = arm.open(count)
        seconds, ms = arm.steps(options.seconds)
        busy = memory(arm) if idle else None
        report.add(STEPS, row, steps_per_s=len(ms) / seconds, p50_ms=quantile(ms, 0.5), p90_ms=quantile(ms, 0.9),
                   all_open_after_s=opened)
        if idle and busy:
            report.add(MEMORY, row, before=sum(idle), browser=busy[0], driver=busy[1], a_session=(sum(busy) - sum(idle)) / count)
        seconds, ms = arm.resets(options.seconds)
        report.add(RESETS, row, resets_per_min=60 * len(ms) / seconds, p50_ms=quantile(ms, 0.5), p90_ms=quantile(ms, 0.9))
        if count == 1:
            report.add(RESTED_TABLE, arm.name, p50_ms=statistics.median(arm.rested(RESTED, REST_SECONDS)))
    finally:
        arm.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/browser_sessions")
    parser.add_argument("--sessions", default="1,2,4,8,16", help="how many at once, one after another")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of steps, and of resets, in each cell")
    parser.add_argument("--node-modules", default="", help="where playwright-core is; empty: its arms are left out")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench/results/browser_sessions.json")
    options = parser.parse_args()
    counts = [int(count) for count in options.sessions.split(",")]
    report = Report("browser_sessions")
    with Site() as site:
        report.facts = facts(site, options)
        arms = [ProctorArm("proctor warm", prewarm=True), ProctorArm("proctor cold", prewarm=False)]
        if options.node_modules:
            arms += [PlaywrightArm(variant, site, options.node_modules) for variant in ("documented", "own-script")]
        for number in range(options.rounds):
            for count in counts:
                for i in range(len(arms)):
                    arm = arms[(i + number) % len(arms)]
                    print(f"\rround {number + 1}/{options.rounds}: {arm.name}, {count} sessions".ljust(60), end="", file=sys.stderr)
                    measure(arm, count, options, report)
        print("\r".ljust(61), end="\r", file=sys.stderr)
    report.print()
    if not may_read_memory():
        print(f"{MEMORY}: left out, needs root", flush=True)
    report.write(options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
