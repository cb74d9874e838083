"""`proctor.RewardStream`, awaited."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable

import grpc

from .. import errors
from ..patience import PATIENCE, Patience
from ..rewards import FAREWELL, StreamBase
from ..v1 import reward_pb2, reward_service_pb2 as reward_pb

if TYPE_CHECKING:
    from .client import Client


class RewardStream(StreamBase):
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

    client: Client

    def __init__(self, client: Client, consumer: str, *, credits: int = 256, patience: float = PATIENCE):
        """Connects when it is iterated over."""
        super().__init__(client, consumer, credits=credits, patience=patience)
        self._closed = asyncio.Event()
        #: Set, and replaced, with all news.
        self._news = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[reward_pb2.RewardRecord]:
        patience = Patience(self.patience)
        while (record := await self._next(patience)) is not None:
            yield record

    def ack(self, offset: int) -> None:
        """Everything up to `offset` is safe with the caller. Cheap: send it as often as you like."""
        self._acked = max(self._acked, offset)
        if self._connection is not None:
            self._connection.send(reward_pb.StreamRewardsRequest(ack_offset=offset))

    async def flush(self, timeout: float = 30.0) -> None:
        """Waits until the server has stored all acknowledgements; see `proctor.RewardStream.flush`."""
        await self._store(lambda: self._closed.is_set() or self._is_committed(), timeout, timeout)
        if not self._is_committed():
            raise self._not_stored(grpc.StatusCode.FAILED_PRECONDITION, "the stream is closed")

    def close(self) -> None:
        """Ends the iteration; acknowledgements given before are sent first. Only `async with` waits until the server has them."""
        self._closed.set()
        if self._connection is not None:
            self._connection.send(None)
        self._notify()

    async def __aenter__(self) -> "RewardStream":
        return self

    async def __aexit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + FAREWELL
        self.close()
        farewell = 0.0
        with self._repeats_told():
            try:
                if kind is None:
                    await self._store(self._is_committed, min(self.patience, FAREWELL), FAREWELL)
                farewell = max(0.0, end - loop.time())
            finally:
                if self._connection is not None:
                    await self._connection.end(farewell)

    async def _next(self, patience: Patience) -> reward_pb2.RewardRecord | None:
        """None at the stream's end."""
        if self._connection is not None and (request := self._next_credits()):
            self._connection.send(request)
        await self._wait(lambda: self._closed.is_set() or bool(self._waiting), patience)
        return None if self._closed.is_set() else self._take()

    async def _store(self, ready: Callable[[], bool], seconds: float, timeout: float) -> None:
        """Waits until it is `ready`, for `timeout` at most and with the patience of `seconds`. Raises that the acknowledgements are not
        known to be stored, and why."""
        patience = Patience(seconds)
        try:
            async with asyncio.timeout(timeout):
                await self._wait(ready, patience)
        except TimeoutError:
            raise self._late(patience, timeout) from None
        except errors.ProctorError as failure:
            raise self._not_stored(failure.code, failure.message) from None

    async def _wait(self, ready: Callable[[], bool], patience: Patience) -> None:
        """Waits until it is `ready`; connects, and again when a connection has ended."""
        while not ready():
            connection = self._connection
            if connection is None:
                patience.begin()
                connection = self._connection = _Connection(self)
            if connection.failure is None:
                await self._news.wait()
                continue
            if self._connection is connection:
                self._connection = None
            if connection.answered:
                patience.reply()
            await self._pause(patience.pause(connection.failure), ready)

    async def _pause(self, seconds: float, ready: Callable[[], bool]) -> None:
        """Not beyond the moment when it is `ready`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not ready():
                    await self._news.wait()

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class _Connection:
    """One connected stream. A task of its own reads it to its end, so that whoever waits for a reply can stop waiting, and one writes: a
    request iterator would be gRPC's to consume, in a task that nobody can wait for, which may outlive the event loop."""

    def __init__(self, stream: RewardStream):
        """Within the event loop."""
        self._stream = stream
        #: To send; None ends it.
        self._requests: asyncio.Queue[reward_pb.StreamRewardsRequest | None] = asyncio.Queue()
        self._requests.put_nowait(stream._first_request())
        if stream._closed.is_set():
            self._requests.put_nowait(None)
        #: A reply came.
        self.answered = False
        #: Why it has ended.
        self.failure: errors.ProctorError | None = None
        self._call: Any = stream.client.rewards.StreamRewards()
        self._reader = asyncio.create_task(self._read(), name="proctor-rewards")
        self._writer = asyncio.create_task(self._write(), name="proctor-reward-acks")

    def send(self, request: reward_pb.StreamRewardsRequest | None) -> None:
        """None: nothing more comes."""
        self._requests.put_nowait(request)

    async def end(self, timeout: float) -> None:
        """Waits until the server, which was told of the end, has read all there was to read and ended the stream as well; ends it at once
        after `timeout` seconds."""
        try:
            await asyncio.wait([self._reader], timeout=timeout)
        finally:
            self._call.cancel()  # Which ends the reader, too, and that the writer.
        await asyncio.gather(self._reader, self._writer, return_exceptions=True)

    async def _write(self) -> None:
        # A call that ends before it is connected leaves who waits for that waiting.
        connected = asyncio.ensure_future(self._call.wait_for_connection())
        self._call.add_done_callback(lambda _: connected.cancel())
        with contextlib.suppress(grpc.RpcError, grpc.aio.InternalError, asyncio.InvalidStateError):  # The reader learns why.
            await connected
            while (request := await self._requests.get()) is not None:
                await self._call.write(request)
            await self._call.done_writing()

    async def _read(self) -> None:
        failure: errors.ProctorError = errors.Unavailable(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
        try:
            async for reply in self._call:
                self.answered = True
                if request := self._stream._came(reply):
                    self.send(request)
                self._stream._notify()
        except grpc.RpcError as error:
            failure = self._stream.client._failure(error)
        except asyncio.CancelledError:
            # Of this task; or of the call, as when the client is closed.
            failure = errors.Cancelled(grpc.StatusCode.CANCELLED, "the stream was cancelled")
            raise
        finally:
            self.send(None)
            self.failure = failure
            self._stream._notify()
