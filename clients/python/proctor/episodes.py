"""What the synchronous and the asyncio environment have in common: requests out, results in, no calls."""

from __future__ import annotations

import enum
import math
import time
from typing import Any, Iterable, Mapping, NoReturn

import grpc

from . import errors, names
from .actions import Action, default_request, observation_request
from .v1 import (action_pb2, environment_pb2, environment_service_pb2 as env_pb, episode_pb2, observation_pb2, reward_pb2,
                 task_pb2)

#: Observation, reward, terminated, truncated, info.
StepResult = tuple[observation_pb2.Observation, float, bool, bool, dict[str, Any]]

#: Most that WaitEpisode waits, in seconds.
_LONGEST_WAIT = 600.0

#: What `reset` takes as options.
_OPTIONS = ("task", "group", "limits", "client_tags")


class Phase(enum.Enum):
    """What an Env knows of the episode in its session."""

    #: None is open.
    NONE = enum.auto()
    #: One is open; or it has ended, and the word of that was lost.
    OPEN = enum.auto()
    #: One may be open: a start or an end has no answer yet, or its answer was lost.
    UNKNOWN = enum.auto()


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


class EnvBase:
    """Options and state of an environment of the Gymnasium shape; see `proctor.Env` and `proctor.aio.Env`."""

    metadata: Mapping[str, Any] = {"render_modes": []}

    def __init__(self, client: Any, environment: str, *, settings: environment_pb2.EnvironmentSettings | None = None,
                 observe: Iterable[str] | observation_pb2.ObservationRequest | None = None,
                 policy: str = "", policy_version: str = "", verdict_wait: float = 30.0, session_wait: float = 60.0,
                 lease: float = 60.0):
        """Opens nothing yet.

        Args:
          client: a connected client, `proctor.Client` or `proctor.aio.Client`.
          environment: "web", "practice", "desktop", "android" or "null".
          settings: environment settings; default: the server's.
          observe: parts of every observation, see `observation_request`; or a ready ObservationRequest. Default: "screenshot" and
            "elements", as far as the environment has them; if it has neither, all that it has. Judges that look at screenshots cannot tell
            of episodes without any.
          policy, policy_version: who acts, written into every episode.
          verdict_wait: seconds that a terminal step waits for verdict and reward.
          session_wait: seconds to wait for a place for the session.
          lease: seconds after which the server frees the session of a client that died, 5 to 3,600. A living Env renews
            it by itself, however long the agent thinks.
        """
        self.client = client
        self.environment = environment
        self.settings = settings
        #: What is observed; None until the session is opened: what the environment has.
        self.observation: observation_pb2.ObservationRequest | None = (
            observe if observe is None or isinstance(observe, observation_pb2.ObservationRequest) else observation_request(observe))
        self.policy = episode_pb2.PolicyRef(policy=policy, version=policy_version)
        self.verdict_wait = verdict_wait
        self.session_wait = session_wait
        self.lease = lease
        self.session = ""
        self.step_index = 0
        self._phase = Phase.NONE

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Env holds a session of its own and is not pickled: make one in the worker, of the client's pickle or of "
                        "proctor.connect()")

    def _start_request(self, seed: int | None, options: Mapping[str, Any]) -> env_pb.StartEpisodeRequest:
        """All but what `_in_session` fills in."""
        if unknown := [key for key in options if key not in _OPTIONS]:
            raise TypeError(f"reset knows no option {', '.join(map(repr, unknown))}; known: {', '.join(_OPTIONS)}")
        if seed == 0:
            raise ValueError("seed=0 is none for the server, which takes the task's or its settings': give None for that, or another number")
        group = options.get("group") or ""
        request = env_pb.StartEpisodeRequest(policy=self.policy, seed=seed or 0, limits=options.get("limits"),
                                             group=names.resource("groups", group if isinstance(group, str) else group.name),
                                             client_tags=options.get("client_tags", {}))
        task = options.get("task")
        if isinstance(task, task_pb2.Task) and not task.name:
            request.inline_task.CopyFrom(task)
            names.write_out(request.inline_task, environment="environments")
        elif task is not None:
            request.task = names.resource("tasks", task if isinstance(task, str) else task.name)
        else:
            raise ValueError('reset needs options={"task": ...}: a task name or a Task')
        return request

    def _in_session(self, request: env_pb.StartEpisodeRequest) -> env_pb.StartEpisodeRequest:
        """The request, for the session that is open now."""
        request.session, request.request_id = self.session, ""
        request.observation.CopyFrom(self.observation)
        return request

    def _observe_what_it_has(self, environment: environment_pb2.Environment) -> None:
        self.observation = default_request(environment.capabilities)

    def _started(self, start: episode_pb2.EpisodeStart, options: Mapping[str, Any]
                 ) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        self.step_index = 0
        self._phase = Phase.OPEN
        info: dict[str, Any] = {"episode": start.episode}
        if start.goal:
            info["goal"] = start.goal
        elif isinstance(options["task"], task_pb2.Task):  # A server that is too old to tell it.
            info["goal"] = options["task"].goal
        return start.observation, info

    def _step_request(self, action: Action | action_pb2.AgentText, agent_data: action_pb2.AgentData | None
                      ) -> env_pb.StepRequest:
        if not isinstance(action, (Action, action_pb2.AgentText)):
            raise TypeError(f"step takes an Action (proctor.click(3), ...) or proctor.agent_text(dialect, text), not {action!r:.100}")
        if self._phase is not Phase.OPEN:
            raise errors.FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION, "no episode is open: call reset first")
        request = env_pb.StepRequest(session=self.session, expected_step_index=self.step_index, agent_data=agent_data,
                                     observation=self.observation)
        if isinstance(action, action_pb2.AgentText):
            request.agent_text.CopyFrom(action)
        else:
            request.action.CopyFrom(action)
        # Unset is the server's default, and 0 may be left unset.
        request.wait_for_verdict.FromMilliseconds(int(self.verdict_wait * 1000) or -1)
        return request

    def _stepped(self, reply: env_pb.StepResponse) -> bool:
        """Whether verdict and reward are still to be waited for."""
        self.step_index = reply.step_index + 1
        if not (reply.terminated or reply.truncated or reply.interrupted):
            return False
        self._phase = Phase.NONE
        return reply.episode.result_state != episode_pb2.RESULT_STATE_READY

    def _verdict_time_left(self, began: float) -> float:
        """Of a step that began at this time of the monotonic clock: the server has waited for the verdict, too."""
        return min(_LONGEST_WAIT, self.verdict_wait - (time.monotonic() - began))

    @staticmethod
    def _step_result(reply: env_pb.StepResponse, episode: episode_pb2.Episode) -> StepResult:
        info: dict[str, Any] = {"action": reply.action, "timing": reply.timing}
        if not (reply.terminated or reply.truncated or reply.interrupted):
            return reply.observation, 0.0, False, False, info
        reward, details = reward_of(episode)
        info.update(details, interrupted=reply.interrupted)
        return reply.observation, reward, reply.terminated, reply.truncated or reply.interrupted, info
