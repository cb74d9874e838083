"""A few held-out episodes with screenshots, for the report."""

from __future__ import annotations

from typing import Any, Sequence

import proctor
from proctor.v1 import task_pb2, verdict_pb2

from .rollout import Job, Runner


def collect(client: proctor.Client, runner: Runner, tasks: Sequence[task_pb2.Task], policy: Any, *, name: str,
            version: str, seed: int) -> list[dict[str, Any]]:
    """Runs the tasks again with screenshots and reads their records back."""
    results = runner.run([Job(task, seed=seed) for task in tasks], policy, name=name, version=version, greedy=True,
                         also_observe=("screenshot",))
    return [_episode(client, result.trajectory) for result in results if result.trajectory and not result.error]


def _episode(client: proctor.Client, name: str) -> dict[str, Any]:
    trajectory = client.get_trajectory(name)
    verdict = client.evaluate(name, dry_run=True)
    shots = []
    before = trajectory.initial_observation
    for step in trajectory.steps:
        shot: dict[str, Any] = {"text": f"{step.index + 1}. {step.agent_data.raw_output}"}
        if before.screenshot.digest:
            shot["png"] = client.read_blob(before.screenshot.digest)
            shot["width"] = before.screenshot.width_px
        if step.HasField("target_box"):
            box = step.target_box
            shot["box"] = (box.x, box.y, box.width, box.height)
        shots.append(shot)
        before = step.observation
    return {"goal": trajectory.task.goal, "template": trajectory.task.template, "shots": shots,
            "outcome": verdict_pb2.Outcome.Name(verdict.outcome).removeprefix("OUTCOME_"), "rationale": verdict.rationale}
