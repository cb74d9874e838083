"""Sessions held at once: see bench/many_sessions."""
from __future__ import annotations

import argparse
import math
from typing import Any

import harness

#: Of one connection; the server's limit (connections.max_calls) is 1,000.
SESSIONS_PER_CONNECTION = 250


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/many_sessions", description=__doc__)
    parser.add_argument("--sessions", default="128,1000,2000,2500,3000,3500,4000,5000,6000,8000",
                        help="levels, raised until success falls below 95 %%")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="measured at each level")
    parser.add_argument("--sleep", type=float, default=1.0, help="seconds that the world sleeps in a step")
    parser.add_argument("--limit", type=float, default=2.0, help="seconds; a step that takes longer has failed")
    parser.add_argument("--durability", choices=["power", "process"], default="power")
    return parser.parse_args()


def success(run: dict[str, Any], options: argparse.Namespace) -> float:
    """The share of steps acknowledged in time. A session that is not there counts with the steps that it would have taken."""
    missing = run["broken"] * math.ceil(options.seconds / options.sleep)
    return run["succeeded"] / max(1, run["sent"] + missing)


def at_level(sessions: int, options: argparse.Namespace) -> dict[str, Any]:
    """So many sessions on a server of their own: what earlier ones left in its memory would count as theirs."""
    # All else, threads included, is as by default: what sleeps holds no thread.
    config = harness.no_browsers(durability=options.durability)
    with harness.scratch() as folder, harness.proctord(folder, config) as server:
        idle = server.memory()
        run = harness.run_load({"target": server.target, "streams": sessions, "step-delay": options.sleep, "limit": options.limit,
                                "channels": math.ceil(sessions / SESSIONS_PER_CONNECTION), "warm-up": 3,
                                "seconds": options.seconds}, server)
    run["success"] = success(run, options)
    run["kib_per_session"] = 1024 * (run["RssAnon"] - idle["RssAnon"]) / max(1, run["opened"])
    run["idle_mib"] = idle["VmRSS"]
    return run


def ramp(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Levels raised until too few steps succeed."""
    levels = []
    for sessions in map(int, options.sessions.split(",")):
        run = at_level(sessions, options)
        levels.append(run)
        harness.progress(f"{sessions} sessions: {run['success']:.2%} of {run['sent']} steps, {run['per_second']:.0f}/s, "
                         f"p99 {run['p99_ms']:.0f} ms {run['first_error']}")
        if run["success"] < 0.95:
            break
    return levels


def main() -> None:
    options = arguments()
    harness.end_cleanly_on_sigterm()
    hardware = harness.hardware()
    runs = [ramp(options) for _ in range(options.runs)]
    print(hardware)
    print(f"null environment sleeping {options.sleep:g} s a step, every step recorded (durability: {options.durability}), one Act stream a "
          f"session in lockstep over loopback TCP, load on the same cores; a step succeeds if it is acknowledged without error within "
          f"{options.limit:g} s; {options.seconds:g} s a level, {options.runs} runs: median (least-most)\n")
    rows = []
    for at in range(max(map(len, runs))):
        level = [run[at] for run in runs if len(run) > at]
        rows.append([f"{level[0]['streams']:,}", len(level), harness.spread([100 * run["success"] for run in level], 2),
                     harness.spread(harness.column(level, "per_second")), harness.spread(harness.column(level, "p50_ms")),
                     harness.spread(harness.column(level, "p99_ms")), harness.spread(harness.column(level, "record_p50_ms"), 1),
                     harness.spread(harness.column(level, lambda run: 100 * run["server_cpu_seconds"] / run["seconds"])),
                     harness.spread(harness.column(level, "VmRSS")), harness.spread(harness.column(level, "kib_per_session"))])
    harness.table(["sessions", "runs", "success, %", "steps/s", "p50, ms", "p99, ms", "recording, p50, ms", "server CPU, % of a core",
                   "server RSS, MiB", "KiB a session"], rows)
    held = [max((run["streams"] for run in ramp if run["success"] >= 0.95), default=0) for ramp in runs]
    print(f"held at 95 % or more: {harness.spread(held)} sessions; server at start {runs[0][0]['idle_mib']:.0f} MiB")
    print("For comparison, published by OpenEnv (tutorial/03-scaling.md, an environment that only sleeps): a Hugging Face Space with 2 vCPU, "
          "128 sessions, 48 requests/s, p99 2.68 s; 8 cores, 2,048 sessions, 932 requests/s, p99 1.97 s. Other hardware, network and load: "
          "no ratio is claimed.")
    harness.write_json("many_sessions", {"hardware": hardware, "options": vars(options), "runs": runs,
                                         "held": held})


if __name__ == "__main__":
    main()
