"""Memory for trajectories held open, read back and exported: see bench/trajectory_memory."""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import queue
import statistics
import subprocess
import sys
import time
from typing import Any, Iterator

import harness
import pictures

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(harness.BUILD / "python"))
import proctor  # noqa: E402
from proctor.v1 import (episode_pb2, observation_pb2, task_pb2, trajectory_pb2, trajectory_service_pb2 as trajectory_pb)  # noqa: E402

PATIENCE = 120.0
KINDS = ("screenshots", "noise")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/trajectory_memory", description=__doc__)
    parser.add_argument("--trajectories", type=int, default=32)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pictures", default=",".join(KINDS), help="which kinds")
    options = parser.parse_args()
    for kind in options.pictures.split(","):
        if kind not in KINDS:
            parser.error(f"--pictures: {' or '.join(KINDS)}, not {kind!r}")
    return options


class Recording:
    """A RecordTrajectory stream that stays open until it is told to end."""

    def __init__(self, client: proctor.Client, number: int):
        self._messages: queue.SimpleQueue[trajectory_pb.RecordTrajectoryRequest | None] = queue.SimpleQueue()
        self._turns = 0
        self._reply = client.trajectories.RecordTrajectory.future(self._sent(), timeout=600)
        task = task_pb2.Task(goal=f"Find the cheapest item of shelf {number}.", environment="environments/web")
        self._send(header=trajectory_pb.RecordHeader(inline_task=task, policy=episode_pb2.PolicyRef(policy="memory"),
                                                     client_tags={"number": str(number)}, recorder="trajectory_memory"))

    def _sent(self) -> Iterator[trajectory_pb.RecordTrajectoryRequest]:
        while (message := self._messages.get()) is not None:
            yield message

    def _send(self, **part: Any) -> None:
        self._messages.put(trajectory_pb.RecordTrajectoryRequest(**part))

    def turn(self, picture: bytes) -> None:
        digest = hashlib.sha256(picture).hexdigest()
        self._send(blob=trajectory_pb.RecordBlob(digest=digest, data=picture))
        image = observation_pb2.Image(digest=digest, format=observation_pb2.IMAGE_FORMAT_PNG, width_px=pictures.WIDTH,
                                      height_px=pictures.HEIGHT)
        step = trajectory_pb2.Step(index=self._turns, action=proctor.click((300, 200)),
                                   observation=observation_pb2.Observation(url="http://shop.localhost/", screenshot=image))
        self._send(step=step)
        self._turns += 1

    def end(self) -> str:
        self._send(end=trajectory_pb.RecordEnd(end_kind=episode_pb2.END_KIND_TERMINATED, end_reason=episode_pb2.END_REASON_GAVE_UP))
        self._messages.put(None)
        return self._reply.result(PATIENCE).name


def await_steps(client: proctor.Client, trajectories: int, turns: int) -> None:
    """Until the server has recorded all of them."""
    deadline = time.monotonic() + PATIENCE
    while True:
        listed = client.call(client.trajectories.ListTrajectories, trajectory_pb.ListTrajectoriesRequest(page_size=1000)).trajectories
        done = sum(len(client.get_trajectory(one.name).steps) == turns for one in listed)
        if done == trajectories:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{done} of {trajectories} trajectories were recorded within {PATIENCE:g} s")
        time.sleep(0.5)


def draw(kind: str, trajectory: int, turns: int) -> list[bytes]:
    if kind == "noise":
        return [pictures.noise(1000 * trajectory + turn) for turn in range(turns)]
    page = pictures.Page(trajectory)
    return [page.at(turn) for turn in range(turns)]


def forget_peak(server: harness.Process) -> None:
    pathlib.Path(f"/proc/{server.pid}/clear_refs").write_text("5")


def folder_bytes(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check_export(folder: pathlib.Path, digests: set[str]) -> int:
    """Every picture is there, as it was recorded. Returns the export's bytes."""
    found = {path.stem: path for path in folder.rglob("*.png")}
    for digest in digests:
        if digest not in found or hashlib.sha256(found[digest].read_bytes()).hexdigest() != digest:
            raise RuntimeError(f"the export lacks picture {digest}")
    return folder_bytes(folder)


def read_back(target: str, names: list[str]) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(HERE / "record_reader.py"), f"--target={target}", *names], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(harness.BUILD / "python")}, check=True, timeout=600)
    return json.loads(done.stdout)


