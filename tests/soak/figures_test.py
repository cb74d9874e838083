"""What a run of rounds writes down with --json: everything that was counted, also where something was wrong or the run broke off."""
from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parents[1] / "bench")]

import kill_rounds
from checks import LOST_STEPS, SCORED_FAULTS, Checks
from kill_rounds import Soak


class NoClient:
    """An empty server."""

    def list_rewards(self, *_: object, **__: object) -> object:
        return mock.Mock(records=[], next_after_offset=0, end_offset=0)

    def get_trajectory(self, _: str) -> object:
        return mock.Mock(steps=[])


class FakeSoak(Soak):
    NAME = "fake"
    ENTRIES: list[dict] = []

    def __init__(self, rounds: int, seed: int, report: kill_rounds.Report):
        self.rounds, self.report = rounds, report
        self.server = mock.Mock(**{"log.read_text.return_value": "its last words", "end.return_value": ["a process is left"]})
        self.server.process.pid = 1
        self.seen: set = set()

    def run(self) -> list[str]:
        checks = Checks(NoClient(), "answer")
        checks.steps(self.ENTRIES)
        self.report.facts["counts"] = checks.figures()
        with mock.patch.object(kill_rounds, "descendants", return_value=set()):
            return checks.problems + self.leaks()

    def close(self) -> None:
        pass


class FiguresTest(unittest.TestCase):
    def write(self, soak: type[Soak]) -> tuple[int, dict]:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results" / "soak.json"
            with mock.patch.object(sys, "argv", ["soak", "--rounds", "3", "--seed", "7", "--json", str(path)]):
                code = kill_rounds.main(soak, "rounds", "")
            return code, json.loads(path.read_text())

    def test_all_counts_are_written_those_that_must_be_zero_too(self):
        FakeSoak.ENTRIES = [{"kind": "error", "message": "UNAVAILABLE: gone"},
                            {"kind": "step", "interrupted": False, "trajectory": "trajectories/t", "index": 4}]
        code, written = self.write(FakeSoak)
        self.assertEqual(1, code)
        self.assertEqual("fake", written["benchmark"])
        self.assertLessEqual({"processor", "cores", "memory_gib", "kernel"}, written["hardware"].keys())
        facts = written["facts"]
        self.assertEqual((7, 3), (facts["seed"], facts["rounds"]))
        self.assertEqual(1, facts["counts"]["must_be_zero"][LOST_STEPS])
        self.assertEqual(0, facts["counts"]["must_be_zero"][SCORED_FAULTS])
        self.assertEqual(4, len(facts["counts"]["must_be_zero"]))
        self.assertEqual(1, facts["counts"]["acknowledged_steps"])
        self.assertEqual({"UNAVAILABLE": 1}, facts["counts"]["errors_met_by_clients"])
        self.assertEqual(["a process is left"], facts["leaks"])
        self.assertEqual(2, len(facts["problems"]))

    def test_a_run_that_breaks_off_says_so(self):
        class Broken(FakeSoak):
            def run(self) -> list[str]:
                self.report.facts["rounds_done"] = 2
                raise TimeoutError("no reward")

        code, written = self.write(Broken)
        self.assertEqual(1, code)
        self.assertEqual(2, written["facts"]["rounds_done"])
        self.assertNotIn("counts", written["facts"])
        self.assertIn("TimeoutError: no reward", written["facts"]["problems"])
        self.assertIn("its last words", written["facts"]["problems"][1])


if __name__ == "__main__":
    unittest.main()
