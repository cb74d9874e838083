"""Command line: trains on proposed tasks, measures on held-out ones, writes the report."""

from __future__ import annotations

import argparse
import pathlib
import random
import sys
import time
from typing import Any

import numpy as np

import proctor
from proctor.v1 import task_pb2, task_service_pb2 as task_pb

from . import experiment, features, gallery, judging, report
from .experiment import SHORT, Measurement, TaskSet, measure, paired
from .learn import LEARNERS
from .policy import LinearPolicy, OverlapPolicy
from .rollout import Runner
from .terminal import Progress
from .trainer import Round, Settings, train


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="refine", description="Lets a small policy practise proposed tasks and shows "
                                     "whether it got better on tasks that it never trained on.")
    parser.add_argument("--address", help="proctord's address (default: the local one)")
    parser.add_argument("--site", metavar="URL", help="practise on this site instead of the practice sites")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("report"), help="folder of the report")
    parser.add_argument("--learner", choices=sorted(LEARNERS), default="filtered-bc")
    parser.add_argument("--seed", type=int, default=1, help="seed of content, tasks and policy (default 1)")
    parser.add_argument("--rounds", type=int, default=120, help="rounds of training at most (default 120)")
    parser.add_argument("--groups", type=int, default=16, help="tasks a round (default 16)")
    parser.add_argument("--group-size", type=int, default=4, help="episodes a task and round (default 4)")
    parser.add_argument("--sessions", type=int, default=6, help="parallel sessions (default 6)")
    parser.add_argument("--tasks", type=int, default=1600, help="tasks to propose (default 1600)")
    parser.add_argument("--held-out", type=int, default=200, help="held-out tasks measured (default 200)")
    parser.add_argument("--curve-tasks", type=int, default=40,
                        help="held-out tasks of each point of the curve (default 40)")
    parser.add_argument("--held-out-site", default="forum", help="practice site never trained on (default forum)")
    parser.add_argument("--train-seconds", type=float, default=480,
                        help="stop training after this long (default 480); 0: never")
    parser.add_argument("--permuted-rounds", type=int, default=10,
                        help="rounds of the permuted-rewards control (default 10); 0: none; -1: as many as training took")
    parser.add_argument("--judge", metavar="EVALUATOR", help="also lets this judge (such as pae) re-score held-out episodes, and "
                        "measures it against the oracle; the server needs a model")
    parser.add_argument("--judged", type=int, default=40, help="episodes that the judge re-scores (default 40)")
    return parser.parse_args(arguments)


