"""Learning from rewards: filtered behaviour cloning and a group-relative policy gradient."""

from __future__ import annotations

import dataclasses
from typing import Sequence

import numpy as np

from . import features
from .policy import Decision, log_softmax


@dataclasses.dataclass
class Sample:
    """An episode as a learner sees it."""

    task: str
    decisions: list[Decision]
    #: None: masked, not to be learned from.
    reward: float | None
    #: The verdict was SUCCESS, whatever the reward. False if masked.
    success: bool = False
    #: Steps of the shortest solution, where known; 0 otherwise.
    optimal_steps: int = 0
    goal: str = ""


class Adam:
    """Adam (Kingma and Ba, 2015) on one vector, ascending."""

    def __init__(self, size: int, rate: float):
        self.rate, self.m, self.v, self.t = rate, np.zeros(size), np.zeros(size), 0

    def step(self, weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        m = self.m / (1 - 0.9**self.t)
        v = self.v / (1 - 0.999**self.t)
        return weights + self.rate * m / (np.sqrt(v) + 1e-8)


def log_prob_gradient(weights: np.ndarray, decision: Decision) -> np.ndarray:
    """Gradient of log pi(chosen) of a softmax over linear scores: features chosen minus features expected."""
    rows = decision.rows.astype(np.float64)
    probabilities = np.exp(log_softmax(rows @ weights))
    return rows[decision.chosen] - probabilities @ rows


def _blocks(rows: np.ndarray) -> list[tuple[np.ndarray, int, int, np.ndarray]]:
    """The rows that use each block of columns: their index, the block's first and end column, and values; all else is 0."""
    blocks = []
    for first, end in features.COLUMNS:
        index = np.flatnonzero(rows[:, first])
        if len(index):
            blocks.append((index, first, end, rows[index, first:end].astype(np.float32)))
    return blocks


class FilteredCloning:
    """PAE's filtered behaviour cloning: per task keep the shortest successes, maximise their likelihood.

    All kept episodes are fitted anew each round from the current weights, under a Gaussian prior; tasks count equally.

    Args:
      keep: successes kept per task; the shortest ones.
      epochs: passes over the kept steps a round.
      rate: of Adam, at the first pass; falls to a fifth at the last.
      prior: precision of the Gaussian prior of the weights, in kept steps: with few successes the policy stays near uniform.
      max_tasks, max_rows: the latest tasks learned from, and the candidates kept of a step.
    """

    def __init__(self, size: int, keep: int = 2, epochs: int = 15, rate: float = 0.1, prior: float = 0.15,
                 max_tasks: int = 600, max_rows: int = 48):
        self.kept: dict[str, list[list[Decision]]] = {}
        #: Of each task kept.
        self.optimal: dict[str, int] = {}
        self.size, self.keep, self.epochs, self.rate = size, keep, epochs, rate
        self.prior, self.max_tasks, self.max_rows = prior, max_tasks, max_rows
        self.rng = np.random.default_rng(0)

    def _thin(self, decision: Decision) -> Decision:
        """The chosen row and a sample of the others: enough for the gradient, little to keep."""
        count = len(decision.rows)
        if count <= self.max_rows:
            return Decision(decision.chosen, decision.rows.astype(np.float16), decision.log_prob)
        others = self.rng.choice(np.delete(np.arange(count), decision.chosen), self.max_rows - 1, replace=False)
        index = np.concatenate([[decision.chosen], others])
        return Decision(0, decision.rows[index].astype(np.float16), decision.log_prob)

    def update(self, weights: np.ndarray, samples: Sequence[Sample]) -> np.ndarray:
        for sample in samples:
            if sample.success:
                kept = self.kept.setdefault(sample.task, [])
                kept.append([self._thin(decision) for decision in sample.decisions])
                kept.sort(key=len)
                del kept[self.keep:]
                self.optimal[sample.task] = sample.optimal_steps
        return self._fit(weights)

    def _steps(self) -> list[tuple[Decision, float]]:
        """The steps learned from with their weights: tasks count equally, but for detours."""
        steps = []
        for task in list(self.kept)[-self.max_tasks:]:
            episodes = self.kept[task]
            for episode in episodes:
                # A success with needless steps teaches them too.
                direct = (self.optimal[task] or len(episodes[0])) / len(episode)
                steps.extend((decision, min(1.0, direct)**2 / len(episodes)) for decision in episode)
        return steps

    def _fit(self, weights: np.ndarray) -> np.ndarray:
        """Full-batch Adam over all kept steps at once: rows stacked, softmax by segments."""
        steps = self._steps()
        if not steps:
            return weights
        rows = np.concatenate([decision.rows for decision, _ in steps])
        blocks = _blocks(rows)
        lengths = np.array([len(decision.rows) for decision, _ in steps])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        chosen = starts + np.array([decision.chosen for decision, _ in steps])
        share = np.array([weight for _, weight in steps])
        penalty = self.prior / share.sum()
        share = share / share.sum()
        target = share @ rows[chosen].astype(np.float64)
        scores = np.zeros(len(rows), dtype=np.float32)
        expected = np.empty_like(weights)
        optimiser = Adam(self.size, self.rate)
        for epoch in range(self.epochs):
            optimiser.rate = self.rate * (1 - 0.8 * epoch / self.epochs)
            scores[:] = 0.0
            for index, first, end, values in blocks:
                scores[index] += values @ weights[first:end].astype(np.float32)
            peak = np.maximum.reduceat(scores, starts)
            exponents = np.exp(scores - np.repeat(peak, lengths))
            total = np.add.reduceat(exponents, starts)
            probabilities = exponents / np.repeat(total, lengths) * np.repeat(share, lengths)
            expected[:] = 0.0
            for index, first, end, values in blocks:
                expected[first:end] = probabilities[index].astype(np.float32) @ values
            gradient = target - expected - penalty * weights
            weights = optimiser.step(weights, gradient)
        return weights


class GroupGradient:
    """Group-relative policy gradient: the advantage is the reward less its group's mean, over the group's deviation."""

    def __init__(self, size: int, rate: float = 0.1, penalty: float = 1e-4):
        self.optimiser = Adam(size, rate)
        self.penalty = penalty

    def update(self, weights: np.ndarray, samples: Sequence[Sample]) -> np.ndarray:
        groups: dict[str, list[Sample]] = {}
        for sample in samples:
            if sample.reward is not None:
                groups.setdefault(sample.task, []).append(sample)
        gradient = np.zeros_like(weights)
        used = 0
        for members in groups.values():
            rewards = np.array([member.reward for member in members], dtype=np.float64)
            if len(members) < 2 or rewards.std() < 1e-9:
                continue
            for member, advantage in zip(members, (rewards - rewards.mean()) / rewards.std()):
                for decision in member.decisions:
                    gradient += advantage * decision.own_share * log_prob_gradient(weights, decision)
                    used += 1
        if not used:
            return weights
        return self.optimiser.step(weights, gradient / used - self.penalty * weights)


LEARNERS = {"filtered-bc": FilteredCloning, "group-gradient": GroupGradient}
