"""`proctor.Recording`, awaited."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Iterable, Self

import grpc

from .. import errors
from ..actions import Action
from ..recording import FAREWELL, RecordingBase
from ..v1 import action_pb2, observation_pb2, oracle_pb2, trajectory_pb2, trajectory_service_pb2 as trajectory_pb


class Recording(RecordingBase):
    """Records an episode of one's own world, step by step, for `async with`; see `proctor.Recording`.

        async with client.record_trajectory(task, policy="mine", screenshot=before) as recording:
            await recording.step(proctor.answer("4"), screenshot=after)
            await recording.end()

    A task that is cancelled within `step` or `end` ends the call at once: what the server has not taken by then is lost.
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
        failure = await self._leave()
        if kind is None and self.trajectory is None:
            raise self._left_without_end() from failure

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

    async def _leave(self) -> errors.ProctorError | None:
        """See `proctor.Recording._leave`."""
        try:
            async with asyncio.timeout(FAREWELL):
                if self._call.cancelled():
                    return None
                with contextlib.suppress(grpc.aio.InternalError), self.client._end_of_client_told():  # The reply tells why.
                    await self._call.done_writing()
                self.trajectory = await self._reply()
        except errors.ProctorError as failure:
            return failure
        except TimeoutError:
            pass
        finally:
            self._call.cancel()
        return None

    async def _reply(self) -> trajectory_pb2.Trajectory:
        try:
            with self.client._end_of_client_told():
                return await self._call
        except grpc.RpcError as error:
            raise self.client._failure(error) from None
