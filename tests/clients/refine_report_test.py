"""What the refinement loop says of a run: its numbers, report and exit code, and whether bench/refine is content with them."""
import contextlib
import io
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "examples"))

import proctor  # noqa: E402
import proctor.report  # noqa: E402
from proctor.v1 import environment_pb2  # noqa: E402
from refine import __main__ as command, experiment, report, statistics, trainer  # noqa: E402


class CommandTest(unittest.TestCase):
    def test_it_says_why_an_environment_cannot_be_used(self):
        about = environment_pb2.Environment(name="environments/desktop", unavailable_reason="no Xvfb")
        client = types.SimpleNamespace(environments=mock.Mock(), call=lambda *_: about)
        with self.assertRaisesRegex(proctor.FailedPrecondition, "environments/desktop: no Xvfb"):
            command._most_sessions(client, "desktop")

    def test_a_token_that_would_travel_in_plain_text_is_an_error_and_no_traceback(self):
        with mock.patch.dict(os.environ, {"PROCTOR_TOKEN": "secret"}), contextlib.redirect_stderr(io.StringIO()) as shown:
            self.assertEqual(1, command.main(["--address", "example.invalid:1"]))
        self.assertRegex(shown.getvalue(), "^refine: .*in plain text.*\n$")


    def test_a_run_that_measured_nothing_is_no_success(self):
        for measured, code in ((True, 0), (False, 1)):
            run = types.SimpleNamespace(run=lambda: "the summary", measured=measured)
            with mock.patch.object(command, "_connect"), mock.patch.object(command, "Experiment", return_value=run), \
                    contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()) as shown:
                self.assertEqual(code, command.main([]))
            self.assertEqual("the summary\n", shown.getvalue())


class StatisticsTest(unittest.TestCase):
    def test_wilson_matches_a_value_worked_by_hand(self):
        low, high = statistics.wilson(8, 10)
        self.assertAlmostEqual(0.490, low, places=3)
        self.assertAlmostEqual(0.943, high, places=3)

    def test_clustered_interval_is_wider_than_the_tasks_suggest(self):
        after = [1.0] * 50 + [0.0] * 50
        narrow = statistics.paired_difference([0.0] * 100, after, [str(i) for i in range(100)])
        wide = statistics.paired_difference([0.0] * 100, after, ["a"] * 50 + ["b"] * 50)
        self.assertEqual(0.5, narrow[0])
        self.assertLess(wide[1], narrow[1])
        self.assertTrue(math.isnan(statistics.paired_difference([], [], [])[0]))


class MeasurementTest(unittest.TestCase):
    def test_bounds_take_masked_episodes_for_failed_and_for_succeeded(self):
        measured = experiment.Measurement([1.0, 0.0, 1.0], ["t"] * 3, ["a", "b", "c"], 1, [])
        self.assertEqual((0.5, 0.75), measured.bounds())


class ReportTest(unittest.TestCase):
    def row(self, low: float) -> dict:
        return {"title": "set", "tasks": 4, "before": 0.1, "after": 0.5, "low": low, "high": 0.6, "masked": 0,
                "before_bounds": (0.1, 0.1), "after_bounds": (0.5, 0.5)}

    def test_title_says_whether_it_got_better(self):
        self.assertIn("that got better", report._title(self.row(0.1)))
        self.assertIn("did not", report._title(self.row(0.0)))

    def test_what_was_not_measured_is_null(self):
        row = self.row(math.nan) | {"before": math.nan, "high": math.nan, "before_bounds": (0.0, 1.0)}
        done = trainer.Round(1, 4, 0, 4, 0, 1, 2.0, 8, {"CLIENT": 4})
        data = {"summary": "", "description": "", "candidates": "", "sets": [row], "controls": [], "rounds": [done], "timings": {}, "breakdown": [],
                "curve": [{"round": 0, "share": math.nan, "low": 0.0, "high": 1.0, "tasks": 0}], "weights": [], "gallery": []}
        with tempfile.TemporaryDirectory() as folder:
            report.write(pathlib.Path(folder), data)
            text = (pathlib.Path(folder) / "report.json").read_text()
            html = (pathlib.Path(folder) / "report.html").read_text()
        self.assertNotIn("NaN", text)
        told = json.loads(text)
        self.assertEqual((None, None, 0.5, [0.0, 1.0]), tuple(told["sets"][0][key] for key in ("before", "low", "after", "before_bounds")))
        self.assertEqual({"CLIENT": 4}, told["rounds"][0]["reasons"])
        self.assertIn("nothing was measured", html)
        self.assertNotIn("nan", re.sub("<style>.*?</style>", "", html.split("<h2>What was learned")[0]))

    def test_page_escapes_what_pages_said(self):
        data = {"summary": "<b>", "description": "", "candidates": "<em>", "sets": [self.row(0.1)], "controls": [], "curve": [], "rounds": [],
                "timings": {}, "breakdown": [], "weights": [],
                "gallery": [proctor.report.Episode("<script>", [proctor.report.Shot("<i>", keys=["<u>"])], outcome="SUCCESS")]}
        with tempfile.TemporaryDirectory() as folder:
            report.write(pathlib.Path(folder), data)
            html = (pathlib.Path(folder) / "report.html").read_text()
        self.assertNotIn("<script>", html)
        self.assertNotIn("<i>", html)
        self.assertNotIn("<u>", html)
        self.assertNotIn("<em>", html)


class BenchTest(unittest.TestCase):
    """bench/refine, with a loop that reports what it is told to."""

    def bench(self, **changes):
        """Its exit code and what it prints; `changes` to the sets of a run that meets the bar."""
        row = {"tasks": 200, "before": 0.1, "after": 0.8, "difference": 0.7, "low": 0.6, "high": 0.8}
        sets = [row | {"key": key} | changes.get(key, {}) for key in ("instances", "templates", "site")]
        controls = [{"title": "overlap", "share": 0.3, "low": 0.1}, {"title": "permuted", "share": 0.1, "low": -0.1}]
        with tempfile.TemporaryDirectory(prefix="proctor-bench-test-") as folder:
            root = pathlib.Path(folder)
            for name in ("bench/refine", "scripts/lib.sh"):
                (root / name).parent.mkdir()
                shutil.copy(ROOT / name, root / name)
            (root / "report.json").write_text(json.dumps({"sets": sets, "controls": controls}))
            demo = root / "scripts" / "demo"
            demo.write_text('#!/bin/sh\nmkdir -p "$2" && cp "$(dirname "$0")/../report.json" "$2"\n')
            demo.chmod(0o755)
            done = subprocess.run([root / "bench" / "refine", "1"], capture_output=True, text=True, timeout=60)
        self.assertEqual("", done.stderr)
        return done.returncode, done.stdout

    def test_a_run_that_meets_the_bar_passes(self):
        self.assertEqual(0, self.bench()[0])

    def test_what_was_not_measured_does_not_pass(self):
        nothing = {"tasks": 0, "before": None, "after": None, "difference": None, "low": None, "high": None}
        for key, word in (("instances", "MISSED"), ("templates", "NOT SIGNIFICANT"), ("site", "NOT SIGNIFICANT")):
            code, shown = self.bench(**{key: nothing})
            self.assertEqual(1, code, shown)
            self.assertIn(word, shown)
        self.assertEqual(1, self.bench(site={"low": 0.0})[0])
        self.assertEqual(1, self.bench(instances={"key": "others"})[0])


if __name__ == "__main__":
    unittest.main()
