"""Actions, and an environment of the Gymnasium shape."""

from __future__ import annotations

import math
from typing import Any, Iterable, Mapping

from . import names
from .client import Client
from .v1 import (action_pb2, environment_pb2, environment_service_pb2 as env_pb, episode_pb2, observation_pb2, reward_pb2,
                 task_pb2)

Action = action_pb2.Action

_PARTS = {
    "screenshot": observation_pb2.OBSERVATION_PART_SCREENSHOT,
    "elements": observation_pb2.OBSERVATION_PART_ELEMENTS,
    "accessibility_tree": observation_pb2.OBSERVATION_PART_ACCESSIBILITY_TREE,
    "html": observation_pb2.OBSERVATION_PART_HTML,
    "text": observation_pb2.OBSERVATION_PART_TEXT,
    "tabs": observation_pb2.OBSERVATION_PART_TABS,
    "focus_and_scroll": observation_pb2.OBSERVATION_PART_FOCUS_AND_SCROLL,
    "console": observation_pb2.OBSERVATION_PART_CONSOLE,
}


def observation_request(parts: Iterable[str], *, image_format: str = "png", draw_marks: bool = False,
                        omit_data: bool = False) -> observation_pb2.ObservationRequest:
    """What to observe, by the names of the parts: "screenshot", "elements", "accessibility_tree", "html", "text", "tabs",
    "focus_and_scroll", "console". `omit_data`: only the screenshot's digest."""
    request = observation_pb2.ObservationRequest()
    for part in parts:
        if part not in _PARTS:
            raise ValueError(f"unknown observation part {part!r}; known: {', '.join(_PARTS)}")
        request.parts.append(_PARTS[part])
    if "screenshot" in parts:
        request.screenshot.format = observation_pb2.ImageFormat.Value(f"IMAGE_FORMAT_{image_format.upper()}")
        request.screenshot.draw_marks = draw_marks
        request.screenshot.omit_data = omit_data
    return request


def _target(target: Any) -> action_pb2.Target:
    if isinstance(target, tuple):
        return action_pb2.Target(point=action_pb2.Point(x=target[0], y=target[1]))
    return action_pb2.Target(mark=target)


def click(target: Any, *, button: str = "left", count: int = 1) -> Action:
    """Clicks an element's mark or a point (x, y); `count` 2 is a double click, `button` "right" a right click."""
    return Action(click=action_pb2.Click(target=_target(target), count=count,
                                         button=action_pb2.MouseButton.Value(f"MOUSE_BUTTON_{button.upper()}")))


def hover(target: Any) -> Action:
    """Moves the pointer over a mark or a point."""
    return Action(hover=action_pb2.Hover(target=_target(target)))


def type_text(target: Any, text: str, *, clear: bool = True, submit: bool = False) -> Action:
    """Puts text into an editable element (None: the focused one), emptied first if `clear`, with Enter if `submit`."""
    typed = action_pb2.Type(text=text, clear=clear, submit=submit)
    if target is not None:
        typed.target.CopyFrom(_target(target))
    return Action(type=typed)


def press(*chords: str) -> Action:
    """Presses key chords such as "Enter" or "Control+A"."""
    return Action(press_keys=action_pb2.PressKeys(chords=chords))


def select(target: Any, *options: str) -> Action:
    """Chooses options of a select element by label or value."""
    return Action(select_option=action_pb2.SelectOption(target=_target(target), options=options))


def check(target: Any, checked: bool = True) -> Action:
    """Sets the checked state of a check box, radio button or switch."""
    return Action(check=action_pb2.Check(target=_target(target), checked=checked))


def scroll(delta_y: float = 0, delta_x: float = 0, target: Any = None) -> Action:
    """Scrolls the page or an element, in CSS pixels; 0 and 0: two thirds of the viewport down."""
    scrolled = action_pb2.Scroll(delta_x=delta_x, delta_y=delta_y)
    if target is not None:
        scrolled.target.CopyFrom(_target(target))
    return Action(scroll=scrolled)


def drag(start: Any, end: Any) -> Action:
    """Drags from one mark or point to another."""
    return Action(drag=action_pb2.Drag(**{"from": _target(start), "to": _target(end)}))


def goto(url: str) -> Action:
    """Navigates the active tab."""
    return Action(goto=action_pb2.Goto(url=url))


def go_back() -> Action:
    """History back."""
    return Action(go_back=action_pb2.GoBack())


def wait(seconds: float = 1.0) -> Action:
    """Does nothing for a while."""
    action = Action(wait=action_pb2.Wait())
    action.wait.duration.FromMilliseconds(int(seconds * 1000))
    return action


def noop() -> Action:
    """Does nothing; observes."""
    return Action(noop=action_pb2.Noop())


def answer(text: str) -> Action:
    """Gives the final answer; ends the episode."""
    return Action(answer=action_pb2.Answer(text=text))


def give_up(reason: str = "") -> Action:
    """Declares the task impossible; ends the episode."""
    return Action(give_up=action_pb2.GiveUp(reason=reason))


