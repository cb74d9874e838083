"""The channel that a client's stubs use: it sends the token, and refuses calls of which nothing can come."""

from __future__ import annotations

import os
import weakref
from typing import Any, Callable

import grpc

from . import errors


class Lifetime:
    """Where, and how long, a client may be used."""

    def __init__(self) -> None:
        """In this process, until it is `closed`."""
        self._process = os.getpid()
        #: Its owner has closed it.
        self.closed = False
        #: Calls of an asyncio client that somebody still has: closing its channel does not end them all.
        self.calls: weakref.WeakSet[grpc.aio.Call] = weakref.WeakSet()

    def is_inherited(self) -> bool:
        """This process was forked from the client's own. gRPC's threads are missing here, and the connection is the other one's."""
        return os.getpid() != self._process

    def check(self) -> None:
        """Raises `FailedPrecondition` where no call can succeed."""
        if self.is_inherited():
            raise errors.FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION, "this client was made before fork: connect in the worker")
        if self.closed:
            raise errors.FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION, "the client is closed: connect again")


class Guarded:
    """A channel for stubs that adds `metadata` to that of every call, synchronous or not, if its client may be used."""

    def __init__(self, channel: Any, metadata: tuple[tuple[str, str], ...], lifetime: Lifetime):
        """Knows its client by the `lifetime` alone, so that one that is dropped goes at once."""
        self._channel = channel
        self._metadata = metadata
        self._lifetime = lifetime

    def _method(self, kind: str, *args: Any, **options: Any) -> Callable[..., Any]:
        call = getattr(self._channel, kind)(*args, **options)
        guarded = self._guarded(call)
        if future := getattr(call, "future", None):
            guarded.future = self._guarded(future)  # type: ignore[attr-defined]
        return guarded

    def _guarded(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*inner: Any, metadata: Any = None, **rest: Any) -> Any:
            self._lifetime.check()
            try:
                made = method(*inner, metadata=(*(metadata or ()), *self._metadata), **rest)
            except (ValueError, grpc.aio.UsageError):
                self._lifetime.check()  # It was closed meanwhile.
                raise
            if isinstance(made, grpc.aio.Call):
                self._lifetime.calls.add(made)
            return made

        return guarded

    def unary_unary(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """As the channel's, as are the next three."""
        return self._method("unary_unary", *args, **options)

    def unary_stream(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `unary_unary`."""
        return self._method("unary_stream", *args, **options)

    def stream_unary(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `unary_unary`."""
        return self._method("stream_unary", *args, **options)

    def stream_stream(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `unary_unary`."""
        return self._method("stream_stream", *args, **options)
