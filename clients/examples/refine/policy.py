"""Policies: a softmax over linear scores, and two controls."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import features
from .candidates import Candidate
from .exploration import Trial
from .page import Page


@dataclasses.dataclass
class Decision:
    """A choice among candidates, with what learning needs."""

    chosen: int
    rows: np.ndarray
    #: Of the choice as it was made, exploration included.
    log_prob: float
    #: The policy's own probability of the choice over that with which it was made, at most 1.
    own_share: float = 1.0


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max()
    return shifted - np.log(np.exp(shifted).sum())


class LinearPolicy:
    """Chooses by softmax(rows @ weights). Zero weights: uniform over candidates."""

    def __init__(self, weights: np.ndarray | None = None):
        self.weights = np.zeros(features.SIZE) if weights is None else weights

    def choose(self, page: Page, goal: str, options: list[Candidate], history: features.History,
               rng: np.random.Generator, greedy: bool = False, trial: Trial | None = None) -> Decision:
        """`trial`: what this episode tries out."""
        rows = features.featurize(page, goal, options, history)
        scores = rows @ self.weights
        own = np.exp(log_softmax(scores))
        if greedy and self.weights.any():
            chosen = int(np.argmax(own))
            return Decision(chosen, rows, float(np.log(own[chosen])))
        played = own / own.sum()
        if trial is not None:
            played = trial.probabilities(history.steps, options, scores)
        chosen = int(rng.choice(len(options), p=played))
        if trial is not None:
            trial.chose(history.steps, options[chosen])
        return Decision(chosen, rows, float(np.log(played[chosen])), min(1.0, float(own[chosen] / played[chosen])))


class OverlapPolicy:
    """Control: greedy on text overlap alone. Takes the candidate that covers most of the goal's words not used yet; answers
    with the text whose label overlaps most when nothing adds anything."""

    def choose(self, page: Page, goal: str, options: list[Candidate], history: features.History,
               rng: np.random.Generator, greedy: bool = False, trial: Trial | None = None) -> Decision:
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
