"""The policy's view of a desktop: its elements by accessibility role, name, text and place, and what can be done with them."""

from __future__ import annotations

from typing import Sequence

from proctor.v1 import observation_pb2

from . import text
from .candidates import Candidate
from .page import Page, Snippet

#: What every desktop user knows of keys: the names of the commonest shortcuts, by alphabet. Which one fits when is learned.
SHORTCUTS = (
    ("cancel", "Escape"), ("close", "Control+W"), ("confirm", "Enter"), ("copy", "Control+C"), ("cut", "Control+X"), ("delete", "Delete"),
    ("find", "Control+F"), ("new", "Control+N"), ("new folder", "Control+Shift+N"), ("open", "Control+O"), ("paste", "Control+V"),
    ("quit", "Control+Q"), ("rename", "F2"), ("save", "Control+S"), ("save under another name", "Control+Shift+S"), ("select all", "Control+A"),
    ("undo", "Control+Z"),
)

#: AT-SPI's names of roles: what is clicked, what also reacts to a double click, and texts.
_CLICKED = frozenset(("push button", "toggle button", "check box", "radio button", "menu", "menu item", "check menu item",
                      "radio menu item", "page tab", "combo box", "list item", "table cell", "table column header", "icon", "link"))
_OPENED = frozenset(("table cell", "list item", "icon"))
_TEXTS = frozenset(("text", "entry"))

_DISABLED = observation_pb2.ELEMENT_STATE_DISABLED
_FOCUSED = observation_pb2.ELEMENT_STATE_FOCUSED
_MAX_SNIPPETS = 150
_MAX_LENGTH = 80
_MAX_FIELDS = 8
#: Cells of a row need not have the very same upper edge.
_ROW_TOLERANCE_PX = 6


#: What `candidates` does, for the report.
RULE = (f"Click each named element of a role that is clicked; double click cells, list items and icons; type each quoted or noun-like span "
        f"of the task into each text, or where the focus is if that is no text, with and without Enter; press each of {len(SHORTCUTS)} "
        f"shortcuts; answer with each short text on the screen; give up. Exceptions: what is disabled or not on the screen is left out; "
        f"texts are typed into but not clicked; there is no scrolling and no going back. Caps, the first ones counting: {_MAX_FIELDS} texts, "
        f"{text.MAX_SPANS} spans of a task, quoted ones before names and numbers, {_MAX_SNIPPETS} short texts of at most {_MAX_LENGTH} "
        f"characters, the same text with the same label and column once.")


def digest(observation: observation_pb2.Observation) -> Page:
    """Reads the elements into snippets: lines of texts, and cells with their row's first cell and their column's header."""
    found: list[Snippet] = []
    elements = [e for e in observation.elements if e.box.width > 0 and e.box.height > 0]
    headers = [e for e in elements if e.tag == "table column header"]
    cells = [e for e in elements if e.tag == "table cell" and e.name]
    for element in elements:
        if element.tag == "table cell" and element.name:
            found.append(Snippet(element.name, _row_header(element, cells), _column(element, headers), observation.title, element.role))
        elif element.tag in _TEXTS:
            for line in element.value.splitlines():
                found.extend(_line(line.strip(), observation.title))
    snippets = [s for s in dict.fromkeys(found) if 0 < len(s.text) <= _MAX_LENGTH][:_MAX_SNIPPETS]
    everything = "\n".join([observation.title, *(e.name for e in elements), *(s.text for s in snippets)])
    return Page(observation, snippets, observation.title, everything)


def _line(line: str, title: str) -> list[Snippet]:
    """A line of an entry or of a document, and what follows its colon."""
    before, colon, after = line.partition(": ")
    whole = Snippet(line, heading=title, role="textbox")
    return [Snippet(after.strip(), before.strip(), heading=title, role="textbox"), whole] if colon and len(before) <= 40 else [whole]


def _row_header(cell: observation_pb2.Element, cells: Sequence[observation_pb2.Element]) -> str:
    row = [c for c in cells if abs(c.box.y - cell.box.y) <= _ROW_TOLERANCE_PX and c.application == cell.application]
    first = min(row, key=lambda c: c.box.x)
    return first.name if first.mark != cell.mark else ""


def _column(cell: observation_pb2.Element, headers: Sequence[observation_pb2.Element]) -> str:
    middle = cell.box.x + cell.box.width / 2
    for header in headers:
        if header.box.x <= middle < header.box.x + header.box.width and header.application == cell.application:
            return header.name
    return ""


def candidates(page: Page, goal: str) -> list[Candidate]:
    """Click each named element of _CLICKED roles; open cells, list items and icons by a double click; type each span of the task
    (`text.spans`) into each text, or where the focus is if that is no text, with and without Enter; press each shortcut; answer with
    each short text on the screen; give up.

    Exceptions: elements that are disabled or have no extent give nothing; texts are not clicked; there is no scrolling or going back.
    Caps, the first ones counting: _MAX_FIELDS texts, `text.MAX_SPANS` spans, _MAX_SNIPPETS short texts of at most _MAX_LENGTH
    characters.
    """
    found: list[Candidate] = []
    clicks: list[Candidate] = []
    fields = 0
    focused_text = False
    for element in page.observation.elements:
        if _DISABLED in element.states or element.box.width <= 0 or element.box.height <= 0:
            continue
        if element.editable:
            focused_text |= _FOCUSED in element.states
            if fields < _MAX_FIELDS:
                fields += 1
                found.extend(Candidate(kind, span, element) for span in text.spans(goal) for kind in ("type", "submit"))
        elif element.tag in _CLICKED and element.name:
            if element.tag in _OPENED:
                clicks.append(Candidate("open", element.name, element))
            clicks.append(Candidate("click", element.name, element))
    if not focused_text:
        found.extend(Candidate(kind, span) for span in text.spans(goal) for kind in ("type", "submit"))
    found.extend(Candidate("press", name, chord=chord) for name, chord in SHORTCUTS)
    found.extend(clicks)
    found.extend(_answers(page))
    found.append(Candidate("give_up"))
    return found


def _answers(page: Page) -> list[Candidate]:
    unique = {(s.text, s.label, s.column): s for s in reversed(page.snippets)}
    return [Candidate("answer", s.text, snippet=s) for s in reversed(unique.values())]
