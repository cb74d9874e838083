"""What `cmake --install` puts into a prefix works from there; the README's code works as printed, with what was installed."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from proctord import Proctord

BUILD = sys.argv.pop()
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(readme CXX)
find_package(proctor REQUIRED)
add_executable(readme readme.cc)
target_link_libraries(readme PRIVATE proctor::client)
"""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=400, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def readme_block(language):
    blocks = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 1, f"{len(blocks)} {language} blocks in the README"
    return blocks[0]


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="proctor-install-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)

    def installed(self, pattern):
        found = sorted(self.prefix.glob(pattern))
        self.assertTrue(found, pattern)
        return found

    def test_programs_tell_their_version(self):
        version = re.search(r"project\(proctor VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        for program in ("proctord", "proctor"):
            self.assertEqual(f"{program} {version}\n", run(self.prefix / "bin" / program, "--version"))

    def test_the_example_configuration_loads(self):
        run(self.prefix / "bin" / "proctord", "--check-config", "--config", self.prefix / "share/proctor/proctord.yaml")

    def test_completion_is_a_script_for_bash(self):
        script = self.prefix / "share/bash-completion/completions/proctor"
        self.assertIn("_proctor", run("bash", "-c", f"source {script}; complete -p proctor"))

    def test_the_pages_that_the_readme_links_to_are_there(self):
        (readme,) = self.installed("share/doc/proctor/README.md")
        links = re.findall(r"\]\((?!\w+:)([^)#]+)", readme.read_text())
        self.assertGreater(len(links), 5)
        for link in links:
            self.assertTrue((readme.parent / link).is_file(), link)

    def test_every_proto_is_there_and_compiles(self):
        protos = self.installed("share/proctor/proto/proctor/v1/*.proto")
        self.assertEqual(len(list((ROOT / "proto/proctor/v1").glob("*.proto"))), len(protos))
        run("protoc", "-I", self.prefix / "share/proctor/proto", "-o", self.folder / "all.pb", *protos)

    def test_the_python_package_imports_without_the_source_tree(self):
        package = self.prefix / "lib/python3/dist-packages"
        shown = run("/usr/bin/python3", "-c", "import proctor, proctor.aio; print(proctor.__file__)", cwd="/",
                    env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(str(package / "proctor/__init__.py"), shown.strip())

    def test_nothing_of_the_build_leaks_into_the_prefix(self):
        for file in self.installed("lib*/**/cmake/proctor/*.cmake"):
            text = file.read_text()
            self.assertNotIn(str(ROOT), text, file)
            self.assertNotIn("Werror", text, file)
        self.assertEqual([], [str(path) for path in self.prefix.rglob("*") if path.is_symlink()])


class ReadmeTest(unittest.TestCase):
    """As the README says, but for the data directory and the port, which are the test's own."""

    @classmethod
    def setUpClass(cls):
        assert "\nbuild/release/server/proctord\n" in (ROOT / "README.md").read_text(), "started without flags"
        folder = tempfile.TemporaryDirectory(prefix="proctor-readme-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.server = Proctord().start()
        cls.addClassCleanup(cls.server.__exit__)

    def environment(self, **more):
        # Where the clients look for the server by default.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PROCTOR_")}
        return {**kept, "PROCTOR_DATA_DIR": str(self.server.data), **more}

    def check_output(self, shown):
        url, reward, rationale = shown.strip().split(" ", 2)
        self.assertRegex(url, r"^http://[^/]+\.localhost(:\d+)?/search\?q=lamp$")
        self.assertEqual(1, float(reward), rationale)

    def test_the_python_example(self):
        program = self.folder / "example.py"
        program.write_text(readme_block("python"))
        self.check_output(run("/usr/bin/python3", program, cwd=self.folder, env=self.environment(
            PYTHONPATH=str(self.prefix / "lib/python3/dist-packages"))))

    def test_the_cpp_example(self):
        source = self.folder / "source"
        source.mkdir()
        (source / "CMakeLists.txt").write_text(PROJECT)
        (source / "readme.cc").write_text(readme_block("cpp"))
        run("cmake", "-S", source, "-B", self.folder / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", self.folder / "build")
        self.check_output(run(self.folder / "build" / "readme", env=self.environment()))

    def test_the_compiled_example_says_what_came_of_it(self):
        run(self.prefix / "bin" / "proctor", "task", "propose", "--count", "10", env=self.environment())
        goal, seen, outcome = run(pathlib.Path(BUILD) / "clients/cpp/proctor_cpp_example",
                                  env=self.environment()).splitlines()
        self.assertTrue(goal)
        self.assertRegex(seen, r"^[1-9]\d* elements on http://[^/]+\.localhost")
        self.assertRegex(outcome, r"^OUTCOME_(SUCCESS|FAILURE), reward [01]$")


if __name__ == "__main__":
    unittest.main()
