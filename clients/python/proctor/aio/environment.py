"""`proctor.Env`, awaited."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from typing import Any, Mapping

from .. import errors, requests
from ..actions import Action
from ..episodes import EnvBase, Phase, StepResult
from ..v1 import action_pb2, environment_service_pb2 as env_pb, episode_pb2, observation_pb2, session_pb2
from .client import Client


class Env(EnvBase):
    """`proctor.Env`, awaited: one session, so that many run in one event loop, each in a task of its own.

    The session is opened by the first `reset` and closed by `close` (or `async with`); between calls an asyncio task
    renews its lease. A session that the server has closed or no longer knows is replaced by the next `reset`, which also mends what a
    call left that failed, timed out or was cancelled. One call at a time.
    """

    client: Client
    _renewal: asyncio.Task | None = None

    async def reset(self, *, seed: int | None = None,
                    options: Mapping[str, Any] | None = None) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        """Starts an episode; ends an open one as cancelled. Arguments and result: see `proctor.Env.reset`."""
        options = dict(options or {})
        request = self._start_request(seed, options)
        start = await self._start_again(request) if self.session else None
        if start is None:
            await self._open()
            start = await self._start(request)
        return self._started(start, options)

    async def step(self, action: Action | action_pb2.AgentText,
                   agent_data: action_pb2.AgentData | None = None) -> StepResult:
        """Acts. Returns (observation, reward, terminated, truncated, info): see `proctor.Env.step`."""
        began = time.monotonic()
        reply = await self.client.step(self._step_request(action, agent_data), timeout=requests.STEP_TIMEOUT + self.verdict_wait)
        episode = reply.episode
        if self._stepped(reply) and (left := self._verdict_time_left(began)) > 0:
            with contextlib.suppress(errors.ProctorError):  # The step is done, whatever becomes of the wait.
                episode = await self.client.wait_episode(episode.name, left)
        return self._step_result(reply, episode)

    async def close(self) -> None:
        """Closes the session; an open episode is cancelled. The session is forgotten even if this raises."""
        await self._close(timeout=60.0)

    async def __aenter__(self) -> "Env":
        return self

    async def __aexit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        if kind is None:
            await self.close()
            return
        # See proctor.Env.
        with contextlib.suppress(errors.ProctorError):
            await self._close(timeout=5.0)

    async def _close(self, timeout: float) -> None:
        if session := self._forget():
            # It went with the server's last run; or the client is closed: its lease ends it.
            with contextlib.suppress(errors.NotFound, errors.FailedPrecondition):
                await self.client.call(self.client.environments.CloseSession, env_pb.CloseSessionRequest(name=session), timeout)

    async def _start_again(self, request: env_pb.StartEpisodeRequest) -> episode_pb2.EpisodeStart | None:
        """Starts in the session that there is, which may have an open episode. None, and the session is forgotten, if the server has
        closed it or does not know it."""
        try:
            await self._end(None if request.group else 0.0)
            return await self._start(request)
        except (errors.FailedPrecondition, errors.NotFound):
            # Of the session, or of the task or group: its state tells.
            if await self._lives():
                raise
        self._forget()
        return None

    async def _end(self, wait_for_verdict: float | None) -> None:
        """Cancels the episode, unless none is open. Waits for a verb that is still under way on the server; in a group for the masked
        reward, too, which gives the episode's place to the next one."""
        if self._phase is Phase.NONE:
            return
        self._phase = Phase.UNKNOWN
        with contextlib.suppress(errors.FailedPrecondition, errors.NotFound):  # It has ended before, or its session has.
            await self.client.end_episode(self.session, wait_for_verdict=wait_for_verdict)
        self._phase = Phase.NONE

    async def _start(self, request: env_pb.StartEpisodeRequest) -> episode_pb2.EpisodeStart:
        self._phase = Phase.UNKNOWN
        return await self.client.start_episode(self._in_session(request))

    async def _lives(self) -> bool:
        """Whether the session takes verbs."""
        try:
            return (await self.client.get_session(self.session)).state == session_pb2.SESSION_STATE_OPEN
        except errors.NotFound:
            return False

    def _forget(self) -> str:
        """Renews the lease no more; returns the session's name, "" if there is none."""
        session, self.session, self._phase = self.session, "", Phase.NONE
        if self._renewal is not None:
            self._renewal.cancel()
        return session

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
