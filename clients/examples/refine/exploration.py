"""What is tried out while training: how often, at which steps, and which candidates.

An episode that tries something out is guided: the task's optimal length, which proposed tasks carry, says when it can end. An end
before that step cannot be right, and at that step nothing but an end can be. Elsewhere it follows the policy, less at random than on
its own.
"""

from __future__ import annotations

import collections
import dataclasses
import threading
from typing import Sequence

import numpy as np

from . import text
from .candidates import ENDS, Candidate

#: Share of a group's episodes that try something out: of tasks whose like is new or hardly ever solved, and of those that are sometimes
#: solved. None of those that are mostly solved.
TRY_UNSOLVED = 0.75
TRY_OPEN = 0.5
HARDLY, MOSTLY = 0.2, 0.8
#: Of the policy's own choices in guided episodes: above 1 the likelier ones are taken more often.
SHARPNESS = 2.0


class Record:
    """How tasks fared that say nearly the same but for what they quote. Older episodes count less."""

    def __init__(self) -> None:
        #: By wording: tries and successes, older ones counting less, and all tries.
        self._record: dict[frozenset[str], tuple[float, float, int]] = {}

    def _alike(self, goal: str) -> tuple[float, float, float]:
        wording = text.unquoted(goal)
        total = np.zeros(3)
        for other, counts in self._record.items():
            total += _alike(wording, other) * np.array(counts)
        return tuple(total)

    def success(self, goal: str) -> float:
        """Share of the like that was solved; 0 if there were too few to tell."""
        return _share(*self._alike(goal))

    def share(self, goal: str) -> float:
        """Of a group's episodes, those that try something out."""
        success = self.success(goal)
        return TRY_UNSOLVED if success < HARDLY else TRY_OPEN if success <= MOSTLY else 0.0

    def choose(self, goals: Sequence[str], count: int) -> list[int]:
        """Which of more tasks than are needed to practise: half of those whose like was hardly ever solved, those that were tried least
        first; the rest as they come, mostly solved ones last."""
        like = [self._alike(goal) for goal in goals]
        success = [_share(*counts) for counts in like]
        tries = [counts[2] for counts in like]
        hardest = sorted(range(len(goals)), key=lambda i: (max(HARDLY, success[i]), tries[i]))[:(count + 1) // 2]
        rest = sorted((i for i in range(len(goals)) if i not in hardest), key=lambda i: success[i] > MOSTLY)
        return hardest + rest[:count - len(hardest)]

    def learn(self, results: list[tuple[str, bool]]) -> None:
        """Goals of a round's episodes and whether they were solved."""
        seen: dict[frozenset[str], list[bool]] = {}
        for goal, solved in results:
            seen.setdefault(text.unquoted(goal), []).append(solved)
        for wording, outcomes in seen.items():
            tries, successes, total = self._record.get(wording, (0.0, 0.0, 0))
            self._record[wording] = (tries / 2 + len(outcomes), successes / 2 + sum(outcomes), total + len(outcomes))


def _share(tries: float, successes: float, _: float) -> float:
    return successes / tries if tries >= 2 else 0.0


class Tried:
    """What was tried out so far, so that the next episode tries something else. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tried: dict[tuple, list[frozenset[str]]] = collections.defaultdict(list)

    def counts(self, goal: str, step: int, options: Sequence[Candidate]) -> np.ndarray:
        """How often the like of each candidate was tried at this step, for tasks worded alike: 1 for each try with the same words."""
        wording = text.unquoted(goal)
        with self._lock:
            return np.array([sum(_alike(wording, other) for other in self._tried.get((step, *_shape(option, goal)), ()))
                             for option in options])

    def note(self, goal: str, step: int, option: Candidate) -> None:
        with self._lock:
            self._tried[(step, *_shape(option, goal))].append(text.unquoted(goal))


def _alike(a: frozenset[str], b: frozenset[str]) -> float:
    return (len(a & b) / max(1, len(a | b))) ** 2


def _shape(option: Candidate, goal: str) -> tuple:
    """The candidate without what differs from task to task: what the goal quotes, and what an answer says."""
    place = option.element or option.snippet
    label, heading = (_general(place.label, goal), _general(place.heading, goal)) if place is not None else ("", "")
    role = place.role if place is not None else ""
    return (option.kind, role, "" if option.kind == "answer" else _general(option.text, goal), label, heading)


def _general(part: str, goal: str) -> str:
    plain = text.plain(part)
    return "*" if plain in text.quoted(goal) else plain


@dataclasses.dataclass
class Trial:
    """One episode that tries something out at `steps`."""

    goal: str
    #: Of the shortest solution, the end included.
    optimal_steps: int
    steps: frozenset[int]
    tried: Tried

    def probabilities(self, step: int, options: Sequence[Candidate], scores: np.ndarray) -> np.ndarray:
        """Of choosing each candidate at this step. `scores` are the policy's."""
        right = np.array([(option.kind in ENDS) == (step >= self.optimal_steps - 1) for option in options])
        if right.any():
            scores = np.where(right, scores, -np.inf)
        if step in self.steps:
            return to_try(options, scores, self.tried.counts(self.goal, step, options))
        return _softmax(SHARPNESS * scores)

    def chose(self, step: int, option: Candidate) -> None:
        if step in self.steps:
            self.tried.note(self.goal, step, option)


def to_try(options: Sequence[Candidate], scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Probabilities of trying each candidate out; those with a score of -inf are not. The policy's first choice is left out. Half goes by
    rank, 1, 1/2, 1/3, ..., so that the likelier ones come first; half evenly to the kinds and roles that there are, so that one button
    counts as much as forty links. What was tried before is tried less."""
    usable = np.flatnonzero(np.isfinite(scores))
    if len(usable) > 1:
        usable = np.delete(usable, np.argmax(scores[usable]))
    weight = np.zeros(len(scores))
    ranks = np.argsort(np.argsort(-scores[usable], kind="stable"), kind="stable") + 1
    by_rank = 1.0 / ranks
    sorts = collections.Counter((options[i].kind, _role(options[i])) for i in usable)
    evenly = np.array([1.0 / sorts[(options[i].kind, _role(options[i]))] for i in usable])
    weight[usable] = (by_rank / by_rank.sum() + evenly / len(sorts)) / (1.0 + counts[usable])
    return weight / weight.sum()


def _role(option: Candidate) -> str:
    return option.element.role if option.element is not None else ""


def _softmax(scores: np.ndarray) -> np.ndarray:
    exponents = np.exp(scores - scores.max())
    return exponents / exponents.sum()
