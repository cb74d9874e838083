"""The asyncio client: the same services, awaited.

    async with proctor.aio.connect() as client:
        session = await client.call(client.environments.CreateSession, request)
        async for record in client.stream_rewards("trainer"):
            ...
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, AsyncIterator, Callable

import grpc

from . import errors, names
from .client import CHANNEL_OPTIONS
from .v1 import (environment_service_pb2_grpc as env_grpc, evaluation_service_pb2_grpc as eval_grpc,
                 job_service_pb2_grpc as job_grpc, reward_pb2, reward_service_pb2 as reward_pb,
                 reward_service_pb2_grpc as reward_grpc, task_service_pb2_grpc as task_grpc,
                 trajectory_service_pb2_grpc as trajectory_grpc)

_RETRIES = 4


def connect(address: str | None = None) -> "Client":
    """A client for `async with`; see `proctor.connect` for addresses."""
    return Client(address or names.default_address())


class Client:
    """All services of one server, for asyncio. Use it within one event loop."""

    def __init__(self, address: str):
        self.address = address
        self.channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self.environments = env_grpc.EnvironmentServiceStub(self.channel)
        self.tasks = task_grpc.TaskServiceStub(self.channel)
        self.trajectories = trajectory_grpc.TrajectoryServiceStub(self.channel)
        self.evaluations = eval_grpc.EvaluationServiceStub(self.channel)
        self.rewards = reward_grpc.RewardServiceStub(self.channel)
        self.jobs = job_grpc.JobServiceStub(self.channel)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's method with a deadline. UNAVAILABLE is retried if `retry`: give acting requests a
        `request_id` (`proctor.names.request_id()`), so that nothing is done twice."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for attempt in range(_RETRIES + 1):
            try:
                return await method(request, timeout=max(0.001, deadline - loop.time()))
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                delay = failure.retry_after or 0.1 * 2**attempt * random.uniform(0.5, 1.5)
                transient = isinstance(failure, errors.Unavailable)
                if not (retry and transient) or attempt == _RETRIES or loop.time() + delay > deadline:
                    raise failure from None
                await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def stream_rewards(self, consumer: str, *, credits: int = 256, auto_ack: bool = True,
                             patience: float = 60.0) -> AsyncIterator[reward_pb2.RewardRecord]:
        """Reward records of a consumer; goes on where it was after a reconnect, for up to `patience` seconds of trying.

        With `auto_ack` a record is acknowledged when the next one is asked for. Delivery is at least once: redeliveries
        within one iteration are dropped; across iterations and processes dedupe by `reward_id`.
        """
        loop = asyncio.get_running_loop()
        seen = 0
        failing_since: float | None = None
        while True:
            try:
                async for record in self._reward_connection(consumer, credits, auto_ack):
                    failing_since = None
                    if record.offset > seen:
                        seen = record.offset
                        yield record
                return
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
            except asyncio.InvalidStateError:  # Writing to a call that ended: what Debian's grpc.aio raises.
                failure = errors.Unavailable(grpc.StatusCode.UNAVAILABLE, "the stream ended")
            if not isinstance(failure, errors.Unavailable):
                raise failure
            failing_since = failing_since or loop.time()
            if loop.time() - failing_since > patience:
                raise failure
            await asyncio.sleep(0.2)

    async def _reward_connection(self, consumer: str, credits: int,
                                 auto_ack: bool) -> AsyncIterator[reward_pb2.RewardRecord]:
        """One connected stream, until it ends or fails."""
        call = self.rewards.StreamRewards()
        try:
            await call.write(reward_pb.StreamRewardsRequest(consumer=names.resource("consumers", consumer),
                                                            credits=credits))
            async for reply in call:
                for record in reply.records:
                    yield record
                    if auto_ack:
                        await call.write(reward_pb.StreamRewardsRequest(credits=1, ack_offset=record.offset))
                if reply.records and not auto_ack:
                    await call.write(reward_pb.StreamRewardsRequest(credits=len(reply.records)))
        finally:
            call.cancel()
