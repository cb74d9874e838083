"""Reflexion and best-of-n of the Python client, against a real proctord whose model is scripted."""
import re
import unittest

import proctor
from proctor import refinement
from proctor.v1 import task_pb2

from proctord import Proctord
from scripted_model import ScriptedModel


def say(text: str) -> str:
    """Reflects that the answer must be one higher than the last; judges by whether the answer is above 40."""
    if "The plan:" in text:
        answer = int(re.search(r'\n(\d+)\n<<end of answer', text).group(1))
        return f"Say {answer + 1} instead."
    answer = re.search(r'\n(\d+)\n<<end of answer', text)
    return "Thoughts: hm\n{tag}: " + ("success" if answer and int(answer.group(1)) > 40 else "failure")


class RefinementTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = ScriptedModel(say)
        cls.addClassCleanup(cls.model.close)
        cls.server = Proctord("--model-endpoint", cls.model.url, "--model-name", "scripted").start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def play(self, answer: str) -> str:
        task = task_pb2.Task(goal="Say the number.", environment="environments/null")
        task.oracle.answer.match.equals.values.append("42")
        with proctor.Env(self.client, "null", observe=["screenshot"], policy="p", policy_version="1") as env:
            env.reset(options={"task": task})
            _, _, _, _, info = env.step(proctor.answer(answer))
        return info["episode"].trajectory

    def test_each_attempt_begins_with_what_the_failures_taught(self):
        given = []

        def run(reflections):
            given.append(list(reflections))
            said = re.search(r"\d+", reflections[-1]) if reflections else None
            return self.play(said.group(0) if said else "40")

        attempts = refinement.reflexion(self.client, run)
        self.assertEqual([False, False, True], [attempt.succeeded for attempt in attempts])
        self.assertEqual([[], ["Say 41 instead."], ["Say 41 instead.", "Say 42 instead."]], given)
        self.assertEqual(attempts[0].reflection.name, attempts[1].reflection.previous)
        self.assertEqual(1, attempts[1].reflection.depth)
        self.assertIsNone(attempts[2].reflection)

    def test_gives_up_after_its_attempts(self):
        attempts = refinement.reflexion(self.client, lambda _: self.play("7"), attempts=2)
        self.assertEqual(2, len(attempts))
        self.assertIsNotNone(attempts[0].reflection)
        self.assertIsNone(attempts[1].reflection)

    def test_the_same_attempt_is_reflected_on_once(self):
        trajectory = self.play("7")
        self.client.evaluate(trajectory)
        first = self.client.reflect(trajectory)
        asked = len(self.model.requests)
        self.assertEqual(first, self.client.reflect(trajectory))
        self.assertEqual(asked, len(self.model.requests))

    def test_a_success_teaches_nothing(self):
        trajectory = self.play("42")
        self.client.evaluate(trajectory)
        with self.assertRaises(proctor.FailedPrecondition):
            self.client.reflect(trajectory)

    def test_the_best_of_several_comes_first(self):
        answers = iter(["7", "42", "41", "8"])
        ranked = refinement.best_of(self.client, lambda: self.play(next(answers)), 4, evaluator="aer")
        said = [self.client.get_trajectory(a.trajectory).steps[-1].action.answer.text for a in ranked]
        self.assertEqual(["42", "41", "7", "8"], said)

    def test_numbers_out_of_range_are_refused(self):
        with self.assertRaises(ValueError):
            refinement.reflexion(self.client, lambda _: "", attempts=0)
        with self.assertRaises(ValueError):
            refinement.best_of(self.client, lambda: "", 0)


if __name__ == "__main__":
    unittest.main()
