"""Intervals: Wilson for a share, a bootstrap clustered by template for a paired difference. Tests: the sign test, Holm's correction."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np


def wilson(successes: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    if total == 0:
        return 0.0, 1.0
    share = successes / total
    centre = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (centre - half) / scale, (centre + half) / scale


def paired_difference(before: Sequence[float], after: Sequence[float], clusters: Sequence[str], *, rounds: int = 10_000,
                      seed: int = 0) -> tuple[float, float, float]:
    """Mean of after - before over tasks with the 95 % interval of a bootstrap that draws whole clusters."""
    if not before:
        return math.nan, math.nan, math.nan
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    names = sorted(set(clusters))
    index = np.array([names.index(cluster) for cluster in clusters])
    sums = np.bincount(index, weights=differences, minlength=len(names))
    counts = np.bincount(index, minlength=len(names))
    draws = np.random.default_rng(seed).integers(0, len(names), size=(rounds, len(names)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(differences.mean()), float(low), float(high)


def sign_test(better: int, worse: int) -> float:
    """Two-sided p of the pairs that differ, each as likely to be better as worse (exact; McNemar's test). 1 if none differs."""
    total = better + worse
    if total == 0:
        return 1.0
    tail = sum(math.comb(total, k) for k in range(min(better, worse) + 1)) / 2**total
    return min(1.0, 2 * tail)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for how many there are, in their order (Holm, 1979): those at most 0.05 are significant together at 5 %."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
