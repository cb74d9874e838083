"""What a job came to."""

from __future__ import annotations

from typing import TypeVar

import grpc
from google.protobuf import message

from . import errors
from .v1 import job_pb2

Result = TypeVar("Result", bound=message.Message)

_ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


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
