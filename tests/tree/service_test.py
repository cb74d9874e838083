"""The systemd unit is one that systemd understands, and it shuts out what it says it does."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "server" / "proctord.service"


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class ServiceTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-test-")
        self.addCleanup(folder.cleanup)
        self.unit = pathlib.Path(folder.name) / "proctord.service"

    @staticmethod
    def told(section):
        return (ROOT / "docs" / "operations.md").read_text().split(f"## {section}\n")[1].split("\n## ")[0]

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
        self.assertIn("`systemctl reload proctord`", self.told("Changing the configuration"))

    def test_the_drop_in_for_desktops_lets_their_sandbox_in(self):
        (drop_in,) = re.findall(r"^```ini\n(.*?)^```", self.told("As a service"), re.DOTALL | re.MULTILINE)
        folder = self.unit.with_name("proctord.service.d")
        folder.mkdir()
        (folder / "desktops.conf").write_text(drop_in)
        self.assertEqual((0, ""), self.verify(UNIT.read_text()))
        made = set(re.findall(r"CLONE_NEW([A-Z]+)", (ROOT / "env" / "desktop" / "guest" / "sandbox.cc").read_text()))
        self.assertIn("NS", made)
        allowed = re.search(r"^RestrictNamespaces=(.*)$", drop_in, re.MULTILINE)[1].split()
        self.assertEqual({"mnt" if kind == "NS" else kind.lower() for kind in made}, set(allowed))
        # It calls sethostname, and mounts a /proc.
        for setting in ("ProtectHostname=no", "ProtectKernelLogs=no"):
            self.assertIn(setting + "\n", drop_in)
        (folder / "desktops.conf").write_text(drop_in.replace("ProtectHostname", "ProtectHostnames"))
        self.assertIn("ProtectHostnames", self.verify(UNIT.read_text())[1])

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
