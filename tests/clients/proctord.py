"""A proctord of a test's own, on a temporary data directory."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time


class Proctord:
    """Starts the server named by $PROCTORD; `kill9` and `start` again to see what survives."""

    def __init__(self, *flags: str):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-test-"))
        os.chmod(self.folder, 0o755)
        self.data = self.folder / "data"
        self.flags = flags
        #: Added to the server's environment.
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen | None = None
        self.log = self.folder / "log"

    @property
    def address(self) -> str:
        return "unix:" + json.loads((self.data / "addresses.json").read_text())["unix_socket"]

    def start(self, timeout: float = 60.0) -> "Proctord":
        """Where it does not start, nothing of it stays."""
        try:
            self._start(timeout)
        except BaseException:
            if self.process is not None and self.process.poll() is None:
                self.kill9()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def _start(self, timeout: float) -> None:
        addresses = self.data / "addresses.json"
        addresses.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([os.environ["PROCTORD"], "--data-dir", str(self.data), "--listen",
                                             "127.0.0.1:0", *self.flags], stdout=log, stderr=log,
                                            env={**os.environ, **self.environment})
        deadline = time.monotonic() + timeout
        while not (addresses.exists() and addresses.read_text().endswith("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("proctord did not start:\n" + self.log.read_text())
            time.sleep(0.05)

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self, timeout: float = 60.0) -> int:
        """Drains; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def __enter__(self) -> "Proctord":
        return self.start()

    def __exit__(self, *_: object) -> None:
        try:
            if self.process and self.process.poll() is None:
                self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
            raise
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
