"""Which sources can be compiled as one: most of a compiler's time goes into the headers that they share.

Sources of a unit define nothing for themselves that another one of it mentions. A source that defines for itself what a header calls a type
stands alone.
"""
import pathlib
import re

# Names that a source defines: functions, constants, types.
NAME = re.compile(r"(?=\S)(?:class|struct|enum(?: class)?|using|.*?[\s*&]) ?(\w+) ?(?:\(|=|\{|\[|;|final\b|:[^:])")
TYPE = re.compile(r"(?:class|struct|enum(?: class)?|using) (\w+)")
WORD = re.compile(r"[A-Za-z_]\w*")


def names_of(path: str) -> tuple[set[str], set[str]]:
    """What a source defines for itself, and what it or its header mentions."""
    names, mentioned, space, inside = set(), set(), "", False
    header = pathlib.Path(path).with_suffix(".h")
    with open(path) as file:
        lines = file.readlines()
    for line in lines + (header.read_text().splitlines(keepends=True) if header.exists() else []):
        if line.startswith("namespace proctor"):
            space = line.split()[1]
        elif line.startswith("namespace {"):
            inside = True
        elif line.startswith("}  // namespace\n"):
            inside = False
        elif (inside or line.startswith(("static ", "const ", "constexpr "))) and (match := NAME.match(line)):
            names.add(f"{space}::{match[1]}")
        mentioned.update(f"{space}::{word}" for word in WORD.findall(line))
    return names, mentioned


def types_of_headers(folders: set[pathlib.Path]) -> set[str]:
    types, space = set(), ""
    for header in (header for folder in folders for header in folder.glob("*.h")):
        for line in header.read_text().splitlines():
            if line.startswith("namespace proctor"):
                space = line.split()[1]
            elif match := TYPE.match(line):
                types.add(f"{space}::{match[1]}")
    return types


def units(paths: list[str], size: int) -> list[list[str]]:
    """The paths in units of at most `size`, the first that fits for each."""
    types = types_of_headers({pathlib.Path(path).parent for path in paths})
    found: list[tuple[list[str], set[str], set[str]]] = []
    alone: list[list[str]] = []
    for path in paths:
        names, mentioned = names_of(path)
        if names & types:
            alone.append([path])
            continue
        for sources, taken, used in found:
            if len(sources) < size and not names & used and not mentioned & taken:
                sources.append(path)
                taken |= names
                used |= mentioned
                break
        else:
            found.append(([path], names, mentioned))
    return [sources for sources, _, _ in found] + alone