def export(client: proctor.Client, names: list[str]) -> pathlib.Path:
    job = client.call(client.trajectories.ExportTrajectories, trajectory_pb.ExportTrajectoriesRequest(folder="out", names=names))
    result = trajectory_pb.ExportTrajectoriesResult()
    client.wait_job(job.name).result.Unpack(result)
    if result.exported != len(names):
        raise RuntimeError(f"{result.exported} of {len(names)} trajectories were exported: {result.failed}")
    return pathlib.Path(result.path)


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    config = harness.no_browsers(recompression={"enabled": False})
    with harness.scratch() as folder, harness.proctord(folder, config) as server, proctor.connect(server.target) as client:
        memory = {"at start": server.memory()}
        recordings = [Recording(client, number) for number in range(options.trajectories)]
        digests: set[str] = set()
        size = inline = 0
        for number, recording in enumerate(recordings):
            for turn, picture in enumerate(draw(kind, number, options.turns)):
                recording.turn(picture)
                digests.add(hashlib.sha256(picture).hexdigest())
                size += len(picture)
                # Base64 takes 4 bytes for 3; each later turn has it once more.
                inline += (options.turns - turn) * 4 * -(-len(picture) // 3)
        await_steps(client, options.trajectories, options.turns)
        memory["all held open"] = server.memory()
        forget_peak(server)
        names = [recording.end() for recording in recordings]
        memory["closed"] = server.memory()
        forget_peak(server)
        reader = read_back(server.target, names)
        memory["read back"] = server.memory()
        forget_peak(server)
        exported = export(client, names)
        memory["exported"] = server.memory()
        if reader["wrong"] or reader["pictures"] != len(names) * options.turns or reader["steps"] != len(names) * options.turns:
            raise RuntimeError(f"what was read back is not what was recorded: {reader}")
        result = {"memory": memory, "reader": reader, "picture_bytes": size, "distinct_pictures": len(digests), "inline_bytes": inline,
                  "blob_bytes": folder_bytes(server.data / "blobs"), "export_bytes": check_export(exported, digests)}
        result["data_bytes"] = folder_bytes(server.data) - result["export_bytes"]
        return result


def mib(runs: list[dict[str, Any]], value: Any, digits: int = 0) -> str:
    return harness.spread([value(run) / (1 << 20) for run in runs], digits)


def report(kind: str, runs: list[dict[str, Any]]) -> None:
    pictures_here = runs[0]["reader"]["pictures"]
    print(f"{kind}: {pictures_here} pictures, {runs[0]['distinct_pictures']} distinct, {runs[0]['picture_bytes'] / pictures_here / 1000:.0f} KB each\n")
    rows = []
    for phase in runs[0]["memory"]:
        rows.append([phase, *(harness.spread([run["memory"][phase][name] for run in runs]) for name in ("VmRSS", "RssAnon", "VmHWM"))])
    harness.table(["the server, MiB", "now (RSS)", "of it not files", "at most in this phase"], rows)
    more = [run["reader"] for run in runs]
    harness.table(["besides, MiB", ""], [
        ["a client that holds all records, without pictures: it grew by", harness.spread([one["mib_records"] - one["mib_before"] for one in more], 1)],
        ["these records on the wire", harness.spread([one["record_bytes"] / (1 << 20) for one in more], 2)],
        ["the same client with every picture once: it grew by", harness.spread([one["mib_pictures"] - one["mib_before"] for one in more])],
        ["all pictures together", mib(runs, lambda run: run["picture_bytes"])],
        ["on disk: blobs", mib(runs, lambda run: run["blob_bytes"])],
        ["on disk: everything but the export", mib(runs, lambda run: run["data_bytes"])],
        ["the export", mib(runs, lambda run: run["export_bytes"])],
        ["computed: these pictures as base64 in each turn's history", mib(runs, lambda run: run["inline_bytes"])]])


def main() -> None:
    options = arguments()
    harness.end_cleanly_on_sigterm()
    hardware = harness.hardware()
    results: dict[str, list[dict[str, Any]]] = {}
    for kind in options.pictures.split(","):
        results[kind] = []
        for number in range(options.runs):
            results[kind].append(measure(kind, options))
            peak = max(phase["VmHWM"] for phase in results[kind][-1]["memory"].values())
            harness.progress(f"{kind}, run {number + 1}: at most {peak:.0f} MiB")
    print(hardware)
    print(f"{options.trajectories} trajectories of {options.turns} turns, a PNG of {pictures.WIDTH} x {pictures.HEIGHT} a turn, recorded over as many "
          f"RecordTrajectory streams, power-safe; {options.runs} runs: median (least-most)\n")
    for kind, runs in results.items():
        report(kind, runs)
    print("For comparison, published by prime-rl (issue 2006) for its own process, 32 rollouts of 10 turns at 1024 x 768: 5.3 GB with base64 pictures "
          "in the messages, 4.3 MB after moving them out by content hash.")
    grown = {kind: statistics.median(max(phase["VmHWM"] for phase in run["memory"].values()) - run["memory"]["at start"]["VmRSS"] for run in runs)
             for kind, runs in results.items()}
    harness.write_json("trajectory_memory", {"hardware": hardware, "options": vars(options), "results": results, "grown_mib": grown})


if __name__ == "__main__":
    main()
