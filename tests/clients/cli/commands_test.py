"""The nouns of the command but trajectories, verdicts and labels, against a real proctord on the null environment, as tables and as JSON."""
import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import proctor
from proctor.v1 import task_pb2

from command_line import CLI, CommandLineTest, TASK
from proctord import Proctord


class CommandsTest(CommandLineTest):
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
        none = self.run_cli("--json", "task", "sample", "--split", "validation")
        self.assertEqual(("", "0 of 10: no more accepted tasks fit\n"), (none.stdout, none.stderr))
        for steps in (1, 1, 2):
            self.run_cli("task", "create", "-", stdin=f"{TASK}kind: ladder\noptimal_steps: {steps}\n")
        drawn = self.run_cli("--json", "task", "sample", "--kind", "ladder")
        self.assertEqual(2, len(drawn.stdout.splitlines()))
        self.assertEqual("2 of 10: no more accepted tasks fit, or they are longer than the 1 step that the curriculum draws now "
                         "(--strategy uniform: of any length)\n", drawn.stderr)
        self.assertEqual(3, len(self.json("task", "sample", "--kind", "ladder", "--strategy", "uniform")))
        self.assertEqual("", self.run_cli("task", "sample", "--kind", "ladder", "--count", "2").stderr)

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

    def test_a_reward_of_0_is_a_number(self):
        end = int(self.json("reward", "list", "--limit", "0")[-1]["offset"]) if self.json("reward", "list") else 0
        name = self.episode("goodbye")
        self.assertEqual(0, self.json("reward", "list", "--after", str(end))[0]["reward"]["value"])
        episode = self.json("episode", "get", name)[0]
        self.assertEqual((0, 0), (episode["reward"]["value"], episode["verdict"]["score"]))
        shown = self.run_cli("episode", "get", name).stdout
        self.assertRegex(shown, r"(?m)^  value: 0$")
        self.assertRegex(shown, r"(?m)^  score: 0$")

    def test_episode_end_cancels_or_finishes(self):
        for flags, kind, status in (([], "END_KIND_INTERRUPTED", "REWARD_STATUS_MASKED"),
                                    (["--done"], "END_KIND_TERMINATED", "REWARD_STATUS_VALID")):
            with proctor.Env(self.client, "null", observe=["text"]) as env:
                _, info = env.reset(options={"task": self.task()})
                name = info["episode"].name
                self.assertIn("no reward yet", self.run_cli("episode", "wait", name, "--max-wait", "0s", code=1).stderr)
                self.assertEqual(kind, self.json("episode", "end", name, *flags)[0]["end_kind"])
            self.assertEqual(status, self.json("episode", "wait", name, "--max-wait", "20s")[0]["reward"]["status"])

    def test_a_job_that_did_nothing_is_no_success(self):
        chosen_by = ("--policy", "nobody-has-this-name")
        for words, reason in ((("trajectory", "export", "out-none", *chosen_by), "nothing was exported: no closed trajectory"),
                              (("rescore", "--evaluator", "oracle", *chosen_by), "nothing was scored: no closed trajectory")):
            with self.subTest(words):
                done = self.run_cli(*words, code=1)
                self.assertIn("state: succeeded", done.stdout)
                self.assertIn(reason, done.stderr)
        for words, reason in ((("measure", "oracle"), "nothing was measured: no closed trajectory is chosen"),
                              (("compare", "oracle", "pae"), "nothing was measured: no closed trajectory is chosen")):
            done = self.run_cli("evaluator", *words, *chosen_by, code=1)
            self.assertEqual("", done.stdout)
            self.assertIn(reason, done.stderr)
        self.episode(policy="unjudged")
        done = self.run_cli("evaluator", "measure", "pae", "--policy", "unjudged", code=1)
        self.assertIn("no trajectory that is chosen has a verdict of evaluators/pae; proctor rescore --evaluator pae makes them", done.stderr)
        done = self.run_cli("evaluator", "compare", "oracle", "pae", "--policy", "unjudged", code=1)
        self.assertIn("nothing was compared: no trajectory that is chosen has verdicts of evaluators/oracle and evaluators/pae that decide",
                      done.stderr)
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
        # What it was at last is no news once it has ended: CREATED, which has two words, comes last.
        self.assertEqual(6, len(next(row for row in rows if row[0] == job.split("/")[1])))
        self.assertNotIn("\nmessage:", self.run_cli("job", "get", job).stdout)
        for verb in ("pause", "resume"):
            self.assertIn(f"failed precondition: {job} has ended: JOB_STATE_SUCCEEDED", self.run_cli("job", verb, job, code=1).stderr)
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
