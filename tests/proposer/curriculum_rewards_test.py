"""The curriculum of a real proctord learns from VALID rewards only."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import proctor
from proctor.v1 import environment_pb2, task_pb2, task_service_pb2 as task_pb

from proctord import Proctord


class CurriculumRewardsTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Proctord())
        self.client = proctor.connect(self.server.address)
        self.addCleanup(self.client.close)
        self.tasks = [self.create(steps) for steps in (1, 2)]

    def create(self, steps: int) -> task_pb2.Task:
        task = task_pb2.Task(goal="Say hello.", environment="environments/null", optimal_steps=steps,
                             split=task_pb2.SPLIT_TRAIN, state=task_pb2.TASK_STATE_ACCEPTED)
        task.oracle.answer.match.equals.values.append("hello")
        return self.client.call(self.client.tasks.CreateTask, task_pb.CreateTaskRequest(task=task, request_id=str(steps)))

    def frontier(self) -> int:
        return self.client.call(self.client.tasks.SampleTasks, task_pb.SampleTasksRequest(
            count=2, policy="p", policy_version="1", seed=1)).frontier_steps

    def play(self, count: int, settings=None) -> list[str]:
        masked = []
        for _ in range(count):
            with proctor.Env(self.client, "null", observe=["text"], policy="p", policy_version="1", settings=settings) as env:
                env.reset(options={"task": self.tasks[0]})
                *_, info = env.step(proctor.answer("hello") if settings is None else proctor.click(1))
                masked.append(info.get("masked", ""))
        return masked

    def test_faults_teach_nothing_and_successes_widen(self):
        self.assertEqual(1, self.frontier())
        broken = environment_pb2.EnvironmentSettings()
        broken.null.fail_at_step = 1
        self.assertNotIn("", self.play(12, broken))
        self.assertEqual(1, self.frontier())
        self.assertEqual([""] * 8, self.play(8))
        self.assertEqual(2, self.frontier())


if __name__ == "__main__":
    unittest.main()
