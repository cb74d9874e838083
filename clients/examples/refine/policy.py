"""Policies: a softmax over linear scores, and two controls."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import features
from .candidates import ENDS, Candidate
from .page import Page


#: How much flatter the distribution is from which is explored.
EXPLORE_TEMPERATURE = 3.0


@dataclasses.dataclass
class Decision:
    """A choice among candidates, with what learning needs."""

    chosen: int
    rows: np.ndarray
    #: Of the choice as it was made, exploration included.
    log_prob: float
    #: The policy's own part in the choice: 1, or less where exploration could have made it too.
    own_share: float = 1.0


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max()
    return shifted - np.log(np.exp(shifted).sum())


class LinearPolicy:
    """Chooses by softmax(rows @ weights). Zero weights: uniform over candidates."""

    def __init__(self, weights: np.ndarray | None = None):
        self.weights = np.zeros(features.SIZE) if weights is None else weights

    def choose(self, page: Page, goal: str, options: list[Candidate], history: features.History,
               rng: np.random.Generator, greedy: bool = False, explore: float = 0.0) -> Decision:
        """With probability `explore` a candidate that does not end the episode (an end tries nothing out), the likelier ones
        more often, but all of them often enough."""
        rows = features.featurize(page, goal, options, history)
        scores = rows @ self.weights
        own = np.exp(log_softmax(scores))
        if greedy and self.weights.any():
            chosen = int(np.argmax(own))
            return Decision(chosen, rows, float(np.log(own[chosen])))
        going_on = np.array([option.kind not in ENDS for option in options], dtype=np.float64)
        tried = going_on * np.exp(log_softmax(scores / EXPLORE_TEMPERATURE))
        mixed = (1 - explore) * own + explore * tried / tried.sum()
        chosen = int(rng.choice(len(options), p=mixed / mixed.sum()))
        return Decision(chosen, rows, float(np.log(mixed[chosen])), float((1 - explore) * own[chosen] / mixed[chosen]))


class OverlapPolicy:
    """Control: greedy on text overlap alone. Takes the candidate that covers most of the goal's words not used yet; answers
    with the text whose label overlaps most when nothing adds anything."""

    def choose(self, page: Page, goal: str, options: list[Candidate], history: features.History,
               rng: np.random.Generator, greedy: bool = False, explore: float = 0.0) -> Decision:
        rows = features.featurize(page, goal, options, history)
        names = {name: i for i, name in enumerate(features.NAMES)}
        scores = np.zeros(len(options))
        for i, option in enumerate(options):
            def value(name: str) -> float:
                return float(rows[i][names[f"{option.kind}:{name}"]])
            if option.kind == "answer":
                scores[i] = 0.3 * (value("label_in_goal") + value("column_in_goal"))
            elif option.kind not in ("give_up", "back", "scroll"):
                scores[i] = value("name_gain") * (1.0 - value("visited"))
        best = np.flatnonzero(scores >= scores.max() - 1e-9)
        return Decision(int(rng.choice(best)), rows, 0.0)
