"""Completion in a real bash."""
import os
import pathlib
import subprocess
import tempfile
import unittest

CLI = os.environ["PROCTOR_CLI"]
SCRIPT = subprocess.run([CLI, "completion", "bash"], check=True, capture_output=True, text=True).stdout

# COMP_WORDS as readline splits it (at blanks and '='); the last word is the one being completed.
DRIVER = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
set -u
_proctor
printf '%s\\n' "${COMPREPLY[@]+"${COMPREPLY[@]}"}"
"""


class CompletionTest(unittest.TestCase):
    def complete(self, *words, cwd=None):
        with tempfile.NamedTemporaryFile("w", suffix=".bash") as script:
            script.write(SCRIPT)
            script.flush()
            done = subprocess.run(["bash", "--norc", "-c", DRIVER, "bash", script.name, "proctor", *words], cwd=cwd,
                                  capture_output=True, text=True, timeout=30)
        self.assertEqual("", done.stderr)
        self.assertEqual(0, done.returncode)
        return [line for line in done.stdout.split("\n") if line]

    def test_nouns(self):
        self.assertEqual(["env", "task", "session", "episode", "trajectory", "rescore", "evaluator", "verdict", "label", "reward",
                          "job", "doctor", "completion"], self.complete(""))
        self.assertEqual(["task", ], self.complete("ta"))

    def test_verbs_also_after_flags_of_all_commands(self):
        self.assertIn("propose", self.complete("task", ""))
        self.assertEqual(["sample"], self.complete("--json", "--address", "localhost:1", "task", "sa"))
        self.assertEqual(["consumer"], self.complete("reward", "con"))
        self.assertEqual(["seek"], self.complete("reward", "consumer", "se"))

    def test_flags_of_the_command_only(self):
        self.assertEqual(["--split", "--state"], sorted(self.complete("task", "list", "--s") and
                                                        [f for f in self.complete("task", "list", "--s") if f != "--site"]))
        self.assertEqual([], self.complete("task", "get", "--spl"))
        self.assertEqual(["--base-url"], self.complete("task", "import", "--b"))
        self.assertEqual(["--by-model", "--batch-size"], self.complete("task", "propose", "--b"))
        self.assertIn("--json", self.complete("task", "get", "--"))

    def test_values_of_choices(self):
        self.assertEqual(["accepted"], self.complete("task", "list", "--state", "a"))
        self.assertEqual(["accepted"], self.complete("task", "list", "--state", "=", "a"))
        self.assertEqual(["train", "validation", "test"], self.complete("task", "list", "--split", "="))
        self.assertEqual([], self.complete("task", "list", "--limit", ""))
        self.assertEqual(["proctor", "webvoyager", "online_mind2web", "atif", "aer"],
                         self.complete("trajectory", "import", "--format", ""))
        self.assertEqual(["easy", "medium", "hard"], self.complete("task", "propose", "--difficulty", ""))
        self.assertEqual(["atif", "aer"], self.complete("trajectory", "export", "--format", "a"))

    def test_a_value_is_no_argument(self):
        self.assertEqual(["list"], self.complete("--address", "task", "task", "li"))

    def test_files_with_blanks(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "two words.yaml").touch()
            pathlib.Path(folder, "other.txt").touch()
            self.assertEqual(["two words.yaml"], self.complete("task", "create", "two", cwd=folder))
            self.assertEqual([], self.complete("task", "create", "other.txt", "o", cwd=folder))
            self.assertEqual(["other.txt"], self.complete("doctor", "--config", "o", cwd=folder))

    def test_a_letter_is_its_flag(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "judge.yaml").touch()
            for flag in ("--file", "-f"):
                self.assertEqual(["judge.yaml"], self.complete("evaluator", "apply", flag, "", cwd=folder))
        self.assertEqual(["list"], self.complete("-f", "task", "task", "li"))

    def test_nothing_is_run_by_what_is_typed(self):
        with tempfile.TemporaryDirectory() as folder:
            for word in ("$(touch pwned)", "`touch pwned`", "'; touch pwned; '"):
                self.complete("task", word, "", cwd=folder)
                self.complete("task", "list", "--state", word, cwd=folder)
            self.assertEqual([], os.listdir(folder))


if __name__ == "__main__":
    unittest.main()
