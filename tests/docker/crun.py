"""A container by crun, made as Docker makes one from docker/compose.yaml: namespaces of its own, no capabilities, no new privileges, the
image's files read-only, and a seccomp profile. No cgroup: a machine that is itself a container gives none away."""
from __future__ import annotations

import json
import os
import pathlib
import platform
import signal
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "soak"))

from container_files import named_volumes
from processes import ProcessId, command_line, descendants

USER = 10001
ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
NAMESPACES = ("pid", "ipc", "uts", "mount")
MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def require_mount_namespace() -> None:
    """crun refuses machines with both versions of cgroups mounted, though none is used here: the second is unmounted, for us alone."""
    if os.readlink("/proc/self/ns/mnt") == os.readlink(f"/proc/{os.getppid()}/ns/mnt") == os.readlink("/proc/1/ns/mnt"):
        raise RuntimeError("start it with scripts/test --docker, which gives it a mount namespace of its own")
    if os.path.ismount("/sys/fs/cgroup/unified"):
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True, timeout=60)


def seccomp_of(profile: dict) -> dict:
    """What Docker makes of a profile in its own format for the container's runtime."""
    rules = [{key: value for key, value in rule.items() if key != "comment"} for rule in profile["syscalls"]]
    if any(set(rule) - {"names", "action", "args", "errnoRet"} for rule in rules):
        raise ValueError("a rule of the profile has conditions that are not understood here")
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile["defaultErrnoRet"],
            "architectures": [ARCHITECTURES[platform.machine()]], "syscalls": rules}


def _mount(target: str, kind: str, *options: str, source: str = "") -> dict:
    return {"destination": target, "type": kind, "source": source or kind, "options": list(options)}


def make_volume(folder: pathlib.Path, inside: pathlib.Path) -> None:
    """As Docker makes a new volume, for the folder `inside` of the image (it may be missing): with its owner and its mode."""
    folder.mkdir(parents=True)
    if inside.is_dir():
        status = inside.stat()
        os.chown(folder, status.st_uid, status.st_gid)
        folder.chmod(status.st_mode & 0o7777)
    else:
        folder.chmod(0o755)


class Container:
    """One container after another with the volumes of docker/compose.yaml: `folder` holds them. `image` is the image's configuration, `files` its files.
    `network`: with the machine's network instead of one of its own that leads nowhere."""

    def __init__(self, folder: pathlib.Path, image: dict, files: pathlib.Path, seccomp: dict, network: bool = False):
        self.folder, self.image, self.name = folder, image, f"proctor-test-{os.getpid()}-{folder.name}"
        self.command = ["crun", "--cgroup-manager=disabled", "--root", str(folder / "state")]
        self.log = folder / "log"
        server = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]["proctord"]
        self.volumes = {target: folder / name for target, name in named_volumes(server).items()}
        for target, path in self.volumes.items():
            make_volume(path, files / target.lstrip("/"))
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        os.chown(self.secrets, USER, USER)
        self.process: subprocess.Popen | None = None
        uid, gid = map(int, image["User"].split(":"))
        nothing = {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")}
        self.plan = {
            "ociVersion": "1.0.2", "hostname": "proctor", "root": {"path": str(files), "readonly": True},
            "process": {"user": {"uid": uid, "gid": gid}, "env": image["Env"], "cwd": image["WorkingDir"], "capabilities": nothing,
                        "noNewPrivileges": True},
            "mounts": [
                _mount("/proc", "proc"),
                _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
                _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
                _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=1g"),
                _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
                _mount("/tmp", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=2g"),
                *(_mount(path, "bind", "bind", "ro", source=path) for path in ("/etc/hosts", "/etc/resolv.conf")),
                *(_mount(target, "bind", "bind", "rw", source=str(source)) for target, source in self.volumes.items()),
                _mount("/etc/proctor/secrets", "bind", "bind", "ro", source=str(self.secrets)),
            ],
            "linux": {"namespaces": [{"type": kind} for kind in (*NAMESPACES, *([] if network else ["network"]))],
                      "maskedPaths": MASKED, "readonlyPaths": READ_ONLY, "seccomp": seccomp},
        }

    def _bundle(self, *command: str) -> pathlib.Path:
        bundle = self.folder / "bundle"
        bundle.mkdir(exist_ok=True)
        self.plan["process"]["args"] = list(command)
        (bundle / "config.json").write_text(json.dumps(self.plan))
        return bundle

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """A container with this command instead of the entry point, to its end."""
        return subprocess.run([*self.command, "run", "-b", self._bundle(*command), f"{self.name}-once"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)

    def start(self, *flags: str) -> None:
        """The entry point with flags, as `docker run` starts it."""
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*self.command, "run", "-b", self._bundle(*self.image["Entrypoint"], *flags), self.name],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def execute(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess:
        """A command in the running container, as `docker exec` runs it."""
        file = self.folder / "process.json"
        file.write_text(json.dumps({**self.plan["process"], "args": list(command)}))
        return subprocess.run([*self.command, "exec", "-p", file, self.name], input=stdin, capture_output=True, text=True, timeout=120)

    def processes(self, program: str) -> list[ProcessId]:
        """Those in the container that run this program. Chromium's own children have their arguments in one."""
        return [process for process in descendants(self.process.pid) if command_line(process.pid)[0].split(" ")[0] == program]

    def send(self, number: signal.Signals) -> None:
        """To process 1 of the container, as `docker stop` sends it."""
        subprocess.run([*self.command, "kill", self.name, str(int(number))], check=True, capture_output=True, timeout=60)

    def close(self) -> None:
        subprocess.run([*self.command, "delete", "--force", self.name], capture_output=True, timeout=60)
        if self.process is not None:
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)
