"""A disk that is full, or cannot be written: what the server does, and that it recovers. On a small file system of its own, in a mount
namespace, so that nothing is left behind whatever happens."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import proctor
from proctor.v1 import environment_service_pb2, episode_pb2, reward_pb2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lines import Lines

PROCTORD = os.environ["PROCTORD"]
CONFIG = """
environments:
  web: {enabled: false}
  practice: {enabled: false}
shutdown_grace: 2s
"""
TMPFS = "-t tmpfs -o size=32m,mode=700 tmpfs"


def can_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


def until_ready(server, log=None):
    """What it says until it is ready."""
    said, lines = [], Lines(server.stdout)
    while "ready" not in said:
        try:
            said.append(lines.next())
        except (EOFError, TimeoutError) as error:
            raise AssertionError(f"the server did not get ready: {error}\n{log.read_text() if log else said}") from error
    return "\n".join(said)


class Player:
    """Plays in one session. Requests of their own: one that is sent again gets the first one's answer."""

    def __init__(self, client):
        self.client = client
        self.session = client.create_session("null").name

    def start(self):
        request = environment_service_pb2.StartEpisodeRequest(session=self.session)
        request.inline_task.goal, request.inline_task.environment = "Click.", "environments/null"
        request.inline_task.oracle.answer.match.equals.values.append("42")
        request.limits.max_steps = 10_000
        return self.client.start_episode(request).episode.name

    def click(self):
        request = environment_service_pb2.StepRequest(session=self.session)
        request.action.click.target.mark = 1
        return self.client.step(request)

    def answer(self):
        request = environment_service_pb2.StepRequest(session=self.session)
        request.action.answer.text = "42"
        return self.client.step(request)


