"""The policy's features: token overlaps between task and candidate, role, position, neighbourhood, visited or not, last error,
step number, and declared products of these. No URL, id, CSS class, template, site or oracle data."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import text
from .candidates import KINDS, Candidate
from .page import Page

ROLES = ("link", "button", "textbox", "searchbox", "combobox", "checkbox", "radio", "tab", "option", "menuitem", "gridcell")

#: Features of a candidate on its own.
OWN = (
    "bias", "name_in_goal", "goal_in_name", "name_is_quoted", "name_holds_quoted", "name_in_goal_verbatim", "name_gain",
    "name_used", "label_in_goal", "heading_in_goal", "heading_is_quoted", "heading_holds_quoted", "column_in_goal",
    "label_is_quoted", "field_in_goal", "visited", "in_viewport", "height_on_page", "same_name_elsewhere", "long_name",
    "first_of_kind", "checked", "is_number", "is_date", "is_money", "filled_as_wished", "is_heading", "quoted_text",
    *(f"role_{role}" for role in ROLES),
)
#: Features of the moment, used in products only.
MOMENT = (
    "first_step", "step_number", "title_in_goal", "title_holds_quoted", "all_quoted_visible", "goal_done", "question",
    "asks_number", "asks_when", "asks_money", "typed_last", "error_last", "page_changed",
)
#: Declared products: every feature of the moment with each of these.
PRODUCT_WITH = {
    "click": ("bias", "name_in_goal", "name_gain", "name_is_quoted", "role_button", "heading_holds_quoted"),
    "type": ("bias",), "submit": ("bias", "field_in_goal"), "select": ("bias", "name_in_goal", "name_gain"),
    "scroll": ("bias",), "back": ("bias",),
    "answer": ("bias", "label_in_goal", "column_in_goal", "heading_in_goal", "is_number", "is_date", "is_money",
               "name_in_goal"),
    "give_up": ("bias",),
}
#: Declared products of a candidate's own features.
OWN_PRODUCTS = {
    "click": (("name_in_goal", "heading_holds_quoted"), ("name_in_goal", "heading_in_goal"), ("role_button", "name_in_goal"),
              ("name_gain", "role_link"), ("name_is_quoted", "visited")),
    "answer": (("label_in_goal", "column_in_goal"), ("label_in_goal", "heading_holds_quoted"),
               ("label_in_goal", "heading_in_goal"), ("column_in_goal", "label_is_quoted")),
    "select": (("name_in_goal", "field_in_goal"),),
    "type": (("field_in_goal", "quoted_text"),), "submit": (("field_in_goal", "quoted_text"),),
}


def _layout() -> tuple[list[str], dict[str, tuple[int, list[tuple[int, int]], list[tuple[int, int]]]]]:
    """Names of all columns; per kind its first column, products with the moment and products of its own."""
    names: list[str] = []
    blocks = {}
    for kind in KINDS:
        start = len(names)
        names.extend(f"{kind}:{name}" for name in OWN)
        moment = [(OWN.index(own), m) for own in PRODUCT_WITH[kind] for m in range(len(MOMENT))]
        names.extend(f"{kind}:{OWN[own]}*{MOMENT[m]}" for own, m in moment)
        own_products = [(OWN.index(a), OWN.index(b)) for a, b in OWN_PRODUCTS.get(kind, ())]
        names.extend(f"{kind}:{OWN[a]}*{OWN[b]}" for a, b in own_products)
        blocks[kind] = (start, moment, own_products)
    return names, blocks


NAMES, _BLOCKS = _layout()
SIZE = len(NAMES)


@dataclasses.dataclass
class History:
    """What the agent did so far in this episode."""

    steps: int = 0
    done_words: frozenset = frozenset()
    keys: frozenset = frozenset()
    last_kind: str = ""
    last_error: bool = False
    last_everything: str = ""

    def after(self, candidate: Candidate, error: bool, everything: str) -> "History":
        words = self.done_words if error else self.done_words | text.content(candidate.text)
        return History(self.steps + 1, words, self.keys | {candidate.key()}, candidate.kind, error, everything)


def featurize(page: Page, goal: str, options: list[Candidate], history: History) -> np.ndarray:
    """One row a candidate, SIZE columns, float32."""
    goal_words = text.content(goal)
    moment = _moment(page, goal, goal_words, history)
    names: dict[str, int] = {}
    for option in options:
        if option.kind == "click":
            names[option.text] = names.get(option.text, 0) + 1
    rows = np.zeros((len(options), SIZE), dtype=np.float32)
    last_kind = ""
    for i, option in enumerate(options):
        own = _own(option, goal, goal_words, history)
        own[_INDEX["same_name_elsewhere"]] = float(option.kind == "click" and names[option.text] > 1)
        own[_INDEX["first_of_kind"]] = float(option.kind != last_kind)
        last_kind = option.kind
        start, with_moment, own_products = _BLOCKS[option.kind]
        row = rows[i]
        row[start:start + len(OWN)] = own
        column = start + len(OWN)
        for a, m in with_moment:
            row[column] = own[a] * moment[m]
            column += 1
        for a, b in own_products:
            row[column] = own[a] * own[b]
            column += 1
    return rows


_INDEX = {name: i for i, name in enumerate(OWN)}


def _moment(page: Page, goal: str, goal_words: frozenset, history: History) -> list[float]:
    quoted = text.quoted(goal)
    title = text.plain(page.title)
    everything = text.plain(page.everything)
    lower = goal.lower()
    return [
        float(history.steps == 0),
        min(history.steps, 8) / 8,
        text.inside(text.content(page.title), goal_words),
        float(any(q in title for q in quoted)),
        float(bool(quoted) and all(q in everything for q in quoted)),
        text.inside(goal_words, history.done_words),
        float("?" in goal or lower.startswith(("what", "which", "who", "when", "how", "find out", "tell"))),
        float("how many" in lower or "number of" in lower or "how much" in lower),
        float("when" in lower or "date" in lower or "year" in lower or "time" in lower),
        float("price" in lower or "cost" in lower or "much" in lower),
        float(history.last_kind == "type"),
        float(history.last_error),
        float(history.steps > 0 and history.last_everything != page.everything),
    ]


def _own(option: Candidate, goal: str, goal_words: frozenset, history: History) -> list[float]:
    quoted = text.quoted(goal)
    name_words = text.content(option.text)
    name = text.plain(option.text)
    values = dict.fromkeys(OWN, 0.0)
    values["bias"] = 1.0
    values["name_in_goal"] = text.inside(name_words, goal_words)
    values["goal_in_name"] = text.inside(goal_words, name_words)
    values["name_is_quoted"] = float(name in quoted)
    values["name_holds_quoted"] = float(any(q in name for q in quoted))
    values["name_in_goal_verbatim"] = float(bool(name) and name in text.plain(goal))
    values["name_gain"] = text.inside(name_words & goal_words, goal_words - history.done_words) if name_words else 0.0
    values["name_used"] = text.inside(name_words, history.done_words)
    values["visited"] = float(option.key() in history.keys)
    values["long_name"] = float(len(name) > 40)
    values["is_number"] = float(text.is_number(option.text))
    values["is_date"] = float(text.is_date(option.text))
    values["is_money"] = float(text.is_money(option.text))
    if option.element is not None:
        _element_values(values, option, goal_words, quoted)
    if option.snippet is not None:
        snippet = option.snippet
        heading = text.plain(snippet.heading)
        values["label_in_goal"] = text.inside(text.content(snippet.label), goal_words)
        values["label_is_quoted"] = float(text.plain(snippet.label) in quoted)
        values["column_in_goal"] = text.inside(text.content(snippet.column), goal_words)
        values["heading_in_goal"] = text.inside(text.content(snippet.heading), goal_words)
        values["heading_is_quoted"] = float(heading in quoted)
        values["heading_holds_quoted"] = float(any(q in heading for q in quoted))
        values["is_heading"] = float(snippet.role == "heading")
    return [values[key] for key in OWN]


def _element_values(values: dict[str, float], option: Candidate, goal_words: frozenset, quoted: frozenset) -> None:
    element = option.element
    heading = text.plain(element.heading)
    field = f"{element.name} {element.placeholder} {element.label}"
    values["label_in_goal"] = text.inside(text.content(element.label), goal_words)
    values["label_is_quoted"] = float(text.plain(element.label) in quoted)
    values["heading_in_goal"] = text.inside(text.content(element.heading), goal_words)
    values["heading_is_quoted"] = float(heading in quoted)
    values["heading_holds_quoted"] = float(any(q in heading for q in quoted))
    values["field_in_goal"] = text.inside(text.content(field), goal_words)
    values["in_viewport"] = float(element.in_viewport)
    values["height_on_page"] = min(max(element.box.y, 0) / 2000, 1.0)
    values["checked"] = float(1 in element.states or 2 in element.states)
    values["filled_as_wished"] = float(bool(option.text) and option.kind != "click" and element.value == option.text)
    values["quoted_text"] = float(option.kind != "click" and text.plain(option.text) in quoted)
    role = f"role_{element.role}"
    if role in values:
        values[role] = 1.0
