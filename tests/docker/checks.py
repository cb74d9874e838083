"""What must hold of docker/ and .dockerignore for the image to be built, found and safe. Each check takes the folder of a source tree and
returns what is wrong, one line each."""
from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Callable, Iterator

import yaml

from container_files import Instruction, Stage, named_volumes, package_groups, parse_dockerfile, sent_to_the_builder
from documented import commands

PROCTORD_CONFIG = "docker/proctord.yaml"
#: What nobody in the container may do, whatever else is allowed: attack the kernel from a user namespace, or other processes.
NEVER = {"add_key", "bpf", "clone3", "delete_module", "finit_module", "fsopen", "init_module", "io_uring_setup", "kexec_load", "keyctl", "mount",
         "move_mount", "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root", "process_vm_writev", "ptrace", "reboot", "request_key",
         "setns", "swapon", "umount2", "userfaultfd"}
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000


def _stages(root: pathlib.Path) -> list[Stage]:
    return parse_dockerfile((root / "docker" / "Dockerfile").read_text())


def _config(root: pathlib.Path) -> dict:
    return yaml.safe_load((root / PROCTORD_CONFIG).read_text())


def _copied_from_context(stage: Stage) -> Iterator[tuple[str, str]]:
    """(source, target) of what a stage takes from the context."""
    for copy in stage.all("COPY"):
        if "from" not in copy.flags:
            *sources, target = copy.words()
            for source in sources:
                yield source, target


def check_packages(root: pathlib.Path) -> Iterator[str]:
    """Packages come from scripts/debian-packages.txt: their groups exist, and no package is named in the Dockerfile itself."""
    groups = package_groups(root)
    wanted: list[set[str]] = []
    for stage in _stages(root):
        installs = [run.rest for run in stage.all("RUN") if "apt-get install" in run.rest]
        named = set()
        for text in installs:
            named |= set(re.findall(r'\$2 == "([a-z]+)"', text))
            for package in re.findall(r'\$1 != "([a-z0-9.+-]+)"', text):
                if package not in set().union(*groups.values()):
                    yield f"the Dockerfile leaves out {package}, which scripts/debian-packages.txt does not name"
            for package in re.findall(r"apt-get install([^&|;]*)", text):
                if words := [word for word in package.split() if not word.startswith("-")]:
                    yield f"the Dockerfile installs {' '.join(words)} by name: name it in scripts/debian-packages.txt"
        for group in sorted(named - set(groups)):
            yield f"scripts/debian-packages.txt has no group {group}"
        if installs:
            wanted.append(named)
    if wanted != [{"build"}, {"run", "image"}]:
        yield f"the stages install the groups {wanted} instead of build, then run and image"


def check_copies(root: pathlib.Path) -> Iterator[str]:
    """What is copied exists and reaches the builder."""
    ignore = (root / ".dockerignore").read_text()
    stages = _stages(root)
    for index, stage in enumerate(stages):
        before = {other.name for other in stages[:index]}
        for copy in stage.all("COPY"):
            if copy.flags.get("from") not in before | {None}:
                yield f"COPY --from={copy.flags['from']}: no stage before it has that name"
        for source, _ in _copied_from_context(stage):
            if source == ".":
                continue
            if not (root / source).exists():
                yield f"COPY {source}: it does not exist"
            elif not sent_to_the_builder(ignore, source):
                yield f"COPY {source}: .dockerignore keeps it from the builder"


def check_context(root: pathlib.Path) -> Iterator[str]:
    """The builder sees all that CMake builds the server from, and nothing of what is built, kept or secret."""
    ignore = (root / ".dockerignore").read_text()
    cmake = (root / "CMakeLists.txt").read_text()
    folders = {"cmake"} | set(re.findall(r"^add_subdirectory\((\w+)\)", cmake, re.MULTILINE))
    folders |= set(re.search(r"^foreach\(room ([\w ]+)\)", cmake, re.MULTILINE)[1].split())
    needed = {f"{folder}/CMakeLists.txt" for folder in folders} | {"CMakeLists.txt", "CMakePresets.json"}
    install = (root / "cmake" / "ProctorInstall.cmake").read_text()
    for files in re.findall(r"^install\((?:FILES|DIRECTORY) ([^$)]*?) DESTINATION", install, re.MULTILINE):
        needed |= set(files.split())
    for path in sorted(needed):
        if not sent_to_the_builder(ignore, path):
            yield f".dockerignore keeps {path} from the builder, and the server is built from it"
    for path in ("build/release/server/proctord", ".git/config", ".git/HEAD", "docker/secrets/server.key", ".env", "docker/model.env",
                 "tests/CMakeLists.txt", "clients/python/proctor/__pycache__/client.cpython-311.pyc", "core"):
        if sent_to_the_builder(ignore, path):
            yield f".dockerignore lets {path} through to the builder"


