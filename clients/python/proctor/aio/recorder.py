"""`proctor.Recording`, awaited."""

from __future__ import annotations

import asyncio
from typing import Any, Iterable, Self

import grpc

from ..actions import Action
from ..recording import RecordingBase
from ..v1 import action_pb2, observation_pb2, oracle_pb2, trajectory_pb2, trajectory_service_pb2 as trajectory_pb


class Recording(RecordingBase):
    """Records an episode of one's own world, step by step, for `async with`; see `proctor.Recording`.

        async with client.record_trajectory(task, policy="mine", screenshot=before) as recording:
            await recording.step(proctor.answer("4"), screenshot=after)
            await recording.end()
    """

    _call: Any = None

    async def step(self, action: Action | action_pb2.AgentText | trajectory_pb2.Step, *, screenshot: bytes = b"",
                   observation: observation_pb2.Observation | None = None, agent_data: action_pb2.AgentData | None = None) -> None:
        """Adds a step; see `proctor.Recording.step`."""
        self._check_open()
        for message in self._step_messages(action, screenshot, observation, agent_data):
            await self._send(message)

    async def end(self, reason: str = "", *, message: str = "", evidence: Iterable[oracle_pb2.Evidence] = ()) -> trajectory_pb2.Trajectory:
        """Ends the recording and returns the finished record, without its steps; see `proctor.Recording.end`."""
        self._check_open()
        await self._send(self._end_message(reason, message, evidence))
        with self.client._end_of_client_told():
            await self._call.done_writing()
        self.trajectory = await self._reply()
        return self.trajectory

    async def __aenter__(self) -> Self:
        if self._call is not None:
            raise RuntimeError("a recording is made once: call record_trajectory again")
        self._call = self.client.trajectories.RecordTrajectory(timeout=self.timeout)
        try:
            for message in self._header_messages():
                await self._send(message)
        except BaseException:
            self._call.cancel()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.trajectory is not None:
            return
        self._call.cancel()
        if kind is None:
            raise self._left_without_end()

    def _check_open(self) -> None:
        if self._call is None or self.trajectory is not None:
            raise RuntimeError("the recording is not open: use it in an `async with` statement, and not after end()")

    async def _send(self, message: trajectory_pb.RecordTrajectoryRequest) -> None:
        """Waits while the server is behind, for `timeout` at most."""
        try:
            with self.client._end_of_client_told():
                await self._call.write(message)
        except (grpc.RpcError, asyncio.InvalidStateError):
            await self._reply()
            raise

    async def _reply(self) -> trajectory_pb2.Trajectory:
        try:
            with self.client._end_of_client_told():
                return await self._call
        except grpc.RpcError as error:
            raise self.client._failure(error) from None
