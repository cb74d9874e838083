"""Skipped tests are named and counted, each once; and where all must run, only what cannot be helped is let off."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = """
import sys, unittest
class Some(unittest.TestCase):
    def test_runs(self): print(sys.argv[1:], sys.path[0])
    @unittest.skip("no such\\nthing")
    def test_left_out(self): pass
    def test_in_part(self):
        with self.subTest(number=1):
            self.skipTest("one is missing")
class Others(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("none of them")
    def test_never(self): pass
class Last(unittest.TestCase):
    def test_left_out(self): self.skipTest("only this")
    def test_fails(self): self.fail()
"""
PART, WHOLE, GOOGLE = "one: a word\n[skipped] T.a: needs root\n[skipped] T.b: no luck\n", "[skipped] T.c: no luck\n", """
[ RUN      ] T.d
/t/t_test.cc:7: Skipped
no adb
here

[  SKIPPED ] T.d (0 ms)
"""


class PythonMainTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-test-")
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name).resolve() / "some_test.py"

    def run_file(self, text, *arguments):
        self.file.write_text(text)
        done = subprocess.run([sys.executable, ROOT / "tests" / "python_main.py", self.file, *arguments], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout, [line for line in done.stderr.splitlines() if line.startswith("[skipped]")]

    def test_what_is_skipped_is_named_and_the_rest_runs(self):
        code, out, skipped = self.run_file(TESTS + "unittest.main(argv=[sys.argv[0], 'Some', 'Others'])", "a", "b")
        self.assertEqual(0, code)
        self.assertEqual(f"['a', 'b'] {self.file.parent}\n", out)
        self.assertEqual({"[skipped] setUpClass (Others): none of them", "[skipped] Some.test_in_part (number=1): one is missing",
                          "[skipped] Some.test_left_out: no such thing"}, set(skipped))
        self.assertEqual(3, len(skipped))

    def test_a_file_of_which_nothing_runs_is_skipped(self):
        for chosen, count in (("'Others'", 1), ("'Last.test_left_out'", 1), ("'Others', 'Last.test_left_out', 'Some.test_left_out'", 3)):
            code, _, skipped = self.run_file(TESTS + f"unittest.main(argv=['', {chosen}])")
            self.assertEqual((77, count), (code, len(skipped)), chosen)

    def test_a_failure_is_one_whatever_is_skipped(self):
        code, _, skipped = self.run_file(TESTS + "unittest.main(argv=['', 'Last'])")
        self.assertEqual((1, ["[skipped] Last.test_left_out: only this"]), (code, skipped))
        self.assertEqual(1, self.run_file("import sys\nsys.exit('no')")[0])
        self.assertEqual(1, self.run_file("raise ValueError")[0])
        self.assertEqual((0, "by itself\n", []), self.run_file("print('by itself')"))


class InterruptTest(unittest.TestCase):
    def test_the_test_at_hand_cleans_up_and_no_other_begins(self):
        text = ("import pathlib, sys, time, unittest\n"
                "class Slow(unittest.TestCase):\n"
                "    def test_first(self):\n"
                "        self.addCleanup(pathlib.Path(sys.argv[1]).unlink)\n"
                "        print('begun', flush=True)\n"
                "        time.sleep(60)\n"
                "    def test_second(self): print('too much', flush=True)\n"
                "unittest.main(argv=[''])\n")
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name), tempfile.TemporaryDirectory(prefix="proctor-test-") as folder:
                file, made = pathlib.Path(folder, "slow_test.py"), pathlib.Path(folder, "made")
                file.write_text(text)
                made.touch()
                running = subprocess.Popen([sys.executable, ROOT / "tests" / "python_main.py", file, made], stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL, text=True)
                self.addCleanup(running.kill)
                self.assertEqual("begun\n", running.stdout.readline())
                running.send_signal(number)
                out, _ = running.communicate(timeout=30)
                self.assertEqual(("", 1, False), (out, running.returncode, made.exists()))


class SummarizeTestsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-test-")
        self.addCleanup(folder.cleanup)
        self.report = pathlib.Path(folder.name) / "report.xml"

    def summarize(self, *cases, must_run=False):
        """The exit code and the lines said of cases: status, what stands in them, output."""
        text = "".join(f'<testcase name="{number}" status="{status}">{more}<properties/><system-out>{output}</system-out></testcase>'
                       for number, (status, more, output) in enumerate(cases))
        self.report.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="x">{text}</testsuite>\n')
        return self.summarize_file(must_run)

    def summarize_file(self, must_run=False):
        environment = {name: value for name, value in os.environ.items() if name != "PROCTOR_MUST_RUN"}
        done = subprocess.run([ROOT / "scripts" / "summarize_tests", self.report], capture_output=True, text=True, timeout=60,
                              env={**environment, **({"PROCTOR_MUST_RUN": "1"} if must_run else {})})
        return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()

    PART_SKIPPED = ("run", "", PART)
    ALL_SKIPPED = ("notrun", '<skipped message="SKIP_RETURN_CODE=77"/>', WHOLE)
    GOOGLE_SKIPPED = ("notrun", '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>', GOOGLE)

    def test_each_skipped_test_is_named_and_counted_once(self):
        code, said = self.summarize(("run", "", ""), self.PART_SKIPPED, self.ALL_SKIPPED, self.GOOGLE_SKIPPED, ("disabled", "", ""))
        self.assertEqual((0, ["skipped: 1: T.a: needs root", "skipped: 1: T.b: no luck", "skipped: 2: T.c: no luck", "skipped: 3: no adb here",
                              "2 passed, 0 failed, 4 skipped"]), (code, said))

    def test_what_failed_or_could_not_be_run_fails(self):
        self.assertEqual((0, ["1 passed, 0 failed"]), self.summarize(("run", "", "")))
        self.assertEqual((1, ["1 passed, 1 failed"]), self.summarize(("run", "", ""), ("fail", '<failure message=""/>', "")))
        self.assertEqual((1, ["0 passed, 1 failed"]), self.summarize(("notrun", '<skipped message="Unable to find executable"/>', "")))
        self.assertEqual((1, ["error: no test ran"]), self.summarize())
        self.report.write_text("")
        self.assertEqual((1, ["error: no test ran"]), self.summarize_file())

    def test_where_all_must_run_only_what_cannot_be_helped_is_let_off(self):
        code, said = self.summarize(self.PART_SKIPPED, self.GOOGLE_SKIPPED, must_run=True)
        self.assertEqual(1, code)
        self.assertEqual(["1 passed, 0 failed, 3 skipped", "error: this must run here: 0: T.b: no luck", "error: this must run here: 1: no adb here"],
                         said[-3:])
        full = GOOGLE.replace("no adb\nhere", "NOT_FOUND: no Chromium found: apt-get install chromium chromium-sandbox")
        self.assertEqual(0, self.summarize((*self.GOOGLE_SKIPPED[:2], full), must_run=True)[0])
        headless = full.replace("install chromium ", "install chromium-headless-shell ")
        self.assertEqual(1, self.summarize((*self.GOOGLE_SKIPPED[:2], headless), must_run=True)[0])


class MachineLacksTest(unittest.TestCase):
    """Why tests of desktops may be skipped: tests/env/desktop/machine_lacks."""

    def ask(self, path):
        done = subprocess.run(["/bin/sh", ROOT / "tests" / "env" / "desktop" / "machine_lacks"], capture_output=True, text=True, timeout=60,
                              env={"PATH": path})
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout

    def test_programs_and_walls_are_looked_for(self):
        with tempfile.TemporaryDirectory(prefix="proctor-test-") as folder:
            self.assertRegex(self.ask(folder), "^not installed: Xvnc .*openbox.*\n$")
            for name in ("Xvnc", "dbus-daemon", "openbox", "galculator", "gnumeric", "mousepad", "thunar", "unshare"):
                (program := pathlib.Path(folder, name)).write_text("#!/bin/sh\necho nothing to be had >&2\nexit 1\n")
                program.chmod(0o755)
            self.assertRegex(self.ask(f"{folder}:/usr/bin:/bin"),
                             "^(desktops cannot be walled in here: nothing to be had|not installed: /usr/libexec/at-spi-bus-launcher)\n$")


if __name__ == "__main__":
    unittest.main()