def _check_program(root: pathlib.Path, stage: Stage, instruction: Instruction | None, what: str) -> Iterator[str]:
    words = instruction and instruction.exec_form()
    if not words or not words[0].startswith("/"):
        yield f"{what} is not in the exec form with an absolute program"
        return
    for source, target in _copied_from_context(stage):
        if target == words[0] and (not (root / source).is_file() or not os.access(root / source, os.X_OK)):
            yield f"{what}: {source} is not executable"
    if words[0].startswith("/usr/lib/proctor/") and words[0] not in [target for _, target in _copied_from_context(stage)]:
        yield f"{what}: nothing is copied to {words[0]}"


def check_image(root: pathlib.Path) -> Iterator[str]:
    """The image's user is not root, its health is asked, it is stopped by SIGTERM, and its data are in a volume."""
    stage = _stages(root)[-1]
    user = stage.last("USER")
    if not user or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user.rest):
        yield "USER is not an unprivileged user and group, by number"
    yield from _check_program(root, stage, stage.last("HEALTHCHECK"), "HEALTHCHECK")
    yield from _check_program(root, stage, stage.last("ENTRYPOINT"), "ENTRYPOINT")
    entry = stage.last("ENTRYPOINT")
    config = entry and "--config" in entry.rest and entry.exec_form() and entry.exec_form()[-1]
    if (PROCTORD_CONFIG, config) not in _copied_from_context(stage):
        yield f"ENTRYPOINT does not end with --config and the place of {PROCTORD_CONFIG}"
    if not stage.last("STOPSIGNAL") or stage.last("STOPSIGNAL").rest != "SIGTERM":
        yield "STOPSIGNAL is not SIGTERM, which drains"
    if not stage.last("VOLUME") or stage.last("VOLUME").words() != [_config(root)["data_dir"]]:
        yield "VOLUME is not the data directory"
    if "127.0.0.1" not in _config(root).get("http", {}).get("listen_address", ""):
        yield f"{PROCTORD_CONFIG} opens no http listener on loopback for the health check"
    if "listen_address" in _config(root):
        yield f"{PROCTORD_CONFIG} names a listen_address: an image must not open itself to the network"


def _flags_of_proctord(root: pathlib.Path) -> set[str]:
    return set(re.findall(r'^    \{"([a-z-]+)", \w+_argument', (root / "server" / "command_line.cc").read_text(), re.MULTILINE))


def _check_server(root: pathlib.Path, server: dict) -> Iterator[str]:
    if server.get("profiles"):
        yield "compose.yaml: proctord has a profile: it would not be started by default"
    if server.get("ports"):
        yield "compose.yaml: proctord publishes ports, but listens to nobody outside"
    if server.get("cap_drop") != ["ALL"] or not server.get("read_only") or "no-new-privileges:true" not in server.get("security_opt", []):
        yield "compose.yaml: proctord does not give up all privileges (cap_drop, read_only, no-new-privileges)"
    if not server.get("mem_limit"):
        yield "compose.yaml: proctord may take all of the machine's memory (mem_limit)"
    if server.get("restart") != "unless-stopped":
        yield "compose.yaml: proctord does not come back after the machine's restart (restart)"
    profiles = [option.split("=", 1)[1] for option in server.get("security_opt", []) if option.startswith("seccomp=")]
    profile = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", profiles[0]) if profiles else "(none)"
    if not (root / "docker" / profile).is_file():
        yield f"compose.yaml: there is no seccomp profile docker/{profile}"
    targets = named_volumes(server)
    config = _config(root)
    for path in (config["data_dir"], str(pathlib.PurePath(config["unix_socket"]).parent)):
        if path not in targets:
            yield f"compose.yaml: {path} of {PROCTORD_CONFIG} is no volume"
    build = server.get("build", {})
    if not (root / "docker" / build.get("context", "") / build.get("dockerfile", "?")).is_file():
        yield "compose.yaml: build does not lead to the Dockerfile"


def _check_volumes(root: pathlib.Path, volumes: dict[str, str]) -> Iterator[str]:
    """The server may write to its volumes. Docker gives a new one to whoever owns the image's folder there, and to root if there is none."""
    made: set[str] = set()
    for run in _stages(root)[-1].all("RUN"):
        for folders in re.findall(r"install -d -o proctor -g proctor -m 0700((?: /\S+)+)", run.rest):
            made |= set(folders.split())
    for target in volumes:
        if target not in made:
            yield f"compose.yaml: {target} is no folder of the user proctor in the image: a new volume there would be root's"


