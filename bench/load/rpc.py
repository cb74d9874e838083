"""Steps a second over gRPC, with and without recording: see bench/rpc."""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from typing import Any, Callable

import harness

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = {"PYTHONPATH": str(harness.BUILD / "python")}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/rpc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="measured for each arm in a round")
    parser.add_argument("--streams", type=int, default=64, help="of the arms with many streams")
    parser.add_argument("--channels", type=int, default=4, help="connections that these are spread over")
    return parser.parse_args()


class NullServicer(harness.Process):
    """null_servicer.py of one kind, or null_servicer.cc ("bare")."""

    def __init__(self, folder: pathlib.Path, kind: str, replies: pathlib.Path):
        log = folder / f"servicer-{kind}.log"
        command = [sys.executable, str(HERE / "null_servicer.py"), f"--replies={replies}", f"--kind={kind}"]
        if kind == "bare":
            command = [str(harness.BUILD / "bench" / "proctor_null_servicer"), str(replies)]
        super().__init__(command, log, PYTHON)
        deadline = time.monotonic() + 60
        while not log.read_text().endswith("\n"):
            if not self.running() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the null servicer ({kind}) did not start:\n" + log.read_text())
            time.sleep(0.05)
        self.target = "127.0.0.1:" + log.read_text().strip()