class Experiment:
    """One run from proposing to the report."""

    def __init__(self, options: argparse.Namespace, client: proctor.Client):
        self.options = options
        self.client = client
        self.label = f"refine-{options.seed}-{int(time.time())}"
        self.environment = "web" if options.site else "practice"
        self.runner = Runner(client, self.environment, options.sessions, experiment.step_limit)
        self.timings: dict[str, str] = {}
        self.curve: list[dict[str, float]] = []
        self.rounds: list[Round] = []
        self.permuted_rounds = 0

    def run(self) -> str:
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

        print("5/5 writing the report", file=sys.stderr)
        episodes = gallery.collect(self.client, self.runner, self._gallery_tasks(primary, trained[primary.key]), policy,
                                   name=self.label, version="final", seed=self.options.seed)
        judged = self._judge(primary, policy) if self.options.judge else None
        self.timings["all"] = f"{time.monotonic() - began:.0f} s"
        return self._report(sets, untrained, trained, overlap, permuted, policy, episodes, judged)

    def _propose(self) -> tuple[list[TaskSet], task_pb.TaskFilter]:
        options = self.options
        request = task_pb.ProposeTasksRequest(count=options.tasks, seed=options.seed, tags={"run": self.label})
        if options.site:
            request.crawl.start_url = options.site
            request.split_shares.train, request.split_shares.test = 0.6, 0.4
        else:
            request.templates.include_impossible = True
            request.templates.held_out_sites.append(options.held_out_site)
            request.templates.held_out_templates.extend(self._held_out_templates())
            request.split_shares.train, request.split_shares.test = 0.5, 0.5
        experiment.propose(self.client, request, "proposing")
        tasks = self.client.list_tasks(task_pb.TaskFilter(tags={"run": self.label}, states=[task_pb2.TASK_STATE_ACCEPTED]))
        train_filter = task_pb.TaskFilter(tags={"run": self.label}, splits=[task_pb2.SPLIT_TRAIN])
        if not options.site:
            train_filter.max_optimal_steps = SHORT
            # Giving up at once is right for every impossible task, and where training has them it is all that is learned.
            train_filter.kinds.extend(sorted({t.kind for t in tasks if not t.impossible}))
        return self._sets(tasks), train_filter

    def _held_out_templates(self) -> list[str]:
        """A fifth of the templates of the sites that are trained on, drawn by the seed."""
        tasks = self.client.call(self.client.tasks.ListTaskTemplates, task_pb.ListTaskTemplatesRequest()).templates
        names = sorted(t.name for t in tasks if t.site != self.options.held_out_site)
        return random.Random(self.options.seed).sample(names, max(1, round(len(names) * 0.2)))

    def _sets(self, tasks: list[task_pb2.Task]) -> list[TaskSet]:
        test = [t for t in tasks if t.split == task_pb2.SPLIT_TEST]
        random.Random(self.options.seed).shuffle(test)
        seen = {t.template for t in tasks if t.split == task_pb2.SPLIT_TRAIN}
        limit = self.options.held_out
        if self.options.site:
            return [TaskSet("pages", "new tasks of the site, about pages never trained on", test[:limit])]
        site = self.options.held_out_site
        short = [t for t in test if t.optimal_steps <= SHORT and not t.impossible]
        rest = [t for t in test if t.optimal_steps > SHORT or t.impossible]
        sets = [
            TaskSet("instances", f"(a) new instances of trained templates, at most {SHORT} steps",
                    [t for t in short if t.template in seen][:limit]),
            TaskSet("templates", f"(b) templates never trained on, at most {SHORT} steps",
                    [t for t in short if t.template not in seen and t.site != site][:limit // 2]),
            TaskSet("site", f"(b) a site never trained on ({site}), at most {SHORT} steps",
                    [t for t in short if t.site == site][:limit // 2]),
            TaskSet("longer", "(c) longer tasks", [t for t in rest if not t.impossible][:limit // 4]),
            TaskSet("impossible", "(c) impossible tasks", [t for t in rest if t.impossible][:limit // 4]),
        ]
        return [s for s in sets if s.tasks]

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

        def on_evaluate(number: int, policy: LinearPolicy) -> None:
            if number % 8 == 0:
                m = measure(self.runner, sample, policy, name=self.label, version=f"round-{number}", seed=options.seed,
                            greedy=number > 0, title=f"held-out after round {number}")
                low, high = m.interval()
                self.curve.append({"round": number, "share": m.share, "low": low, "high": high, "tasks": len(m.names)})

        policy = train(self.client, self.runner, train_filter, Settings(
            self.label, options.learner, options.rounds, options.groups, options.group_size, options.seed,
            max_seconds=options.train_seconds), on_round, on_evaluate)
        bar.done(f"{sum(r.episodes for r in self.rounds)} episodes in {len(self.rounds)} rounds")
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

    def _judge(self, primary: TaskSet, policy: LinearPolicy) -> dict[str, Any]:
        options = self.options
        return judging.judge(self.client, self.runner, primary.tasks[:options.judged], policy, name=self.label,
                             evaluator=options.judge, seed=options.seed)

    def _report(self, sets: list[TaskSet], untrained: dict[str, Measurement], trained: dict[str, Measurement],
                overlap: Measurement, permuted: Measurement | None, policy: LinearPolicy,
                episodes: list[dict[str, Any]], judged: dict[str, Any] | None) -> str:
        rows = [_row(s, untrained[s.key], trained[s.key]) for s in sets]
        first = rows[0]
        summary = (f"held-out success: {100 * first['before']:.1f}% → {100 * first['after']:.1f}% (95% interval of the "
                   f"difference: {100 * first['low']:.1f} to {100 * first['high']:.1f} points; {first['tasks']} tasks)")
        uniform = untrained[sets[0].key]
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
            "description": self._description(),
            "sets": rows, "controls": controls, "curve": self.curve, "rounds": self.rounds, "timings": self.timings,
            "breakdown": _breakdown(sets[0], untrained[sets[0].key], trained[sets[0].key]),
            "weights": [(features.NAMES[i], float(policy.weights[i])) for i in order], "gallery": episodes,
            "judge": judged})
        return summary

    def _description(self) -> str:
        where = f"site {self.options.site}" if self.options.site else "practice sites"
        trained = "" if self.options.site else f" Trained on possible tasks of at most {SHORT} steps only."
        return (f"Learner {self.options.learner}, seed {self.options.seed}, {sum(r.episodes for r in self.rounds)} training "
                f"episodes, {where}.{trained} Training, not the policy, knows each task's optimal length: step limits, when an "
                "episode that tries something out may end, and the weight of successes with detours come from it. Of twice as many "
                "sampled tasks those are practised whose like was solved least. Weights start at zero; final weights "
                "count.")


def _row(task_set: TaskSet, before: Measurement, after: Measurement) -> dict[str, Any]:
    """A task set before and after training; shares with all masked episodes failed, and all succeeded, beside them."""
    mean, low, high, count = paired(before, after)
    return {"key": task_set.key, "title": task_set.title, "tasks": count, "before": before.share, "after": after.share,
            "difference": mean, "low": low, "high": high, "masked": before.masked + after.masked,
            "before_bounds": before.bounds(), "after_bounds": after.bounds()}


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


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    try:
        with proctor.connect(options.address) as client:
            summary = Experiment(options, client).run()
    except proctor.ProctorError as error:
        print(f"refine: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrefine: interrupted; sessions closed", file=sys.stderr)
        return 130
    print(f"report: {options.output / 'report.html'}", file=sys.stderr)
    print(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
