"""Command line: trains on proposed tasks, measures on held-out ones, writes the report."""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys
import time
from typing import Any

import grpc
import numpy as np

import proctor
from proctor.v1 import environment_service_pb2 as env_pb, task_pb2, task_service_pb2 as task_pb

from . import experiment, features, gallery, judging, report, scripted, statistics
from .experiment import Measurement, TaskSet, measure, paired
from .learn import LEARNERS
from .places import Desktop, place_for
from .policy import LinearPolicy, OverlapPolicy
from .rollout import Runner
from .terminal import Progress
from .trainer import Round, Settings, train


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="refine", description="Lets a small policy practise proposed tasks and shows "
                                     "whether it got better on tasks that it never trained on.")
    parser.add_argument("--address", help="proctord's address (default: the local one)")
    parser.add_argument("--environment", choices=("practice", "desktop"), default="practice",
                        help="the practice sites or the practice desktop (default practice)")
    parser.add_argument("--site", metavar="URL", help="practise on this site instead of the practice sites")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("report"), help="folder of the report")
    parser.add_argument("--learner", choices=sorted(LEARNERS), default="filtered-bc")
    parser.add_argument("--seed", type=int, default=1, help="seed of content, tasks and policy (default 1)")
    parser.add_argument("--rounds", type=int, help="rounds of training at most (default 120; desktop 60)")
    parser.add_argument("--groups", type=int, help="tasks a round (default 16; desktop 12)")
    parser.add_argument("--group-size", type=int, help="episodes a task and round (default 4)")
    parser.add_argument("--sessions", type=int, help="parallel sessions (default 6; desktop 8), at most as many as the server has")
    parser.add_argument("--tasks", type=int, help="tasks to propose (default 1600; desktop 300)")
    parser.add_argument("--held-out", type=int, help="held-out tasks measured (default 200; desktop 120)")
    parser.add_argument("--curve-tasks", type=int, help="held-out tasks of each point of the curve (default 40; desktop 24)")
    parser.add_argument("--held-out-site", default="forum", help="practice site never trained on (default forum)")
    parser.add_argument("--train-seconds", type=float, help="stop training after this long (default 480; desktop 600); 0: never")
    parser.add_argument("--permuted-rounds", type=int,
                        help="rounds of the permuted-rewards control (default 10; desktop 4); 0: none; -1: as many as training took")
    parser.add_argument("--judge", metavar="EVALUATOR", help="also lets this judge (such as pae) re-score held-out episodes, and "
                        "measures it against the oracle; the server needs a model")
    parser.add_argument("--judged", type=_positive, default=40, help="episodes that the judge re-scores (default 40)")
    return parser.parse_args(arguments)


