"""Solves tasks by their known solutions through the public API, on a few sessions at once."""
from __future__ import annotations

import concurrent.futures
import math
import threading
from typing import Any, Callable, Sequence

import proctor
from proctor.v1 import task_pb2


def _fits(wanted: str, actual: str) -> bool:
    return not wanted or " ".join(wanted.split()).lower() == " ".join(actual.split()).lower()


def find(observation: Any, reference: Any) -> int:
    """The mark of the element that a solution names. LookupError if it is not there."""
    found = [e.mark for e in observation.elements
             if _fits(reference.role, e.role) and _fits(reference.name, e.name)
             and _fits(reference.heading, e.heading) and _fits(reference.label, e.label)]
    if reference.nth >= len(found):
        raise LookupError(f"no element fits {reference}")
    return found[reference.nth]


def action_of(observation: Any, step: Any) -> Any:
    """A step of a solution as an action on what is seen now."""
    kind = step.WhichOneof("kind")
    made: dict[str, Callable[[], Any]] = {
        "click": lambda: proctor.click(find(observation, step.click)),
        "type": lambda: proctor.type_text(find(observation, step.type.element), step.type.text, clear=step.type.clear,
                                          submit=step.type.submit),
        "select": lambda: proctor.select(find(observation, step.select.element), step.select.option),
        "check": lambda: proctor.check(find(observation, step.check.element), step.check.checked),
        "drag": lambda: proctor.drag(find(observation, getattr(step.drag, "from")), find(observation, step.drag.to)),
        "press_key": lambda: proctor.press(step.press_key),
        "goto_url": lambda: proctor.goto(step.goto_url),
        "go_back": proctor.go_back,
        "scroll_down": proctor.scroll,
        "answer": lambda: proctor.answer(step.answer),
        "give_up": lambda: proctor.give_up("not possible"),
    }
    return made[kind]()


def solve(env: proctor.Env, task: task_pb2.Task) -> tuple[str, str, int]:
    """Does what the task's solution says. Why it did not succeed ("" if it did), the trajectory, the steps taken."""
    observation, info = env.reset(options={"task": task})
    trajectory = info["episode"].trajectory
    reward, steps = math.nan, 0
    for step in task.solution:
        try:
            action = action_of(observation, step)
        except LookupError as error:
            return f"{error}at {observation.url}", trajectory, steps
        observation, reward, _, _, info = env.step(action)
        steps += 1
        if observation.action_error:
            return f"{observation.action_error} at {observation.url}", trajectory, steps
    if "episode" in info and info["episode"].reward.success:
        return "", trajectory, steps
    return f"reward {reward} {info.get('masked', '')} at {observation.url}", trajectory, steps


class Sessions:
    """Runs a function for each task on `count` sessions of an environment."""

    def __init__(self, client: proctor.Client, environment: str, count: int = 4):
        self._client = client
        self._environment = environment
        self._count = count
        self._local = threading.local()
        self._envs: list[proctor.Env] = []

    def map(self, function: Callable[[proctor.Env, task_pb2.Task], Any], tasks: Sequence[task_pb2.Task]) -> list[Any]:
        """Results in the order of the tasks. Sessions are closed afterwards."""
        with concurrent.futures.ThreadPoolExecutor(self._count) as pool:
            try:
                return list(pool.map(lambda task: function(self._env(), task), tasks))
            finally:
                for env in self._envs:
                    env.close()

    def _env(self) -> proctor.Env:
        if not hasattr(self._local, "env"):
            self._local.env = proctor.Env(self._client, self._environment, observe=["elements"], policy="test",
                                          policy_version="1")
            self._envs.append(self._local.env)
        return self._local.env
