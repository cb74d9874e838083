"""How long something is tried again that a server, which is away, has cut off."""

from __future__ import annotations

import random
import time

from . import errors

#: Seconds that a server may be away.
PATIENCE = 60.0


class Patience:
    """How long a stream is opened again: told of every attempt and reply, it says how long to wait for the next one, or to give up.

    An idle stream brings no reply by which its connection shows. But an attempt that finds no server fails within the
    channel's connection timeout (5 s an address), so one that lasted longer was connected.
    """

    #: Seconds; infinite for a stream that always brings a reply at once.
    connected_after = 10.0
    _FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._began = 0.0
        self._answered = False
        self._failures = 0
        self._failing_since = 0.0
        #: Of the last attempt that failed.
        self.failure: errors.ProctorError | None = None

    def begin(self) -> None:
        """An attempt begins."""
        self._began = time.monotonic()
        self._answered = False

    def reply(self) -> None:
        """The server answered."""
        self._answered = True

    def pause(self, failure: errors.ProctorError) -> float:
        """The attempt failed: how many seconds to wait before the next one. Raises `failure` if that would be of no use, or it is time
        to give up."""
        if not isinstance(failure, (errors.Unavailable, errors.ResourceExhausted)):
            raise failure from None
        self.failure = failure
        now = time.monotonic()
        # A server whose disk is full may still send records before it ends the stream because it cannot store what was acknowledged.
        answered = self._answered and isinstance(failure, errors.Unavailable)
        if self._failures == 0 or answered or now - self._began > self.connected_after:
            self._failures, self._failing_since = 0, now
        left = self._failing_since + self._seconds - now
        if left < (failure.retry_after or 0.0):
            raise failure from None
        backoff = self._FIRST_PAUSE * 2**min(self._failures, 10) * random.uniform(0.75, 1.25)
        self._failures += 1
        return failure.retry_after or min(backoff, self._LONGEST_PAUSE, left)
