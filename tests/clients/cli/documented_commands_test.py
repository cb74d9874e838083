"""Every `proctor ...` that the documents name is a command, and takes the flags that they give it."""
import os
import pathlib
import re
import subprocess
import unittest

CLI = os.environ["PROCTOR_CLI"]
ROOT = pathlib.Path(__file__).resolve().parents[3]


def documents() -> list[pathlib.Path]:
    return [path for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md"))
            if "build" not in path.relative_to(ROOT).parts and "node_modules" not in path.parts]


def commands(text: str) -> list[str]:
    """In backticks, and the lines of shell blocks, continued ones joined."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.S)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?proctor [a-z]", line)]


def parts(command: str) -> tuple[list[str], list[str]]:
    """(the words before anything else, the flags)."""
    command = re.split(r"\s[#|>]|\s&&", command)[0]
    words = []
    for word in command.split()[1:]:
        if not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        words.append(word)
    return words, re.findall(r"(?<=\s)--[a-z][a-z-]*", command)


class DocumentedCommandsTest(unittest.TestCase):
    def help(self, words: list[str]) -> str | None:
        """Of the longest beginning that is a command."""
        for count in range(len(words), 0, -1):
            done = subprocess.run([CLI, *words[:count], "--help"], capture_output=True, text=True, timeout=60)
            if done.returncode == 0 and "usage: proctor " + " ".join(words[:count]) in done.stdout:
                return done.stdout
        return None

    def test_every_command_exists(self):
        everywhere = subprocess.run([CLI, "--help"], capture_output=True, text=True, timeout=60).stdout
        found = 0
        for path in documents():
            for command in commands(path.read_text()):
                words, flags = parts(command)
                if not words:
                    continue
                found += 1
                with self.subTest(document=str(path.relative_to(ROOT)), command=command):
                    shown = self.help(words)
                    self.assertIsNotNone(shown, "no such command")
                    for flag in flags:
                        self.assertRegex(shown + everywhere, rf"(?<![a-z-]){flag}(?![a-z-])")
        self.assertGreater(found, 20)


if __name__ == "__main__":
    unittest.main()
