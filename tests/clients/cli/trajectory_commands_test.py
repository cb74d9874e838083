"""Trajectories, and the verdicts and labels on them, by the command against a real proctord, as tables and as JSON."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import grpc

from proctor.v1 import evaluation_service_pb2_grpc as eval_grpc, task_pb2, trajectory_service_pb2 as pb, verdict_pb2

from command_line import CLI, CommandLineTest


class TrajectoryCommandsTest(CommandLineTest):
    def test_trajectory(self):
        name = self.episode()
        shown = self.run_cli("trajectory", "show", name).stdout
        self.assertIn("goal: Say hello.", shown)
        self.assertRegex(shown, r"\n#  ACTION +ON")
        self.assertRegex(shown, r'\n1  answer "hello" ')
        self.assertEqual(2, len(self.json("trajectory", "get", name)[0]["steps"]))
        self.assertIn(name, self.run_cli("trajectory", "list", "--end", "terminated").stdout)
        self.assertNotIn(name, self.run_cli("trajectory", "list", "--end", "truncated").stdout)

    def test_trajectory_export_delete_import(self):
        name = self.episode()
        job = self.json("trajectory", "export", "out-" + name, name)[0]
        self.assertEqual("1", job["result"]["exported"])
        self.assertTrue(pathlib.Path(job["result"]["path"]).is_dir())
        self.run_cli("trajectory", "delete", name)
        self.run_cli("trajectory", "show", name, code=1)
        shown = self.run_cli("trajectory", "import", "out-" + name)
        self.assertIn("imported: 1", shown.stdout)
        self.assertIn("started jobs/", shown.stderr)
        self.assertEqual(2, self.json("trajectory", "show", name)[0]["step_count"])

    def test_trajectory_export_says_what_it_left_out(self):
        names = sorted(self.episode(policy="damaged") for _ in range(3))
        self.assertNotIn("left out", self.run_cli("trajectory", "export", "whole", "--policy", "damaged").stderr)
        database = sqlite3.connect(self.server.data / "proctor.db", timeout=60)
        self.addCleanup(database.close)
        header, = database.execute("SELECT header FROM trajectory_records WHERE id = ?", (names[0],)).fetchone()
        step, = database.execute("SELECT step FROM trajectory_steps WHERE trajectory = ? AND step_index = 1", (names[1],)).fetchone()

        def put(header, step):
            with database:
                database.execute("UPDATE trajectory_records SET header = ? WHERE id = ?", (header, names[0]))
                database.execute("UPDATE trajectory_steps SET step = ? WHERE trajectory = ? AND step_index = 1", (step, names[1]))

        put(b"\xff\xff\xff", b"\xff\xff\xff")
        try:
            done = self.run_cli("trajectory", "export", "partial", "--policy", "damaged")
            self.assertIn("exported: 1\n", done.stdout)
            last = done.stderr.splitlines()[-1]
            self.assertRegex(last, rf"^2 of 3 trajectories left out: trajectories/{names[0]} \(DATA_LOSS: .*\); "
                                   rf"trajectories/{names[1]} \(DATA_LOSS: .*\)$")
            result = self.json("trajectory", "export", "partial-json", "--policy", "damaged")[0]["result"]
            self.assertEqual({"trajectories/" + name for name in names[:2]}, set(result["failed"]))
            # One that is asked for by its name is not left out.
            self.run_cli("trajectory", "export", "named", *names, code=1)
        finally:
            put(header, step)

    def test_trajectory_formats(self):
        log = [{"uid": "tea-1", "intent": "Find a teapot.", "response": "The blue one.", "score": 1, "steps": []},
               {"uid": "tea-2", "intent": "", "response": "", "steps": []}]
        runs = self.server.data / "exchange" / "aer-runs"
        runs.mkdir(parents=True)
        (runs / "trajectory_log.json").write_text(json.dumps(log))
        self.assertIn("looked for interact_messages.json (webvoyager)",
                      self.run_cli("trajectory", "import", "aer-runs", "--format", "webvoyager", code=1).stderr)
        result = self.json("trajectory", "import", "aer-runs", "--split", "validation")[0]["result"]
        self.assertEqual("1", result["imported"])
        self.assertIn("intent is empty", result["failed"]["trajectory_log.json#tea-2"])
        self.assertEqual([{"file": "trajectory_log.json#tea-1", "item": "score", "count": "1",
                           "reason": "has no place in a trajectory"}], result["skipped"])
        name = result["names"][0]
        self.assertEqual("SPLIT_VALIDATION", self.json("trajectory", "show", name)[0]["task"]["split"])
        shown = self.run_cli("trajectory", "export", "atif-runs", name, "--format", "atif").stdout
        self.assertIn("exported: 1\n", shown)
        again = self.run_cli("trajectory", "import", "atif-runs", "--format", "atif").stdout
        # ATIF carries all of it: it is the same record.
        self.assertIn("unchanged: 1\n", again)
        self.assertIn("needs a screenshot before step 0",
                      self.run_cli("trajectory", "export", "v-runs", name, "--format", "webvoyager", code=1).stderr)
        self.run_cli("trajectory", "import", "aer-runs", "--format", "pickle", code=2)

    def test_trajectory_blob(self):
        data = b"\x00\xff picture" * 1000
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "blob")
            digest = self.recorded_blob(data)
            self.run_cli("trajectory", "blob", digest, "--output", str(path))
            self.assertEqual(data, path.read_bytes())
            piped = subprocess.run([CLI, "--address", self.server.address, "trajectory", "blob", digest],
                                   capture_output=True, timeout=60)
            self.assertEqual(data, piped.stdout)
            self.run_cli("trajectory", "blob", "0" * 64, "--output", str(path) + "2", code=1)
            self.assertEqual(["blob"], os.listdir(folder))

    def recorded_blob(self, data):
        digest = hashlib.sha256(data).hexdigest()
        header = pb.RecordHeader(inline_task=task_pb2.Task(goal="g", environment="environments/null"), recorder="test")
        step = pb.RecordTrajectoryRequest()
        step.step.action.noop.SetInParent()
        step.step.observation.screenshot.digest = digest
        parts = [pb.RecordTrajectoryRequest(header=header),
                 pb.RecordTrajectoryRequest(blob=pb.RecordBlob(digest=digest, data=data)), step,
                 pb.RecordTrajectoryRequest(end=pb.RecordEnd(end_kind="END_KIND_TERMINATED",
                                                             end_reason="END_REASON_CLIENT_DONE"))]
        self.client.trajectories.RecordTrajectory(iter(parts), timeout=30)
        return digest

    def test_verdict(self):
        name = self.episode(answer="wrong")
        verdict = self.json("verdict", "evaluate", name)[0]
        self.assertEqual("OUTCOME_FAILURE", verdict["outcome"])
        self.assertIn("outcome: failure", self.run_cli("verdict", "get", verdict["name"]).stdout)
        names, rows = self.table("verdict", "list", "--trajectory", name)
        self.assertEqual("NAME TRAJECTORY OUTCOME SCORE EVALUATOR MADE RATIONALE".split(), names)
        self.assertEqual(["failure", "0", "oracle"], rows[0][2:5])

    def test_verdict_evaluators(self):
        created = self.json("evaluator", "apply", "-f", "-",
                            stdin="name: evaluators/strict\noracle: {answer: {match: {equals: {values: [wrong]}}}}\n")[0]
        self.assertTrue(created["version"])
        name = self.episode(answer="wrong")
        dry = self.json("verdict", "evaluate", name, "--evaluator", "strict", "--dry-run")[0]
        self.assertEqual("OUTCOME_SUCCESS", dry["outcome"])
        self.assertEqual([], self.json("verdict", "list", "--trajectory", name, "--evaluator", "strict"))
        self.assertIn("strict", self.run_cli("evaluator", "list").stdout)
        self.assertEqual(created["version"], self.json("evaluator", "get", "strict")[0]["version"])

    def test_verdict_show_prints_what_it_rests_on(self):
        name = self.episode(answer="wrong")
        verdict = self.json("verdict", "evaluate", name)[0]
        shown = self.run_cli("verdict", "show", verdict["name"]).stdout
        self.assertIn("failure, score 0, confidence 1\nby oracle", shown)
        self.assertIn("answer: failure", shown)
        again = self.json("verdict", "show", verdict["name"], "--replay")[0]
        self.assertEqual(verdict["outcome"], again["outcome"])

    def test_judges_are_refused_without_a_model(self):
        name = self.episode()
        for words in (("verdict", "evaluate", name, "--evaluator", "pae"), ("rescore", name, "--evaluator", "pae"),
                      ("verdict", "compare", name, self.episode())):
            self.assertIn("--model-endpoint", self.run_cli(*words, code=1).stderr)

    def test_rescores_measures_and_labels(self):
        name = self.episode(answer="wrong")
        self.json("evaluator", "apply", "-f", "-",
                  stdin="name: evaluators/lenient\noracle: {answer: {match: {equals: {values: [wrong]}}}}\n")
        result = self.json("rescore", name, "--evaluator", "lenient")[0]["result"]
        self.assertEqual("1", result["evaluated"])
        result = self.json("rescore", name, "--evaluator", "lenient", "--dry-run")[0]["result"]
        self.assertEqual("1", result["skipped"])
        label = self.json("label", "add", name, "failure", "--annotator", "ann", "--note", "no")[0]
        self.assertEqual(f"trajectories/{name}", label["trajectory"])
        self.assertIn("(by hand)", self.run_cli("label", "list", "--trajectory", name).stdout)
        drawn = self.run_cli("label", "draw", "lenient", "--size", "1").stdout
        self.assertIn("label each with", drawn)
        measured = self.run_cli("evaluator", "measure", "lenient", "--truth", "labels", "--by", "policy").stdout
        self.assertIn("lenient against people's labels", measured)
        self.assertIn("chosen by hand: no interval", measured)
        compared = self.run_cli("evaluator", "compare", "lenient", "oracle", "--truth", "labels").stdout
        self.assertIn("against oracle", compared)
        self.assertIn(f"proctor trajectory show {name}", compared)


class SlowJudge(eval_grpc.EvaluationServiceServicer):
    """Notes how many seconds it is given."""

    def __init__(self):
        self.given = []
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        eval_grpc.add_EvaluationServiceServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def EvaluateTrajectory(self, request, context):
        self.given.append(context.time_remaining())
        return verdict_pb2.Verdict()

    def CompareTrajectories(self, request, context):
        self.given.append(context.time_remaining())
        return verdict_pb2.Comparison()


class JudgingTimeTest(unittest.TestCase):
    def test_a_judge_has_longer_than_other_calls_unless_the_user_says(self):
        judge = SlowJudge()
        self.addCleanup(judge.server.stop, None)
        for words in (("evaluate", "a"), ("compare", "a", "b")):
            for flags in ((), ("--timeout", "20s")):
                subprocess.run([CLI, "--address", judge.address, "verdict", *words, *flags], check=True, capture_output=True, timeout=60)
        self.assertEqual([600, 20, 600, 20], [round(seconds, -1) for seconds in judge.given])


if __name__ == "__main__":
    unittest.main()
