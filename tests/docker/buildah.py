"""Images by Buildah, without a registry or a daemon, in a store of their own. What a build runs is kept apart by chroot alone, which works where
containers are not allowed; what is built then runs in a real container (crun.py)."""
from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import time


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def debian_sources() -> list[str]:
    """This machine's Debian 12 repositories, as lines of a sources.list."""
    shown = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)", "Created-By: Packages"],
                           capture_output=True, text=True, check=True, timeout=60).stdout
    found = sorted({line for line in shown.splitlines() if re.fullmatch(r"\S+ bookworm\S* main Debian", line)})
    if not found:
        raise RuntimeError("apt knows no Debian 12 repository here: run apt-get update on a Debian 12 machine")
    return [f"deb {line.removesuffix(' Debian')}" for line in found]


def make_debian(folder: pathlib.Path) -> None:
    """The smallest Debian 12, with the repositories and the download settings of this machine."""
    sources = debian_sources()
    main = next((line.split()[1] for line in sources if " bookworm main" in line), None)
    if main is None:
        raise RuntimeError(f"apt knows no main Debian 12 repository here, only {sources}")
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder, main], check=True, timeout=1200, stdout=subprocess.DEVNULL)
    (folder / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    settings = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True, timeout=60).stdout
    (folder / "etc/apt/apt.conf.d/00host").write_text(
        "".join(line + "\n" for line in settings.splitlines() if re.match(r"Acquire::(Check-|https?::|Retries|ForceIPv)", line)))


def remove(folder: pathlib.Path) -> None:
    """Nothing is deleted while something is still mounted there: it might be the machine's own."""
    mounted = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", path], check=True, timeout=60)
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True, timeout=900)


class Buildah:
    """A store of its own below `folder`; with $STORAGE_DRIVER overlay instead of vfs it is quicker, where the kernel lets it."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        (folder / "tmp").mkdir(parents=True)
        self.command = ["buildah", "--storage-driver", os.environ.get("STORAGE_DRIVER", "vfs"), "--root", str(folder / "root"), "--runroot", str(folder / "runroot")]
        self.environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder / "tmp")}

    def __call__(self, *words: object, timeout: float = 300) -> str:
        """What a command prints; RuntimeError with what it says if it fails."""
        done = self.run(*words, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"buildah {' '.join(map(str, words))} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
        return done.stdout.strip()

    def run(self, *words: object, timeout: float = 300, **options) -> subprocess.CompletedProcess:
        return subprocess.run([*self.command, *map(str, words)], env=self.environment, capture_output=True, text=True, timeout=timeout, **options)

    def popen(self, *words: object, **options) -> subprocess.Popen:
        return subprocess.Popen([*self.command, *map(str, words)], env=self.environment, **options)

    def commit_folder(self, folder: pathlib.Path, target: str, image: str) -> None:
        """An image that holds the folder's content at `target` and nothing else."""
        container = self("from", "scratch")
        self("copy", "-q", container, folder, target, timeout=600)
        self("commit", "-q", container, image, timeout=600)
        self("rm", container)

    def build(self, context: pathlib.Path, file: pathlib.Path, image: str, timeout: float, *options: str) -> None:
        """Says what the build says, as it goes."""
        process = self.popen("bud", "--isolation", "chroot", "--pull-never", "--network", "host", "--format", "docker", *options, "-t", image,
                             "-f", file, context, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = process.wait(timeout)
        finally:
            # With what it runs in the image.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(60)
        if code != 0:
            raise RuntimeError(f"the image could not be built: buildah bud ended with {code}, see above")

    def config(self, image: str) -> dict:
        """What the image says of itself."""
        return json.loads(self("inspect", "--type", "image", image))["Docker"]["config"]
