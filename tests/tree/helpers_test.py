"""What tests in Python help themselves with: waits that end, servers of which nothing stays."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "clients")]

from lines import Lines
from proctord import Proctord


class LinesTest(unittest.TestCase):
    def lines_of(self, script):
        process = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for cleanup in (process.stdout.close, process.stdin.close, lambda: process.wait(20), process.kill):
            self.addCleanup(cleanup)
        return process, Lines(process.stdout)

    def test_lines_come_one_by_one_and_then_the_end(self):
        process, lines = self.lines_of("printf 'one\\ntwo\\n\\nha'; read go; echo lf")
        self.assertEqual(["one", "two", ""], [lines.next(), lines.next(), lines.next()])
        process.stdin.write(b"go\n")
        process.stdin.flush()
        self.assertEqual("half", lines.next())
        with self.assertRaisesRegex(EOFError, "ended"):
            lines.next()

    def test_a_line_that_does_not_come_is_waited_for_no_longer_than_told(self):
        _, lines = self.lines_of("printf half; read go")
        with self.assertRaisesRegex(TimeoutError, "half"):
            lines.next(0.5)


class ProctordTest(unittest.TestCase):
    def test_of_a_server_that_does_not_start_nothing_stays(self):
        with tempfile.TemporaryDirectory(prefix="proctor-test-") as folder:
            program, pid = pathlib.Path(folder, "proctord"), pathlib.Path(folder, "pid")
            program.write_text(f"#!/bin/sh\necho $$ > {pid}\necho why not\nexec sleep 600\n")
            program.chmod(0o755)
            server = Proctord()
            self.addCleanup(server.__exit__)
            with unittest.mock.patch.dict(os.environ, PROCTORD=str(program)), self.assertRaisesRegex(RuntimeError, "did not start"):
                server.start(timeout=1)
            self.assertTrue(server.folder.name.startswith("proctor-test-"))
            self.assertFalse(server.folder.exists())
            self.assertIsNotNone(server.process.poll())
            if pid.exists():
                self.assertFalse(pathlib.Path("/proc", pid.read_text().strip()).exists())


if __name__ == "__main__":
    unittest.main()