def _check_backup(root: pathlib.Path, volumes: dict[str, str]) -> Iterator[str]:
    """The README's commands back up onto a volume that is not the data directory's, check the copy, and restore the same one."""
    try:
        backup, restore = commands((root / "docker" / "README.md").read_text(), "Backup and restore")
    except ValueError as error:
        yield f"README.md, backup and restore: {error}"
        return
    entry = _stages(root)[-1].last("ENTRYPOINT").exec_form() or []
    runs = [command.runs(entry) for command in (*backup, *restore)]
    flags = {word[2:] for words in runs if "/usr/bin/proctord" in words or words[:1] == ["proctord"] for word in words if word.startswith("--") and word != "--"}
    for flag in sorted(flags - _flags_of_proctord(root)):
        yield f"README.md, backup and restore: proctord has no flag --{flag}"
    targets = [words[words.index("--backup") + 1] for words in runs if "--backup" in words]
    if len(targets) != 1 or str(pathlib.PurePath(targets[0]).parent) not in set(volumes) - {_config(root)["data_dir"]}:
        yield f"README.md, backup and restore: {targets} is no folder of a volume of its own"
        return
    for what, block in (("backup", backup), ("restore", restore)):
        if not any("--fsck" in command.words and targets[0] in command.words for command in block):
            yield f"README.md, backup and restore: the {what} does not check {targets[0]}"
    if not any(f"{targets[0]}/." in command.words for command in restore):
        yield f"README.md, backup and restore: {targets[0]} is not restored"


def check_compose(root: pathlib.Path) -> Iterator[str]:
    """compose.yaml starts the server alone, safely, and beside a model on request; flags and names agree."""
    folder = root / "docker"
    try:
        compose = {path.name: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("compose*.yaml"))}
    except yaml.YAMLError as error:
        yield f"not YAML: {error}"
        return
    base = compose["compose.yaml"]
    server = base["services"].get("proctord", {})
    yield from _check_server(root, server)
    yield from _check_volumes(root, named_volumes(server))
    yield from _check_backup(root, named_volumes(server))
    if base["services"].get("model", {}).get("profiles") != ["model"]:
        yield "compose.yaml: the service model is not only in the profile model"
    for name, content in compose.items():
        for service, settings in content["services"].items():
            if service not in base["services"]:
                yield f"{name}: compose.yaml has no service {service}"
            for volume in named_volumes(settings).values():
                if volume not in base["volumes"]:
                    yield f"{name}: the volume {volume} is not declared"
        for variable in re.findall(r"\$\{(\w+)\}", (folder / name).read_text()):
            yield f"{name}: {variable} has no default"
    environment = dict(line.split("=", 1) for line in (folder / "model.env").read_text().splitlines() if re.match(r"\w+=", line))
    flags = environment["PROCTOR_FLAGS"]
    for flag in re.findall(r"--([a-z-]+)", flags + compose["compose.network.yaml"]["services"]["proctord"]["command"]):
        if flag not in _flags_of_proctord(root):
            yield f"proctord has no flag --{flag}"
    service, port = re.search(r"--model-endpoint http://(\w+):(\d+)/v1", flags).groups()
    for text in (environment["MODEL_COMMAND"], base["services"]["model"]["command"]):
        if service not in base["services"] or f"--port {port}" not in text or "--host 0.0.0.0" not in text:
            yield f"the model server does not listen at http://{service}:{port}, where model.env lets proctord ask: {text}"
        name = re.search(r"--model-name (\S+)", flags)[1]
        if not re.search(rf"--(alias|served-model-name) {re.escape(name)}\b", text):
            yield f"the model server is not told the name that model.env lets proctord ask for: {text}"
    if environment["COMPOSE_PROFILES"] != "model":
        yield "model.env does not switch the profile model on"


def _lets_through(rules: list[dict], call: str, flags: int) -> bool:
    """Whether a call whose first argument is `flags` is allowed."""
    def fits(argument: dict) -> bool:
        if argument["op"] == "SCMP_CMP_MASKED_EQ":
            return flags & argument["value"] == argument["valueTwo"]
        return flags == argument["value"]
    return any(call in rule["names"] and rule["action"] == "SCMP_ACT_ALLOW" and all(map(fits, rule.get("args", []))) for rule in rules)


def check_seccomp(root: pathlib.Path) -> Iterator[str]:
    """The profile refuses what it does not name, and of namespaces it allows those that the browser's sandbox is made of."""
    profile = json.loads((root / "docker" / "seccomp.json").read_text())
    rules = profile["syscalls"]
    if profile["defaultAction"] != "SCMP_ACT_ERRNO":
        yield "seccomp.json allows what it does not name"
    for call in sorted(NEVER & {name for rule in rules for name in rule["names"]}):
        yield f"seccomp.json names {call}"
    for call in ("clone", "unshare"):
        if not _lets_through(rules, call, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET):
            yield f"seccomp.json: {call} cannot make the namespaces of the browser's sandbox"
        for flag in (CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC):
            if _lets_through(rules, call, CLONE_NEWUSER | flag):
                yield f"seccomp.json: {call} can make namespaces that the sandbox does not need ({flag:#x})"
    for family in (17, 38, 40):  # AF_PACKET, AF_ALG, AF_VSOCK
        if _lets_through(rules, "socket", family):
            yield f"seccomp.json: sockets of family {family} can be opened"


CHECKS: list[Callable[[pathlib.Path], Iterator[str]]] = [check_packages, check_copies, check_context, check_image, check_compose, check_seccomp]


def problems(root: pathlib.Path) -> list[str]:
    return [problem for check in CHECKS for problem in check(root)]
