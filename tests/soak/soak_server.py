"""The server of a soak: what is kept of it, how its world's tasks look, and what it leaves behind."""
from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Iterable

from processes import ProcessId, alive, descendants, wait_until
from proctor.v1 import task_pb2
from proctord import Proctord

#: The answer of every task.
ANSWER = "forty-two"
# Screenshots keep their first encoding, so that their bytes can be checked against their digests for longer than ten minutes.
CONFIG = """
recompression: {{enabled: false}}
browser: {{max_browsers: 2, sessions_per_browser: {sessions_per_browser}}}
shutdown_grace: 5s
"""
HERE = pathlib.Path(__file__).resolve().parent


class SoakServer(Proctord):
    """Two browsers; temporary files in a folder of its own."""

    def __init__(self, sessions_per_browser: int):
        super().__init__()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        config = self.folder / "proctord.yaml"
        config.write_text(CONFIG.format(sessions_per_browser=sessions_per_browser))
        self.flags = ("--config", str(config), "--log-level", "error")
        self.environment = {"TMPDIR": str(self.temporary)}

    def folders(self) -> list[pathlib.Path]:
        """Where nothing is left when nobody is at work."""
        return [self.temporary, self.data / "blobs" / "tmp"]

    def end(self, seen: Iterable[ProcessId] = ()) -> list[str]:
        """Stops it; what is wrong with how it ended, and what it left behind: files, processes of its own or those `seen` before."""
        processes = descendants(self.process.pid) | set(seen)
        problems = []
        if (code := self.stop()) != 0:
            problems.append(f"proctord ended with exit code {code}: {self.log.read_text()[-2000:]}")
        try:
            wait_until(lambda: not any(map(alive, processes)), 20, "no process is left")
        except TimeoutError as error:
            problems.append(f"{error}: {sorted(p.pid for p in processes if alive(p))}")
        return problems + [f"left in {folder.name}: {left[:10]}" for folder in self.folders()
                           if folder.exists() and (left := sorted(p.name for p in folder.iterdir()))]


def make_task(world: str) -> task_pb2.Task:
    """Of "practice" or "null"."""
    task = task_pb2.Task(goal="Look around, then say the number.", environment=f"environments/{world}")
    task.oracle.answer.match.equals.values.append(ANSWER)
    if world == "practice":
        task.start_state.start_url = "__SHOP__/"
    return task


def start_consumer(address: str, name: str, journal: pathlib.Path) -> subprocess.Popen:
    """A reader of rewards (consumer.py) that writes down what it gets."""
    return subprocess.Popen([sys.executable, str(HERE / "consumer.py"), "--address", address, "--consumer", name, "--journal", str(journal)])


def end_process(process: subprocess.Popen | None) -> None:
    """Kills it, if it still runs."""
    if process is not None and process.poll() is None:
        process.kill()
        process.wait(30)
