"""How a job is watched, and what it came to."""

from __future__ import annotations

import math
import time
from typing import TypeVar

import grpc
from google.protobuf import message

from . import errors
from .patience import Patience
from .v1 import job_pb2

Result = TypeVar("Result", bound=message.Message)

_ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


class Watch:
    """How long a job is watched: told of every attempt and state, it says how long the next attempt may take and when it is made."""

    def __init__(self, name: str, timeout: float, patience: float):
        """In seconds: `timeout` until the job's end, `patience` for a server that is away."""
        self._name = name
        self._deadline = time.monotonic() + timeout
        self._seconds = patience
        self._patience = Patience(patience)
        # The job's state comes at once.
        self._patience.connected_after = math.inf

    def begin(self) -> float:
        """An attempt begins: how many seconds it may take."""
        self._patience.begin()
        return max(0.001, self._deadline - time.monotonic())

    def came(self, job: job_pb2.Job) -> bool:
        """The server told a state: whether the job has ended."""
        self._patience.reply()
        return has_ended(job)

    def pause(self, failure: errors.ProctorError) -> float:
        """The attempt failed: how many seconds to wait before the next one. Raises why none is made."""
        if not isinstance(failure, errors.Unavailable):
            raise failure from None
        try:
            pause = self._patience.pause(failure)
        except errors.Unavailable:
            raise errors.Unavailable(failure.code, f"the server is away for {self._seconds:g} s: {failure.message}; {self._name} goes on "
                                     "when it is back: wait for it again", failure.retry_after) from None
        if time.monotonic() + pause > self._deadline:
            raise failure from None
        return pause


def cut_short() -> errors.ProctorError:
    """Of a watch that ended before its job."""
    return errors.Unavailable(grpc.StatusCode.UNAVAILABLE, "the watch ended before the job")


def has_ended(job: job_pb2.Job) -> bool:
    """Whether nothing more comes of it."""
    return job.state in _ENDED


def checked(job: job_pb2.Job) -> job_pb2.Job:
    """The ended job itself; raises the `ProctorError` of its error, or `Cancelled`, if it did not succeed."""
    if job.state == job_pb2.JOB_STATE_SUCCEEDED:
        return job
    cancelled = job.state == job_pb2.JOB_STATE_CANCELLED
    code = grpc.StatusCode.CANCELLED.value[0] if cancelled else job.error_code
    raise errors.from_code(code, f"{job.name} ended {job_pb2.JobState.Name(job.state)}: {job.error_message}")


def result(job: job_pb2.Job, kind: type[Result]) -> Result:
    """The result of a job that succeeded, as a message of its kind."""
    unpacked = kind()
    job.result.Unpack(unpacked)
    return unpacked
