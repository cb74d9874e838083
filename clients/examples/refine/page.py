"""What the policy sees of a page: its elements and its short texts with their neighbourhood."""

from __future__ import annotations

import dataclasses
import re

from proctor.v1 import observation_pb2

_LINE = re.compile(r'^(?P<indent>\s*)(?:\[(?P<mark>\d+)\] )?(?P<role>[A-Za-z]+)(?: "(?P<name>(?:[^"\\]|\\.)*)")?')
#: Most short texts of a page, the first ones, and their longest length in characters.
MAX_SNIPPETS = 150
MAX_LENGTH = 80


@dataclasses.dataclass(frozen=True)
class Snippet:
    """A short text of the page.

    `label` is the text at its left (row header, term, or the words before a colon), `column` the header of its table
    column, `heading` the nearest heading above.
    """

    text: str
    label: str = ""
    column: str = ""
    heading: str = ""
    role: str = ""


@dataclasses.dataclass
class Page:
    """An observation, digested once."""

    observation: observation_pb2.Observation
    snippets: list[Snippet]
    title: str
    #: All texts of the page, for "is it visible at all?".
    everything: str
    #: The page says something about what was just done (a status or an alert).
    status: bool = False


def digest(observation: observation_pb2.Observation) -> Page:
    """Reads the accessibility tree's lines (`  role "name"`, nested by indentation) into snippets."""
    reader = _TreeReader()
    status = False
    for line in observation.accessibility_tree.text.splitlines():
        match = _LINE.match(line)
        if match:
            status = status or match["role"].lower() in ("status", "alert", "alertdialog")
            name = (match["name"] or "").replace('\\"', '"').replace("\\\\", "\\").strip()
            reader.line(len(match["indent"]), match["role"].lower(), name)
    snippets = list(dict.fromkeys(reader.finish()))[:MAX_SNIPPETS]
    heading = next((s.text for s in snippets if s.role == "heading"), "")
    everything = "\n".join([observation.title, *(s.text for s in snippets)])
    return Page(observation, snippets, f"{observation.title} {heading}", everything, status)


class _TreeReader:
    """Walks the lines of a tree, remembering headings, terms and table headers."""

    def __init__(self) -> None:
        self.snippets: list[Snippet] = []
        self.heading = ""
        self.term = ""
        self.columns: list[str] = []
        self.row: list[str] | None = None
        self.row_header = ""
        self.row_indent = -1
        self.last_text = ""

    def line(self, indent: int, role: str, name: str) -> None:
        if self.row is not None and indent <= self.row_indent:
            self.row = None
        if role == "table":
            self.columns = []
        if role == "row":
            self.row, self.row_indent, self.row_header = [], indent, ""
            return
        if not name:
            return
        if role == "heading":
            self.heading = name
            self.term = ""
        elif role in ("term", "definitionterm", "descriptionlistterm"):
            self.term = name
        elif role == "columnheader":
            self.columns.append(name)
        elif role == "rowheader" and self.row is not None:
            self.row.append(name)
            self.row_header = self.row_header or name
        elif role in ("cell", "gridcell") and self.row is not None:
            self.row.append(name)
            position = len(self.row) - 1
            column = self.columns[position] if position < len(self.columns) else ""
            self._add(name, role, self.row_header, column)
            self.row_header = self.row_header or name
            return
        label = self.term if role in ("definition", "descriptionlistdetail") else ""
        self._add(name, role, label, "")

    def _add(self, name: str, role: str, label: str, column: str) -> None:
        before, colon, after = name.partition(": ")
        if colon and len(before) <= 40 and 0 < len(after) <= MAX_LENGTH:
            self.snippets.append(Snippet(after.strip(), before.strip(), column, self.heading, role))
        if not label and self.last_text.endswith(":"):
            label = self.last_text.rstrip(": ")
        self.last_text = name
        if len(name) <= MAX_LENGTH:
            self.snippets.append(Snippet(name, label, column, self.heading, role))

    def finish(self) -> list[Snippet]:
        return self.snippets
