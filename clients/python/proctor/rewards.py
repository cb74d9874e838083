"""The reward stream of a consumer: credits, acknowledgements and reconnects hidden."""

from __future__ import annotations

import collections
import contextlib
import queue
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, Callable, Iterator

import grpc

from . import errors, names
from .patience import PATIENCE, Patience
from .v1 import reward_pb2, reward_service_pb2 as reward_pb

if TYPE_CHECKING:
    from .client import Client

#: Seconds that the server has, at the end of `with`, to store what was acknowledged and to end the stream.
FAREWELL = 5.0


class StreamBase:
    """State of a reward stream and its messages, no calls; see `proctor.RewardStream` and `proctor.aio.RewardStream`."""

    def __init__(self, client: Any, consumer: str, *, credits: int = 256, patience: float = PATIENCE):
        """Connects when it is iterated over."""
        self.client = client
        self.consumer = names.resource("consumers", consumer)
        self.credits = credits
        self.patience = patience
        self.committed_offset = 0
        self.end_offset = 0
        self._acked = 0
        #: The newest record that came.
        self._seen = 0
        #: Came, and was not taken yet.
        self._waiting: collections.deque[reward_pb2.RewardRecord] = collections.deque()
        #: Taken since credits were given.
        self._taken = 0
        #: The newest one; None: none is wanted yet, or the last one has ended.
        self._connection: Any = None

    def _first_request(self) -> reward_pb.StreamRewardsRequest:
        self._taken = 0
        # What waits here uses up credits too.
        return reward_pb.StreamRewardsRequest(consumer=self.consumer, credits=max(1, self.credits - len(self._waiting)),
                                              ack_offset=self._acked)

    def _next_credits(self) -> reward_pb.StreamRewardsRequest | None:
        """What to send before the next record is waited for."""
        if self._waiting or not self._taken:
            return None
        request = reward_pb.StreamRewardsRequest(credits=self._taken)
        self._taken = 0
        return request

    def _take(self) -> reward_pb2.RewardRecord:
        self._taken += 1
        return self._waiting.popleft()

    def _came(self, reply: reward_pb.StreamRewardsResponse) -> reward_pb.StreamRewardsRequest | None:
        """What to send for it: credits for records that came before, which nobody takes."""
        self.committed_offset = max(self.committed_offset, reply.committed_offset)
        self.end_offset = reply.end_offset
        fresh = [record for record in reply.records if record.offset > self._seen]
        self._waiting.extend(fresh)
        self._seen = max([self._seen, *(record.offset for record in fresh)])
        repeated = len(reply.records) - len(fresh)
        return reward_pb.StreamRewardsRequest(credits=repeated) if repeated else None

    def _is_committed(self) -> bool:
        return self.committed_offset >= self._acked

    def _late(self, patience: Patience, timeout: float) -> errors.ProctorError:
        """Of acknowledgements whose time is over: why the server could not be had, if it was so to the last."""
        answers = self._connection is not None and self._connection.answered
        if patience.failure is None or answers:
            return self._not_stored(grpc.StatusCode.DEADLINE_EXCEEDED, f"no word of it for {timeout:g} s")
        return self._not_stored(patience.failure.code, patience.failure.message)

    def _not_stored(self, code: grpc.StatusCode, why: str) -> errors.ProctorError:
        """Of acknowledgements that are given up."""
        return errors.from_code(code.value[0], f"{self._repeats()}: {why}")

    def _repeats(self) -> str:
        """Which records may come again."""
        return (f"the acknowledgements after offset {self.committed_offset}, up to {self._acked}, are not known to be stored, "
                "so their records may come again")

    @contextlib.contextmanager
    def _repeats_told(self) -> Iterator[None]:
        """Around a stream's end: warns of records that may come again, unless an error of its own says so."""
        told = False
        try:
            yield
        except errors.ProctorError:
            told = True
            raise
        finally:
            if not told and not self._is_committed():
                # Of the line that leaves the stream: above are this one, contextlib's and the stream's own.
                warnings.warn(self._repeats(), RuntimeWarning, stacklevel=4)


