"""Refinement at inference time: another attempt with a reflection (Reflexion), and the best of several.

    from proctor import refinement

    def run(reflections):                    # your agent's loop; returns the trajectory's name
        obs, info = env.reset(options={"task": task})
        ...
        return info["episode"].trajectory

    attempts = refinement.reflexion(client, run, evaluator="pae")
    ranked = refinement.best_of(client, lambda: run([]), 4, evaluator="pae")
"""

from __future__ import annotations

import dataclasses
from typing import Callable, Sequence

from .client import Client
from .v1 import reflection_pb2, verdict_pb2


@dataclasses.dataclass
class Attempt:
    """One episode, how it was judged, and what it taught."""

    #: `trajectories/{id}`.
    trajectory: str
    verdict: verdict_pb2.Verdict
    #: Made after a failure, unless it was the last attempt.
    reflection: reflection_pb2.Reflection | None = None

    @property
    def succeeded(self) -> bool:
        """The evaluator says SUCCESS."""
        return self.verdict.outcome == verdict_pb2.OUTCOME_SUCCESS


def reflexion(client: Client, run: Callable[[list[str]], str], *, evaluator: str = "oracle", attempts: int = 4,
              timeout: float = 600.0) -> list[Attempt]:
    """Attempts a task up to `attempts` times (1 to 10), each time with what the failures before it taught.

    `run(reflections)` plays one episode to its end and returns its trajectory's name; it is given the texts of all reflections so
    far, oldest first, to show to its model. Each attempt is judged by `evaluator`; FAILURE and UNDETERMINED are reflected on by the
    server's model, and the reflections are kept there as a chain. Ends with the first SUCCESS. `timeout`: seconds for each verdict and
    each reflection. (Shinn et al. 2023; AER, Pan et al. 2024, section 4.2.)
    """
    if not 1 <= attempts <= 10:
        raise ValueError("attempts must be 1 to 10")
    made: list[Attempt] = []
    previous = ""
    while len(made) < attempts:
        trajectory = run([attempt.reflection.text for attempt in made if attempt.reflection])
        made.append(Attempt(trajectory, client.evaluate(trajectory, evaluator, timeout=timeout)))
        if made[-1].succeeded or len(made) == attempts:
            break
        made[-1].reflection = client.reflect(trajectory, made[-1].verdict.name, previous, timeout)
        previous = made[-1].reflection.name
    return made


def best_of(client: Client, run: Callable[[], str], n: int, *, evaluator: str = "oracle", timeout: float = 600.0) -> list[Attempt]:
    """Plays `n` episodes of a task and returns them ranked by the evaluator, the best first; equal ones in the order played.

    SUCCESS is better than UNDETERMINED, that better than FAILURE; within them the higher score, of successes then the surer one.
    `timeout`: seconds for each verdict.
    """
    if n < 1:
        raise ValueError("n must be positive")
    played: Sequence[Attempt] = [Attempt(name, client.evaluate(name, evaluator, timeout=timeout)) for name in (run() for _ in range(n))]
    return sorted(played, key=_rank, reverse=True)


def _rank(attempt: Attempt) -> tuple[int, float, float]:
    verdict = attempt.verdict
    place = {verdict_pb2.OUTCOME_SUCCESS: 2, verdict_pb2.OUTCOME_UNDETERMINED: 1}.get(verdict.outcome, 0)
    sure = verdict.confidence if place == 2 else -verdict.confidence
    return place, verdict.score if place != 1 else 0.0, sure
