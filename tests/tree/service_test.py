"""The systemd unit is one that systemd understands, and it shuts out what it says it does."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

UNIT = pathlib.Path(__file__).resolve().parents[2] / "server" / "proctord.service"


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class ServiceTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-test-")
        self.addCleanup(folder.cleanup)
        self.unit = pathlib.Path(folder.name) / "proctord.service"

    def verify(self, text):
        # What it runs need not be installed where the tests run; systemd looks for it.
        self.unit.write_text(text.replace("/usr/bin/proctord", "/bin/true").replace("/bin/kill", "/bin/true"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(self.unit)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_systemd_understands_every_line(self):
        code, said = self.verify(UNIT.read_text())
        self.assertEqual((0, ""), (code, said))

    def test_a_line_that_it_does_not_understand_is_told(self):
        _, said = self.verify(UNIT.read_text().replace("PrivateTmp=yes", "PrivateTemporary=yes"))
        self.assertIn("PrivateTemporary", said)

    def test_a_reload_signals_the_server_alone_and_is_told_to_operators(self):
        service = UNIT.read_text().split("[Service]\n")[1].split("\n[Install]")[0]
        self.assertEqual(["/bin/kill -HUP $MAINPID"], re.findall(r"^ExecReload=(.*)$", service, re.MULTILINE))
        told = (UNIT.parents[1] / "docs" / "operations.md").read_text().split("## Changing the configuration\n")[1].split("\n## ")[0]
        self.assertIn("`systemctl reload proctord`", told)

    def test_its_memory_has_a_limit_below_the_machines(self):
        limits = {name: int(share) for name, share in re.findall(r"^(Memory\w+)=(\d+)%$", UNIT.read_text(), re.MULTILINE)}
        self.assertEqual({"MemoryHigh", "MemoryMax"}, set(limits))
        self.assertLess(limits["MemoryHigh"], limits["MemoryMax"])
        self.assertLess(limits["MemoryMax"], 100)

    def test_its_exposure_is_small(self):
        self.unit.write_text(UNIT.read_text())
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(self.unit)], capture_output=True,
                              text=True, timeout=60)
        exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        self.assertTrue(exposure, done.stdout + done.stderr)
        self.assertLess(float(exposure[1]), 4.0)


if __name__ == "__main__":
    unittest.main()