class ServerOnItsOwnDisk(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.config = self.folder / "proctord.yaml"
        self.config.write_text(CONFIG)
        self.log = self.folder / "log"

    def command(self, mount, *flags):
        """proctord on a file system that `mount` mounts with these words."""
        script = f'mount {mount} {self.data} && exec "$0" "$@"'
        return ["unshare", "-m", "sh", "-c", script, PROCTORD, "--config", str(self.config), "--data-dir", str(self.data), *flags]

    def start(self, mount):
        flags = ("--listen", "", "--unix-socket", str(self.folder / "socket"), "--http", "127.0.0.1:0")
        with open(self.log, "ab") as log:
            self.process = process = subprocess.Popen(self.command(mount, *flags), stdout=subprocess.PIPE, stderr=log)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.kill)
        self.http = re.search("http://[0-9.:]+", until_ready(process, self.log))[0]
        client = proctor.connect(f"unix:{self.folder}/socket")
        self.addCleanup(client.close)
        return client

    def inside(self, name):
        """A file of the data directory, as the server sees it."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{self.data}/{name}")

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

    def check_alive(self):
        self.assertIsNone(self.process.poll(), "the server stays up")
        with urllib.request.urlopen(self.http + "/healthz", timeout=30) as reply:
            self.assertEqual(200, reply.status)

    def check_masked(self, client, episode):
        deadline = time.monotonic() + 120
        found = client.wait_episode(episode, max_wait=10)
        while not found.reward.status and time.monotonic() < deadline:
            found = client.wait_episode(episode, max_wait=10)
        self.assertEqual(episode_pb2.END_REASON_SERVER_FAULT, found.end_reason)
        self.assertEqual(reward_pb2.REWARD_STATUS_MASKED, found.reward.status, found)
        self.assertEqual(reward_pb2.MASK_REASON_SERVER_FAULT, found.reward.mask_reason)

    def check_plays(self, player):
        player.start()
        response = player.click()
        self.assertFalse(response.interrupted, response)
        response = player.answer()
        self.assertEqual(reward_pb2.REWARD_STATUS_VALID, response.episode.reward.status, response)
        return response.episode.name


@unittest.skipUnless(can_mount(), "this user may not mount a file system of its own here")
class DiskTest(ServerOnItsOwnDisk):
    def fill(self):
        with open(self.inside("filler"), "wb") as filler:
            try:
                while True:
                    filler.write(bytes(64 << 10))
                    filler.flush()
            except OSError:
                pass

    def test_a_full_disk_interrupts_episodes_and_nothing_else(self):
        client = self.start(TMPFS)
        player = Player(client)
        name = player.start()
        self.assertEqual((200, "ready\n"), self.ready())
        self.fill()
        self.assertEqual(503, self.ready()[0])
        self.assertIn("data directory cannot be written", self.ready()[1])
        # What still has room goes on; then the episode ends by the server's fault, and the step's answer says so.
        response = player.click()
        for _ in range(9_000):
            if response.interrupted:
                break
            response = player.click()
        self.assertTrue(response.interrupted, response)
        self.assertEqual(episode_pb2.END_REASON_SERVER_FAULT, response.episode.end_reason)
        self.check_alive()
        self.assertGreater(self.metric("proctor_store_failures_total"), 0)

        self.inside("filler").unlink()
        self.check_masked(client, name)
        self.assertEqual((200, "ready\n"), self.ready())
        # The same session goes on.
        self.check_plays(player)

    def test_a_disk_that_cannot_be_written_is_said_at_the_start(self):
        done = subprocess.run(self.command("-t tmpfs -o ro tmpfs"), capture_output=True, text=True, timeout=60)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(str(self.data), done.stderr)
        self.assertIn("Read-only file system", done.stderr)


class ReadOnlyDiskTest(ServerOnItsOwnDisk):
    """The kernel makes a file system read-only after an error of the disk, under a server that writes to it. Here the error is ext4's own
    for tests: /sys/fs/ext4/DEVICE/trigger_fs_error."""

    STEPS = 5

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        with open(self.disk, "wb") as disk:
            disk.truncate(64 << 20)
        try:
            subprocess.run(["/sbin/mkfs.ext4", "-q", "-m", "0", self.disk], check=True, capture_output=True, timeout=60)
        except FileNotFoundError:
            self.skipTest("the Debian package e2fsprogs is not installed")
        self.mount = f"-o loop,errors=remount-ro {self.disk}"
        look = f'mount {self.mount} {self.data} && test -w /sys/fs/ext4/$(basename $(findmnt -no SOURCE {self.data}))/trigger_fs_error'
        done = subprocess.run(["unshare", "-m", "sh", "-ec", look], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            self.skipTest(f"a disk cannot be made to fail here: {done.stderr.strip() or 'ext4 has no trigger_fs_error'}")
        self.wait_until_unmounted()

    def loop_devices(self):
        """Those that lead to the disk: one while it is mounted anywhere."""
        found = []
        for path in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
            try:
                if path.read_text().strip() == str(self.disk):
                    found.append(path.parts[3])
            except OSError:
                pass  # Given back meanwhile.
        return found

    def wait_until_unmounted(self):
        """The kernel unmounts a little after the last process of the namespace ended."""
        deadline = time.monotonic() + 60
        while self.loop_devices():
            self.assertLess(time.monotonic(), deadline, "the disk is still mounted")
            time.sleep(0.05)

    def fail_the_disk(self):
        # What the server has in memory of its files is on the disk, as some time after a write: it has to ask for the right to write again.
        subprocess.run(["sync", "--file-system", self.inside("")], check=True, timeout=60)
        (device,) = self.loop_devices()
        pathlib.Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")
        with self.assertRaisesRegex(OSError, "Read-only file system"):
            self.inside("new").touch()

    def check_reads(self, client, played, interrupted):
        self.assertEqual(reward_pb2.REWARD_STATUS_VALID, client.get_episode(played).reward.status)
        self.assertEqual({played, interrupted}, {episode.name for episode in client.list_episodes()})
        # What cannot be recorded is not claimed: it is still running.
        episode = client.get_episode(interrupted)
        self.assertEqual(episode_pb2.EPISODE_STATE_RUNNING, episode.state)
        self.assertEqual(self.STEPS, len(client.get_trajectory(episode.trajectory).steps))
        self.assertEqual(1, len(client.list_rewards().records))

    def check_backup(self):
        """Onto another disk, while the server's own cannot be written: sound."""
        target = self.folder / "backup"
        backup = ["nsenter", "--mount", "--target", str(self.process.pid), PROCTORD, "--backup", str(target), "--data-dir", str(self.data)]
        for command in (backup, [PROCTORD, "--fsck", "--data-dir", str(target)]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def mend_the_disk(self):
        self.wait_until_unmounted()
        mended = subprocess.run(["/sbin/e2fsck", "-f", "-y", self.disk], capture_output=True, text=True, timeout=120)
        self.assertIn(mended.returncode, (0, 1), mended.stdout + mended.stderr)
        done = subprocess.run(self.command(self.mount, "--fsck"), capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.wait_until_unmounted()

    def test_a_disk_that_becomes_read_only_interrupts_episodes_and_loses_nothing(self):
        client = self.start(self.mount)
        player = Player(client)
        played = self.check_plays(player)
        interrupted = player.start()
        for _ in range(self.STEPS):
            self.assertFalse(player.click().interrupted)
        self.fail_the_disk()

        response = player.click()
        self.assertTrue(response.interrupted, response)
        self.assertEqual(episode_pb2.END_REASON_SERVER_FAULT, response.episode.end_reason)
        self.assertEqual(self.STEPS, response.episode.step_count)
        with self.assertRaisesRegex(proctor.Unavailable, "disk I/O error"):
            player.start()
        status, reasons = self.ready()
        self.assertEqual(503, status)
        self.assertRegex(reasons, "data directory cannot be written: .*Read-only file system")
        self.check_alive()
        self.assertEqual(0, self.metric("proctor_ready"))
        self.assertGreater(self.metric('proctor_store_failures_total{code="UNAVAILABLE"}'), 0)
        self.assertEqual(self.metric('proctor_store_failures_total{code="UNAVAILABLE"}'), self.metric("proctor_store_failures_total{"))
        self.check_reads(client, played, interrupted)
        self.check_backup()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.process.wait(120), self.log.read_text())
        self.assertNotIn("half a line", self.log.read_text(), "nothing of a line could be written")

        self.mend_the_disk()
        client = self.start(self.mount)
        self.assertEqual((200, "ready\n"), self.ready())
        self.check_masked(client, interrupted)
        self.assertEqual(self.STEPS, len(client.get_trajectory(client.get_episode(interrupted).trajectory).steps))
        self.assertEqual(reward_pb2.REWARD_STATUS_VALID, client.get_episode(played).reward.status)
        self.assertEqual([reward_pb2.REWARD_STATUS_VALID, reward_pb2.REWARD_STATUS_MASKED],
                         [record.reward.status for record in client.list_rewards().records])
        self.check_plays(Player(client))


class DamagedDataTest(unittest.TestCase):
    def test_a_damaged_database_is_said_at_the_start_with_what_to_do(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-test-"))
        self.addCleanup(shutil.rmtree, folder)
        (folder / "proctord.yaml").write_text(CONFIG)
        command = [PROCTORD, "--config", str(folder / "proctord.yaml"), "--data-dir", str(folder / "data"), "--listen", "", "--http", ""]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(first.stdout.close)
        self.addCleanup(first.wait, 30)
        self.addCleanup(first.kill)
        until_ready(first)
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
