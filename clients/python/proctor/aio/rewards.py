"""`proctor.RewardStream`, awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, AsyncIterator

import grpc

from .. import errors, names
from ..rewards import Patience
from ..v1 import reward_pb2, reward_service_pb2 as reward_pb

if TYPE_CHECKING:
    from .client import Client

#: Seconds that the server has, at the end of `async with`, to take the last acknowledgements.
_FAREWELL = 5.0


class RewardStream:
    """Iterates over reward records; goes on where it was after a reconnect. For one event loop.

    What is delivered when, and how long it keeps trying: see `proctor.RewardStream`.

        async with RewardStream(client, "trainer") as stream:
            async for record in stream:
                await learn(record)
                stream.ack(record.offset)

    Args:
      client: an asyncio client.
      consumer: a consumer made by `client.create_consumer`.
      credits: records that may be under way without having been read.
      patience: seconds to keep trying to reconnect; then `Unavailable` or `ResourceExhausted`.
    """

    def __init__(self, client: Client, consumer: str, *, credits: int = 256, patience: float = 60.0):
        """Connects when it is iterated over."""
        self.client = client
        self.consumer = names.resource("consumers", consumer)
        self.credits = credits
        self.patience = patience
        self.committed_offset = 0
        self.end_offset = 0
        self._seen = 0
        self._acked = 0
        #: What to send on the present connection; None ends it.
        self._requests: asyncio.Queue[reward_pb.StreamRewardsRequest | None] = asyncio.Queue()
        self._call: Any = None
        self._replies: Any = None
        #: A task waits for the next reply.
        self._reading = False
        self._closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[reward_pb2.RewardRecord]:
        patience = Patience(self.patience)
        while not self._closed.is_set():
            patience.begin()
            self._open()
            try:
                while (reply := await self._next_reply()) is not None:
                    patience.reply()
                    self.committed_offset = max(self.committed_offset, reply.committed_offset)
                    self.end_offset = reply.end_offset
                    for record in reply.records:
                        if record.offset > self._seen:
                            self._seen = record.offset
                            yield record
                        if self._closed.is_set():
                            return
                    if reply.records:
                        self._requests.put_nowait(reward_pb.StreamRewardsRequest(credits=len(reply.records)))
            except grpc.RpcError as error:
                if self._closed.is_set():
                    return
                await _pause(self._closed, patience.pause(errors.from_rpc(error)))

    def ack(self, offset: int) -> None:
        """Everything up to `offset` is safe with the caller. Cheap: send it as often as you like."""
        self._acked = max(self._acked, offset)
        self._requests.put_nowait(reward_pb.StreamRewardsRequest(ack_offset=offset))

    def close(self) -> None:
        """Ends the iteration; acknowledgements given before are sent first. `async with` also waits until the server has them."""
        self._closed.set()
        self._requests.put_nowait(None)

    async def __aenter__(self) -> "RewardStream":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        if self._call is None:
            return
        end = asyncio.ensure_future(self._end())
        try:
            await asyncio.wait([end], timeout=_FAREWELL)
        finally:
            self._call.cancel()
            end.cancel()
        # However it ended: what is not acknowledged comes again.
        await asyncio.gather(end, return_exceptions=True)

    def _open(self) -> None:
        """A new connection in place of the one before, which may be ended already."""
        self._requests.put_nowait(None)
        if self._call is not None:
            self._call.cancel()
        requests = self._requests = asyncio.Queue()

        async def outgoing() -> AsyncIterator[reward_pb.StreamRewardsRequest]:
            yield reward_pb.StreamRewardsRequest(consumer=self.consumer, credits=self.credits, ack_offset=self._acked)
            while (request := await requests.get()) is not None:
                yield request

        self._call = self.client.rewards.StreamRewards(outgoing())
        self._replies = aiter(self._call)

    async def _next_reply(self) -> reward_pb.StreamRewardsResponse | None:
        """None at the stream's end."""
        self._reading = True
        try:
            return await anext(self._replies, None)
        except asyncio.CancelledError:
            # A call that is cancelled raises this as a cancelled task does.
            task = asyncio.current_task()
            if self._closed.is_set() and task is not None and not task.cancelling():
                return None
            raise
        finally:
            self._reading = False

    async def _end(self) -> None:
        """Waits until the server, which was told of the end, has read all there was to read and ended the stream as well."""
        if self._reading:
            await self._call.code()
            return
        async for _ in self._replies:
            pass


async def _pause(closed: asyncio.Event, seconds: float) -> None:
    """Waits, but not beyond the stream's end."""
    try:
        await asyncio.wait_for(closed.wait(), seconds)
    except asyncio.TimeoutError:
        pass