class Experiment:
    """One run from proposing to the report."""

    def __init__(self, options: argparse.Namespace, client: proctor.Client):
        self.options = options
        self.client = client
        self.label = f"refine-{options.seed}-{int(time.time())}"
        self.place = place_for(options)
        self.place.fill_in()
        options.sessions = min(options.sessions, _most_sessions(client, self.place.environment))
        self.runner = Runner(client, self.place, options.sessions, experiment.step_limit)
        self.timings: dict[str, str] = {}
        self.curve: list[dict[str, float]] = []
        self.rounds: list[Round] = []
        self.permuted_rounds = 0
        #: Whether the run says anything about held-out tasks.
        self.measured = False

    def run(self) -> str:
        """What is to be said of it in one line; the report is written."""
        try:
            return self._run()
        finally:
            self.runner.close()

    def _run(self) -> str:
        began = time.monotonic()
        print("1/5 proposing tasks", file=sys.stderr)
        sets, train_filter = self._propose()
        primary = sets[0]
        self.timings["proposing"] = f"{time.monotonic() - began:.0f} s"

        print("2/5 measuring the untrained policy", file=sys.stderr)
        untrained = {s.key: self._measure(LinearPolicy(), s, "uniform") for s in sets}
        overlap = self._measure(OverlapPolicy(), primary, "overlap")

        print("3/5 training", file=sys.stderr)
        started = time.monotonic()
        policy = self._train(train_filter, primary)
        self.timings["training"] = f"{time.monotonic() - started:.0f} s"

        print("4/5 measuring the trained policy", file=sys.stderr)
        trained = {s.key: self._measure(policy, s, "trained", greedy=True) for s in sets}
        permuted = self._permuted(train_filter, primary)
        solved = self._play_others()

        print("5/5 writing the report", file=sys.stderr)
        episodes = gallery.collect(self.client, self.runner, self._gallery_tasks(primary, trained[primary.key]), policy,
                                   name=self.label, version="final", seed=self.options.seed)
        judged = self._judge(primary, policy) if self.options.judge else None
        self.timings["all"] = f"{time.monotonic() - began:.0f} s"
        return self._report(sets, untrained, trained, overlap, permuted, policy, episodes, judged, solved)

    def _propose(self) -> tuple[list[TaskSet], task_pb.TaskFilter]:
        tags = {"run": self.label}
        experiment.propose(self.client, self.place.request(self.client, tags), "proposing")
        tasks = self.client.list_tasks(task_pb.TaskFilter(tags=tags, states=[task_pb2.TASK_STATE_ACCEPTED]))
        sets = self.place.sets(tasks)
        if not sets or not sets[0].tasks:
            raise proctor.FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION,
                                             f"none of the {len(tasks)} tasks is held out for measuring: propose more with --tasks")
        return sets, self.place.train_filter(tags, tasks)

    def _measure(self, policy: Any, task_set: TaskSet, version: str, greedy: bool = False) -> Measurement:
        return measure(self.runner, task_set.tasks, policy, name=self.label, version=version, seed=self.options.seed,
                       greedy=greedy, title=f"{version}: {task_set.title}")

    def _train(self, train_filter: task_pb.TaskFilter, primary: TaskSet) -> LinearPolicy:
        options = self.options
        bar = Progress("  rounds", options.rounds)
        sample = primary.tasks[:options.curve_tasks]

        def on_round(done: Round) -> None:
            self.rounds.append(done)
            bar.step(f"{done.successes}/{done.episodes} solved, tasks of up to {done.frontier} steps")

        def point(number: int, policy: LinearPolicy) -> None:
            m = measure(self.runner, sample, policy, name=self.label, version=f"round-{number}", seed=options.seed,
                        greedy=number > 0, title=f"held-out after round {number}")
            low, high = m.interval()
            self.curve.append({"round": number, "share": m.share, "low": low, "high": high, "tasks": len(m.names)})

        # In a short run after every round.
        every = 8 if options.rounds > 8 else 1
        policy = train(self.client, self.runner, train_filter, Settings(
            self.label, options.learner, options.rounds, options.groups, options.group_size, options.seed,
            max_seconds=options.train_seconds), on_round,
            lambda number, policy: point(number, policy) if number % every == 0 else None)
        if self.curve[-1]["round"] != len(self.rounds):
            point(len(self.rounds), policy)
        reasons = sum((collections.Counter(r.reasons) for r in self.rounds), collections.Counter())
        left_out = f", {reasons.total()} masked or missing ({experiment.in_words(reasons)})" if reasons else ""
        bar.done(f"{sum(r.episodes for r in self.rounds)} episodes in {len(self.rounds)} rounds{left_out}")
        return policy

    def _permuted(self, train_filter: task_pb.TaskFilter, primary: TaskSet) -> Measurement | None:
        """The same training, but for rewards that are permuted among the episodes of a round."""
        options = self.options
        rounds = options.permuted_rounds if options.permuted_rounds >= 0 else len(self.rounds)
        if not rounds:
            return None
        bar = Progress("  control: permuted rewards", rounds)
        settings = Settings(f"{self.label}-permuted", options.learner, rounds, options.groups, options.group_size, options.seed,
                            permute_rewards=True)
        policy = train(self.client, self.runner, train_filter, settings, lambda done: bar.step(f"{done.successes} rewards"),
                       lambda *_: None)
        bar.done(f"{rounds} rounds")
        self.permuted_rounds = rounds
        return self._measure(policy, TaskSet(primary.key, primary.title, primary.tasks[:100]), "permuted", greedy=True)

    def _gallery_tasks(self, primary: TaskSet, trained: Measurement) -> list[task_pb2.Task]:
        """Solved and failed ones, of different templates."""
        outcome = trained.by_name()
        chosen: list[task_pb2.Task] = []
        for wanted, count in ((1.0, 6), (0.0, 3)):
            templates: set[str] = set()
            for task in primary.tasks:
                if outcome.get(task.name) == wanted and task.template not in templates and len(templates) < count:
                    templates.add(task.template)
                    chosen.append(task)
        return chosen

    def _judge(self, primary: TaskSet, policy: LinearPolicy) -> dict[str, Any] | None:
        options = self.options
        return judging.judge(self.client, self.runner, primary.tasks[:options.judged], policy, name=self.label,
                             evaluator=options.judge, seed=options.seed)

    def _report(self, sets: list[TaskSet], untrained: dict[str, Measurement], trained: dict[str, Measurement],
                overlap: Measurement, permuted: Measurement | None, policy: LinearPolicy,
                episodes: list[dict[str, Any]], judged: dict[str, Any] | None, solved: list[dict[str, Any]]) -> str:
        rows = [_row(s, untrained[s.key], trained[s.key]) for s in sets]
        uniform = untrained[sets[0].key]
        self.measured = rows[0]["tasks"] > 0
        summary = _summary(rows[0], uniform.reasons() + trained[sets[0].key].reasons())
        controls = [_control("uniform over candidates (untrained)", uniform, uniform, "weights are zero"),
                    _control("greedy on text overlap alone", overlap, uniform, "no learning")]
        if permuted:
            controls.append(_control("trained on permuted rewards", permuted, uniform, f"{self.permuted_rounds} rounds"))
        order = np.argsort(-np.abs(policy.weights))
        steps = sum(r.steps for r in self.rounds)
        seconds = sum(r.seconds for r in self.rounds)
        if seconds:
            self.timings["training throughput"] = f"{steps / seconds:.1f} steps/s, {self.options.sessions} sessions"
        report.write(self.options.output, {
            "summary": summary, "seed": self.options.seed, "learner": self.options.learner,
            "description": self._description(), "candidates": self.place.rule,
            "sets": rows, "controls": controls, "curve": self.curve, "rounds": self.rounds, "timings": self.timings,
            "breakdown": _breakdown(sets[0], untrained[sets[0].key], trained[sets[0].key]),
            "weights": [(features.NAMES[i], float(policy.weights[i])) for i in order], "gallery": episodes,
            "judge": judged, "chosen": self._chosen(untrained[sets[0].key], trained[sets[0].key]), "scripted": solved})
        return summary

    def _chosen(self, before: Measurement, after: Measurement) -> list[dict[str, Any]]:
        """A test for each template that was named before training, corrected for their number."""
        rows = [_tested(name, before, after) for name in self.place.chosen]
        for row, p in zip(rows, statistics.holm([row["p"] for row in rows])):
            row["p_holm"] = p
            print(f"  {row['template']}: {row['before']:.0%} → {row['after']:.0%} of {row['tasks']}, p = {p:.2g}", file=sys.stderr)
        return rows

    def _play_others(self) -> list[dict[str, Any]]:
        """The templates that are not trained on, by their known solutions."""
        if not isinstance(self.place, Desktop):
            return []
        tags = {"run": f"{self.label}-scripted"}
        experiment.propose(self.client, self.place.others(self.client, tags), "proposing the other templates")
        return scripted.play(self.runner, self.client.list_tasks(task_pb.TaskFilter(tags=tags)))

    def _description(self) -> str:
        return (f"Learner {self.options.learner}, seed {self.options.seed}, {sum(r.episodes for r in self.rounds)} training "
                f"episodes, {self.place.where()} Training, not the policy, knows each task's optimal length: step limits, when an "
                "episode that tries something out may end, and the weight of successes with detours come from it. Of twice as many "
                "sampled tasks those are practised whose like was solved least. Weights start at zero; final weights "
                "count.")


