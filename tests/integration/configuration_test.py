"""What the configuration says reaches the worlds: a real proctord with real Chromium on the practice sites."""
import http.server
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import proctor
from proctor.v1 import task_pb2, task_service_pb2, verdict_pb2

from proctord import Proctord

CHROMIUM = "/usr/lib/chromium/chromium-headless-shell"
FUNCTIONS = """
browser: {max_browsers: 1, prewarm_contexts: false}
practice: {default_seed: 42}
environments: {practice: {default_settings: {practice: {web: {locale: de-DE, time_zone: Europe/Berlin}}}}}
evaluation:
  webarena_functions:
    shop_heading: {page_url: __SHOP__/, expression: "(tag) => document.querySelector(tag) ? 'found ' + tag : 'none'"}
"""


def shop_task(**fields):
    task = task_pb2.Task(goal="Look at the shop.", environment="environments/practice", **fields)
    task.start_state.start_url = "__SHOP__/"
    return task


class ServerTest(unittest.TestCase):
    def start(self, yaml):
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(config.close)
        config.write(yaml)
        config.flush()
        server = Proctord("--config", config.name)
        self.addCleanup(server.__exit__)
        server.start()
        self.server = server
        client = proctor.connect(server.address)
        self.addCleanup(client.close)
        return client

    def play(self, client, task, answer="done"):
        """An episode that only answers: its first observation and the episode with verdict and reward."""
        with proctor.Env(client, "practice", observe=["elements", "text"]) as env:
            first, _ = env.reset(options={"task": task})
            *_, info = env.step(proctor.answer(answer))
        return first, info["episode"]


class ConfigurationTest(ServerTest):
    def test_functions_of_sites_seeds_and_settings(self):
        client = self.start(FUNCTIONS)
        with self.subTest("a configured function is evaluated in its page"):
            task = shop_task()
            program = task.oracle.webarena.program_html.add(url="last", locator="func:shop_heading('body')")
            program.must_include.append("found body")
            task.oracle.webarena.eval_types.append("program_html")
            _, episode = self.play(client, task)
            # It holds from the start: judged, and told apart from what the agent did.
            self.assertEqual(verdict_pb2.OUTCOME_SUCCESS, episode.verdict.outcome, episode.verdict)
            self.assertTrue(episode.verdict.already_solved)
        with self.subTest("another one is undetermined, with the reason"):
            task.oracle.webarena.program_html[0].locator = "func:unknown('body')"
            _, episode = self.play(client, task)
            self.assertEqual(verdict_pb2.UNDETERMINED_REASON_NOT_CONFIGURED, episode.verdict.undetermined_reason)
        with self.subTest("default_seed makes the content"):
            texts = set()
            for _ in range(2):
                first, episode = self.play(client, shop_task())
                self.assertEqual(42, episode.seed)
                texts.add(first.text.text)
            self.assertEqual(1, len(texts))
            self.assertEqual(7, self.play(client, shop_task(seed=7))[1].seed)
        with self.subTest("default_settings reach the page"):
            task = shop_task()
            task.oracle.page.expression = "navigator.language + ' ' + Intl.DateTimeFormat().resolvedOptions().timeZone"
            task.oracle.page.match.equals_json = '"de-DE Europe/Berlin"'
            self.assertEqual(verdict_pb2.OUTCOME_SUCCESS, self.play(client, task)[1].verdict.outcome)

    def test_a_remote_browser_is_found_by_its_http_address(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-remote-test-")
        self.addCleanup(folder.cleanup)
        # Without its sandbox: it opens nothing but the practice sites, and this test may run as root.
        browser = subprocess.Popen([CHROMIUM, "--no-sandbox", "--remote-debugging-port=0", "--disable-background-networking",
                                    "--disable-gpu", f"--user-data-dir={folder.name}/profile", "about:blank"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(browser.wait, 30)
        self.addCleanup(browser.kill)
        port = pathlib.Path(folder.name, "profile", "DevToolsActivePort")
        deadline = time.monotonic() + 30
        while not (port.exists() and port.read_text().count("\n") >= 1):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        client = self.start(f"browser: {{remote_url: 'http://127.0.0.1:{port.read_text().splitlines()[0]}'}}\n")
        task = shop_task()
        task.oracle.answer.match.equals.values.append("done")
        first, episode = self.play(client, task)
        self.assertTrue(first.elements)
        self.assertEqual(verdict_pb2.OUTCOME_SUCCESS, episode.verdict.outcome, episode.verdict)

    def test_pages_cannot_reach_health_and_metrics(self):
        client = self.start("http: {listen_address: '127.0.0.1:0'}\negress: {allow_private: true}\n")
        address = json.loads((self.server.data / "addresses.json").read_text())["http"]
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=30) as reply:
            self.assertEqual(200, reply.status)
        task = task_pb2.Task(goal="Read the metrics.", environment="environments/web")
        task.start_state.start_url = f"http://{address}/metrics"
        with proctor.Env(client, "web", observe=["text"]) as env:
            with self.assertRaisesRegex(proctor.ProctorError, "is a port of the server itself"):
                env.reset(options={"task": task})

    def test_a_site_of_this_machine_is_refused_with_what_to_do(self):
        client = self.start("browser: {max_browsers: 1, prewarm_contexts: false}\n")
        site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        self.addCleanup(site.server_close)
        url = f"http://127.0.0.1:{site.server_port}/"
        advice = (fr"egress\.allow_private \(proctord --egress-allow-private\).*egress\.allowed_hosts \(proctord --egress-allow "
                  fr"127\.0\.0\.1:{site.server_port}\)")
        for start_url in (url, url.replace("http:", "https:")):
            task = task_pb2.Task(goal="Say what is there.", environment="environments/web")
            task.start_state.start_url = start_url
            with proctor.Env(client, "web", observe=["text"]) as env:
                with self.assertRaisesRegex(proctor.Unavailable, advice):
                    env.reset(options={"task": task})
        request = task_service_pb2.ProposeTasksRequest(count=5)
        request.crawl.start_url = url
        with self.assertRaisesRegex(proctor.ProctorError, "the start page cannot be had: .*" + advice):
            client.propose_tasks(request)


class ReloadTest(ServerTest):
    def test_a_hangup_puts_in_force_what_can_be_and_names_what_cannot(self):
        quiet = "environments: {web: {enabled: false}, practice: {enabled: false}}\n"
        client = self.start(quiet)

        def reload(yaml):
            pathlib.Path(self.server.flags[1]).write_text(yaml)
            at = self.server.log.stat().st_size
            self.server.process.send_signal(signal.SIGHUP)
            return lambda: self.server.log.read_text()[at:]

        def await_line(log, text):
            deadline = time.monotonic() + 30
            while text not in log():
                self.assertLess(time.monotonic(), deadline, f"{text!r} is not in {log()!r}")
                time.sleep(0.05)

        await_line(reload("environments: {mars: {}}\n"), "no such environment")
        limited = quiet + "quotas: {otherwise: {session_weight: 0.01}}\nretention: {rules: [{name: old, min_age: 1h}]}\n"
        log = reload(limited + "recompression: {enabled: false}\n")
        await_line(log, "recompression")
        self.assertIn("waits for a restart", log())
        await_line(log, "retention")
        client.create_session("null")
        with self.assertRaises(proctor.ResourceExhausted):
            client.create_session("null")
        await_line(reload(quiet), "quotas")
        client.create_session("null")


if __name__ == "__main__":
    unittest.main()
