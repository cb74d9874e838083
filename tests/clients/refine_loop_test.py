"""The refinement loop as it is run, tiny, against a real proctord with real Chromium: what it reports and leaves behind."""
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import proctor
from proctor.v1 import environment_service_pb2 as env_pb

from proctord import Proctord

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAST_LINE = re.compile(r"held-out success: (\d+\.\d)% → (\d+\.\d)% \(95% interval of the difference: "
                       r"(-?\d+\.\d|nan) to (-?\d+\.\d|nan) points; (\d+) tasks\)")
TINY = {"rounds": 2, "groups": 3, "group-size": 2, "tasks": 160, "held-out": 8, "curve-tasks": 3, "permuted-rounds": 1,
        "sessions": 3, "train-seconds": 0, "seed": 3}


class References(html.parser.HTMLParser):
    """What a page would load or lead to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "srcset", "href", "xlink:href", "data", "action", "poster") and value:
                self.found.append(value)
            elif name == "style" and value:
                self.found.extend(re.findall(r"url\(([^)]*)\)", value))

    def external(self, text):
        self.feed(text)
        self.found.extend(re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", text))
        return [found for found in self.found if not str(found).startswith(("data:", "#"))]


class RefineLoopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord(*os.environ.get("PROCTORD_FLAGS", "").split()).start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def refine(self, learner):
        """The report's folder and the last line of a run."""
        folder = tempfile.TemporaryDirectory(prefix="proctor-refine-test-")
        self.addCleanup(folder.cleanup)
        path = os.pathsep.join([str(ROOT / "clients" / "examples"), os.environ["PYTHONPATH"]])
        done = subprocess.run(
            [sys.executable, "-m", "refine", "--address", self.server.address, "--output", folder.name, "--learner", learner,
             *(word for name, value in TINY.items() for word in (f"--{name}", str(value)))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"})
        self.assertEqual(0, done.returncode, done.stderr)
        return pathlib.Path(folder.name), done.stdout.splitlines()[-1]

    def check_run(self, learner):
        folder, line = self.refine(learner)
        report = json.loads((folder / "report.json").read_text())
        self.check_sets(report, line)
        self.check_controls(report)
        self.check_training(report, learner)
        page = (folder / "report.html").read_text()
        self.assertIn("</html>", page)
        self.assertEqual([], References().external(page))
        self.assertEqual([], list(self.client.call(self.client.environments.ListSessions,
                                                   env_pb.ListSessionsRequest()).sessions))
        self.assertEqual([], self.client.list_consumers())

    def check_sets(self, report, line):
        self.assertEqual(report["summary"], line)
        shown = LAST_LINE.fullmatch(line)
        self.assertIsNotNone(shown, line)
        first = report["sets"][0]
        self.assertEqual("instances", first["key"])
        self.assertEqual([f"{100 * first['before']:.1f}", f"{100 * first['after']:.1f}", str(first["tasks"])],
                         [shown[1], shown[2], shown[5]])
        self.assertEqual(len(report["sets"]), len({s["key"] for s in report["sets"]}))
        for measured in report["sets"]:
            self.assertGreater(measured["tasks"], 0)
            self.assertTrue(measured["title"])
            for share in (measured["before"], measured["after"]):
                self.assertTrue(0 <= share <= 1)
            self.assertLessEqual(measured["masked"], 2 * TINY["held-out"])

    def check_controls(self, report):
        controls = {control["title"]: control for control in report["controls"]}
        self.assertEqual(len(report["controls"]), len(controls))
        for wanted in ("untrained", "overlap", "permuted"):
            found = [control for title, control in controls.items() if wanted in title]
            self.assertEqual(1, len(found), (wanted, list(controls)))
            self.assertGreater(found[0]["tasks"], 0)
            self.assertTrue(0 <= found[0]["share"] <= 1)

    def check_training(self, report, learner):
        self.assertEqual((learner, TINY["seed"]), (report["learner"], report["seed"]))
        self.assertEqual(list(range(1, TINY["rounds"] + 1)), [done["number"] for done in report["rounds"]])
        for done in report["rounds"]:
            self.assertEqual(TINY["groups"] * TINY["group-size"], done["episodes"])
            self.assertLessEqual(done["successes"] + done["masked"] + done["missing"], done["episodes"])
            self.assertGreater(done["steps"], 0)
        # A short run is looked at after every round, the last included.
        self.assertEqual(list(range(TINY["rounds"] + 1)), [point["round"] for point in report["curve"]])
        for point in report["curve"]:
            self.assertTrue(0 <= point["low"] <= point["share"] <= point["high"] <= 1, point)
        self.assertEqual({name for name, _ in report["weights"]}, set(report["features"]))

    def test_filtered_cloning(self):
        self.check_run("filtered-bc")

    def test_group_gradient(self):
        self.check_run("group-gradient")


if __name__ == "__main__":
    unittest.main()
