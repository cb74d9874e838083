"""The programs of docs/training.md run as printed, and a trainer that dies between its update and its acknowledgement goes on right."""
import contextlib
import io
import itertools
import json
import os
import pathlib
import re
import runpy
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import proctor
from proctor.v1 import episode_pb2, reward_pb2
from proctor.v1.action_pb2 import AgentData
from proctor.v1.task_pb2 import Task

from names_test import png
from proctord import Proctord

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "training.md"
DIES_AT_ITS_SECOND_ACK = """
import os, runpy
import proctor
acks = iter((None, lambda: os._exit(9)))
ack = proctor.RewardStream.ack
proctor.RewardStream.ack = lambda self, offset: (next(acks) or (lambda: ack(self, offset)))()
runpy.run_path("train.py", run_name="__main__")
"""


def programs() -> dict[str, str]:
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == PAGE.read_text().count("```python"), "a block without its file's name"
    return dict(blocks)


class TrainingPageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-training-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in programs().items():
            (self.folder / name).write_text(text)
        self.server = Proctord().start()
        self.addCleanup(self.server.__exit__)

    def run_python(self, *words: str, code: int = 0) -> str:
        kept = {key: value for key, value in os.environ.items() if key == "PYTHONPATH" or not key.startswith("PROCTOR")}
        done = subprocess.run([sys.executable, *words], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**kept, "PROCTOR_DATA_DIR": str(self.server.data)})
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def checkpoint(self) -> dict:
        return json.loads((self.folder / "greeter.json").read_text())

    def committed(self) -> int:
        with proctor.connect(self.server.address) as client:
            return next(one.committed_offset for one in client.list_consumers() if one.name == "consumers/greeter")

    def test_the_trainer_learns_and_goes_on_after_it_died(self):
        first = self.run_python("-c", DIES_AT_ITS_SECOND_ACK, code=9)
        self.assertEqual(2, self.checkpoint()["version"])
        self.assertLess(self.committed(), self.checkpoint()["offset"])
        shown = (first + self.run_python("train.py")).splitlines()
        self.assertEqual([f"version {number}" for number in range(1, 7)], [line.split(":")[0] for line in shown])
        chances = [float(line.split()[-1]) for line in shown]
        self.assertEqual(sorted(chances), chances)
        self.assertGreater(chances[-1], 1 / 3)
        self.assertEqual(6, self.checkpoint()["version"])
        with proctor.connect(self.server.address) as client:
            self.assertEqual(6 * 8, len(list(client.list_episodes(policy="greeter"))))

    @contextlib.contextmanager
    def in_folder(self):
        with contextlib.chdir(self.folder), mock.patch.dict(os.environ, {"PROCTOR_DATA_DIR": str(self.server.data)}):
            yield

    def train(self) -> None:
        """All updates are made."""
        shown = io.StringIO()
        with self.in_folder(), contextlib.redirect_stdout(shown):
            for _ in range(2):  # On a busy machine the server may be away longer than calls are tried again.
                with contextlib.suppress(proctor.Unavailable):
                    runpy.run_path("train.py", run_name="__main__")
        self.assertEqual([f"version {number}" for number in range(1, 7)], [line.split(":")[0] for line in shown.getvalue().splitlines()])

    def train_through(self, accident, mask_reason) -> None:
        """All updates are made though `accident(env)` comes before the 20th step, whose episode is masked for `mask_reason`."""
        steps, step = itertools.count(1), proctor.Env.step

        def with_accident(env, *words):
            if next(steps) == 20:
                accident(env)
            return step(env, *words)
        with mock.patch.object(proctor.Env, "step", with_accident):
            self.train()
        with proctor.connect(self.server.address) as client:
            rewards = client.list_rewards(page_size=1000, filter=reward_pb2.ConsumerFilter(policies=["greeter"])).records
        valid = [one for one in rewards if one.reward.status == reward_pb2.REWARD_STATUS_VALID]
        self.assertGreaterEqual(len(valid), 6 * 8)
        self.assertIn(mask_reason, [one.reward.mask_reason for one in rewards])

    def test_a_server_that_is_killed_costs_no_update(self):
        def kill(_env):
            self.server.kill9()
            self.server.start()
        self.train_through(kill, reward_pb2.MASK_REASON_SERVER_FAULT)

    def test_a_session_that_is_closed_costs_no_update(self):
        def close(env):
            episode = env.client.get_session(env.session).episode
            env.client.close_session(env.session)
            env.client.wait_episode(episode)  # Its place in the group is free.
        self.train_through(close, reward_pb2.MASK_REASON_CLIENT)

    def test_a_group_whose_deadline_comes_first_is_learnt_from_as_it_is(self):
        groups, steps, create_group, step = itertools.count(1), itertools.count(1), proctor.Client.create_group, proctor.Env.step
        made = []

        def create(client, *words, **named):
            made.append(create_group(client, *words, **(named | {"deadline": 3} if next(groups) == 1 else named)))
            return made[-1]

        def late_step(env, *words):
            if next(steps) == 1:
                end = time.monotonic() + 60
                while env.client.get_group(made[0].name).state == reward_pb2.GROUP_STATE_OPEN:
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.05)
            return step(env, *words)
        with mock.patch.object(proctor.Client, "create_group", create), mock.patch.object(proctor.Env, "step", late_step):
            self.train()
        with proctor.connect(self.server.address) as client:
            records = client.list_rewards(page_size=1000, filter=reward_pb2.ConsumerFilter(
                policies=["greeter"], delivery=reward_pb2.DELIVERY_GROUPS)).records
            self.assertEqual(6, len(made))
            self.assertEqual(records[-1].offset, self.committed())
        self.assertTrue(records[0].group_complete.partial)
        late = [one.reward for one in records if one.WhichOneof("kind") == "reward"]
        self.assertEqual([(made[0].name, reward_pb2.REWARD_STATUS_VALID)], [(one.group, one.status) for one in late])

    def test_a_task_that_cannot_be_attempted_ends_it(self):
        with proctor.connect(self.server.address) as client:
            task = client.create_task(Task(goal="Greet me.", environment="null")).name
            client.reject_task(task)
        (self.folder / "greeter.json").write_text(json.dumps({"version": 0, "offset": 0, "task": task, "weights": [0.0] * 3}))
        with self.in_folder(), self.assertRaisesRegex(SystemExit, task):
            runpy.run_path("train.py", run_name="__main__")

    def test_a_malformed_action_is_the_policys_failure(self):
        answers, answer = itertools.count(1), proctor.answer
        with mock.patch.object(proctor, "answer", lambda text: answer("x" * 65537 if next(answers) == 20 else text)):
            self.train()
        with proctor.connect(self.server.address) as client:
            episodes = list(client.list_episodes(policy="greeter"))
        self.assertEqual(6 * 8, len(episodes))
        gave_up = [one.reward for one in episodes if one.end_reason == episode_pb2.END_REASON_GAVE_UP]
        self.assertEqual([(reward_pb2.REWARD_STATUS_VALID, 0.0)], [(one.status, one.value) for one in gave_up])

    def test_data_that_are_too_large_are_sent_once(self):
        page = runpy.run_path(str(self.folder / "train.py"))
        with proctor.connect(self.server.address) as client:
            task = Task(goal="Greet me.", environment="null")
            task.oracle.answer.match.equals.values.append("hello")
            group = client.create_group(client.create_task(task).name, 2, policy="greeter", policy_version="0")
            with proctor.Env(client, "null", policy="greeter", policy_version="0") as env:
                for data in (AgentData(token_ids=[1]), AgentData(token_ids=[1], raw_output="x" * page["MOST_DATA"])):
                    env.reset(options={"task": group.task, "group": group})
                    _, reward, terminated, _, info = page["act"](env, proctor.answer("hello"), data)
            self.assertEqual((0.0, True, episode_pb2.END_REASON_GAVE_UP), (reward, terminated, info["episode"].end_reason))
            state = {"weights": [0.0] * 3}
            page["learn"](client, state, client.list_rewards(max_wait=30, filter=reward_pb2.ConsumerFilter(
                policies=["greeter"], delivery=reward_pb2.DELIVERY_GROUPS, include_payload=True)).records[0].group_complete)
            self.assertGreater(state["weights"][1], state["weights"][0])

    def damage(self, trajectory: str) -> None:
        with contextlib.closing(sqlite3.connect(self.server.data / "proctor.db", timeout=60)) as database, database:
            self.assertEqual(1, database.execute("UPDATE trajectory_steps SET step = ? WHERE trajectory = ?",
                                                 (b"\xff\xff\xff", trajectory.removeprefix("trajectories/"))).rowcount)

    def test_steps_that_do_not_come_along_are_read_and_deleted_or_damaged_ones_left_out(self):
        page = runpy.run_path(str(self.folder / "train.py"))
        with proctor.connect(self.server.address) as client:
            task = Task(goal="Greet me.", environment="null")
            task.oracle.answer.match.equals.values.append("hello")
            group = client.create_group(client.create_task(task).name, 2, policy="greeter", policy_version="0")
            with proctor.Env(client, "null", policy="greeter", policy_version="0") as env:
                for token, said in enumerate(page["ANSWERS"][:2]):
                    env.reset(options={"task": group.task, "group": group})
                    env.step(proctor.answer(said), AgentData(token_ids=[token]))

            def delivered():
                return client.list_rewards(max_wait=30, filter=reward_pb2.ConsumerFilter(
                    policies=["greeter"], delivery=reward_pb2.DELIVERY_GROUPS, include_payload=True)).records[0].group_complete

            def learnt(complete) -> list[float]:
                state = {"weights": [0.0] * 3}
                page["learn"](client, state, complete)
                return state["weights"]
            complete = delivered()
            sent = learnt(complete)
            self.assertGreater(sent[1], sent[0])
            for one in complete.rewards:
                self.assertTrue(one.HasField("payload"))
                one.ClearField("payload")
            self.assertEqual(sent, learnt(complete))
            failed, succeeded = sorted(complete.rewards, key=lambda one: one.success)
            client.delete_trajectory(failed.trajectory)
            one_left = learnt(delivered())
            self.assertGreater(one_left[1], 0.0)
            self.assertNotEqual(sent, one_left)
            self.damage(succeeded.trajectory)
            with self.assertRaises(proctor.DataLoss):
                client.get_trajectory(succeeded.trajectory)
            self.assertEqual([0.0] * 3, learnt(delivered()))

    def test_ones_own_world_is_recorded_and_rewarded(self):
        (self.folder / "screen.png").write_bytes(png(80, 50))
        self.assertEqual("2 steps, reward 1.0\n2 steps, reward 0.0\n2 of 2\n", self.run_python("own_world.py"))


if __name__ == "__main__":
    unittest.main()
