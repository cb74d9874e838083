"""The refinement loop on the practice desktop as it is run, tiny, against a real proctord with real applications."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import proctor
from proctor.v1 import environment_service_pb2 as env_pb

from proctord import Proctord

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGURATION = "environments: {web: {enabled: false}, practice: {enabled: false}, desktop: {enabled: true}}\n"
TINY = {"rounds": 1, "groups": 2, "group-size": 2, "tasks": 36, "held-out": 6, "curve-tasks": 2, "permuted-rounds": 1, "sessions": 3,
        "train-seconds": 0, "seed": 3}
CHOSEN = {"calculator/copy_result", "calculator/evaluate", "editor/read_entry", "editor/write_text", "files/file_size", "files/open_file"}


class RefineDesktopLoopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        lacks = subprocess.run([ROOT / "tests" / "env" / "desktop" / "machine_lacks"], check=True, stdout=subprocess.PIPE, text=True, timeout=60)
        if lacks.stdout:
            raise unittest.SkipTest(lacks.stdout)
        folder = tempfile.TemporaryDirectory(prefix="proctor-refine-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "proctord.yaml").write_text(CONFIGURATION)
        cls.server = Proctord("--config", str(cls.folder / "proctord.yaml")).start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)
        desktop = cls.client.call(cls.client.environments.GetEnvironment, env_pb.GetEnvironmentRequest(name="environments/desktop"))
        if not desktop.available:
            raise AssertionError(desktop.unavailable_reason)

    def refine(self):
        path = os.pathsep.join([str(ROOT / "clients" / "examples"), os.environ["PYTHONPATH"]])
        done = subprocess.run(
            [sys.executable, "-m", "refine", "--address", self.server.address, "--environment", "desktop", "--output", str(self.folder),
             *(word for name, value in TINY.items() for word in (f"--{name}", str(value)))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=540,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"})
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads((self.folder / "report.json").read_text()), done.stdout.splitlines()[-1]

    def test_trains_tests_and_plays_the_other_templates(self):
        report, line = self.refine()
        self.assertEqual(report["summary"], line)
        self.assertEqual(("instances", 6, 0), tuple(report["sets"][0][key] for key in ("key", "tasks", "masked")))
        self.assertEqual({name: 1 for name in CHOSEN}, {row["template"]: row["tasks"] for row in report["chosen"]})
        for row in report["chosen"]:
            self.assertTrue(0 < row["p"] <= row["p_holm"] <= 1, row)
        self.check_other_templates(report["scripted"])
        for done in report["rounds"]:
            self.assertEqual((4, 0), (done["episodes"], done["masked"]))
        page = (self.folder / "report.html").read_text()
        self.assertIn("The chosen templates", page)
        self.assertIn("data:image/png;base64,", page)
        sessions = self.client.call(self.client.environments.ListSessions, env_pb.ListSessionsRequest()).sessions
        self.assertEqual([], list(sessions))

    def check_other_templates(self, rows):
        """All that are not trained on, by their known solutions, without exception."""
        self.assertGreaterEqual(len(rows), 15)
        self.assertFalse(CHOSEN & {row["template"] for row in rows})
        self.assertEqual({}, {row["template"]: row["problems"] for row in rows if row["solved"] != row["tasks"]})


if __name__ == "__main__":
    unittest.main()
