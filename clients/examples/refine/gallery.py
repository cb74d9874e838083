"""A few held-out episodes with screenshots, for the report."""

from __future__ import annotations

from typing import Any, Sequence

import proctor
import proctor.report
from proctor.v1 import task_pb2

from .rollout import Job, Runner


def collect(client: proctor.Client, runner: Runner, tasks: Sequence[task_pb2.Task], policy: Any, *, name: str,
            version: str, seed: int) -> list[proctor.report.Episode]:
    """Runs the tasks again with screenshots and reads their records back."""
    results = runner.run([Job(task, seed=seed) for task in tasks], policy, name=name, version=version, greedy=True,
                         also_observe=("screenshot",))
    return [_episode(client, result.trajectory) for result in results if result.trajectory and not result.error]


def _episode(client: proctor.Client, name: str) -> proctor.report.Episode:
    episode = proctor.report.read_episode(client, name, client.evaluate(name, dry_run=True))
    template = client.get_trajectory(name).task.template
    episode.about = [template, *episode.about] if template else episode.about
    return episode
