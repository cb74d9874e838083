"""Writes recordings of one's own world."""

from __future__ import annotations

import queue
import time
from typing import Any, Iterable, Iterator, Self

import grpc

from . import errors
from .actions import Action
from .recording import FAREWELL, RecordingBase
from .v1 import action_pb2, observation_pb2, oracle_pb2, trajectory_pb2, trajectory_service_pb2 as trajectory_pb

#: Messages that may wait to be sent: 24 MiB of pictures.
_WAITING = 8


class Recording(RecordingBase):
    """Records an episode of one's own world, step by step, for `with`.

        with client.record_trajectory(task, policy="mine", screenshot=before) as recording:
            recording.step(proctor.click((10, 20)), screenshot=after)
            recording.step(proctor.answer("4"))
            recording.end()
        print(recording.trajectory.name)

    Pictures go ahead of what names them, in parts, each picture once. What was sent is safe only with `end`; left before it,
    the record is kept as interrupted and its reward masked. Leaving then waits for the server, for 5 s at most; what it has not taken
    by then is lost. An error of the server shows at the next call and ends the recording. Not thread-safe.
    """

    _call: Any = None

    def step(self, action: Action | action_pb2.AgentText | trajectory_pb2.Step, *, screenshot: bytes = b"",
             observation: observation_pb2.Observation | None = None, agent_data: action_pb2.AgentData | None = None) -> None:
        """Adds a step.

        Args:
          action: what was done; or a whole trajectory_pb2.Step, whose index is filled in.
          screenshot: the picture seen afterwards, PNG, JPEG or WebP.
          observation: what else was seen afterwards; the picture may be in it (`screenshot.data`).
          agent_data: token ids, log-probabilities and the like, kept with the step.
        """
        self._check_open()
        for message in self._step_messages(action, screenshot, observation, agent_data):
            self._send(message)

    def end(self, reason: str = "", *, message: str = "", evidence: Iterable[oracle_pb2.Evidence] = ()) -> trajectory_pb2.Trajectory:
        """Ends the recording and returns the finished record, without its steps. Waits up to 5 s for an oracle's verdict.

        Args:
          reason: "answered", "gave_up", "world_ended", "client_done"; "step_limit", "time_limit", "left_app" (truncated);
            "cancelled", "world_fault", ... (interrupted: the reward is masked). Default: what the last action says, else "client_done".
          message: for people: what happened.
          evidence: what the task's oracle needs beside the steps.
        """
        self._check_open()
        self._send(self._end_message(reason, message, evidence))
        self._send(None)
        try:
            self.trajectory = self._call.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            raise self._failure(error) from None
        return self.trajectory

    def __enter__(self) -> Self:
        if self._call is not None:
            raise RuntimeError("a recording is made once: call record_trajectory again")
        self._messages: queue.Queue[trajectory_pb.RecordTrajectoryRequest | None] = queue.Queue(_WAITING)
        self._call = self.client.trajectories.RecordTrajectory.future(_sent(self._messages), timeout=self.timeout)
        try:
            for message in self._header_messages():
                self._send(message)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.trajectory is not None:
            return
        failure = self._leave()
        if kind is None and self.trajectory is None:
            raise self._left_without_end() from failure

    def _check_open(self) -> None:
        self.client._lifetime.check()
        if self._call is None or self.trajectory is not None:
            raise RuntimeError("the recording is not open: use it in a `with` statement, and not after end()")

    def _send(self, message: trajectory_pb.RecordTrajectoryRequest | None) -> None:
        """Waits while the server is behind, for `timeout` at most: then the call has ended."""
        while True:
            if self._call.done():
                self._close()
                raise self._failure(self._call)
            try:
                self._messages.put(message, timeout=0.5)
                return
            except queue.Full:
                continue

    def _failure(self, error: Any) -> errors.ProctorError:
        """Of a call that ended too early, or of its exception."""
        if isinstance(error, grpc.FutureCancelledError):
            return errors.Cancelled(grpc.StatusCode.CANCELLED, "the recording was cancelled")
        return self.client._failure(error)

    def _leave(self) -> errors.ProctorError | None:
        """Has what waits sent, and nothing after it, for `FAREWELL` seconds at most. Returns the server's error, if it told one: of a
        record that is kept, that it is interrupted."""
        until = time.monotonic() + FAREWELL
        try:
            self._half_close(until)
            # It has one if `end` was interrupted.
            self.trajectory = self._call.result(max(0.0, until - time.monotonic()))
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            return self._failure(error)
        except grpc.FutureTimeoutError:
            pass
        finally:
            self._close()
        return None

    def _half_close(self, until: float) -> None:
        """Waits for a place in the queue, while the call goes on."""
        while not self._call.done() and (left := until - time.monotonic()) > 0:
            try:
                self._messages.put(None, timeout=min(left, 0.5))
                return
            except queue.Full:
                continue

    def _close(self) -> None:
        """Cancels what runs, and lets gRPC's thread that waits for messages go."""
        self._call.cancel()
        try:
            self._messages.put_nowait(None)
        except queue.Full:
            pass  # It does not wait.


def _sent(messages: "queue.Queue[trajectory_pb.RecordTrajectoryRequest | None]") -> Iterator[trajectory_pb.RecordTrajectoryRequest]:
    while (message := messages.get()) is not None:
        yield message
