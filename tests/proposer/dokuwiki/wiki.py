#!/usr/bin/python3
"""A DokuWiki of make_wiki.py, served by PHP's own server on a free port of 127.0.0.1.

Usage: wiki.py [--packages N]     prints the wiki's start URL and serves until it is told to stop
"""
from __future__ import annotations

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

MAKER = pathlib.Path(__file__).resolve().parent / "make_wiki.py"


def is_available() -> bool:
    return pathlib.Path("/usr/share/dokuwiki").is_dir() and shutil.which("php") is not None


class Wiki:
    """The wiki as long as the `with` block lasts; `url` is its start, `truth` what make_wiki.py says is true."""

    def __init__(self, packages: int = 150, workers: int = 4):
        self.packages = packages
        self.workers = workers
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Wiki":
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-dokuwiki-"))
        try:
            subprocess.run([sys.executable, MAKER, self.folder, "--packages", str(self.packages)], check=True,
                           stdout=subprocess.DEVNULL, timeout=600)
            self.truth = json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
            self._serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _serve(self) -> None:
        """On another port where the one that was free is somebody else's by the time PHP takes it."""
        for _ in range(5):
            self._launch()
            if self._answers():
                return
        raise RuntimeError("the wiki does not answer:\n" + (self.folder / "php.log").read_text())

    def _launch(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{self.host}/doku.php?id=start"
        with open(self.folder / "php.log", "ab") as log:
            # A process group of its own: the workers are children that must end with it.
            self.process = subprocess.Popen(["php", "-S", self.host, "-t", str(self.folder / "root")], stdout=log,
                                            stderr=log, start_new_session=True,
                                            env={**os.environ, "PHP_CLI_SERVER_WORKERS": str(self.workers)})

    def _answers(self) -> bool:
        """Whether our own server does; where it ends or is silent, nothing of it stays."""
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url, timeout=20) as reply:
                    if b"DokuWiki" in reply.read() and self.process.poll() is None:
                        return True
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        self._end()
        return False

    def _end(self) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.process.wait(30)

    def __exit__(self, *_: object) -> None:
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=150, help="how many package pages (default 150)")
    arguments = parser.parse_args()
    if not is_available():
        sys.exit("wiki.py: the Debian packages dokuwiki and php-cli are not installed")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with Wiki(arguments.packages) as wiki:
        print(wiki.url, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
