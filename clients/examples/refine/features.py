"""The policy's features: token overlaps between task and candidate, role and state, position, neighbourhood, visited or not, step
number, what was done last and what came of it (an error, another page, a status), and declared products of these. No URL, id,
CSS class, template, site or oracle data."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import text
from .candidates import ACTS, KINDS, Candidate
from .page import Page

ROLES = ("link", "button", "textbox", "searchbox", "combobox", "checkbox", "radio", "tab", "option", "menuitem", "gridcell")

#: Features of a candidate on its own.
OWN = (
    "bias", "name_in_goal", "goal_in_name", "name_in_request", "name_is_quoted", "name_holds_quoted", "quoted_left",
    "name_in_goal_verbatim", "name_gain", "name_covers_left", "covers_most_left", "name_used", "label_in_goal",
    "label_in_goal_verbatim", "label_is_quoted", "label_best", "column_in_goal", "column_best", "heading_in_goal",
    "heading_is_quoted", "heading_holds_quoted", "field_in_goal", "field_best", "visited", "in_viewport",
    "height_on_page", "same_name_elsewhere", "first_of_kind", "checked", "filled_as_wished", "is_heading", "quoted_text",
    "is_value",
    *(f"role_{role}" for role in ROLES),
)
#: Features of the moment, used in products only.
MOMENT = (
    "first_step", "step_number", "title_in_goal", "title_holds_quoted", "all_quoted_visible", "goal_done", "quoted_done",
    "request_done", "gain_left", "last_link", "last_button", "last_type", "last_submit", "last_select", "last_open",
    "last_press", "error_last", "page_changed", "status_shown",
)
#: Declared products: every feature of the moment with each of these.
PRODUCT_WITH = {
    "click": ("bias", "name_in_goal", "name_in_request", "name_covers_left", "covers_most_left", "quoted_left", "role_button",
              "role_link", "heading_holds_quoted"),
    "type": ("bias", "field_in_goal", "quoted_left"),
    "submit": ("bias", "field_in_goal", "quoted_left"),
    "select": ("bias", "name_in_goal", "quoted_left"),
    "scroll": ("bias",), "back": ("bias",),
    "answer": ("bias", "label_in_goal", "label_best", "column_in_goal", "heading_in_goal", "name_in_goal", "is_value"),
    "give_up": ("bias",),
    "open": ("bias", "name_in_goal", "quoted_left"),
    "press": ("bias", "name_in_goal", "name_in_request", "name_covers_left"),
}
#: Declared products of a candidate's own features.
OWN_PRODUCTS = {
    "click": (("name_in_goal", "heading_holds_quoted"), ("name_in_goal", "heading_in_goal"), ("role_button", "name_in_goal"),
              ("role_button", "name_in_request"), ("role_button", "name_holds_quoted"), ("role_button", "covers_most_left"),
              ("role_checkbox", "name_holds_quoted"), ("role_link", "covers_most_left"), ("name_gain", "role_link"),
              ("name_is_quoted", "visited"), ("role_button", "visited")),
    "answer": (("label_in_goal", "column_in_goal"), ("label_in_goal", "heading_holds_quoted"),
               ("label_in_goal", "heading_in_goal"), ("column_in_goal", "label_is_quoted"), ("label_best", "column_best"),
               ("label_best", "heading_holds_quoted"), ("column_best", "label_is_quoted")),
    "select": (("name_in_goal", "field_in_goal"), ("quoted_left", "field_in_goal")),
    "type": (("field_in_goal", "quoted_left"), ("field_best", "quoted_left")),
    "submit": (("field_in_goal", "quoted_left"), ("field_best", "quoted_left")),
}

#: Features with a second weight that all kinds that act on the page share: what is learned of clicking on a name helps to choose an
#: option of that name.
SHARED = (
    "bias", "name_in_goal", "goal_in_name", "name_in_request", "name_is_quoted", "name_holds_quoted", "quoted_left",
    "name_in_goal_verbatim", "name_gain", "name_covers_left", "name_used", "label_in_goal", "label_is_quoted", "heading_in_goal",
    "heading_is_quoted", "heading_holds_quoted", "field_in_goal", "visited", "in_viewport", "height_on_page",
)

_INDEX = {name: i for i, name in enumerate(OWN)}
#: The feature that marks the highest of a feature among the candidates of a kind.
_BEST_OF = {"name_covers_left": "covers_most_left", "label_in_goal": "label_best", "column_in_goal": "column_best",
            "field_in_goal": "field_best"}


def _layout() -> tuple[list[str], dict[str, tuple[int, list[int], list[tuple[int, int]]]], list[tuple[int, int]]]:
    """Names of all columns; per kind its first column, what is multiplied with the moment, and products of its own; the blocks of
    columns as (first, end): one a kind, then the shared one."""
    names: list[str] = []
    blocks = {}
    columns = []
    for kind in KINDS:
        start = len(names)
        names.extend(f"{kind}:{name}" for name in OWN)
        names.extend(f"{kind}:{own}*{moment}" for own in PRODUCT_WITH[kind] for moment in MOMENT)
        pairs = OWN_PRODUCTS.get(kind, ())
        names.extend(f"{kind}:{a}*{b}" for a, b in pairs)
        blocks[kind] = (start, [_INDEX[own] for own in PRODUCT_WITH[kind]], [(_INDEX[a], _INDEX[b]) for a, b in pairs])
        columns.append((start, len(names)))
    columns.append((len(names), len(names) + len(SHARED)))
    names.extend(f"act:{name}" for name in SHARED)
    return names, blocks, columns


#: COLUMNS: a row is 0 outside the block of its kind and, if the kind acts on the page, the last, shared block; a block's first column
#: is the bias, 1 in every row that uses the block.
NAMES, _BLOCKS, COLUMNS = _layout()
SIZE = len(NAMES)
_SHARED = [_INDEX[name] for name in SHARED]


@dataclasses.dataclass
class History:
    """What the agent did so far in this episode."""

    steps: int = 0
    done_words: frozenset = frozenset()
    #: Quoted spans of the goal that were clicked, typed or chosen.
    done_spans: frozenset = frozenset()
    keys: frozenset = frozenset()
    #: "link", "button" or another kind than "click".
    last_kind: str = ""
    last_error: bool = False
    last_everything: str = ""

    def after(self, candidate: Candidate, error: bool, everything: str) -> "History":
        words, spans = self.done_words, self.done_spans
        if not error:
            words = words | text.content(candidate.text)
            spans = spans | {text.plain(candidate.text)}
        kind = candidate.kind
        if kind == "click":
            kind = "link" if candidate.element.role in ("link", "tab") else "button"
        return History(self.steps + 1, words, spans, self.keys | {candidate.key()}, kind, error, everything)


@dataclasses.dataclass(frozen=True)
class _Goal:
    """The task's text, as far as a moment needs it."""

    text: str
    plain: str
    words: frozenset
    quoted: frozenset
    #: Words outside quotation marks: what to do with what is quoted.
    request: frozenset
    #: Words that nothing was done about.
    left: frozenset
    spans_left: frozenset


