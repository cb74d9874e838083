"""`proctor.Env`, awaited."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Mapping

import grpc

from .. import errors
from ..actions import Action
from ..episodes import EnvBase, StepResult
from ..v1 import action_pb2, environment_service_pb2 as env_pb, observation_pb2
from .client import Client


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
            start = await self.client.start_episode(self._in_session(request))
        except errors.NotFound:
            # Of the session or of the task; only another session tells.
            if not old:
                raise
            await self.close()
            await self._open()
            start = await self.client.start_episode(self._in_session(request))
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
        if self.observation is None:
            self._observe_what_it_has(await self.client.get_environment(self.environment))
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