class RewardStream(StreamBase):
    """Iterates over reward records; goes on where it was after a reconnect.

    Delivery is at least once: a record that was not acknowledged comes again after a reconnect or a restart. Redeliveries
    within the life of this object are dropped; across processes dedupe by `reward_id`. A stream that ends because the server
    stops, or because its disk is full and it cannot store acknowledgements, is opened again with growing pauses, and so is one whose
    connection is dead, which shows within 50 s; what was acknowledged is told again.

        with RewardStream(client, "trainer") as stream:
            for record in stream:
                learn(record)
                stream.ack(record.offset)

    The end of `with` waits until the last acknowledgements are stored, for 5 s at most, and raises what keeps them from it; where the
    body raises, or is interrupted, a RuntimeWarning says instead which records may come again. A server that may be away for longer is
    waited for by `flush`, at any time. Thread-safe.

    Args:
      client: a connected client.
      consumer: a consumer made by `client.create_consumer`.
      credits: records that may be under way without having been read.
      patience: seconds to keep trying to reconnect; then `Unavailable` or `ResourceExhausted`.
    """

    client: Client

    def __init__(self, client: Client, consumer: str, *, credits: int = 256, patience: float = PATIENCE):
        """Connects when it is iterated over."""
        super().__init__(client, consumer, credits=credits, patience=patience)
        #: Guards everything; told of all news.
        self._changed = threading.Condition()
        self._closed = False

    def __iter__(self) -> Iterator[reward_pb2.RewardRecord]:
        patience = Patience(self.patience)
        while (record := self._next(patience)) is not None:
            yield record

    def ack(self, offset: int) -> None:
        """Everything up to `offset` is safe with the caller. Cheap: send it as often as you like."""
        with self._changed:
            self._acked = max(self._acked, offset)
            if self._connection is not None:
                self._connection.send(reward_pb.StreamRewardsRequest(ack_offset=offset))

    def flush(self, timeout: float = 30.0) -> None:
        """Waits until the server has stored all acknowledgements; records that come meanwhile are kept for the iteration.

        Raises `DeadlineExceeded` after `timeout` seconds, `Unavailable` or `ResourceExhausted` if the server cannot be had for so long.
        """
        self.client._lifetime.check()
        with self._changed:
            self._store(lambda: self._closed or self._is_committed(), timeout, timeout)
            if not self._is_committed():
                raise self._not_stored(grpc.StatusCode.FAILED_PRECONDITION, "the stream is closed")

    def close(self) -> None:
        """Ends the iteration; acknowledgements given before are sent first. Only `with` waits until the server has them."""
        with self._changed:
            self._closed = True
            if self._connection is not None:
                self._connection.send(None)
            self._changed.notify_all()

    def __enter__(self) -> "RewardStream":
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        if self.client._lifetime.is_inherited():
            return
        end = time.monotonic() + FAREWELL
        self.close()
        with self._repeats_told(), self._changed:
            try:
                if sys.is_finalizing():
                    return  # A program at its end runs no thread that could tell.
                if kind is None:
                    self._store(self._is_committed, min(self.patience, FAREWELL), FAREWELL)
                if (connection := self._connection) is not None:
                    self._changed.wait_for(lambda: connection.failure is not None, end - time.monotonic())
            finally:
                if self._connection is not None:
                    self._connection.cancel()

    def _next(self, patience: Patience) -> reward_pb2.RewardRecord | None:
        """None at the stream's end."""
        self.client._lifetime.check()
        with self._changed:
            if self._connection is not None and (request := self._next_credits()):
                self._connection.send(request)
            self._wait(lambda: self._closed or bool(self._waiting), patience)
            return None if self._closed else self._take()

    def _store(self, ready: Callable[[], bool], seconds: float, timeout: float) -> None:
        """Waits, under the lock, until it is `ready`, for `timeout` at most and with the patience of `seconds`. Raises that the
        acknowledgements are not known to be stored, and why."""
        patience = Patience(seconds)
        try:
            is_ready = self._wait(ready, patience, timeout)
        except errors.ProctorError as failure:
            raise self._not_stored(failure.code, failure.message) from None
        if not is_ready:
            raise self._late(patience, timeout)

    def _wait(self, ready: Callable[[], bool], patience: Patience, timeout: float | None = None) -> bool:
        """Waits, under the lock, until it is `ready` or the time is over; connects, and again when a connection has ended. Returns
        whether it is ready."""
        end = None if timeout is None else time.monotonic() + timeout
        while not ready():
            connection = self._connection
            if connection is None:
                patience.begin()
                connection = self._connection = _Connection(self, self._changed)
            left = None if end is None else end - time.monotonic()
            self._changed.wait_for(lambda: ready() or connection.failure is not None, left)
            if ready():
                break
            if connection.failure is None:
                return False
            if self._connection is connection:
                self._connection = None
            if connection.answered:
                patience.reply()
            pause = patience.pause(connection.failure)
            self._pause(pause if end is None else min(pause, end - time.monotonic()), ready)
        return ready()

    def _pause(self, seconds: float, ready: Callable[[], bool]) -> None:
        """Under the lock; not beyond the moment when it is `ready`."""
        self._changed.wait_for(ready, seconds)


class _Connection:
    """One connected stream. A thread of its own reads it to its end, so that whoever waits for a reply can stop waiting."""

    def __init__(self, stream: RewardStream, changed: threading.Condition):
        """`changed` is held."""
        self._stream = stream
        self._changed = changed
        #: To send; None ends it.
        self._requests: queue.SimpleQueue[reward_pb.StreamRewardsRequest | None] = queue.SimpleQueue()
        self._requests.put(stream._first_request())
        if stream._closed:
            self._requests.put(None)
        #: A reply came.
        self.answered = False
        #: Why it has ended.
        self.failure: errors.ProctorError | None = None
        self._call = stream.client.rewards.StreamRewards(iter(self._requests.get, None))
        threading.Thread(target=self._read, name="proctor-rewards", daemon=True).start()

    def send(self, request: reward_pb.StreamRewardsRequest | None) -> None:
        """None: nothing more comes."""
        self._requests.put(request)

    def cancel(self) -> None:
        """Ends it at once."""
        self._call.cancel()

    def _read(self) -> None:
        failure: errors.ProctorError = errors.Unavailable(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
        try:
            for reply in self._call:
                with self._changed:
                    self.answered = True
                    if request := self._stream._came(reply):
                        self.send(request)
                    self._changed.notify_all()
        except grpc.RpcError as error:
            failure = self._stream.client._failure(error)
        finally:
            self.send(None)
            with self._changed:
                self.failure = failure
                self._changed.notify_all()
