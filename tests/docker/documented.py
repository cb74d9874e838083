"""The commands that docker/README.md tells people to type, and what each asks of a container."""
from __future__ import annotations

import re
import shlex
from typing import NamedTuple


class Command(NamedTuple):
    """`docker compose run --rm --entrypoint sh proctord -c ls` is ("run", "sh", ["-c", "ls"])."""

    verb: str
    entrypoint: str | None
    words: list[str]

    def runs(self, entrypoint: list[str]) -> list[str]:
        """What the container runs, for exec and run; `entrypoint` is the image's."""
        if self.verb == "exec":
            return self.words
        return [*(entrypoint if self.entrypoint is None else [self.entrypoint]), *self.words]


def parse(line: str) -> Command:
    """ValueError: nothing that compose does to the service proctord, or with options that are not understood here."""
    words = shlex.split(line, comments=True)
    if words[:2] != ["docker", "compose"]:
        raise ValueError(f"not docker compose: {line}")
    verb, *rest = words[2:]
    if (verb, rest) in (("stop", ["proctord"]), ("up", ["-d"])):
        return Command(verb, None, [])
    entrypoint = None
    if verb == "run" and rest[:1] == ["--rm"]:
        rest = rest[1:]
        if rest[:1] == ["--entrypoint"]:
            entrypoint, rest = rest[1], rest[2:]
    elif verb != "exec":
        raise ValueError(f"not understood: {line}")
    if rest[:1] != ["proctord"]:
        raise ValueError(f"not of the service proctord: {line}")
    return Command(verb, entrypoint, rest[1:])


def commands(readme: str, heading: str) -> list[list[Command]]:
    """Those below this heading, one list for each block of code."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    if section is None:
        raise ValueError(f"no heading {heading}")
    return [[parse(line) for line in block.splitlines() if line.strip()]
            for block in re.findall(r"^```\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)]
