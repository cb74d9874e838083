"""The asyncio client: the same services, awaited.

    async with proctor.aio.connect() as client:
        async with proctor.aio.Env(client, "practice", observe=["elements"]) as env:
            observation, info = await env.reset(options={"task": "tasks/abc"})
            observation, reward, terminated, truncated, info = await env.step(proctor.click(observation.elements[0].mark))
        async for record in client.stream_rewards("trainer"):
            ...

All other methods are called by their stub: `await client.call(client.tasks.ListTasks, request)`.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from typing import Any, AsyncIterator, Callable, Mapping

import grpc

from . import addresses, errors, names, requests
from .actions import Action
from .client import CHANNEL_OPTIONS, RETRIES
from .episodes import EnvBase, StepResult
from .rewards import Patience
from .security import Security
from .v1 import (action_pb2, environment_pb2, environment_service_pb2 as env_pb, environment_service_pb2_grpc as env_grpc,
                 episode_pb2, evaluation_service_pb2_grpc as eval_grpc, job_service_pb2_grpc as job_grpc, observation_pb2,
                 reward_pb2, reward_service_pb2 as reward_pb, reward_service_pb2_grpc as reward_grpc, session_pb2,
                 task_service_pb2_grpc as task_grpc, trajectory_service_pb2_grpc as trajectory_grpc)


def connect(address: str | None = None, *, security: Security | None = None) -> "Client":
    """A client for `async with`; see `proctor.connect` for addresses and security."""
    address = address or addresses.default_address()
    addresses.check_address(address)
    return Client(address, security)


class Client:
    """All services of one server, for asyncio. Use it within one event loop."""

    def __init__(self, address: str, security: Security | None = None):
        self.address = address
        self.channel, stubs = (security or Security()).channel(address, CHANNEL_OPTIONS, grpc.aio.insecure_channel,
                                                               grpc.aio.secure_channel)
        self.environments = env_grpc.EnvironmentServiceStub(stubs)
        self.tasks = task_grpc.TaskServiceStub(stubs)
        self.trajectories = trajectory_grpc.TrajectoryServiceStub(stubs)
        self.evaluations = eval_grpc.EvaluationServiceStub(stubs)
        self.rewards = reward_grpc.RewardServiceStub(stubs)
        self.jobs = job_grpc.JobServiceStub(stubs)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's method with a deadline. UNAVAILABLE is retried if `retry`: give acting requests a
        `request_id` (`proctor.names.request_id()`), so that nothing is done twice."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for attempt in range(RETRIES + 1):
            try:
                return await method(request, timeout=max(0.001, deadline - loop.time()))
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                delay = failure.retry_after or 0.1 * 2**attempt * random.uniform(0.5, 1.5)
                transient = isinstance(failure, errors.Unavailable)
                if not (retry and transient) or attempt == RETRIES or loop.time() + delay > deadline:
                    raise failure from None
                await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def create_session(self, environment: str, settings: environment_pb2.EnvironmentSettings | None = None, *,
                             lease: float = 60.0, max_wait: float = 0.0, timeout: float = 120.0) -> session_pb2.Session:
        """Opens a session. Raises `ResourceExhausted` if no slot is free within `max_wait` seconds."""
        request = requests.create_session(environment, settings, lease, max_wait)
        return await self.call(self.environments.CreateSession, request, timeout + max_wait)

    async def keep_alive(self, session: str) -> session_pb2.Session:
        """Renews the session's lease."""
        return await self.call(self.environments.KeepAlive, env_pb.KeepAliveRequest(name=session))

    async def close_session(self, session: str) -> session_pb2.Session:
        """Frees the session; closing twice is fine."""
        return await self.call(self.environments.CloseSession, env_pb.CloseSessionRequest(name=session))

    async def start_episode(self, request: env_pb.StartEpisodeRequest, timeout: float = 120.0) -> episode_pb2.EpisodeStart:
        """Resets the session's world to a task's start. Fills in `request_id`."""
        if not request.request_id:
            request.request_id = names.request_id()
        return await self.call(self.environments.StartEpisode, request, timeout)

    async def step(self, request: env_pb.StepRequest, timeout: float = 120.0) -> env_pb.StepResponse:
        """Acts and observes. Fills in `request_id`, so that a retry never acts twice."""
        if not request.request_id:
            request.request_id = names.request_id()
        return await self.call(self.environments.Step, request, timeout)

    async def end_episode(self, session: str, *, done: bool = False, wait_for_verdict: float | None = None
                          ) -> episode_pb2.Episode:
        """Ends the open episode: judged as it stands if `done`, else cancelled (its reward is masked).

        `wait_for_verdict`: seconds until it is answered without verdict and reward; None: up to 5 where an oracle decides,
        at once where a judge does.
        """
        request = requests.end_episode(session, done, wait_for_verdict)
        return await self.call(self.environments.EndEpisode, request, 60 + (wait_for_verdict or 5))

    async def wait_episode(self, name: str, max_wait: float = 30.0) -> episode_pb2.Episode:
        """The episode once verdict and reward are there, or as it stands after `max_wait` seconds."""
        return await self.call(self.environments.WaitEpisode, requests.wait_episode(name, max_wait), max_wait + 30)

    async def stream_rewards(self, consumer: str, *, credits: int = 256, auto_ack: bool = True,
                             patience: float = 60.0) -> AsyncIterator[reward_pb2.RewardRecord]:
        """Reward records of a consumer; goes on where it was after a reconnect, for up to `patience` seconds of trying; then
        `Unavailable`, or `ResourceExhausted` if the server cannot store acknowledgements (its disk is full).

        With `auto_ack` a record is acknowledged when the next one is asked for. Delivery is at least once: redeliveries
        within one iteration are dropped; across iterations and processes dedupe by `reward_id`.
        """
        seen = 0
        trying = Patience(patience)
        while True:
            trying.begin()
            try:
                # Everything that was asked for beyond is safe with the caller.
                async for record in self._reward_connection(consumer, credits, auto_ack, trying, seen if auto_ack else 0):
                    if record.offset > seen:
                        seen = record.offset
                        yield record
                return
            except grpc.RpcError as error:
                pause = trying.pause(errors.from_rpc(error))
            await asyncio.sleep(pause)

    async def _reward_connection(self, consumer: str, credits: int, auto_ack: bool, trying: Patience,
                                 acked: int) -> AsyncIterator[reward_pb2.RewardRecord]:
        """One connected stream, until it ends or fails."""
        call = self.rewards.StreamRewards()

        async def write(**fields: Any) -> None:
            try:
                await call.write(reward_pb.StreamRewardsRequest(**fields))
            except asyncio.InvalidStateError:
                pass  # What Debian's grpc.aio raises when the call has ended: reading tells why.

        try:
            await write(consumer=names.resource("consumers", consumer), credits=credits, ack_offset=acked)
            async for reply in call:
                trying.reply()
                for record in reply.records:
                    yield record
                    if auto_ack:
                        await write(credits=1, ack_offset=record.offset)
                if reply.records and not auto_ack:
                    await write(credits=len(reply.records))
        finally:
            call.cancel()


