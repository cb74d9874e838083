"""Runs a file of Python tests as if it ran by itself, and names what it skips.

Usage: python_main.py FILE [ARGUMENT...]

unittest's own words for tests that were skipped are a number, and its exit code is that of success. Here every one has a line
"[skipped] TEST: REASON", which scripts/summarize_tests counts and judges. The exit code is the file's, but 77, which ctest knows as
skipped, where nothing ran because all was skipped. SIGINT and SIGTERM let the test at hand clean up.
"""
import pathlib
import runpy
import signal
import sys
import unittest
from types import FrameType

ALL_SKIPPED = 77


class Result(unittest.TextTestResult):
    made: list["Result"] = []

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.made.append(self)


class Interrupted(Exception):
    """No KeyboardInterrupt: after that unittest cleans nothing up."""


def interrupt(number: int, _frame: FrameType | None) -> None:
    """The test at hand ends with its clean-ups, and no other begins. Once: the second signal has its usual effect."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
    for result in Result.made:
        result.stop()
    raise Interrupted(signal.Signals(number).name)


def name_skipped() -> bool:
    """Whether nothing ran for it."""
    skipped = [entry for result in Result.made for entry in result.skipped]
    for test, reason in skipped:
        print(f"[skipped] {test.id().replace('__main__.', '')}: {' '.join(reason.split())}", file=sys.stderr, flush=True)
    # A subtest is a part of one that runs, and a class's own skip is no test.
    whole = [test for test, _ in skipped if isinstance(test, unittest.TestCase) and not hasattr(test, "test_case")]
    return bool(skipped) and sum(result.testsRun for result in Result.made) == len(whole)


def main() -> None:
    path = pathlib.Path(sys.argv[1]).resolve()
    del sys.argv[0]
    sys.path[0] = str(path.parent)
    unittest.TextTestRunner.resultclass = Result
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as ended:
        if name_skipped() and not ended.code:
            sys.exit(ALL_SKIPPED)
        raise


if __name__ == "__main__":
    main()
