"""The reward stream of a consumer: credits, acknowledgements and reconnects hidden."""

from __future__ import annotations

import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Iterator

import grpc

from . import errors, names
from .v1 import reward_pb2, reward_service_pb2 as reward_pb

if TYPE_CHECKING:
    from .client import Client

_CLOSE = object()


class Patience:
    """How long a stream is opened again: told of every attempt and reply, it says how long to wait for the next one, or to give up.

    An idle stream brings no reply by which its connection shows. But an attempt that finds no server fails within the
    channel's connection timeout (5 s an address), so one that lasted longer was connected.
    """

    _CONNECTED_AFTER = 10.0
    _FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._began = 0.0
        self._answered = False
        self._failures = 0
        self._failing_since = 0.0

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
        now = time.monotonic()
        # A server whose disk is full may still send records before it ends the stream because it cannot store what was acknowledged.
        answered = self._answered and isinstance(failure, errors.Unavailable)
        if self._failures == 0 or answered or now - self._began > self._CONNECTED_AFTER:
            self._failures, self._failing_since = 0, now
        left = self._failing_since + self._seconds - now
        if left < (failure.retry_after or 0.0):
            raise failure from None
        backoff = self._FIRST_PAUSE * 2**min(self._failures, 10) * random.uniform(0.75, 1.25)
        self._failures += 1
        return failure.retry_after or min(backoff, self._LONGEST_PAUSE, left)


class RewardStream:
    """Iterates over reward records; goes on where it was after a reconnect.

    Delivery is at least once: a record that was not acknowledged comes again after a reconnect or a restart. Redeliveries
    within the life of this object are dropped; across processes dedupe by `reward_id`. A stream that ends because the server
    stops, or because its disk is full and it cannot store acknowledgements, is opened again with growing pauses, and so is one whose
    connection is dead, which shows within 50 s; what was acknowledged is told again.

        with RewardStream(client, "trainer") as stream:
            for record in stream:
                learn(record)
                stream.ack(record.offset)

    Args:
      client: a connected client.
      consumer: a consumer made by `client.create_consumer`.
      credits: records that may be under way without having been read.
      patience: seconds to keep trying to reconnect; then `Unavailable` or `ResourceExhausted`.
    """

    def __init__(self, client: Client, consumer: str, *, credits: int = 256, patience: float = 60.0):
        self.client = client
        self.consumer = names.resource("consumers", consumer)
        self.credits = credits
        self.patience = patience
        self.committed_offset = 0
        self.end_offset = 0
        self._seen = 0
        self._acked = 0
        self._requests: queue.SimpleQueue = queue.SimpleQueue()
        self._call: grpc.Call | None = None
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[reward_pb2.RewardRecord]:
        patience = Patience(self.patience)
        while not self._closed.is_set():
            patience.begin()
            try:
                yield from self._connection(patience)
            except grpc.RpcError as error:
                if self._closed.is_set():
                    return
                self._closed.wait(patience.pause(errors.from_rpc(error)))

    def ack(self, offset: int) -> None:
        """Everything up to `offset` is safe with the caller. Cheap: send it as often as you like."""
        self._acked = max(self._acked, offset)
        self._requests.put(reward_pb.StreamRewardsRequest(ack_offset=offset))

    def close(self) -> None:
        """Ends the iteration; acknowledgements given before are sent first."""
        self._closed.set()
        self._requests.put(_CLOSE)

    def __enter__(self) -> "RewardStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._call is not None:
            self._call.cancel()

    def _connection(self, patience: Patience) -> Iterator[reward_pb2.RewardRecord]:
        """One connected stream, until it ends or fails."""
        requests: queue.SimpleQueue = queue.SimpleQueue()
        self._requests = requests

        def outgoing() -> Iterator[reward_pb.StreamRewardsRequest]:
            yield reward_pb.StreamRewardsRequest(consumer=self.consumer, credits=self.credits, ack_offset=self._acked)
            while (request := requests.get()) is not _CLOSE:
                yield request

        self._call = self.client.rewards.StreamRewards(outgoing())
        try:
            for reply in self._call:
                patience.reply()
                self.committed_offset = max(self.committed_offset, reply.committed_offset)
                self.end_offset = reply.end_offset
                for record in reply.records:
                    if record.offset > self._seen:
                        self._seen = record.offset
                        yield record
                if reply.records:
                    requests.put(reward_pb.StreamRewardsRequest(credits=len(reply.records)))
        finally:
            requests.put(_CLOSE)
