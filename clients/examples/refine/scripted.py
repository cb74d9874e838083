"""Plays the known solutions of tasks through the API. No policy ever sees them: they show that the tasks can be solved."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Callable, Sequence

import proctor
from proctor.v1 import action_pb2, environment_service_pb2 as env_pb, observation_pb2, solution_pb2, task_pb2

from .rollout import Runner
from .terminal import Progress


#: How long an application may take to show what an action did, and how often it is looked at meanwhile; seconds.
PATIENCE, PAUSE = 5.0, 0.1
#: Nothing on the screen tells of these.
_SILENT = ("Control+A", "Control+C")


def _same(wanted: str, actual: str) -> bool:
    return not wanted or " ".join(wanted.split()).lower() == " ".join(actual.split()).lower()


def find(observation: observation_pb2.Observation, reference: solution_pb2.ElementRef) -> int:
    """The mark of the element that a solution names. LookupError if it is not there."""
    found = [e.mark for e in observation.elements if _same(reference.role, e.role) and _same(reference.name, e.name)
             and _same(reference.heading, e.heading) and _same(reference.label, e.label)]
    if reference.nth >= len(found):
        raise LookupError(f"no element fits {reference}".strip())
    return found[reference.nth]


def action_of(observation: observation_pb2.Observation, step: solution_pb2.SolutionStep) -> action_pb2.Action:
    """A step of a solution as an action on what is seen now. ValueError: a kind that desktops do not have."""
    kind = step.WhichOneof("kind")
    made: dict[str, Callable[[], action_pb2.Action]] = {
        "click": lambda: proctor.click(find(observation, step.click)),
        "type": lambda: proctor.type_text(find(observation, step.type.element) if step.type.HasField("element") else None,
                                          step.type.text, clear=step.type.clear, submit=step.type.submit),
        "press_key": lambda: proctor.press(step.press_key),
        "answer": lambda: proctor.answer(step.answer),
        "give_up": lambda: proctor.give_up("not possible"),
    }
    if kind not in made:
        raise ValueError(f"a desktop has no {kind}")
    return made[kind]()


def _script(task: task_pb2.Task) -> list[Callable[[observation_pb2.Observation], action_pb2.Action]]:
    """Solutions have no words for starting an application: there the task's parameters name it."""
    if task.solution:
        return [lambda observation, step=step: action_of(observation, step) for step in task.solution]
    application = json.loads(task.lineage.parameters_json)["application"]
    return [lambda _: action_pb2.Action(open_app=action_pb2.OpenApp(name=application)), lambda _: proctor.answer("done")]


def _looks(observation: observation_pb2.Observation) -> tuple:
    return (observation.title, *(element.SerializeToString(deterministic=True) for element in observation.elements))


def _await_effect(env: proctor.Env, action: action_pb2.Action, before: tuple,
                  observation: observation_pb2.Observation) -> observation_pb2.Observation:
    """Waits until something looks different and then stays as it is: an application may take its time on a busy machine."""
    changed = bool(action.press_keys.chords) and action.press_keys.chords[0] in _SILENT
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        now = _looks(observation)
        changed = changed or now != before
        time.sleep(PAUSE)
        observation = env.client.call(env.client.environments.Observe,
                                      env_pb.ObserveRequest(session=env.session, observation=env.observation))
        if changed and _looks(observation) == now:
            break
    return observation


def solve(env: proctor.Env, task: task_pb2.Task) -> str:
    """Plays the task's solution; why it did not succeed, "" if it did."""
    observation, info = env.reset(options={"task": task})
    reward = float("nan")
    for act in _script(task):
        try:
            action = act(observation)
        except LookupError as error:
            return str(error)
        before = _looks(observation)
        observation, reward, terminated, _, info = env.step(action)
        if observation.action_error:
            return observation.action_error
        if not terminated:
            observation = _await_effect(env, action, before, observation)
    succeeded = "episode" in info and info["episode"].reward.success
    return "" if succeeded else f"reward {reward} {info.get('masked', '')}".strip()


def play(runner: Runner, tasks: Sequence[task_pb2.Task]) -> list[dict[str, Any]]:
    """Every task once: by template how many there are, how many were solved, and why others were not."""
    bar = Progress("  known solutions", len(tasks))
    rows: dict[str, dict[str, Any]] = {}
    lock = threading.Lock()

    def work(env: proctor.Env, task: task_pb2.Task) -> None:
        try:
            problem = solve(env, task)
        except proctor.ProctorError as error:
            problem = str(error)
        with lock:
            row = rows.setdefault(task.template, {"template": task.template, "tasks": 0, "solved": 0, "problems": []})
            row["tasks"] += 1
            row["solved"] += problem == ""
            row["problems"].extend([problem] if problem else [])
            bar.step(task.template)

    runner.each(work, tasks)
    bar.done(f"{sum(row['solved'] for row in rows.values())} of {len(tasks)} solved")
    return [rows[name] for name in sorted(rows)]
