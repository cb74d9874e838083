"""The systemd unit under systemd itself: the commands of docs/operations.md, "As a service", in a container (systemd-nspawn) over a copy of this
machine's files in memory, with what `cmake --install` installs. How much memory the unit may take is not in force in it."""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop()).resolve()
SECTION = (ROOT / "docs" / "operations.md").read_text().split("## As a service\n")[1].split("\n## ")[0]
# Mounts of its own, and processes of its own: nothing is left whatever happens.
UNSHARE = ["unshare", "-m", "-p", "--mount-proc", "--fork", "--kill-child"]
# A copy of all files, changes to which are in memory.
COPY = "mount -t tmpfs -o mode=755 tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root && " \
       "mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root"
# Seconds for a command.
CAP = 120


def shell(script, *before):
    return subprocess.run([*before, "sh", "-c", f"cd / && {script}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CAP)


def why_not():
    if shutil.which("systemd-nspawn") is None:
        return "systemd-nspawn is not installed"
    if os.geteuid() != 0 or shell(COPY, *UNSHARE).returncode != 0:
        return "this user may not mount"
    return None


def control_groups():
    """Those that systemd-nspawn makes, and leaves to the unit that it was told to keep."""
    return {path for path in pathlib.Path("/sys/fs/cgroup").rglob("*") if path.name in ("payload", "supervisor")}


def is_removed(folder):
    try:
        for path, _, _ in os.walk(folder, topdown=False):
            os.rmdir(path)
    except OSError:  # Not yet empty.
        return False
    return True


def descendant_named(ancestor, name):
    """The pid of the first process of that name, or None."""
    with contextlib.suppress(OSError):  # Ended meanwhile.
        for child in pathlib.Path(f"/proc/{ancestor}/task/{ancestor}/children").read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == name:
                return child
            if (found := descendant_named(child, name)) is not None:
                return found
    return None


def comes(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            return None
        time.sleep(0.1)
    return found


@unittest.skipIf(reason := why_not(), reason)
class ServiceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A machine without a name of its own would be set up anew; one without a network would wait for it.
        boot = f"{COPY} && cd /mnt/root && tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id && " \
               "ln -sf /dev/null etc/systemd/system/systemd-networkd-wait-online.service && " \
               f"DESTDIR=/mnt/root cmake --install {shlex.quote(str(BUILD))} --prefix /usr >&2 && " \
               "exec systemd-nspawn -D /mnt/root --register=no --keep-unit --private-network -b systemd.unit=basic.target"
        cls.groups = control_groups()
        cls.log = tempfile.TemporaryFile("w+")
        cls.addClassCleanup(cls.log.close)
        cls.container = subprocess.Popen([*UNSHARE, "sh", "-c", boot], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=cls.log)
        cls.addClassCleanup(cls.end)

        def init():
            if cls.container.poll() is not None:
                cls.log.seek(0)
                raise AssertionError(cls.log.read()[-4000:])
            return descendant_named(cls.container.pid, "systemd")

        leader = comes(init)
        assert leader, "systemd did not start"
        cls.enter = ["nsenter", "-t", leader, "-m", "-u", "-i", "-n", "-p", "-C"]
        assert comes(lambda: "active" == shell("systemctl is-active basic.target", *cls.enter).stdout.strip()), "systemd is not done"
        # As the page says; what the first line installs is there.
        install, *commands = re.search(r"^```\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)[1].splitlines()
        assert install.startswith("cmake --install "), install
        cls.said = {command.split()[0]: cls.run_(command) for command in commands}

    @classmethod
    def end(cls):
        cls.container.kill()
        cls.container.wait(CAP)
        for folder in control_groups() - cls.groups:
            assert comes(lambda folder=folder: is_removed(folder)), folder

    @classmethod
    def run_(cls, script):
        done = shell(script, *cls.enter)
        assert done.returncode == 0, f"{script}: exit code {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def told(self, *properties):
        said = self.run_("systemctl show proctord -p " + ",".join(properties))
        return [dict(line.split("=", 1) for line in said.splitlines())[name] for name in properties]

    def configure(self, text):
        self.run_(f"echo {shlex.quote(text)} > /etc/proctor/proctord.yaml")

    def restart(self):
        self.run_("systemctl restart proctord")
        self.assertTrue(comes(lambda: shell("proctor env list", *self.enter).returncode == 0))

    def setUp(self):
        self.configure("")
        self.run_("systemctl reset-failed proctord || true")
        self.restart()

    def play(self):
        """The README's episode, with the Python client that was installed."""
        (snippet,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
        self.assertIn(" 1.0 ", self.run_(f"/usr/bin/python3 -c {shlex.quote(snippet)}"))

    def test_the_pages_commands_start_it(self):
        self.assertRegex(self.said["proctor"], r"(?m)^web +yes")
        self.assertIn("ready", self.said["journalctl"])
        self.play()
        owners = self.run_("ps -o user= -p $(systemctl show proctord -p MainPID --value)")
        self.assertEqual("proctor", owners.strip())

    def test_a_reload_keeps_it_and_its_browsers(self):
        self.play()
        (before,) = self.told("MainPID")
        browsers = self.run_("pgrep -u proctor -f remote-debugging-pipe")
        self.run_("systemctl reload proctord")
        self.assertEqual([before, "active"], self.told("MainPID", "ActiveState"))
        self.play()
        self.assertEqual(browsers, self.run_("pgrep -u proctor -f remote-debugging-pipe"))

    def test_one_that_was_killed_comes_back_with_what_it_had(self):
        self.play()
        episodes = self.run_("proctor episode list")
        self.run_("systemctl kill -s KILL proctord")
        self.assertTrue(comes(lambda: self.told("NRestarts", "ActiveState") == ["1", "active"]))
        self.assertTrue(comes(lambda: shell("proctor env list", *self.enter).returncode == 0))
        self.assertEqual(episodes, self.run_("proctor episode list"))
        self.play()

    def test_a_bad_configuration_is_told_and_not_tried_again(self):
        self.configure("sessions: {default_leese: 3s}")
        shell("systemctl restart proctord", *self.enter)
        self.assertTrue(comes(lambda: self.told("ActiveState") == ["failed"]))
        time.sleep(7)  # Longer than the pause before another try.
        self.assertEqual(["failed", "2", "0"], self.told("ActiveState", "ExecMainStatus", "NRestarts"))
        self.assertIn("default_leese: unknown key", self.run_("journalctl -u proctord -n 20 -o cat"))

    def test_a_stop_is_orderly_and_leaves_nothing(self):
        self.run_("proctor session create practice")
        self.run_("systemctl stop proctord")
        self.assertEqual(["inactive", "success", "0"], self.told("ActiveState", "Result", "ExecMainStatus"))
        self.assertEqual("", shell("pgrep -u proctor", *self.enter).stdout)

    def test_desktops_need_the_pages_drop_in(self):
        self.configure("environments: {desktop: {enabled: true}}")
        self.restart()
        refused = self.run_("proctor env get desktop")
        if "apt-get install" in refused:
            self.skipTest("desktops cannot be walled in here")
        self.assertIn("docs/operations.md", refused)
        (drop_in,) = re.findall(r"^```ini\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
        self.run_("mkdir -p /etc/systemd/system/proctord.service.d && "
                  f"echo {shlex.quote(drop_in)} > /etc/systemd/system/proctord.service.d/desktops.conf && systemctl daemon-reload")
        self.restart()
        self.assertRegex(self.run_("proctor session create desktop"), "(?m)^state: open")


if __name__ == "__main__":
    unittest.main()
