"""Reads a Dockerfile, a .dockerignore and a service's volumes as builders and compose do, as far as Proctor's use them."""
from __future__ import annotations

import json
import pathlib
import re
import shlex
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction: COPY --from=programs /a /b is ("COPY", {"from": "programs"}, "/a /b")."""

    name: str
    flags: dict[str, str]
    rest: str

    def words(self) -> list[str]:
        return shlex.split(self.rest)

    def exec_form(self) -> list[str] | None:
        """The list of the exec form; None if it is something that a shell would run."""
        try:
            found = json.loads(self.rest.removeprefix("CMD ")) if self.name == "HEALTHCHECK" else json.loads(self.rest)
        except ValueError:
            return None
        return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else None


class Stage(NamedTuple):
    base: str
    name: str
    instructions: list[Instruction]

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]

    def last(self, name: str) -> Instruction | None:
        return (self.all(name) or [None])[-1]


def parse_dockerfile(text: str) -> list[Stage]:
    """The stages, with arguments given before the first FROM put into FROM; ValueError if there is none."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(str.strip, joined.splitlines()):
        name, _, rest = line.strip().partition(" ")
        name, rest, flags = name.upper(), rest.strip(), {}
        while name in ("COPY", "ADD", "HEALTHCHECK", "FROM", "RUN") and (flag := re.match(r"--([a-z-]+)=(\S+)\s+", rest)):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end():]
        if name == "FROM":
            base, *alias = rest.split()
            for argument, value in arguments.items():
                base = base.replace("${" + argument + "}", value)
            stages.append(Stage(base, alias[1] if len(alias) == 2 else "", []))
        elif stages:
            stages[-1].instructions.append(Instruction(name, flags, rest))
        elif name == "ARG":
            argument, _, value = rest.partition("=")
            arguments[argument] = value
    if not stages:
        raise ValueError("no FROM")
    return stages


def _pattern(text: str) -> re.Pattern:
    """A line of a .dockerignore; what lies below what it matches is matched too."""
    parts = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", text.strip("/")):
        parts.append({"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token) or re.escape(token))
    return re.compile("".join(parts) + "(?:/.*)?")


def sent_to_the_builder(dockerignore: str, path: str) -> bool:
    """Whether the file at `path`, relative to the context, is part of it: the last line that matches decides."""
    sent = True
    for line in map(str.strip, dockerignore.splitlines()):
        if line and not line.startswith("#") and _pattern(line.removeprefix("!")).fullmatch(path):
            sent = line.startswith("!")
    return sent


def named_volumes(service: dict) -> dict[str, str]:
    """The volumes of a service of a compose file, by where they are mounted; variables have their defaults."""
    found = {}
    for text in service.get("volumes", []):
        source, target, *_ = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text).split(":")
        if re.match(r"\w", source):
            found[target] = source
    return found


def package_groups(root: pathlib.Path) -> dict[str, set[str]]:
    """The packages of scripts/debian-packages.txt, by group."""
    groups: dict[str, set[str]] = {}
    for line in (root / "scripts" / "debian-packages.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            package, group = line.split()
            groups.setdefault(group, set()).add(package)
    return groups
