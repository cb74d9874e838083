"""A language model tries practice tasks again and again, each time with what its failures taught (Reflexion), or plays each
several times and keeps the best (best-of-n).

    build/release/server/proctord --model-endpoint URL --model-name NAME &
    PYTHONPATH=build/release/python /usr/bin/python3 clients/examples/reflexion.py --agent-endpoint URL --agent-model NAME

The agent asks an OpenAI-compatible chat completions server (--agent-endpoint, "http://127.0.0.1:8000/v1"; the key in the environment
variable AGENT_API_KEY, if it wants one) and writes WebVoyager's actions. Reflections are made by the server's own model.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request
from typing import Sequence

import proctor
from proctor import refinement
from proctor.v1 import action_pb2, observation_pb2, task_pb2, task_service_pb2, verdict_pb2

RULES = """You act in a web browser to do the task. Each turn you see the page's elements with their numbers. Write one line \
"Thought: ..." and one line "Action: ...", an action being one of:
Click [number]; Type [number]; [text]; Scroll [WINDOW]; [down]; GoBack; ANSWER; [text].
Type presses Enter afterwards. ANSWER ends the attempt: give it once the task is done, with what was asked for or "done"."""
MAX_ELEMENTS = 150
REPLY_TIMEOUT_S = 120


def describe(observation: observation_pb2.Observation) -> str:
    """A page as text: where it is, what went wrong, what can be acted on."""
    lines = [f"Page: {observation.title} ({observation.url})"]
    if observation.action_error:
        lines.append(f"The last action failed: {observation.action_error}")
    for element in observation.elements[:MAX_ELEMENTS]:
        said = element.value or element.text or element.placeholder
        lines.append(f'[{element.mark}] {element.role} "{element.name}"' + (f" {said!r}" if said and said != element.name else ""))
    return "\n".join(lines)


class Agent:
    """A chat model that is shown pages and writes actions."""

    def __init__(self, endpoint: str, model: str):
        self._url = endpoint.rstrip("/") + "/chat/completions"
        self._model = model
        self._key = os.environ.get("AGENT_API_KEY", "")

    def act(self, goal: str, reflections: Sequence[str], history: Sequence[str], page: str) -> str:
        """The model's text for the next action."""
        parts = [f"Task: {goal}"]
        if reflections:
            parts.append("From earlier attempts, which failed:\n" + "\n".join(f"- {text}" for text in reflections))
        if history:
            parts.append("What you wrote so far:\n" + "\n".join(history))
        parts.append(page)
        body = {"model": self._model, "messages": [{"role": "system", "content": RULES},
                                                   {"role": "user", "content": "\n\n".join(parts)}]}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        if self._key:
            request.add_header("Authorization", f"Bearer {self._key}")
        with urllib.request.urlopen(request, timeout=REPLY_TIMEOUT_S) as reply:
            return json.load(reply)["choices"][0]["message"]["content"] or ""


def play(env: proctor.Env, agent: Agent, task: task_pb2.Task, reflections: Sequence[str]) -> str:
    """One episode to its end; returns its trajectory's name."""
    observation, info = env.reset(options={"task": task.name})
    history: list[str] = []
    ended = False
    while not ended:
        text = agent.act(task.goal, reflections, history, describe(observation))
        history.append(text)
        observation, _, terminated, truncated, info = env.step(
            action_pb2.AgentText(dialect=action_pb2.DIALECT_WEBVOYAGER, text=text))
        ended = terminated or truncated
    return info["episode"].trajectory


def show(task: task_pb2.Task, attempts: Sequence[refinement.Attempt]) -> None:
    print(f"{task.goal}")
    for number, attempt in enumerate(attempts, 1):
        outcome = verdict_pb2.Outcome.Name(attempt.verdict.outcome).removeprefix("OUTCOME_").lower()
        print(f"  {number}. {outcome}  {attempt.trajectory}  {attempt.verdict.rationale}")
        if attempt.reflection is not None:
            print(f"     learned: {attempt.reflection.text}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=None, help="proctord's address; default: its unix socket")
    parser.add_argument("--agent-endpoint", required=True, help="base URL of the chat completions server")
    parser.add_argument("--agent-model", required=True, help="the model's name there")
    parser.add_argument("--evaluator", default="oracle", help="who judges attempts; default: the task's own oracle")
    parser.add_argument("--tasks", type=int, default=3, help="how many accepted tasks to try")
    parser.add_argument("--attempts", type=int, default=4, help="attempts at a task, 1 to 10")
    parser.add_argument("--best-of", action="store_true", help="independent attempts, ranked, instead of reflecting on failures")
    options = parser.parse_args(arguments)
    agent = Agent(options.agent_endpoint, options.agent_model)
    with proctor.connect(options.server) as client:
        tasks = client.sample_tasks(options.tasks, filter=task_service_pb2.TaskFilter(environments=["environments/practice"]),
                                    policy=options.agent_model)
        if not tasks:
            print("no accepted task: make some with `proctor task propose --count 20`", file=sys.stderr)
            return 1
        solved = 0
        # The agent reads elements; judges look at screenshots.
        observe = ["elements"] if options.evaluator == "oracle" else ["elements", "screenshot"]
        with proctor.Env(client, "practice", observe=observe, policy=options.agent_model, policy_version="1") as env:
            for task in tasks:
                if options.best_of:
                    attempts = refinement.best_of(client, lambda: play(env, agent, task, []), options.attempts,
                                                  evaluator=options.evaluator)
                else:
                    attempts = refinement.reflexion(client, lambda learned: play(env, agent, task, learned),
                                                    evaluator=options.evaluator, attempts=options.attempts)
                show(task, attempts)
                solved += any(attempt.succeeded for attempt in attempts)
        print(f"solved {solved} of {len(tasks)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
