"""A disk that is full, or cannot be written: what the server does, and that it recovers. On a small file system of its own, in a mount
namespace, so that nothing is left behind whatever happens."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import proctor
from proctor.v1 import environment_service_pb2, episode_pb2, reward_pb2, task_pb2

PROCTORD = os.environ["PROCTORD"]
CONFIG = """
environments:
  web: {enabled: false}
  practice: {enabled: false}
shutdown_grace: 2s
"""


def can_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


@unittest.skipUnless(can_mount(), "this user may not mount a file system of its own here")
class DiskTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.config = self.folder / "proctord.yaml"
        self.config.write_text(CONFIG)
        self.process = None

    def command(self, options):
        """proctord on a file system of its own, mounted with these options."""
        script = f'mount -t tmpfs -o {options} tmpfs {self.data} && exec "$0" "$@"'
        return ["unshare", "-m", "sh", "-c", script, PROCTORD, "--config", str(self.config), "--data-dir", str(self.data),
                "--listen", "", "--unix-socket", str(self.folder / "socket"), "--http", "127.0.0.1:0"]

    def start(self):
        self.log = open(self.folder / "log", "wb")
        self.addCleanup(self.log.close)
        self.process = subprocess.Popen(self.command("size=32m,mode=700"), stdout=subprocess.PIPE, stderr=self.log)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.wait, 30)
        self.addCleanup(self.process.kill)
        said = b""
        while not said.endswith(b"ready\n"):
            line = self.process.stdout.readline()
            self.assertTrue(line, (self.folder / "log").read_text())
            said += line
        self.http = re.search(rb"http://[0-9.:]+", said)[0].decode()
        client = proctor.connect(f"unix:{self.folder}/socket")
        self.addCleanup(client.close)
        return client

    def inside(self, name):
        """A file of the data directory, as the server sees it."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{self.data}/{name}")

    def fill(self):
        with open(self.inside("filler"), "wb") as filler:
            try:
                while True:
                    filler.write(bytes(64 << 10))
                    filler.flush()
            except OSError:
                pass

    def ready(self):
        try:
            with urllib.request.urlopen(self.http + "/readyz", timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name):
        with urllib.request.urlopen(self.http + "/metrics", timeout=30) as reply:
            return sum(float(line.rsplit(" ", 1)[1]) for line in reply.read().decode().splitlines() if line.startswith(name))

    def test_a_full_disk_interrupts_episodes_and_nothing_else(self):
        client = self.start()
        task = task_pb2.Task(goal="Click.", environment="environments/null")
        task.oracle.answer.match.equals.values.append("42")
        session = client.create_session("null").name

        # Requests of their own: one that is sent again gets the first one's answer.
        def start():
            request = environment_service_pb2.StartEpisodeRequest(session=session, inline_task=task)
            request.limits.max_steps = 10_000
            return client.start_episode(request)

        def click():
            request = environment_service_pb2.StepRequest(session=session)
            request.action.click.target.mark = 1
            return client.step(request)

        name = start().episode.name
        self.assertEqual((200, "ready\n"), self.ready())
        self.fill()
        self.assertEqual(503, self.ready()[0])
        self.assertIn("data directory cannot be written", self.ready()[1])
        # What still has room goes on; then the episode ends by the server's fault, and the step's answer says so.
        response = click()
        for _ in range(9_000):
            if response.interrupted:
                break
            response = click()
        self.assertTrue(response.interrupted, response)
        self.assertEqual(episode_pb2.END_REASON_SERVER_FAULT, response.episode.end_reason)
        self.assertIsNone(self.process.poll(), "the server stays up")
        with urllib.request.urlopen(self.http + "/healthz", timeout=30) as reply:
            self.assertEqual(200, reply.status)
        self.assertGreater(self.metric("proctor_store_failures_total"), 0)

        self.inside("filler").unlink()
        deadline = time.monotonic() + 120
        episode = client.wait_episode(name, max_wait=10)
        while not episode.reward.status and time.monotonic() < deadline:
            episode = client.wait_episode(name, max_wait=10)
        self.assertEqual(reward_pb2.REWARD_STATUS_MASKED, episode.reward.status, episode)
        self.assertEqual(reward_pb2.MASK_REASON_SERVER_FAULT, episode.reward.mask_reason)
        self.assertEqual((200, "ready\n"), self.ready())
        # The same session goes on.
        start()
        response = click()
        self.assertFalse(response.interrupted, response)
        answer = environment_service_pb2.StepRequest(session=session)
        answer.action.answer.text = "42"
        response = client.step(answer)
        self.assertEqual(reward_pb2.REWARD_STATUS_VALID, response.episode.reward.status, response)

    def test_a_disk_that_cannot_be_written_is_said_at_the_start(self):
        done = subprocess.run(self.command("ro"), capture_output=True, text=True, timeout=60)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(str(self.data), done.stderr)
        self.assertIn("Read-only file system", done.stderr)


class DamagedDataTest(unittest.TestCase):
    def test_a_damaged_database_is_said_at_the_start_with_what_to_do(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-test-"))
        self.addCleanup(shutil.rmtree, folder)
        (folder / "proctord.yaml").write_text(CONFIG)
        command = [PROCTORD, "--config", str(folder / "proctord.yaml"), "--data-dir", str(folder / "data"), "--listen", "", "--http", ""]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(first.stdout.close)
        while first.stdout.readline() not in (b"ready\n", b""):
            pass
        first.terminate()
        self.assertEqual(0, first.wait(60))
        database = folder / "data" / "proctor.db"
        for left in database.parent.glob("proctor.db-*"):
            left.unlink()
        database.write_bytes(b"This was a database." * 1000)
        again = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(4, again.returncode, again.stderr)
        self.assertIn("proctord --fsck tells what is", again.stderr)
        self.assertEqual(b"This was a database." * 1000, database.read_bytes())


if __name__ == "__main__":
    unittest.main()
