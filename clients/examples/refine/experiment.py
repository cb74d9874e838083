"""What is trained on and what is held out, and how policies are measured."""

from __future__ import annotations

import collections
import dataclasses
import math
from typing import Any, Mapping, Sequence

import proctor
from proctor.v1 import task_pb2, task_service_pb2 as task_pb

from . import statistics
from .rollout import Job, Result, Runner
from .terminal import Progress

#: Longest optimal length of the tasks that are trained on.
SHORT = 4


@dataclasses.dataclass
class TaskSet:
    """Held-out tasks measured together."""

    key: str
    title: str
    tasks: list[task_pb2.Task]


@dataclasses.dataclass
class Measurement:
    """One policy on one task set; masked episodes are left out and counted."""

    successes: list[float]
    clusters: list[str]
    names: list[str]
    masked: int
    results: list[Result]

    @property
    def share(self) -> float:
        """nan if nothing was measured."""
        return sum(self.successes) / len(self.successes) if self.successes else math.nan

    def bounds(self) -> tuple[float, float]:
        """The share if all masked episodes had failed, and if all had succeeded."""
        total = len(self.successes) + self.masked
        if not total:
            return 0.0, 1.0
        return sum(self.successes) / total, (sum(self.successes) + self.masked) / total

    def interval(self) -> tuple[float, float]:
        return statistics.wilson(int(sum(self.successes)), len(self.successes))

    def reasons(self) -> collections.Counter[str]:
        """Why episodes were masked."""
        return collections.Counter(result.error or result.masked or "PENDING" for result in self.results if not counts(result))

    def by_name(self) -> dict[str, float]:
        return dict(zip(self.names, self.successes))

    def by_template(self, template: str) -> dict[str, float]:
        """As by_name, the tasks of one template."""
        names = {result.task.name for result in self.results if result.task.template == template}
        return {name: success for name, success in self.by_name().items() if name in names}


def step_limit(task: task_pb2.Task) -> int:
    """Room for detours: twice the optimal length and one."""
    return max(4, 2 * task.optimal_steps + 1)


def practice_step_limit(task: task_pb2.Task) -> int:
    """While training, wandering costs time that other tasks could have: a step or two more than needed."""
    return max(4, task.optimal_steps + 2)


def cluster(task: task_pb2.Task) -> str:
    """What else would have been drawn with another sample: a crawled site is split by page, templates by template."""
    if task.lineage.source == "crawl" and task.lineage.pages:
        return task.lineage.pages[0]
    return task.template


def counts(result: Result) -> bool:
    """Whether the episode says something about the policy."""
    return result.reward == result.reward and not result.error


def in_words(reasons: Mapping[str, int]) -> str:
    """The commonest three, each on one line: "3 WORLD_FAULT: no browser; 1 CLIENT"."""
    commonest = collections.Counter(reasons).most_common(3)
    told = [f"{count} {' '.join(reason.split())[:160]}" for reason, count in commonest]
    return "; ".join(told + ["..."] * (len(reasons) > len(commonest)))


def measure(runner: Runner, tasks: Sequence[task_pb2.Task], policy: Any, *, name: str, version: str, seed: int,
            greedy: bool, title: str) -> Measurement:
    """Runs every task once."""
    bar = Progress(f"  {title}", len(tasks))
    wins = 0

    def on_done(result: Result) -> None:
        nonlocal wins
        wins += int(result.succeeded)
        bar.step(f"{wins} solved")

    results = runner.run([Job(task, seed=seed) for task in tasks], policy, name=name, version=version, greedy=greedy,
                         on_done=on_done)
    valid = [result for result in results if counts(result)]
    measured = Measurement([result.success for result in valid], [cluster(result.task) for result in valid],
                           [result.task.name for result in valid], len(results) - len(valid), results)
    masked = f"{measured.masked} masked ({in_words(measured.reasons())})" if measured.masked else ""
    bar.done(", ".join(part for part in (f"{measured.share:.1%} of {len(valid)}" if valid else "nothing measured", masked) if part))
    return measured


def paired(before: Measurement, after: Measurement) -> tuple[float, float, float, int]:
    """Difference of two policies on the tasks that both have: mean, low, high, number."""
    first, second = before.by_name(), after.by_name()
    clusters = dict(zip(before.names, before.clusters))
    both = [name for name in first if name in second]
    mean, low, high = statistics.paired_difference([first[n] for n in both], [second[n] for n in both],
                                                   [clusters[n] for n in both])
    return mean, low, high, len(both)


def propose(client: proctor.Client, request: task_pb.ProposeTasksRequest, title: str) -> task_pb.ProposeTasksResult:
    """Proposes tasks with a progress bar."""
    bar = Progress(f"  {title}", request.count)

    def on_job(job: Any) -> None:
        bar.count = int(job.done) - 1
        bar.step(job.message)

    result = client.propose_tasks(request, progress=on_job)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(result.accepted_by_kind.items()))
    bar.done(f"{result.accepted} tasks accepted ({kinds})")
    return result
