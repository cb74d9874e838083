"""Tasks proposed by a real proctord about a real DokuWiki: right, unique, solvable after a restart, not to be guessed.

Usage: site_test.py [--packages N] [--tasks N] [--kinds N]     (small numbers by default; prints what it measured)
"""
from __future__ import annotations

import argparse
import collections
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "clients")]

import proctor
from proctor.v1 import episode_pb2, task_pb2, task_service_pb2 as task_pb, trajectory_service_pb2 as trajectory_pb
from proctor.v1 import verdict_pb2

from proctord import Proctord
from solutions import Sessions, solve
from truth import Truth
from wiki import Wiki, is_available

#: Shares of the claims: right and unique, solved again, accepted though wrong.
RIGHT, SOLVED, GUESSED = 0.95, 0.95, 0.02


def do_nothing(env: proctor.Env, task: task_pb2.Task) -> tuple[bool, str]:
    _, info = env.reset(options={"task": task, "limits": task_pb2.Limits(max_steps=1)})
    _, reward, *_ = env.step(proctor.noop())
    return not reward <= 0, info["episode"].trajectory


class SiteTest(unittest.TestCase):
    options = argparse.Namespace(packages=60, tasks=50, kinds=4)

    @classmethod
    def setUpClass(cls):
        if not is_available():
            raise unittest.SkipTest("the Debian packages dokuwiki and php-cli are not installed")
        cls.wiki = cls.enterClassContext(Wiki(cls.options.packages))
        cls.server = cls.enterClassContext(Proctord("--egress-allow", cls.wiki.host))
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(lambda: cls.client.close())
        request = task_pb.ProposeTasksRequest(count=cls.options.tasks, seed=1)
        request.crawl.start_url = cls.wiki.url
        began = time.monotonic()
        cls.result = cls.client.propose_tasks(request)
        print(f"proposing: {cls.result.pages_crawled} pages, {cls.result.drafted} drafts, {cls.result.accepted} accepted, "
              f"{time.monotonic() - began:.0f} s; {dict(cls.result.accepted_by_kind)}; "
              f"rejected: {dict(cls.result.rejected_by_reason)}")
        cls.tasks = cls.client.list_tasks()

    def assert_share(self, what: str, share: float, total: int, least: float) -> None:
        print(f"{what}: {share:.1%} of {total}")
        self.assertGreaterEqual(share, least, what)

    def test_1_enough_tasks_of_enough_kinds(self):
        self.assertEqual(self.options.tasks, len(self.tasks))
        self.assertGreaterEqual(len(self.result.accepted_by_kind), self.options.kinds)

    def test_2_tasks_are_right_and_unique(self):
        truth = Truth(self.wiki.truth)
        problems = {task.goal: problem for task in self.tasks if (problem := truth.problem(task))}
        for goal, problem in problems.items():
            print(f"  wrong: {goal}: {problem}")
        self.assert_share("right and unique", 1 - len(problems) / len(self.tasks), len(self.tasks), RIGHT)

    def test_3_no_side_shares_a_page_or_an_answer(self):
        self.check_sides(self.tasks)

    def check_sides(self, tasks):
        sides = collections.defaultdict(set)
        for task in tasks:
            for page in task.lineage.pages:
                sides["page", page].add(task.split)
            if task.solution[-1].answer:
                sides["answer", task.solution[-1].answer.casefold()].add(task.split)
        self.assertEqual({}, {key: splits for key, splits in sides.items() if len(splits) > 1})

    def test_4_tasks_succeed_in_new_sessions_after_a_restart(self):
        self.client.close()
        self.assertEqual(0, self.server.stop())
        self.server.start()
        type(self).client = proctor.connect(self.server.address)
        began = time.monotonic()
        done = Sessions(self.client, "web").map(solve, self.tasks)
        type(self).solved = {task.name: trajectory for task, (_, trajectory, _) in zip(self.tasks, done)}
        for task, (problem, _, _) in zip(self.tasks, done):
            if problem:
                print(f"  not solved: {task.goal}: {problem}")
        print(f"replayed in {time.monotonic() - began:.0f} s")
        self.assert_share("replayed after a restart", sum(not problem for problem, _, _ in done) / len(done), len(done), SOLVED)

    def test_5_no_oracle_can_be_guessed(self):
        """What each oracle says about endings that are wrong, as recorded: doing nothing was done in the browser; answers given
        at once leave the same evidence as doing nothing."""
        idle = Sessions(self.client, "web").map(do_nothing, self.tasks)
        accepted = collections.Counter({"doing nothing": sum(a for a, _ in idle)})
        tried = collections.Counter({"doing nothing": len(idle)})
        start_text = self.start_text()
        answers = {task.name: task.solution[-1].answer for task in self.tasks}
        worst = ("", 0.0)
        for task, (_, trajectory) in zip(self.tasks, idle):
            record = self.client.get_trajectory(trajectory)
            for what, answer in (("the empty answer", ""), ("N/A", "N/A"), ("the start page's text", start_text)):
                tried[what] += 1
                accepted[what] += self.accepts(task, record, answer)
            others = [answer for name, answer in answers.items() if answer and name != task.name]
            verdicts = {answer: self.accepts(task, record, answer) for answer in set(others)}
            hits = [verdicts[answer] for answer in others] + self.other_ends(task)
            worst = max(worst, (task.goal, sum(hits) / len(hits)), key=lambda pair: pair[1])
            tried["other tasks' answers"] += len(hits)
            accepted["other tasks' answers"] += sum(hits)
        for what, count in tried.items():
            print(f"accepted: {what}: {accepted[what]} of {count}")
            self.assertLessEqual(accepted[what], GUESSED * count, what)
        print(f"most accepted by one oracle: {worst[1]:.1%} of other tasks' answers ({worst[0]})")
        self.assertLessEqual(worst[1], GUESSED, worst[0])

    def test_6_another_job_repeats_nothing_and_keeps_pages_and_answers_on_their_sides(self):
        request = task_pb.ProposeTasksRequest(count=10, seed=1)
        request.crawl.start_url = self.wiki.url
        request.split_shares.train, request.split_shares.validation, request.split_shares.test = 0.2, 0.2, 0.6
        result = self.client.propose_tasks(request)
        print(f"proposing again: {result.drafted} drafts, {result.accepted} accepted; rejected: {dict(result.rejected_by_reason)}")
        self.assertEqual(10, result.accepted)
        tasks = self.client.list_tasks()
        self.assertEqual(len(self.tasks) + 10, len(tasks))
        self.assertEqual([], [goal for goal, count in collections.Counter(task.goal for task in tasks).items() if count > 1])
        self.check_sides(tasks)

    def start_text(self) -> str:
        env = proctor.Env(self.client, "web", observe=["text"])
        with env:
            observation, _ = env.reset(options={"task": self.tasks[0]})
            return observation.text.text

    def other_ends(self, task: task_pb2.Task) -> list[bool]:
        """For tasks that are no question: whether it takes the ends of other tasks' solutions."""
        if task.kind != "reach_page":
            return []
        others = [other for other in self.tasks if other.kind == "reach_page" and other.name != task.name]
        return [self.accepts(task, self.client.get_trajectory(self.solved[other.name]), "") for other in others]

    def accepts(self, task: task_pb2.Task, record, answer: str) -> bool:
        """Whether the task's oracle takes this answer, given at once in the world of `record`."""
        header = trajectory_pb.RecordHeader(task=task.name, recorder="site_test")
        header.initial_observation.url = record.initial_observation.url
        end = trajectory_pb.RecordEnd(end_kind=episode_pb2.END_KIND_TERMINATED,
                                      end_reason=episode_pb2.END_REASON_ANSWERED, evidence=record.evidence)
        step = trajectory_pb.RecordTrajectoryRequest()
        step.step.action.answer.text = answer
        step.step.observation.url = record.initial_observation.url
        parts = [trajectory_pb.RecordTrajectoryRequest(header=header), step, trajectory_pb.RecordTrajectoryRequest(end=end)]
        recorded = self.client.trajectories.RecordTrajectory(iter(parts), timeout=60)
        verdict = self.client.evaluate(recorded.name, dry_run=True)
        # Not to be able to tell counts as accepting.
        return verdict.outcome != verdict_pb2.OUTCOME_FAILURE


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=SiteTest.options.packages)
    parser.add_argument("--tasks", type=int, default=SiteTest.options.tasks)
    parser.add_argument("--kinds", type=int, default=SiteTest.options.kinds)
    SiteTest.options = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
