"""What the synchronous and the asyncio environment have in common: requests out, results in, no calls."""

from __future__ import annotations

import math
from typing import Any, Iterable, Mapping

from . import names
from .actions import Action, observation_request
from .v1 import (action_pb2, environment_pb2, environment_service_pb2 as env_pb, episode_pb2, observation_pb2, reward_pb2,
                 task_pb2)

#: Observation, reward, terminated, truncated, info.
StepResult = tuple[observation_pb2.Observation, float, bool, bool, dict[str, Any]]


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
                 observe: Iterable[str] | observation_pb2.ObservationRequest = ("screenshot", "elements"),
                 policy: str = "", policy_version: str = "", verdict_wait: float = 30.0, session_wait: float = 60.0,
                 lease: float = 60.0):
        """Opens nothing yet.

        Args:
          client: a connected client, `proctor.Client` or `proctor.aio.Client`.
          environment: "web", "practice", "desktop", "android" or "null".
          settings: environment settings; default: the server's.
          observe: parts of every observation, see `observation_request`; or a ready ObservationRequest.
          policy, policy_version: who acts, written into every episode.
          verdict_wait: seconds that a terminal step waits for verdict and reward.
          session_wait: seconds to wait for a free session slot.
          lease: seconds after which the server frees the session of a client that died, 5 to 3,600. A living Env renews
            it by itself, however long the agent thinks.
        """
        self.client = client
        self.environment = environment
        self.settings = settings
        self.observation = observe if isinstance(observe, observation_pb2.ObservationRequest) else observation_request(
            tuple(observe))
        self.policy = episode_pb2.PolicyRef(policy=policy, version=policy_version)
        self.verdict_wait = verdict_wait
        self.session_wait = session_wait
        self.lease = lease
        self.session = ""
        self.step_index = 0
        self._ended = True

    def _start_request(self, seed: int | None, options: Mapping[str, Any]) -> env_pb.StartEpisodeRequest:
        """All but the session."""
        request = env_pb.StartEpisodeRequest(policy=self.policy, seed=seed or 0, group=options.get("group", ""),
                                             observation=self.observation, limits=options.get("limits"),
                                             client_tags=options.get("client_tags", {}))
        task = options.get("task")
        if isinstance(task, task_pb2.Task) and not task.name:
            request.inline_task.CopyFrom(task)
        elif task is not None:
            request.task = names.resource("tasks", task if isinstance(task, str) else task.name)
        else:
            raise ValueError('reset needs options={"task": ...}: a task name or a Task')
        return request

    def _started(self, start: episode_pb2.EpisodeStart, options: Mapping[str, Any]
                 ) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        self.step_index = 0
        self._ended = False
        info: dict[str, Any] = {"episode": start.episode}
        if isinstance(options["task"], task_pb2.Task):
            info["goal"] = options["task"].goal
        return start.observation, info

    def _step_request(self, action: Action | action_pb2.AgentText, agent_data: action_pb2.AgentData | None
                      ) -> env_pb.StepRequest:
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
        self._ended = reply.terminated or reply.truncated or reply.interrupted
        return self._ended and reply.episode.result_state != episode_pb2.RESULT_STATE_READY

    @staticmethod
    def _step_result(reply: env_pb.StepResponse, episode: episode_pb2.Episode) -> StepResult:
        info: dict[str, Any] = {"action": reply.action, "timing": reply.timing}
        if not (reply.terminated or reply.truncated or reply.interrupted):
            return reply.observation, 0.0, False, False, info
        reward, details = reward_of(episode)
        info.update(details, interrupted=reply.interrupted)
        return reply.observation, reward, reply.terminated, reply.truncated or reply.interrupted, info
