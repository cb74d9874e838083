"""clients/examples/reflexion.py, run as its help says, against a real proctord, real Chromium and a scripted model."""
import contextlib
import io
import os
import pathlib
import re
import runpy
import subprocess
import sys
import unittest

import proctor
from proctor import refinement
from proctor.v1 import task_pb2, verdict_pb2

from proctord import Proctord
from scripted_model import ScriptedModel

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "clients" / "examples" / "reflexion.py"


def say(text: str) -> str:
    """An agent that answers 40, then what it has learned; and the server's model, which teaches one more."""
    if "The plan:" in text:
        return f"Say {int(re.search(r'[^0-9]([0-9]+)[^0-9]*<<end of answer', text).group(1)) + 1} instead."
    learned = re.findall(r"- Say (\d+) instead", text)
    return f"Thought: I was told.\nAction: ANSWER; [{learned[-1] if learned else 40}]"


class ShowTest(unittest.TestCase):
    def test_an_attempt_is_called_what_its_verdict_says(self):
        attempts = [refinement.Attempt("t", verdict_pb2.Verdict(outcome=outcome))
                    for outcome in (verdict_pb2.OUTCOME_UNDETERMINED, verdict_pb2.OUTCOME_FAILURE, verdict_pb2.OUTCOME_SUCCESS)]
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            runpy.run_path(str(EXAMPLE))["show"](task_pb2.Task(goal="x"), attempts)
        self.assertEqual(["undetermined", "failure", "success"], [line.split()[1] for line in shown.getvalue().splitlines()[1:]])


class ReflexionExampleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = ScriptedModel(say)
        cls.addClassCleanup(cls.model.close)
        cls.server = Proctord("--model-endpoint", cls.model.url, "--model-name", "scripted").start()
        cls.addClassCleanup(cls.server.__exit__)

    def run_example(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(EXAMPLE), "--server", self.server.address, "--agent-endpoint", self.model.url,
                               "--agent-model", "scripted", *arguments],
                              capture_output=True, text=True, timeout=300, env=dict(os.environ))

    def test_it_learns_from_its_failures(self):
        without_tasks = self.run_example()
        self.assertEqual(1, without_tasks.returncode, without_tasks.stderr)
        self.assertIn("proctor task propose", without_tasks.stderr)
        with proctor.connect(self.server.address) as client:
            task = task_pb2.Task(goal="Say the number.", environment="environments/practice")
            task.start_state.start_url = "__SHOP__/"
            task.oracle.answer.match.equals.values.append("42")
            client.create_task(task)
        ran = self.run_example("--tasks", "1")
        self.assertEqual(0, ran.returncode, ran.stderr)
        self.assertIn("solved 1 of 1", ran.stdout)
        self.assertIn("3. success", ran.stdout)
        self.assertIn("learned: Say 41 instead.", ran.stdout)
        ranked = self.run_example("--tasks", "1", "--best-of", "--attempts", "2")
        self.assertEqual(0, ranked.returncode, ranked.stderr)
        self.assertIn("solved 0 of 1", ranked.stdout)
        shown = [m["messages"][-1]["content"] for m in self.model.requests if m["messages"][0]["content"].startswith("You act")]
        self.assertTrue(any("] link" in text for text in shown), "the agent saw the page")


if __name__ == "__main__":
    unittest.main()