def reward_of(episode: episode_pb2.Episode) -> tuple[float, dict[str, Any]]:
    """The episode's reward as (value, info): `nan` with info["masked"] if it is masked or not there yet, never 0 for
    what was not the agent's doing."""
    info: dict[str, Any] = {"episode": episode}
    if episode.result_state != episode_pb2.RESULT_STATE_READY:
        return math.nan, {**info, "masked": "PENDING"}
    if episode.reward.status != reward_pb2.REWARD_STATUS_VALID:
        return math.nan, {**info, "masked": reward_pb2.MaskReason.Name(episode.reward.mask_reason),
                          "mask_message": episode.reward.mask_message}
    return episode.reward.value, info


class Env:
    """One session as an environment of the Gymnasium shape, without depending on Gymnasium.

    Not thread-safe: one Env a thread. The session is opened by the first `reset` and closed by `close` (or `with`).

    Args:
      client: a connected client.
      environment: "web", "practice" or "null".
      settings: environment settings; default: the server's.
      observe: parts of every observation, see `observation_request`; or a ready ObservationRequest.
      policy, policy_version: who acts, written into every episode.
      verdict_wait: seconds that a terminal step waits for verdict and reward.
      session_wait: seconds to wait for a free session slot.
    """

    metadata: Mapping[str, Any] = {"render_modes": []}

    def __init__(self, client: Client, environment: str, *, settings: environment_pb2.EnvironmentSettings | None = None,
                 observe: Iterable[str] | observation_pb2.ObservationRequest = ("screenshot", "elements"),
                 policy: str = "", policy_version: str = "", verdict_wait: float = 30.0, session_wait: float = 60.0):
        self.client = client
        self.environment = environment
        self.settings = settings
        self.observation = observe if isinstance(observe, observation_pb2.ObservationRequest) else observation_request(
            tuple(observe))
        self.policy = episode_pb2.PolicyRef(policy=policy, version=policy_version)
        self.verdict_wait = verdict_wait
        self.session_wait = session_wait
        self.session = ""
        self.step_index = 0
        self._ended = True

    def reset(self, *, seed: int | None = None,
              options: Mapping[str, Any] | None = None) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        """Starts an episode; ends an open one as cancelled.

        Args:
          seed: seeds what the world randomises.
          options: "task" (a name or a task_pb2.Task), "group", "limits" (task_pb2.Limits, downwards only), "client_tags".
        Returns:
          The first observation and info with "episode" and "goal" (if the task was given as a message).
        """
        options = dict(options or {})
        if not self.session:
            self.session = self.client.create_session(self.environment, self.settings,
                                                      max_wait=self.session_wait).name
        if not self._ended:
            self.client.end_episode(self.session, wait_for_verdict=0)
            self._ended = True
        request = env_pb.StartEpisodeRequest(session=self.session, policy=self.policy, seed=seed or 0,
                                             group=options.get("group", ""), observation=self.observation,
                                             client_tags=options.get("client_tags", {}),
                                             limits=options.get("limits"))
        task = options.get("task")
        if isinstance(task, task_pb2.Task) and not task.name:
            request.inline_task.CopyFrom(task)
        elif task is not None:
            request.task = names.resource("tasks", task if isinstance(task, str) else task.name)
        else:
            raise ValueError('reset needs options={"task": ...}: a task name or a Task')
        start = self.client.start_episode(request)
        self.step_index = 0
        self._ended = False
        info: dict[str, Any] = {"episode": start.episode}
        if isinstance(task, task_pb2.Task):
            info["goal"] = task.goal
        return start.observation, info

    def step(self, action: Action | action_pb2.AgentText, agent_data: action_pb2.AgentData | None = None
             ) -> tuple[observation_pb2.Observation, float, bool, bool, dict[str, Any]]:
        """Acts. Returns (observation, reward, terminated, truncated, info).

        The reward is 0.0 until the episode ends, then the episode's reward; `nan` with info["masked"] (the reason) if
        it is masked. An episode ended by a fault is truncated, with info["interrupted"].
        """
        request = env_pb.StepRequest(session=self.session, expected_step_index=self.step_index, agent_data=agent_data,
                                     observation=self.observation)
        if isinstance(action, action_pb2.AgentText):
            request.agent_text.CopyFrom(action)
        else:
            request.action.CopyFrom(action)
        request.wait_for_verdict.FromMilliseconds(int(self.verdict_wait * 1000) or -1)
        reply = self.client.step(request, timeout=120 + self.verdict_wait)
        self.step_index = reply.step_index + 1
        info: dict[str, Any] = {"action": reply.action, "timing": reply.timing}
        if not (reply.terminated or reply.truncated or reply.interrupted):
            return reply.observation, 0.0, False, False, info
        self._ended = True
        episode = reply.episode
        if episode.result_state != episode_pb2.RESULT_STATE_READY:
            episode = self.client.wait_episode(episode.name, self.verdict_wait)
        reward, details = reward_of(episode)
        info.update(details, interrupted=reply.interrupted)
        return reply.observation, reward, reply.terminated, reply.truncated or reply.interrupted, info

    def close(self) -> None:
        """Closes the session; an open episode is cancelled."""
        if self.session:
            self.client.close_session(self.session)
            self.session = ""
            self._ended = True

    def __enter__(self) -> "Env":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
