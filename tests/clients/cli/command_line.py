"""The command and a real proctord on the null environment, for tests of its nouns."""
import json
import os
import subprocess
import tempfile
import unittest

import proctor

from proctord import Proctord

CLI = os.environ["PROCTOR_CLI"]
TASK = """
goal: Say hello.
environment: environments/null
oracle: {answer: {match: {equals: {values: [hello]}}}}
tags: {colour: blue}
"""


class CommandLineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        cls.addClassCleanup(config.close)
        config.write("environments: {web: {enabled: false}, practice: {enabled: false}, 'null': {"
                     "default_limits: {max_steps: 7}, default_settings: {'null': {text_bytes: 32}}}}\n")
        config.flush()
        cls.config = config.name
        cls.server = Proctord("--config", config.name).start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def run_cli(self, *words, stdin="", code=0):
        done = subprocess.run([CLI, "--data-dir", str(self.server.data), *words], input=stdin, capture_output=True,
                              text=True, timeout=100)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done

    def table(self, *words, **options):
        """The rows of a table, by column."""
        lines = self.run_cli(*words, **options).stdout.splitlines()
        starts = [i for i, c in enumerate(lines[0]) if c != " " and (i == 0 or lines[0][i - 2:i] == "  ")]
        names = [lines[0][a:b].strip() for a, b in zip(starts, [*starts[1:], None])]
        return names, [line.split() for line in lines[1:]]

    def json(self, *words, **options):
        return [json.loads(line) for line in self.run_cli("--json", *words, **options).stdout.splitlines()]

    def task(self):
        return self.json("task", "create", "-", stdin=TASK)[0]["name"]

    def episode(self, answer="hello", policy="test", **options):
        env = proctor.Env(self.client, "null", observe=["text"], policy=policy, policy_version="1")
        with env:
            env.reset(options={"task": self.task(), **options})
            env.step(proctor.noop())
            *_, info = env.step(proctor.answer(answer))
        return info["episode"].name.split("/")[1]
