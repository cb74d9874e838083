"""Words and overlaps: everything the policy knows about language."""

from __future__ import annotations

import functools
import re
from typing import FrozenSet

#: Most spans of a goal that are typed.
MAX_SPANS = 6

_WORD = re.compile(r"[a-z0-9]+(?:[.,:'/-][a-z0-9]+)*")
_QUOTED = re.compile(r'"([^"]{1,80})"|“([^”]{1,80})”|(?<![A-Za-z])\'([^\']{1,80})\'(?![A-Za-z])')
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b([A-Z0-9][\w.&'-]*(?:\s+(?:of|the|and|for|in|de)\s+[A-Z][\w&'-]*|\s+[A-Z0-9][\w.&'-]*)*)")

#: Words that carry no content in an English instruction.
STOP_WORDS = frozenset("""a an and any are as at be been by can could do does for from given go has have how i if in into is
it its me my need no of on or our out page please s should site so tell than that the their them then there these they this
those to up us use using was we were what when where which who whose will with would you your""".split())


def _stem(word: str) -> str:
    """Drops the commonest English endings, the plural first, so that "bookings" meets "book"."""
    if word.endswith("ies") and len(word) >= 5:
        word = word[:-3] + "y"
    elif word.endswith("s") and len(word) >= 4 and not word.endswith("ss"):
        word = word[:-2] if word.endswith(("shes", "ches", "sses", "xes")) else word[:-1]
    for ending, least in (("ing", 6), ("ed", 5)):
        if word.endswith(ending) and len(word) >= least:
            word = word[: -len(ending)]
    return word[:-1] if word.endswith("e") and len(word) >= 5 else word


@functools.lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """The text's words in order, lower case, stemmed."""
    return tuple(_stem(word) for word in _WORD.findall(text.lower()))


@functools.lru_cache(maxsize=65536)
def content(text: str) -> FrozenSet[str]:
    """The set of the text's content words."""
    return frozenset(word for word in words(text) if word not in STOP_WORDS)


@functools.lru_cache(maxsize=4096)
def spans(goal: str) -> tuple[str, ...]:
    """Quoted spans of the goal; names and numbers follow, for those who quote nothing. At most MAX_SPANS."""
    found: list[str] = []
    for match in _QUOTED.finditer(goal):
        found.append(next(group for group in match.groups() if group))
    rest = _QUOTED.sub(" ", goal)
    found.extend(match.group(1).strip(".,;:?!") for match in _NAME.finditer(rest))
    unique = dict.fromkeys(span.strip() for span in found if span.strip())
    return tuple(unique)[:MAX_SPANS]


@functools.lru_cache(maxsize=4096)
def quoted(goal: str) -> FrozenSet[str]:
    """The quoted spans, each as one normalised text."""
    return frozenset(" ".join(words(next(group for group in m.groups() if group))) for m in _QUOTED.finditer(goal))


@functools.lru_cache(maxsize=4096)
def unquoted(goal: str) -> FrozenSet[str]:
    """The content words outside quotation marks."""
    return content(_QUOTED.sub(" ", goal))


@functools.lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """The text as its words joined by blanks, for comparing phrases."""
    return " ".join(words(text))


def inside(part: FrozenSet[str], whole: FrozenSet[str]) -> float:
    """Share of `part` that is in `whole`; 0 for an empty part."""
    return len(part & whole) / len(part) if part else 0.0