def featurize(page: Page, goal: str, options: list[Candidate], history: History) -> np.ndarray:
    """One row a candidate, SIZE columns, float32."""
    words, quoted = text.content(goal), text.quoted(goal)
    wanted = _Goal(goal, text.plain(goal), words, quoted, text.unquoted(goal), words - history.done_words,
                   frozenset(span for span in quoted if span not in history.done_spans))
    own = np.array([_own(option, wanted, history) for option in options], dtype=np.float32)
    _compare(own, options)
    moment = np.array(_moment(page, wanted, history, _gain_left(own, options)), dtype=np.float32)
    rows = np.zeros((len(options), SIZE), dtype=np.float32)
    kinds = np.array([KINDS.index(option.kind) for option in options])
    for number, kind in enumerate(KINDS):
        index = np.flatnonzero(kinds == number)
        if len(index) == 0:
            continue
        start, with_moment, own_products = _BLOCKS[kind]
        values = own[index]
        products = (values[:, with_moment][:, :, None] * moment).reshape(len(index), -1)
        pairs = values[:, [a for a, _ in own_products]] * values[:, [b for _, b in own_products]]
        block = np.concatenate([values, products, pairs], axis=1)
        rows[index, start:start + block.shape[1]] = block
    acts = np.flatnonzero([option.kind in ACTS for option in options])
    rows[acts, COLUMNS[-1][0]:] = own[acts][:, _SHARED]
    return rows


