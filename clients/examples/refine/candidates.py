"""What the policy may choose from: one site-independent rule over the last observation and the task's text."""

from __future__ import annotations

import dataclasses

import proctor
from proctor.v1 import action_pb2, observation_pb2

from . import text
from .page import MAX_LENGTH, MAX_SNIPPETS, Page, Snippet

#: "open" is a double click, "press" a shortcut: on desktops only.
KINDS = ("click", "type", "submit", "select", "scroll", "back", "answer", "give_up", "open", "press")
#: Kinds that do something with an element of the page, or with what has the focus.
ACTS = ("click", "type", "submit", "select", "open", "press")
#: Kinds that end the episode.
ENDS = ("answer", "give_up")

_DISABLED = observation_pb2.ELEMENT_STATE_DISABLED
#: Most options of one element, and most fields of a page that are typed into; the first ones.
MAX_OPTIONS = 30
MAX_FIELDS = 8
_NO_TEXT_TYPES = frozenset(("checkbox", "radio", "file", "submit", "button", "hidden", "image", "reset", "color", "range"))

#: What `candidates` does, for the report.
RULE = (f"Click each mark; type each quoted or noun-like span of the task into each editable field, with and without submitting; select "
        f"each option; scroll; back; answer with each short text on the page; give up. Exceptions: what is disabled is left out; what is "
        f"editable is typed into and what has options is selected from, but neither is clicked (check boxes, radio buttons, files, "
        f"sliders, colours and buttons are, editable or not). Caps, the first ones counting: {MAX_FIELDS} fields of a page, "
        f"{text.MAX_SPANS} spans of a task, quoted ones before names and numbers, {MAX_OPTIONS} options of an element, {MAX_SNIPPETS} "
        f"short texts of a page of at most {MAX_LENGTH} characters, the same text with the same label and column once. Scrolling is down, "
        f"by two thirds of the viewport.")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """Something that could be done now."""

    kind: str
    #: The text that goes with it: a name to click, words to type, an option, an answer.
    text: str = ""
    #: What is acted on. None for "type" and "submit": where the focus is.
    element: observation_pb2.Element | None = None
    snippet: Snippet | None = None
    #: Of "press", whose `text` is what the shortcut is called.
    chord: str = ""

    def action(self) -> action_pb2.Action:
        if self.kind in ("click", "open"):
            return proctor.click(self.element.mark, count=2 if self.kind == "open" else 1)
        if self.kind in ("type", "submit"):
            return self._typing()
        if self.kind == "press":
            return proctor.press(self.chord)
        if self.kind == "select":
            return proctor.select(self.element.mark, self.text)
        if self.kind == "scroll":
            return proctor.scroll()
        if self.kind == "back":
            return proctor.go_back()
        if self.kind == "answer":
            return proctor.answer(self.text)
        return proctor.give_up("not found")

    def _typing(self) -> action_pb2.Action:
        submit = self.kind == "submit"
        if self.element is None:
            return proctor.type_text(None, self.text, clear=False, submit=submit)
        return proctor.type_text(self.element.mark, self.text, submit=submit)

    def key(self) -> tuple:
        """The same thing again, whatever its mark."""
        name = (self.element.role, self.element.name, self.element.heading) if self.element is not None else ()
        return (self.kind, self.text, *name)


def candidates(page: Page, goal: str) -> list[Candidate]:
    """Click each mark; type each quoted or noun-like span of the task (`text.spans`) into each editable field, with and without
    submit; select each option; scroll; back; answer with each short text on the page; give up.

    Exceptions: disabled elements give nothing. An element with options is selected from and an editable one typed into; neither is
    clicked, but an editable input of one of the types _NO_TEXT_TYPES is, and not typed into.

    Caps, the first ones counting: MAX_FIELDS fields of a page (others give nothing), `text.MAX_SPANS` spans of a task, MAX_OPTIONS
    options of an element, `page.MAX_SNIPPETS` short texts of a page of at most `page.MAX_LENGTH` characters, of which the same text
    with the same label and column is answered with once. Scrolling is down only, by the environment's default.
    """
    found: list[Candidate] = []
    fields = 0
    for element in page.observation.elements:
        if _DISABLED in element.states:
            continue
        if element.options:
            found.extend(Candidate("select", option, element) for option in element.options[:MAX_OPTIONS])
        elif element.editable and element.input_type not in _NO_TEXT_TYPES:
            if fields < MAX_FIELDS:
                fields += 1
                for span in text.spans(goal):
                    found.append(Candidate("type", span, element))
                    found.append(Candidate("submit", span, element))
        else:
            found.append(Candidate("click", element.name or element.text, element))
    found.append(Candidate("scroll"))
    found.append(Candidate("back"))
    seen: set[tuple[str, str, str]] = set()
    for snippet in page.snippets:
        if (snippet.text, snippet.label, snippet.column) not in seen:
            seen.add((snippet.text, snippet.label, snippet.column))
            found.append(Candidate("answer", snippet.text, snippet=snippet))
    found.append(Candidate("give_up"))
    return found
