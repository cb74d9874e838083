"""The reward stream of a consumer: credits, acknowledgements and reconnects hidden."""

from __future__ import annotations

import queue
import time
from typing import Iterator

import grpc

from . import errors, names
from .client import Client
from .v1 import reward_pb2, reward_service_pb2 as reward_pb

_CLOSE = object()


class Patience:
    """How long reconnecting is tried: told of every attempt and reply, it says when to give up.

    An idle stream brings no reply by which its connection shows. But an attempt that finds no server fails within the
    channel's connection timeout (5 s an address), so one that lasted longer was connected.
    """

    _CONNECTED_AFTER = 10.0

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._attempt_began = 0.0
        self._failing_since: float | None = None

    def begin(self) -> None:
        """An attempt to connect begins."""
        self._attempt_began = time.monotonic()

    def reply(self) -> None:
        """The server answered."""
        self._failing_since = None

    def exhausted(self) -> bool:
        """The attempt failed: whether to give up."""
        now = time.monotonic()
        if self._failing_since is None or now - self._attempt_began > self._CONNECTED_AFTER:
            self._failing_since = now
        return now - self._failing_since > self._seconds


class RewardStream:
    """Iterates over reward records; goes on where it was after a reconnect.

    Delivery is at least once: a record that was not acknowledged comes again after a reconnect or a restart. Redeliveries
    within the life of this object are dropped; across processes dedupe by `reward_id`.

        with RewardStream(client, "trainer") as stream:
            for record in stream:
                learn(record)
                stream.ack(record.offset)

    Args:
      client: a connected client.
      consumer: a consumer made by `client.create_consumer`.
      credits: records that may be under way without having been read.
      patience: seconds to keep trying to reconnect.
    """

    def __init__(self, client: Client, consumer: str, *, credits: int = 256, patience: float = 60.0):
        self.client = client
        self.consumer = names.resource("consumers", consumer)
        self.credits = credits
        self.patience = patience
        self.committed_offset = 0
        self.end_offset = 0
        self._seen = 0
        self._requests: queue.SimpleQueue = queue.SimpleQueue()
        self._call: grpc.Call | None = None
        self._closed = False

    def __iter__(self) -> Iterator[reward_pb2.RewardRecord]:
        patience = Patience(self.patience)
        while not self._closed:
            patience.begin()
            try:
                yield from self._connection(patience)
            except grpc.RpcError as error:
                if self._closed:
                    return
                failure = errors.from_rpc(error)
                if not isinstance(failure, errors.Unavailable) or patience.exhausted():
                    raise failure from None
                time.sleep(0.2)

    def ack(self, offset: int) -> None:
        """Everything up to `offset` is safe with the caller. Cheap: send it as often as you like."""
        self._requests.put(reward_pb.StreamRewardsRequest(ack_offset=offset))

    def close(self) -> None:
        """Ends the iteration; acknowledgements given before are sent first."""
        self._closed = True
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
        requests.put(reward_pb.StreamRewardsRequest(consumer=self.consumer, credits=self.credits))
        self._requests = requests

        def outgoing() -> Iterator[reward_pb.StreamRewardsRequest]:
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