class Env(EnvBase):
    """`proctor.Env`, awaited: one session, so that many run in one event loop, each in a task of its own.

    The session is opened by the first `reset` and closed by `close` (or `async with`); between calls an asyncio task
    renews its lease. A session that the server no longer knows (it was restarted) is replaced by the next `reset`. One
    call at a time.
    """

    client: Client
    _renewal: asyncio.Task | None = None

    async def reset(self, *, seed: int | None = None,
                    options: Mapping[str, Any] | None = None) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        """Starts an episode; ends an open one as cancelled. Arguments and result: see `proctor.Env.reset`."""
        options = dict(options or {})
        request = self._start_request(seed, options)
        old = self.session
        try:
            if old and not self._ended:
                await self.client.end_episode(old, wait_for_verdict=0)
                self._ended = True
            if not old:
                await self._open()
            request.session = self.session
            start = await self.client.start_episode(request)
        except errors.NotFound:
            # Of the session or of the task; only another session tells.
            if not old:
                raise
            await self.close()
            await self._open()
            request.session, request.request_id = self.session, ""
            start = await self.client.start_episode(request)
        return self._started(start, options)

    async def step(self, action: Action | action_pb2.AgentText,
                   agent_data: action_pb2.AgentData | None = None) -> StepResult:
        """Acts. Returns (observation, reward, terminated, truncated, info): see `proctor.Env.step`."""
        reply = await self.client.step(self._step_request(action, agent_data), timeout=120 + self.verdict_wait)
        episode = reply.episode
        if self._stepped(reply):
            episode = await self.client.wait_episode(episode.name, self.verdict_wait)
        return self._step_result(reply, episode)

    async def close(self) -> None:
        """Closes the session; an open episode is cancelled. The session is forgotten even if this raises."""
        session, self.session, self._ended = self.session, "", True
        if self._renewal is not None:
            self._renewal.cancel()
        if session:
            try:
                await self.client.close_session(session)
            except errors.NotFound:
                pass  # It went with the server's last run.

    async def __aenter__(self) -> "Env":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _open(self) -> None:
        opened = await self.client.create_session(self.environment, self.settings, lease=self.lease,
                                                  max_wait=self.session_wait)
        self.session = opened.name
        interval = opened.lease.ToMilliseconds() / 3000
        self._renewal = asyncio.create_task(_keep_alive(weakref.ref(self), self.client, opened.name, interval),
                                            name="proctor-keep-alive")


async def _keep_alive(env: "weakref.ref[Env]", client: Client, session: str, interval: float) -> None:
    """Renews the lease until cancelled, or the session or its Env is gone: an Env that was dropped without `close`
    leaves its session to the lease."""
    request = env_pb.KeepAliveRequest(name=session)
    while True:
        await asyncio.sleep(interval)
        if env() is None:
            return
        try:
            await client.call(client.environments.KeepAlive, request, timeout=interval, retry=False)
        except (errors.NotFound, errors.FailedPrecondition):
            return
        except errors.ProctorError:
            pass  # A lost session shows at the next verb.
        except grpc.aio.UsageError:
            return  # The channel is closed.
