"""Every noun of the command against a real proctord on the null environment, as tables and as JSON."""
import contextlib
import hashlib
import json
import os
import pathlib
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import proctor
from proctor.v1 import task_pb2, trajectory_service_pb2 as pb

from proctord import Proctord

CLI = os.environ["PROCTOR_CLI"]
TASK = """
goal: Say hello.
environment: environments/null
oracle: {answer: {match: {equals: {values: [hello]}}}}
tags: {colour: blue}
"""


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        cls.addClassCleanup(config.close)
        config.write("environments: {web: {enabled: false}, practice: {enabled: false}, 'null': {"
                     "default_limits: {max_steps: 7}, default_settings: {'null': {text_bytes: 32}}}}\n"
                     "http: {listen_address: '127.0.0.1:0'}\n")
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

    def test_env(self):
        names, rows = self.table("env", "list")
        self.assertEqual(["NAME", "AVAILABLE", "SESSIONS", "DESCRIPTION"], names)
        self.assertIn("null", [row[0] for row in rows])
        self.assertEqual("environments/null", self.json("env", "get", "null")[0]["name"])
        self.assertIn("name: environments/null\n", self.run_cli("env", "get", "environments/null").stdout)
        self.assertIn("not found", self.run_cli("env", "get", "nowhere", code=1).stderr)

    def test_env_shows_what_environments_can_and_cannot_do(self):
        shown = self.run_cli("env", "get", "null").stdout
        has = next(line for line in shown.splitlines() if line.startswith("actions it has: "))
        lacks = next(line for line in shown.splitlines() if line.startswith("actions it lacks: "))
        self.assertIn("answer", has)
        self.assertIn("swipe", lacks)
        self.assertIn("takes a seed: ", shown)
        columns, rows = self.table("env", "compare")
        self.assertEqual("WHAT", columns[0])
        self.assertIn("null", columns)
        self.assertIn(["action", "answer"], [row[:2] for row in rows])
        self.assertLessEqual({cell for row in rows for cell in row[2:]}, {"yes", "-"})

    def test_env_tells_the_configured_defaults_and_sessions_have_them(self):
        shown = self.json("env", "get", "null")[0]
        self.assertEqual({"max_steps": 7, "max_duration": "600s"}, shown["default_limits"])
        self.assertEqual(32, shown["default_settings"]["null"]["text_bytes"])
        made = self.json("session", "create", "null")[0]
        self.run_cli("session", "close", made["name"])
        self.assertEqual(32, made["settings"]["null"]["text_bytes"])
        self.assertEqual(7, self.json("episode", "get", self.episode())[0]["limits"]["max_steps"])

    def test_task_create_get_list(self):
        name = self.task()
        shown = self.run_cli("task", "get", name).stdout
        self.assertIn("goal: Say hello.\n", shown)
        self.assertIn("state: accepted\n", shown)
        self.assertEqual("Say hello.", self.json("task", "get", name)[0]["goal"])
        names, rows = self.table("task", "list", "--tag", "colour=blue", "--limit", "1")
        self.assertEqual("NAME STATE SPLIT ENV KIND STEPS GOAL".split(), names)
        self.assertEqual(["accepted", "train", "null"], rows[0][1:4])
        self.assertEqual([], self.json("task", "list", "--tag", "colour=green"))
        self.assertIn(name, [task["name"] for task in self.json("task", "list", "--limit", "0")])

    def test_tasks_travel_as_json_lines(self):
        self.task()
        lines = [json.dumps({"goal": task["goal"], "environment": task["environment"], "oracle": task["oracle"]})
                 for task in self.json("task", "list", "--tag", "colour=blue", "--limit", "1")] * 3
        created = self.json("task", "create", "-", stdin="\n".join(lines))
        self.assertEqual(3, len({task["name"] for task in created}))

    def test_bad_tasks_are_refused_with_their_line(self):
        self.assertIn("standard input:2: ", self.run_cli("task", "create", "-", stdin="goal: a\nx: b\n", code=1).stderr)
        self.assertIn("/no/such", self.run_cli("task", "create", "/no/such", code=1).stderr)

    def test_task_accept_reject(self):
        made = self.json("task", "create", "-", stdin=TASK + "state: PROPOSED\n")[0]
        self.assertEqual("TASK_STATE_PROPOSED", made["state"])
        self.assertIn("state: accepted", self.run_cli("task", "accept", made["name"]).stdout)
        rejected = self.json("task", "reject", made["name"], "--reason", "too dull")[0]
        self.assertEqual(("TASK_STATE_REJECTED", "too dull"), (rejected["state"], rejected["reject_reason"]))

    def test_task_sample(self):
        self.task()
        self.assertEqual(2, len(self.json("task", "sample", "--count", "2", "--tag", "colour=blue", "--seed", "1")))
        self.assertEqual([], self.json("task", "sample", "--split", "validation"))

    def test_task_propose_is_a_job(self):
        self.assertIn("--url", self.run_cli("task", "propose", "--max-pages", "3", code=2).stderr)
        self.assertIn("is for templates", self.run_cli("task", "propose", "--url", "http://x/", "--impossible", code=2).stderr)
        self.assertIn("is for a crawl", self.run_cli("task", "propose", "--url", "http://x/", "--by-model", "X", "--max-pages", "3", code=2).stderr)
        self.assertIn("--by-model", self.run_cli("task", "propose", "--url", "http://x/", "--persona", "a cook", code=2).stderr)
        self.assertIn("--url", self.run_cli("task", "propose", "--by-model", "X", code=2).stderr)
        self.assertIn("--demonstration", self.run_cli("task", "propose", "--url", "http://x/", "--by-model", "X", "--replay", code=2).stderr)
        self.assertIn("--model-endpoint", self.run_cli("task", "propose", "--url", "http://x/", "--by-model", "X", code=1).stderr)
        self.assertIn("--demonstration TRAJECTORY", self.run_cli("task", "propose", "--help").stdout)
        self.assertEqual([], self.table("task", "templates")[1])
        # Without practice sites there are no templates: the job fails, and says so.
        failed = self.run_cli("--json", "task", "propose", "--count", "3", code=1)
        job = json.loads(failed.stdout)
        self.assertEqual("propose_tasks", job["kind"])
        self.assertIn(job["name"], json.loads(failed.stderr.splitlines()[-1])["error"]["message"])

    def test_task_create_takes_short_names_and_says_what_is_missing(self):
        made = self.json("task", "create", "-", stdin='{"goal": "Say hello.", "environment": "null"}')[0]
        self.assertEqual("environments/null", made["environment"])
        self.assertIn("task.environment: missing: a name of the form 'environments/{id}' is needed",
                      self.run_cli("task", "create", "-", stdin='{"goal": "Say hello."}', code=1).stderr)
        self.assertNotIn("running", self.run_cli("task", "create", "/tmp", code=1).stderr)

    def test_task_import_of_webarena(self):
        self.assertIn("--webarena", self.run_cli("task", "import", code=2).stderr)
        config = [{"task_id": number, "intent": f"Find item {number}", "intent_template_id": 1, "sites": ["shopping"],
                   "start_url": "__SHOPPING__", "storage_state": "./.auth/shopping.json",
                   "eval": {"eval_types": ["string_match"], "reference_answers": {"exact_match": "42"}}}
                  for number in (901, 902)]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as cookies:
            cookies.write('{"cookies": [{"name": "session", "value": "hunter2"}]}')
            cookies.flush()
            job = self.json("task", "import", "--webarena", "-", "--base-url", "__SHOPPING__=http://127.0.0.1:7770",
                            "--storage-state", f"./.auth/shopping.json={cookies.name}", "--env", "null",
                            "--tag", "from=webarena", stdin=json.dumps(config))[-1]
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])
        self.assertNotIn("hunter2", json.dumps(job))
        task = self.json("task", "get", "webarena-902")[0]
        self.assertEqual("SPLIT_TEST", task["split"])
        self.assertEqual("TASK_STATE_ACCEPTED", task["state"])
        self.assertEqual({"__SHOPPING__": "http://127.0.0.1:7770"}, task["start_state"]["base_urls"])
        self.assertIn("hunter2", task["start_state"]["storage_state_json"])
        self.assertEqual("webarena", task["tags"]["from"])
        self.assertEqual(["42"], [task["oracle"]["webarena"]["reference_answers"]["exact_match"]])
        # What tasks start with is not left out silently.
        self.assertIn("./.auth/shopping.json (2 tasks)",
                      self.run_cli("task", "import", "--webarena", "-", stdin=json.dumps(config), code=1).stderr)
        for task_id, one in zip((903, 904), config):
            one["task_id"] = task_id
        job = self.json("task", "import", "--webarena", "-", "--storage-state", "./.auth/shopping.json=", stdin=json.dumps(config))[-1]
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])
        # A mistake in the file is refused at once, by the task's number.
        del config[1]["intent"]
        self.assertIn("904", self.run_cli("task", "import", "--webarena", "-", stdin=json.dumps(config), code=1).stderr)

    def test_session(self):
        made = self.json("session", "create", "null", "--lease", "1h", "--tag", "who=me")[0]
        self.assertEqual({"who": "me"}, made["client_tags"])
        self.assertIn(made["name"].split("/")[1], self.run_cli("session", "list").stdout)
        self.assertEqual("3600s", self.json("session", "keepalive", made["name"])[0]["lease"])
        self.assertIn("state: closed", self.run_cli("session", "close", made["name"]).stdout)
        self.assertNotIn(made["name"].split("/")[1], self.run_cli("session", "list").stdout)
        self.assertIn(made["name"], [s["name"] for s in self.json("session", "list", "--all")])
        self.assertEqual("SESSION_STATE_CLOSED", self.json("session", "get", made["name"])[0]["state"])

    def test_session_settings_from_a_file(self):
        made = self.json("session", "create", "null", "--settings", "-", stdin="'null': {text_bytes: 64}\n")[0]
        self.assertEqual(64, made["settings"]["null"]["text_bytes"])
        self.run_cli("session", "close", made["name"])
        self.assertIn("standard input:1", self.run_cli("session", "create", "null", "--settings", "-", stdin="x: 1\n",
                                                       code=1).stderr)

    def test_episode(self):
        name = self.episode()
        names, rows = self.table("episode", "list", "--policy", "test", "--limit", "0")
        self.assertEqual("NAME TASK END STEPS POLICY OUTCOME REWARD STARTED".split(), names)
        row = next(row for row in rows if row[0] == name)
        self.assertEqual(["answered", "2", "test@1", "success", "1"], row[2:7])
        self.assertIn("rationale:", self.run_cli("episode", "get", name).stdout)
        self.assertEqual("RESULT_STATE_READY", self.json("episode", "wait", name, "--max-wait", "20s")[0]["result_state"])
        self.assertIn("already ended", self.run_cli("episode", "end", name, code=1).stderr)

    def test_episode_end_cancels_or_finishes(self):
        for flags, kind, status in (([], "END_KIND_INTERRUPTED", "REWARD_STATUS_MASKED"),
                                    (["--done"], "END_KIND_TERMINATED", "REWARD_STATUS_VALID")):
            with proctor.Env(self.client, "null", observe=["text"]) as env:
                _, info = env.reset(options={"task": self.task()})
                name = info["episode"].name
                self.assertIn("no reward yet", self.run_cli("episode", "wait", name, "--max-wait", "0s", code=1).stderr)
                self.assertEqual(kind, self.json("episode", "end", name, *flags)[0]["end_kind"])
            self.assertEqual(status, self.json("episode", "wait", name, "--max-wait", "20s")[0]["reward"]["status"])

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

    def test_a_job_that_did_nothing_is_no_success(self):
        chosen_by = ("--policy", "nobody-has-this-name")
        for words, reason in ((("trajectory", "export", "out-none", *chosen_by), "nothing was exported: no closed trajectory"),
                              (("rescore", "--evaluator", "oracle", *chosen_by), "nothing was scored: no closed trajectory")):
            with self.subTest(words):
                done = self.run_cli(*words, code=1)
                self.assertIn("state: succeeded", done.stdout)
                self.assertIn(reason, done.stderr)
        done = self.run_cli("rescore", "no-such-record", "--evaluator", "oracle", code=1)
        self.assertIn("failed: 1", done.stdout)
        self.assertIn("no evaluation came to a verdict that decides", done.stderr)
        exchange = pathlib.Path(self.json("trajectory", "export", "out-exchange", self.episode())[0]["result"]["path"]).parent
        shutil.copytree(exchange / "out-exchange", exchange / "damaged")
        for header in (exchange / "damaged").rglob("trajectory.json"):
            header.write_text("{")
        self.assertIn("nothing was imported: no run could be read",
                      self.run_cli("trajectory", "import", str(exchange / "damaged"), code=1).stderr)
        self.run_cli("trajectory", "import", str(exchange / "out-exchange"))

    def test_a_data_directory_without_a_server_is_no_other_server(self):
        done = subprocess.run([CLI, "--data-dir", str(self.server.data) + "/none", "job", "list"], capture_output=True, text=True, timeout=100)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("none/addresses.json", done.stderr)

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

    def test_reward_list_and_tail(self):
        end = int(self.json("reward", "list", "--limit", "0")[-1]["offset"]) if self.json("reward", "list") else 0
        name = self.episode()
        record = self.json("reward", "list", "--after", str(end))[0]
        self.assertEqual(f"trajectories/{name}", record["reward"]["trajectory"])
        self.assertEqual(1, record["reward"]["value"])
        self.assertRegex(self.run_cli("reward", "list", "--after", str(end)).stdout, rf"trajectories/{name} +1 +yes +train")
        self.assertEqual([], self.json("reward", "list", "--after", str(end), "--split", "test"))
        self.assertEqual(record, self.json("reward", "tail", "--after", str(end), "--limit", "1")[0])
        self.assertEqual("", self.run_cli("--json", "reward", "tail", "--wait", "100ms").stdout)

    def test_reward_tail_follows_and_ends_cleanly_on_ctrl_c(self):
        tail = subprocess.Popen([CLI, "--address", self.server.address, "--json", "reward", "tail", "--after", "0"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(tail.stdout.close)
        self.addCleanup(tail.stderr.close)
        watchdog = threading.Timer(60, tail.kill)
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        name = self.episode()
        while json.loads(tail.stdout.readline())["reward"]["trajectory"] != f"trajectories/{name}":
            pass
        tail.send_signal(signal.SIGINT)
        self.assertEqual(130, tail.wait(30))
        self.assertEqual("", tail.stderr.read())

    def test_reward_tail_outlives_a_server_that_comes_back(self):
        with Proctord("--config", self.config) as server, contextlib.ExitStack() as running:
            def play():
                with proctor.connect(server.address) as client, proctor.Env(client, "null", observe=["text"]) as env:
                    task = task_pb2.Task(goal="Say hello.", environment="null")
                    task.oracle.answer.match.equals.values.append("hello")
                    env.reset(options={"task": client.create_task(task)})
                    return env.step(proctor.answer("hello"))[-1]["episode"].trajectory

            def tail(*flags):
                process = running.enter_context(subprocess.Popen(
                    [CLI, "--data-dir", str(server.data), "--json", "reward", "tail", "--after", "0", *flags],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
                running.callback(process.kill)
                watchdog = threading.Timer(100, process.kill)
                watchdog.start()
                running.callback(watchdog.cancel)
                return process

            trajectories = [play()]
            patient, hasty = tail(), tail("--patience", "0s")
            for process in (patient, hasty):
                self.assertEqual(trajectories[0], json.loads(process.stdout.readline())["reward"]["trajectory"])
            server.stop()
            self.assertEqual(1, hasty.wait(60))
            self.assertIn(json.loads(hasty.stderr.read())["error"]["code"], ("UNAVAILABLE", "CANCELLED"))
            self.assertIn("trying again for 1m", patient.stderr.readline())
            server.start()
            trajectories.append(play())
            self.assertEqual(trajectories[1], json.loads(patient.stdout.readline())["reward"]["trajectory"])
            patient.send_signal(signal.SIGINT)
            self.assertEqual(130, patient.wait(30))
            self.assertEqual("proctor: the server answers again\n", patient.stderr.read())

    def test_reward_consumers(self):
        made = self.json("reward", "consumer", "create", "trainer", "--earliest", "--split", "train")[0]
        self.assertEqual("consumers/trainer", made["name"])
        again = self.run_cli("reward", "consumer", "create", "trainer", "--latest", "--split", "train")
        self.assertIn("keeps its position", again.stderr)
        self.episode()
        names, rows = self.table("reward", "consumer", "list")
        self.assertEqual(["NAME", "COMMITTED", "LAG", "CONNECTED", "SPLITS", "LAST ACK"], names)
        self.assertEqual("trainer", rows[0][0])
        self.assertGreater(int(rows[0][2]), 0)
        self.assertEqual("1", self.json("reward", "consumer", "seek", "trainer", "--after", "1")[0]["committed_offset"])
        self.assertIn("exclude each other", self.run_cli("reward", "consumer", "seek", "trainer", "--latest", "--earliest",
                                                         code=2).stderr)
        self.assertIn("where to", self.run_cli("reward", "consumer", "seek", "trainer", code=2).stderr)
        self.run_cli("reward", "consumer", "delete", "trainer")
        self.assertEqual([], self.json("reward", "consumer", "list"))

    def test_reward_groups(self):
        group = self.json("reward", "group", "create", self.task(), "--size", "2", "--deadline", "10m")[0]
        self.assertEqual((2, "GROUP_STATE_OPEN"), (group["size"], group["state"]))
        self.assertIn("state: open", self.run_cli("reward", "group", "get", group["name"]).stdout)

    def test_job(self):
        name = self.episode()
        job = self.json("trajectory", "export", "job-" + name, name, "--detach")[0]["name"]
        states = self.json("job", "watch", job)
        self.assertEqual("JOB_STATE_SUCCEEDED", states[-1]["state"])
        self.assertIn("state: succeeded", self.run_cli("job", "watch", job).stdout)
        self.assertEqual(job, self.json("job", "get", job)[0]["name"])
        names, rows = self.table("job", "list", "--limit", "0")
        self.assertEqual("NAME KIND STATE DONE CREATED MESSAGE".split(), names)
        self.assertIn(job.split("/")[1], [row[0] for row in rows])
        for verb in ("pause", "resume"):
            self.assertIn("failed precondition", self.run_cli("job", verb, job, code=1).stderr)
        self.run_cli("job", "cancel", "nothing", code=1)

    def test_limits_are_told(self):
        for _ in range(3):
            self.task()
        shown = self.run_cli("task", "list", "--limit", "2")
        self.assertEqual(3, len(shown.stdout.splitlines()))
        self.assertIn("--limit 0 for all", shown.stderr)

    def test_a_server_that_is_not_there(self):
        done = subprocess.run([CLI, "--address", "127.0.0.1:1", "env", "list"], capture_output=True, text=True, timeout=60)
        self.assertEqual(1, done.returncode)
        self.assertIn("start it with: proctord", done.stderr)
        done = subprocess.run([CLI, "--address", "127.0.0.1:1", "--json", "env", "list"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual("UNAVAILABLE", json.loads(done.stderr)["error"]["code"])

    def test_a_mistake_in_a_line_that_wants_json_is_told_as_json(self):
        for words in (["--json", "tsak"], ["task", "list", "--limti", "3", "--json"], ["--json"]):
            error = json.loads(self.run_cli(*words, code=2).stderr)["error"]
            self.assertEqual("INVALID_ARGUMENT", error["code"])
        self.assertTrue(self.run_cli("task", "get", "a", "b", "--", "--json", code=2).stderr.startswith("proctor: "))

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CLI, "--address", self.server.address, "env", "list"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(1, done.returncode)
        self.assertIn("standard output", done.stderr)

    def test_a_terminal_gets_a_progress_bar_and_fitting_lines(self):
        name = self.episode()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(CLI, [CLI, "--address", self.server.address, "trajectory", "export", "tty-" + name, name])
        seen = b""
        try:
            while chunk := os.read(terminal, 4096):
                seen += chunk
        except OSError:
            pass
        os.close(terminal)
        self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        self.assertIn(b"\r\x1b[K", seen)
        self.assertIn(b"state: succeeded", seen)

    def test_doctor_finds_the_running_server(self):
        done = self.run_cli("--json", "doctor", "--listen", "127.0.0.1:0")
        findings = {finding["subject"]: finding for finding in map(json.loads, done.stdout.splitlines())}
        self.assertEqual("ok", findings["server"]["health"])
        self.assertRegex(findings["server"]["found"], r"^serves at unix:.*, version \d+\.\d+")
        self.assertEqual("ok", findings["environments/null"]["health"])


if __name__ == "__main__":
    unittest.main()