def _most_sessions(client: proctor.Client, environment: str) -> int:
    """How many the server opens at once. Raises ProctorError if the environment cannot be used."""
    about = client.call(client.environments.GetEnvironment, env_pb.GetEnvironmentRequest(name=f"environments/{environment}"))
    if not about.available:
        raise proctor.FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION, f"{about.name}: {about.unavailable_reason}")
    return about.max_sessions


def _summary(row: dict[str, Any], reasons: collections.Counter[str]) -> str:
    """`reasons`: why episodes were masked."""
    if not row["tasks"]:
        return f"held-out success: nothing was measured; {row['masked']} episodes masked: {experiment.in_words(reasons)}"
    return (f"held-out success: {100 * row['before']:.1f}% → {100 * row['after']:.1f}% (95% interval of the "
            f"difference: {100 * row['low']:.1f} to {100 * row['high']:.1f} points; {row['tasks']} tasks)")


def _row(task_set: TaskSet, before: Measurement, after: Measurement) -> dict[str, Any]:
    """A task set before and after training; shares with all masked episodes failed, and all succeeded, beside them."""
    mean, low, high, count = paired(before, after)
    return {"key": task_set.key, "title": task_set.title, "tasks": count, "before": before.share, "after": after.share,
            "difference": mean, "low": low, "high": high, "masked": before.masked + after.masked,
            "before_bounds": before.bounds(), "after_bounds": after.bounds()}