def _compare(own: np.ndarray, options: list[Candidate]) -> None:
    """Fills in what depends on the other candidates of the same kind."""
    names: dict[str, int] = {}
    for option in options:
        if option.kind == "click":
            names[option.text] = names.get(option.text, 0) + 1
    kinds = np.array([option.kind for option in options])
    for kind in dict.fromkeys(kinds):
        index = np.flatnonzero(kinds == kind)
        own[index[0], _INDEX["first_of_kind"]] = 1.0
        for value, best in _BEST_OF.items():
            column = own[index, _INDEX[value]]
            peak = column.max()
            if peak > 0:
                own[index, _INDEX[best]] = column >= peak - 1e-6
    for i, option in enumerate(options):
        own[i, _INDEX["same_name_elsewhere"]] = float(option.kind == "click" and names[option.text] > 1)


def _gain_left(own: np.ndarray, options: list[Candidate]) -> float:
    """Whether something can still be clicked or chosen that is wholly about what is left of the goal."""
    gains = [own[i, _INDEX["name_gain"]] for i, option in enumerate(options)
             if option.kind in ("click", "select") and not own[i, _INDEX["visited"]]]
    return float(max(gains, default=0.0))


def _moment(page: Page, goal: _Goal, history: History, gain_left: float) -> list[float]:
    title = text.plain(page.title)
    everything = text.plain(page.everything)
    return [
        float(history.steps == 0),
        min(history.steps, 8) / 8,
        text.inside(text.content(page.title), goal.words),
        float(any(q in title for q in goal.quoted)),
        float(bool(goal.quoted) and all(q in everything for q in goal.quoted)),
        text.inside(goal.words, history.done_words),
        1.0 - len(goal.spans_left) / max(1, len(goal.quoted)),
        text.inside(goal.request, history.done_words),
        gain_left,
        *(float(history.last_kind == kind) for kind in ("link", "button", "type", "submit", "select", "open", "press")),
        float(history.last_error),
        float(history.steps > 0 and history.last_everything != page.everything),
        float(page.status),
    ]


def _own(option: Candidate, goal: _Goal, history: History) -> list[float]:
    name_words = text.content(option.text)
    name = text.plain(option.text)
    left = name_words & goal.left
    values = dict.fromkeys(OWN, 0.0)
    values["bias"] = 1.0
    values["name_in_goal"] = text.inside(name_words, goal.words)
    values["goal_in_name"] = text.inside(goal.words, name_words)
    values["name_in_request"] = text.inside(name_words, goal.request)
    values["name_is_quoted"] = float(name in goal.quoted)
    values["name_holds_quoted"] = float(any(q in name for q in goal.quoted))
    values["quoted_left"] = float(name in goal.spans_left)
    values["name_in_goal_verbatim"] = float(bool(name) and name in goal.plain)
    values["name_gain"] = len(left) / len(name_words) if name_words else 0.0
    values["name_covers_left"] = len(left) / len(goal.left) if goal.left else 0.0
    values["name_used"] = text.inside(name_words, history.done_words)
    values["visited"] = float(option.key() in history.keys)
    place = option.element or option.snippet
    if place is not None:
        label, heading = text.plain(place.label), text.plain(place.heading)
        values["label_in_goal"] = text.inside(text.content(place.label), goal.words)
        values["label_in_goal_verbatim"] = float(bool(label) and label in goal.plain)
        values["label_is_quoted"] = float(label in goal.quoted)
        values["heading_in_goal"] = text.inside(text.content(place.heading), goal.words)
        values["heading_is_quoted"] = float(heading in goal.quoted)
        values["heading_holds_quoted"] = float(any(q in heading for q in goal.quoted))
    if option.snippet is not None:
        values["column_in_goal"] = text.inside(text.content(option.snippet.column), goal.words)
        values["is_heading"] = float(option.snippet.role == "heading")
        values["is_value"] = float(option.snippet.role == "textbox")
    if option.element is not None:
        _element_values(values, option, goal)
    return list(values.values())


def _element_values(values: dict[str, float], option: Candidate, goal: _Goal) -> None:
    element = option.element
    field = f"{element.name} {element.placeholder} {element.label}"
    values["field_in_goal"] = text.inside(text.content(field), goal.words)
    values["in_viewport"] = float(element.in_viewport)
    values["height_on_page"] = min(max(element.box.y, 0) / 2000, 1.0)
    values["checked"] = float(1 in element.states or 2 in element.states)
    values["filled_as_wished"] = float(bool(option.text) and option.kind != "click" and element.value == option.text)
    values["quoted_text"] = float(option.kind != "click" and text.plain(option.text) in goal.quoted)
    role = f"role_{element.role}"
    if role in values:
        values[role] = 1.0
