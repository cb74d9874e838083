"""The programs of docs/training.md run as printed, and a trainer that dies between its update and its acknowledgement goes on right."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import proctor

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

    def test_ones_own_world_is_recorded_and_rewarded(self):
        (self.folder / "screen.png").write_bytes(png(80, 50))
        self.assertEqual("2 steps, reward 1.0\n2 steps, reward 0.0\n2 of 2\n", self.run_python("own_world.py"))


if __name__ == "__main__":
    unittest.main()
