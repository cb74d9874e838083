"""Errors of calls, one class a status code."""

from __future__ import annotations

import grpc


class ProctorError(Exception):
    """A call failed. `code` is the grpc.StatusCode, `retry_after` the server's hint in seconds or None."""

    def __init__(self, code: grpc.StatusCode, message: str, retry_after: float | None = None):
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.retry_after = retry_after


class InvalidArgument(ProctorError):
    """The request is bad in itself."""


class NotFound(ProctorError):
    """No such resource."""


class AlreadyExists(ProctorError):
    """The name is taken."""


class FailedPrecondition(ProctorError):
    """The wrong state for this call."""


class Unauthenticated(ProctorError):
    """The server wants a token, or another one; see `proctor.Security`."""


class PermissionDenied(ProctorError):
    """The token lacks the scope that the call needs; the message says which."""


class Aborted(ProctorError):
    """Lost a race: a step index that does not fit, a stream that was taken over; or an episode was interrupted as it was looked at."""


class OutOfRange(ProctorError):
    """A position below the reward log's floor."""


class ResourceExhausted(ProctorError):
    """No free place, quota or budget; `retry_after` says when to try again."""


class Unavailable(ProctorError):
    """Transient: the server is away, drains or stops, or a world cannot start now."""


class DeadlineExceeded(ProctorError):
    """The call's time is over."""


class Cancelled(ProctorError):
    """The call was cancelled."""


class DataLoss(ProctorError):
    """What is stored is damaged."""


_CLASSES = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.DATA_LOSS: DataLoss,
}


def from_code(code: int, message: str) -> ProctorError:
    """The ProctorError of a google.rpc.Code's number."""
    status = next((one for one in grpc.StatusCode if one.value[0] == code), grpc.StatusCode.UNKNOWN)
    return _CLASSES.get(status, ProctorError)(status, message)


def from_rpc(error: grpc.RpcError) -> ProctorError:
    """The ProctorError of a gRPC error (of the sync or the asyncio API)."""
    retry_after = None
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-retry-pushback-ms":
            try:
                retry_after = max(0.0, int(value) / 1000)
            except ValueError:
                pass
    code = error.code()
    return _CLASSES.get(code, ProctorError)(code, error.details() or "", retry_after)
