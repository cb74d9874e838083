"""Policies: a softmax over linear scores, and two controls."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import features
from .candidates import ENDS, Candidate
from .page import Page


#: Share of what is tried out that ends the episode, where something else can be done too.
ENDS_TRIED = 0.25


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
               rng: np.random.Generator, greedy: bool = False, explore: float = 0.0, try_out: bool = False) -> Decision:
        """`try_out`: takes something else than the policy would, which was to happen with probability `explore`."""
        rows = features.featurize(page, goal, options, history)
        scores = rows @ self.weights
        own = np.exp(log_softmax(scores))
        if greedy and self.weights.any():
            chosen = int(np.argmax(own))
            return Decision(chosen, rows, float(np.log(own[chosen])))
        tried = _to_try(options, scores, rng) if explore else own
        mixed = (1 - explore) * own + explore * tried
        chosen = int(rng.choice(len(options), p=tried if try_out else own / own.sum()))
        return Decision(chosen, rows, float(np.log(mixed[chosen])), float((1 - explore) * own[chosen] / mixed[chosen]))


def _to_try(options: list[Candidate], scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Probabilities of trying each candidate out: half by rank, 1, 1/2, 1/3, ..., so that the likelier ones come first; half all alike,
    because a policy ranks what it never needed last. Its own first choice is left out, ends have their fixed share."""
    order = np.lexsort((rng.random(len(scores)), -scores))
    weight = np.zeros(len(scores))
    ends = np.array([option.kind in ENDS for option in options])
    for group, share in ((ends, ENDS_TRIED), (~ends, 1 - ENDS_TRIED)):
        ranked = [i for i in order[1:] if group[i]]
        if ranked:
            ranks = 1.0 / np.arange(1, len(ranked) + 1)
            weight[ranked] = share * (0.5 * ranks / ranks.sum() + 0.5 / len(ranked))
    return weight / weight.sum() if weight.any() else np.full(len(scores), 1 / len(scores))


class OverlapPolicy:
    """Control: greedy on text overlap alone. Takes the candidate that covers most of the goal's words not used yet; answers
    with the text whose label overlaps most when nothing adds anything."""

    def choose(self, page: Page, goal: str, options: list[Candidate], history: features.History,
               rng: np.random.Generator, greedy: bool = False, explore: float = 0.0, try_out: bool = False) -> Decision:
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