def _tested(template: str, before: Measurement, after: Measurement) -> dict[str, Any]:
    """One template's held-out tasks before and after: a sign test of the tasks whose outcome changed."""
    first, second = before.by_template(template), after.by_template(template)
    both = [name for name in first if name in second]
    better = sum(second[name] > first[name] for name in both)
    worse = sum(second[name] < first[name] for name in both)
    count = max(1, len(both))
    return {"template": template, "tasks": len(both), "before": sum(first[n] for n in both) / count,
            "after": sum(second[n] for n in both) / count, "better": better, "worse": worse,
            "p": statistics.sign_test(better, worse)}


def _control(title: str, measured: Measurement, uniform: Measurement, note: str) -> dict[str, Any]:
    """A control with its paired difference to the uniform policy."""
    mean, low, high, count = paired(uniform, measured)
    return {"title": title, "tasks": count, "share": measured.share, "difference": mean, "low": low, "high": high, "note": note}


def _breakdown(task_set: TaskSet, before: Measurement, after: Measurement) -> list[dict[str, Any]]:
    groups: dict[str, list[str]] = {}
    for task in task_set.tasks:
        groups.setdefault(f"site {task.site}", []).append(task.name)
        groups.setdefault(f"optimal length {task.optimal_steps}", []).append(task.name)
        groups.setdefault(f"kind {task.kind}", []).append(task.name)
        groups.setdefault(f"template {task.template}", []).append(task.name)
    first, second = before.by_name(), after.by_name()
    rows = []
    for key in sorted(groups):
        names = [name for name in groups[key] if name in first and name in second]
        if names:
            rows.append({"key": key, "tasks": len(names), "before": sum(first[n] for n in names) / len(names),
                         "after": sum(second[n] for n in names) / len(names)})
    return rows


def _connect(address: str | None) -> proctor.Client:
    """A bad address, or a token that is not to be sent there, is a ProctorError, too."""
    try:
        return proctor.connect(address)
    except ValueError as error:
        raise proctor.InvalidArgument(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    try:
        with _connect(options.address) as client:
            run = Experiment(options, client)
            summary = run.run()
    except proctor.ProctorError as error:
        print(f"refine: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrefine: interrupted; sessions closed", file=sys.stderr)
        return 130
    print(f"report: {options.output / 'report.html'}", file=sys.stderr)
    print(summary)
    return 0 if run.measured else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
