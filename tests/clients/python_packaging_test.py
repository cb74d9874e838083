"""The build's folder `python` is what pip takes: its version is the project's, and a virtual environment gets all of it."""
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import proctor

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = pathlib.Path(sys.argv.pop()) / "python"


class PackagingTest(unittest.TestCase):
    def setUp(self):
        self.version = re.search(r"project\(proctor VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        self.project = tomllib.loads((PYTHON / "pyproject.toml").read_text())

    def test_the_version_is_the_projects(self):
        self.assertEqual((self.version, self.version), (self.project["project"]["version"], proctor.__version__))

    def test_every_package_is_named(self):
        folders = {path.parent.relative_to(PYTHON) for path in (PYTHON / "proctor").rglob("*.py")}
        self.assertEqual({".".join(folder.parts) for folder in folders}, set(self.project["tool"]["setuptools"]["packages"]))

    def test_pip_installs_it_into_a_virtual_environment(self):
        for module in ("ensurepip", "setuptools", "wheel"):
            if importlib.util.find_spec(module) is None:
                self.skipTest(f"Debian's package of {module} (python3-venv, python3-setuptools, python3-wheel) is not installed")
        with tempfile.TemporaryDirectory(prefix="proctor-packaging-test-") as name:
            folder = pathlib.Path(name)
            # pip builds where the sources are.
            shutil.copytree(PYTHON, folder / "python", symlinks=True, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
            # Debian's grpcio and protobuf are seen from within; there is no network.
            self.run_it(sys.executable, "-m", "venv", "--system-site-packages", folder / "venv")
            python = folder / "venv" / "bin" / "python"
            self.run_it(python, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", folder / "python")
            shown = self.run_it(python, "-c", "import importlib.metadata, proctor, proctor.aio\n"
                                "print(proctor.__file__, proctor.__version__, importlib.metadata.version('proctor'))").split()
            self.assertEqual([self.version, self.version], shown[1:])
            installed = pathlib.Path(shown[0]).parent
            self.assertTrue(installed.is_relative_to(folder / "venv"))

            def names(package):
                return sorted(str(path.relative_to(package)) for path in package.rglob("*") if path.suffix in (".py", ".pyi", ".typed"))
            self.assertEqual(names(PYTHON / "proctor"), names(installed))
            self.assertIn("v1/job_pb2.pyi", names(installed))
            # Debian's grpcio and protobuf are in the ranges. Of other packages pip may complain.
            checked = self.run_it(python, "-m", "pip", "check", codes=(0, 1))
            self.assertNotIn("proctor", checked)

    def run_it(self, *words, codes=(0,)):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=100, cwd="/",
                              env={"PATH": "/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertIn(done.returncode, codes, f"{words}\n{done.stdout}\n{done.stderr}")
        return done.stdout


if __name__ == "__main__":
    unittest.main()