def python_client(options: argparse.Namespace, server: Any) -> dict[str, Any]:
    before = server.cpu_seconds()
    done = subprocess.run([sys.executable, str(HERE / "python_client.py"), f"--target={server.target}", f"--seconds={options.seconds}"],
                          env={**os.environ, **PYTHON}, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return {**json.loads(done.stdout), "server_cpu_seconds": server.cpu_seconds() - before}


def act_load(options: argparse.Namespace, server: Any, verb: str, streams: int) -> dict[str, Any]:
    run = harness.run_load({"target": server.target, "verb": verb, "streams": streams, "seconds": options.seconds, "warm-up": 1,
                            "limit": 30, "channels": min(streams, options.channels)}, server)
    if run["succeeded"] < run["sent"] or run["broken"]:
        raise RuntimeError(f"not every request succeeded: {run}")
    return run


#: Arms: a name, which server, what is asked. The last one is the Python client.
ARMS = (("Proctor, nothing recorded (Observe)", "power", "observe"),
        ("Proctor, steps recorded, durability process", "process", "step"),
        ("Proctor, steps recorded, durability power", "power", "step"),
        ("null Python servicer, threads, Observe", "sync", "observe"),
        ("null Python servicer, threads, Step", "sync", "step"),
        ("null Python servicer, asyncio, Observe", "aio", "observe"),
        ("null Python servicer, asyncio, Step", "aio", "step"),
        ("null C++ servicer: gRPC alone, Step", "bare", "step"))
CLIENT_ARMS = (("Proctor, durability process", "process"), ("Proctor, durability power", "power"), ("null Python servicer, threads", "sync"))


def measure(options: argparse.Namespace, servers: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Runs by (column, arm); the arms alternate, in turned order every other round."""
    arms: list[tuple[tuple[str, str], Callable[[], dict[str, Any]]]] = []
    for streams in (1, options.streams):
        for name, server, verb in ARMS:
            arms.append(((str(streams), name), lambda server=servers[server], verb=verb, streams=streams:
                         act_load(options, server, verb, streams)))
    for name, server in CLIENT_ARMS:
        arms.append((("client", name), lambda server=servers[server]: python_client(options, server)))
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {key: [] for key, _ in arms}
    for number in range(options.rounds):
        for key, run in arms if number % 2 == 0 else reversed(arms):
            runs[key].append(run())
            harness.progress(f"round {number + 1}, {key[0]:>6} {key[1]}: {runs[key][-1]['per_second']:,.0f}/s")
    return runs


def median(runs: list[dict[str, Any]], name: str = "per_second") -> float:
    return statistics.median(run[name] for run in runs)


def report(options: argparse.Namespace, runs: dict[tuple[str, str], list[dict[str, Any]]]) -> dict[str, float]:
    """Prints the tables; returns the figures that have a bar."""
    figures: dict[str, float] = {}
    for streams in ("1", str(options.streams)):
        best = max(median(runs[streams, name]) for name, server, _ in ARMS if server in ("sync", "aio"))
        rows = []
        for name, server, verb in ARMS:
            arm = runs[streams, name]
            recorded = verb == "step" and server in ("power", "process")
            rows.append([name, harness.spread(harness.column(arm, "per_second")), f"{median(arm) / best:.2f}",
                         harness.spread(harness.column(arm, "p50_ms"), 2), harness.spread(harness.column(arm, "p99_ms"), 2),
                         harness.spread(harness.column(arm, "record_p50_ms"), 2) if recorded else "",
                         harness.spread(harness.column(arm, lambda run: 1e6 * run["server_cpu_seconds"] / (run["per_second"] * run["seconds"])))])
            figures[f"{streams} {name}"] = median(arm)
            figures[f"{streams} {name}, ratio"] = median(arm) / best
        print(f"{streams} stream{'s' if streams != '1' else ''} in lockstep, C++ load; ratio: to the best Python servicer of this table\n")
        harness.table(["arm", "requests/s", "ratio", "p50, ms", "p99, ms", "recording, p50, ms", "server CPU a request, us"], rows)
    print("1 session in lockstep, the Python client (proctor.Env.step)\n")
    harness.table(["arm", "steps/s", "p50, ms", "p99, ms"],
                  [[name, *(harness.spread(harness.column(runs["client", name], what), digits)
                            for what, digits in (("per_second", 0), ("p50_ms", 2), ("p99_ms", 2)))] for name, _ in CLIENT_ARMS])
    return figures


def bars(options: argparse.Namespace, figures: dict[str, float]) -> None:
    bare, power = ARMS[0][0], ARMS[2][0]
    many = str(options.streams)

    def times(streams: str, kind: str) -> float:
        return figures[f"{streams} {bare}"] / max(figures[f"{streams} {name}"] for name, server, _ in ARMS if server == kind)

    harness.table(["bar", "wanted", "measured", ""], [
        [what, f"{wanted:,}", f"{got:,.{digits}f}", "met" if got >= wanted else "**missed**"] for what, wanted, got, digits in (
            *((f"{streams} stream{'s' * (streams != '1')}, nothing recorded, times the Python servicer ({how})", wanted, times(streams, kind), 2)
              for streams, wanted in (("1", 2), (many, 5)) for kind, how in (("sync", "threads"), ("aio", "asyncio"))),
            (f"{many} streams, recorded power-safe, steps/s", 5000, figures[f"{many} {power}"], 0))])


def main() -> None:
    options = arguments()
    harness.end_cleanly_on_sigterm()
    hardware = harness.hardware()
    with harness.scratch() as folder:
        servers: dict[str, Any] = {}
        try:
            for durability in ("power", "process"):
                config = harness.no_browsers(durability=durability)
                servers[durability] = harness.Proctord(folder / durability, config)
            replies = folder / "replies.json"
            subprocess.run([sys.executable, str(HERE / "python_client.py"), f"--target={servers['power'].target}", f"--replies={replies}"],
                           env={**os.environ, **PYTHON}, check=True, timeout=60)
            for kind in ("sync", "aio", "bare"):
                servers[kind] = NullServicer(folder, kind, replies)
            runs = measure(options, servers)
        finally:
            for server in servers.values():
                server.stop()
    print(hardware)
    print(f"loopback TCP, {options.channels} connections for {options.streams} streams; every request observes four elements; load and server "
          f"on the same cores; {options.rounds} rounds of {options.seconds:g} s an arm, alternating: median (least-most)\n")
    figures = report(options, runs)
    bars(options, figures)
    harness.write_json("rpc", {"hardware": hardware, "options": vars(options), "figures": figures,
                               "runs": [{"column": column, "arm": arm, "runs": each} for (column, arm), each in runs.items()]})


if __name__ == "__main__":
    main()
