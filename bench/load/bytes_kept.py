"""Bytes that records take against folders of plain PNG files: see bench/bytes_kept."""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from typing import Any, Sequence

import harness

sys.path[:0] = [str(harness.BUILD / "python"), str(harness.ROOT / "tests" / "clients")]
import proctor  # noqa: E402
import solutions  # noqa: E402
from proctor.v1 import task_service_pb2 as task_pb, trajectory_service_pb2 as trajectory_pb  # noqa: E402

#: A picture takes 0.5 to 2 s of a core.
PATIENCE = 3600.0


def arguments() -> argparse.Namespace:
    beside = pathlib.Path(os.environ.get("PROCTOR_SHARED_DATA", harness.ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(prog="bench/bytes_kept", description=__doc__)
    parser.add_argument("--webvoyager", type=pathlib.Path, default=beside / "webvoyager" / "examples", help="folder with runs of WebVoyager")
    parser.add_argument("--tasks", type=int, default=25, help="practice tasks to record; 0: none")
    return parser.parse_args()


def screenshots(client: proctor.Client, names: Sequence[str]) -> list[str]:
    """The digest of each picture of the records, in order, as often as it is there: a plain folder has a file for each."""
    found = []
    for name in names:
        record = client.get_trajectory(name)
        seen = [record.initial_observation, *(step.observation for step in record.steps)]
        found.extend(observation.screenshot.digest for observation in seen if observation.screenshot.digest)
    return found


def import_runs(client: proctor.Client, server: harness.Proctord, runs: pathlib.Path) -> list[str]:
    """Imports a folder of runs by the server's job; the records' names."""
    shutil.copytree(runs, server.data / "exchange" / "runs")
    job = client.call(client.trajectories.ImportTrajectories, trajectory_pb.ImportTrajectoriesRequest(folder="runs"))
    result = trajectory_pb.ImportTrajectoriesResult()
    client.wait_job(job.name).result.Unpack(result)
    if result.failed or not result.imported:
        raise RuntimeError(f"{result.imported} runs were imported; failed: {dict(result.failed)}")
    shutil.rmtree(server.data / "exchange")
    return list(result.names)


def practise(client: proctor.Client, count: int) -> list[str]:
    """Records episodes on the practice sites, played by the tasks' known solutions; the records' names."""
    client.propose_tasks(task_pb.ProposeTasksRequest(templates=task_pb.TemplateSource(), count=count))
    names = []
    with proctor.Env(client, "practice", observe=["screenshot", "elements"], policy="solutions", policy_version="1") as env:
        for task in client.list_tasks():
            problem, trajectory, _ = solutions.solve(env, task)
            if problem:
                raise RuntimeError(f"{task.name} was not solved: {problem}")
            names.append(trajectory)
    return names


def await_recompression(server: harness.Proctord, pictures: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with urllib.request.urlopen(f"http://{server.addresses['http']}/metrics", timeout=30) as answer:
            done = dict(re.findall(r'^proctor_recompressed_blobs_total\{result="(\w+)"\} (\d+)', answer.read().decode(), re.MULTILINE))
        if int(done["failed"]):
            raise RuntimeError(f"recompression failed for {done['failed']} pictures")
        if int(done["looked_at"]) >= pictures:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"recompression looked at {done['looked_at']} of {pictures} pictures within {PATIENCE:g} s")
        time.sleep(1)


def compare(pairs: Sequence[tuple[pathlib.Path, pathlib.Path]]) -> list[dict[str, Any]]:
    lines = "".join(f"{first}\t{second}\n" for first, second in pairs)
    done = subprocess.run([str(harness.BUILD / "bench" / "proctor_same_pixels")], input=lines, stdout=subprocess.PIPE, text=True, check=True,
                          timeout=PATIENCE)
    return [json.loads(line) for line in done.stdout.splitlines()]


def sizes(folder: pathlib.Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def shrink_and_compare(folder: pathlib.Path, digests: Sequence[str]) -> dict[str, Any]:
    """Lets the server, which has nothing else to do, make its pictures smaller, and compares them with `folder`/plain."""
    distinct = sorted(set(digests))
    config = {"environments": {"web": {"enabled": False}, "practice": {"enabled": False}}, "http": {"listen_address": "127.0.0.1:0"},
              "recompression": {"min_age": "0s"}}
    with harness.proctord(folder, config) as server:
        before = sizes(server.data / "blobs", "*/*")
        await_recompression(server, len(distinct))
        (folder / "kept").mkdir()
        with proctor.connect(server.target) as client:
            for digest in distinct:
                (folder / "kept" / digest).write_bytes(client.read_blob(digest))
        data = server.data
    # The server is down: its log is in the database.
    pairs = [(folder / "plain" / digest, folder / "kept" / digest) for digest in distinct]
    compared = dict(zip(distinct, compare(pairs)))
    kept = {digest: (folder / "kept" / digest).stat().st_size for digest in distinct}
    return {"files": len(digests), "distinct": len(distinct), "same": sum(one["same"] for one in compared.values()),
            "plain_bytes": sum((folder / "plain" / digest).stat().st_size for digest in digests),
            "ordinary_bytes": sum(compared[digest]["png_bytes"] for digest in digests),
            "each_once_bytes": sum(compared[digest]["png_bytes"] for digest in distinct),
            "kept_bytes": sum(kept.values()), "blobs_before_bytes": before, "blobs_bytes": sizes(data / "blobs", "*/*"),
            "database_bytes": sizes(data, "proctor.db*")}


def webvoyager(runs: pathlib.Path, folder: pathlib.Path) -> dict[str, Any]:
    config = harness.no_browsers(recompression={"enabled": False})
    with harness.proctord(folder, config) as server, proctor.connect(server.target) as client:
        digests = screenshots(client, import_runs(client, server, runs))
    (folder / "plain").mkdir()
    files = sorted(runs.glob("*/*.png"))
    for path in files:
        data = path.read_bytes()
        (folder / "plain" / hashlib.sha256(data).hexdigest()).write_bytes(data)
    if sorted(digests) != sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files):
        raise RuntimeError("the records do not name exactly the runs' pictures")
    return shrink_and_compare(folder, digests)


def practice(tasks: int, folder: pathlib.Path) -> dict[str, Any]:
    with harness.proctord(folder, {"recompression": {"enabled": False}}) as server, proctor.connect(server.target) as client:
        digests = screenshots(client, practise(client, tasks))
        (folder / "plain").mkdir()
        for digest in set(digests):
            data = client.read_blob(digest)
            if hashlib.sha256(data).hexdigest() != digest:
                raise RuntimeError(f"picture {digest} is not as it was recorded")
            (folder / "plain" / digest).write_bytes(data)
    return {**shrink_and_compare(folder, digests), "episodes": tasks}


def report(results: dict[str, dict[str, Any]]) -> None:
    rows = []
    for name, run in results.items():
        base = min(run["plain_bytes"], run["ordinary_bytes"])
        rows.append([name, run["files"], run["distinct"], *(f"{run[key] / 1e6:,.2f}" for key in ("plain_bytes", "ordinary_bytes", "blobs_bytes",
                                                                                                "database_bytes")),
                     f"{run['blobs_bytes'] / base:.2f}", f"{(run['blobs_bytes'] + run['database_bytes']) / base:.2f}",
                     f"{run['kept_bytes'] / run['each_once_bytes']:.2f}", f"{run['same']} of {run['distinct']}"])
    harness.table(["records", "pictures", "distinct", "as they came, MB", "as ordinary PNG, MB", "kept: pictures, MB", "kept: database, MB",
                   "pictures to the smaller of both", "with the database", "encoding alone", "the same pixels"], rows)
    for name, run in results.items():
        ratio = run["blobs_bytes"] / min(run["plain_bytes"], run["ordinary_bytes"])
        met = ratio <= 0.5 and run["same"] == run["distinct"]
        print(f"{name}: pictures take {ratio:.2f} of plain PNG files (bar: 0.5, lossless): {'met' if met else 'MISSED'}")


def main() -> None:
    options = arguments()
    harness.end_cleanly_on_sigterm()
    hardware = harness.hardware()
    results = {}
    with harness.scratch() as folder:
        folder.chmod(0o755)  # The browsers' user must get through to their profiles.
        if options.webvoyager.is_dir():
            results["WebVoyager"] = webvoyager(options.webvoyager, folder / "webvoyager")
        else:
            print(f"{options.webvoyager} is not there: WebVoyager's runs are left out")
        if options.tasks > 0:
            results["practice"] = practice(options.tasks, folder / "practice")
    print(hardware)
    print("pictures: a plain folder has a file for each; as ordinary PNG: the same pixels at zlib level 6\n")
    report(results)
    harness.write_json("bytes_kept", {"hardware": hardware, "results": results})


if __name__ == "__main__":
    main()
