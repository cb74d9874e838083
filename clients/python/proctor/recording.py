"""What the synchronous and the asyncio writer of recordings have in common: messages out, no calls."""

from __future__ import annotations

import hashlib
from typing import Any, Iterable, Iterator, Mapping

from . import names, pictures
from .actions import Action
from .v1 import (action_pb2, episode_pb2, observation_pb2, oracle_pb2, task_pb2, trajectory_pb2,
                 trajectory_service_pb2 as trajectory_pb)

#: Seconds that the server has, when a recording is left without `end`, to take what was sent.
FAREWELL = 5.0

#: Most that one message carries of a picture.
_PART_BYTES = 3 << 20

_TERMINATED = (episode_pb2.END_REASON_ANSWERED, episode_pb2.END_REASON_GAVE_UP, episode_pb2.END_REASON_WORLD_ENDED,
               episode_pb2.END_REASON_CLIENT_DONE)
_TRUNCATED = (episode_pb2.END_REASON_STEP_LIMIT, episode_pb2.END_REASON_TIME_LIMIT, episode_pb2.END_REASON_LEFT_APP)


def header(task: str | task_pb2.Task, policy: str, policy_version: str, group: str, client_tags: Mapping[str, str] | None,
           recorder: str, recorder_version: str, request_id: str) -> trajectory_pb.RecordHeader:
    """All but the first observation."""
    made = trajectory_pb.RecordHeader(
        request_id=request_id or names.request_id(), policy=episode_pb2.PolicyRef(policy=policy, version=policy_version),
        group=names.resource("groups", group), client_tags=client_tags or {}, recorder=recorder, recorder_version=recorder_version)
    if isinstance(task, task_pb2.Task) and not task.name:
        made.inline_task.CopyFrom(task)
        names.write_out(made.inline_task, environment="environments")
    else:
        made.task = names.resource("tasks", task if isinstance(task, str) else task.name)
    return made


class RecordingBase:
    """State of a recording and its messages; see `proctor.Recording`."""

    def __init__(self, client: Any, header: trajectory_pb.RecordHeader, *, screenshot: bytes = b"",
                 observation: observation_pb2.Observation | None = None, timeout: float = 3600.0):
        """Opens nothing yet; made by `Client.record_trajectory`."""
        self.client = client
        self.timeout = timeout
        #: The finished record, without its steps; None until `end`.
        self.trajectory: trajectory_pb2.Trajectory | None = None
        self.step_index = 0
        self._header = header
        self._first = (screenshot, observation)
        self._sent: set[str] = set()
        self._last = ""

    @property
    def episode(self) -> str:
        """The name of the finished recording's episode, for `Client.wait_episode`; "" until `end`."""
        return names.resource("episodes", self.trajectory.name.removeprefix("trajectories/")) if self.trajectory else ""

    def _header_messages(self) -> Iterator[trajectory_pb.RecordTrajectoryRequest]:
        seen, blobs = self._with_picture(*self._first)
        if seen is not None:
            self._header.initial_observation.CopyFrom(seen)
        yield from blobs
        yield trajectory_pb.RecordTrajectoryRequest(header=self._header)

    def _step_messages(self, action: Action | action_pb2.AgentText | trajectory_pb2.Step, screenshot: bytes,
                       observation: observation_pb2.Observation | None, agent_data: action_pb2.AgentData | None
                       ) -> Iterator[trajectory_pb.RecordTrajectoryRequest]:
        step = trajectory_pb2.Step(agent_data=agent_data)
        if isinstance(action, trajectory_pb2.Step):
            step.MergeFrom(action)
        elif isinstance(action, Action):
            step.action.CopyFrom(action)
        elif isinstance(action, action_pb2.AgentText):
            step.agent_text.CopyFrom(action)
        else:
            raise TypeError("a step is an Action (proctor.click(3), ...), proctor.agent_text(dialect, text) or a trajectory_pb2.Step, "
                            f"not {action!r:.100}")
        if observation is None and step.HasField("observation"):
            observation = step.observation
        seen, blobs = self._with_picture(screenshot, observation)
        if seen is not None:
            step.observation.CopyFrom(seen)
        step.index = self.step_index
        self.step_index += 1
        self._last = step.action.WhichOneof("kind") or ""
        yield from blobs
        yield trajectory_pb.RecordTrajectoryRequest(step=step)

    def _end_message(self, reason: str, message: str, evidence: Iterable[oracle_pb2.Evidence]) -> trajectory_pb.RecordTrajectoryRequest:
        value = names.choice(episode_pb2.EndReason, reason or {"answer": "answered", "give_up": "gave_up"}.get(self._last, "client_done"))
        kind = (episode_pb2.END_KIND_TERMINATED if value in _TERMINATED else episode_pb2.END_KIND_TRUNCATED if value in _TRUNCATED
                else episode_pb2.END_KIND_INTERRUPTED)
        return trajectory_pb.RecordTrajectoryRequest(
            end=trajectory_pb.RecordEnd(end_kind=kind, end_reason=value, end_message=message, evidence=evidence))

    def _with_picture(self, screenshot: bytes, observation: observation_pb2.Observation | None
                      ) -> tuple[observation_pb2.Observation | None, list[trajectory_pb.RecordTrajectoryRequest]]:
        """The observation with its picture named by digest, and the messages that carry the picture, unless they were sent before."""
        if observation is None and not screenshot:
            return None, []
        seen = observation_pb2.Observation()
        if observation is not None:
            seen.CopyFrom(observation)
        data = screenshot or seen.screenshot.data
        if not data:
            return seen, []
        described = pictures.describe(data)
        seen.screenshot.ClearField("data")
        seen.screenshot.MergeFrom(described)
        seen.screenshot.digest = hashlib.sha256(data).hexdigest()
        seen.screenshot.size_bytes = len(data)
        if seen.screenshot.digest in self._sent:
            return seen, []
        self._sent.add(seen.screenshot.digest)
        return seen, list(_blob_messages(seen.screenshot.digest, data))

    @staticmethod
    def _left_without_end() -> RuntimeError:
        return RuntimeError("the recording was left without end(): what reached the server is kept as interrupted, and its reward is masked")


def _blob_messages(digest: str, data: bytes) -> Iterator[trajectory_pb.RecordTrajectoryRequest]:
    for begin in range(0, len(data), _PART_BYTES):
        end = begin + _PART_BYTES
        yield trajectory_pb.RecordTrajectoryRequest(
            blob=trajectory_pb.RecordBlob(digest=digest, data=data[begin:end], more=end < len(data)))
