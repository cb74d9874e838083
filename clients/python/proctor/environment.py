"""An environment of the Gymnasium shape."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from typing import Any, Mapping

from . import errors, requests
from .actions import Action
from .client import Client
from .episodes import EnvBase, Phase, StepResult
from .v1 import action_pb2, environment_service_pb2 as env_pb, episode_pb2, observation_pb2, session_pb2


class Env(EnvBase):
    """One session as an environment of the Gymnasium shape, without depending on Gymnasium.

    Not thread-safe: one Env a thread. The session is opened by the first `reset` and closed by `close` (or `with`);
    between calls a daemon thread renews its lease. A session that the server has closed (its lease ended) or no longer knows (it was
    restarted) is replaced by the next `reset`, which also mends what a call left that failed, timed out or was interrupted.
    """

    client: Client
    _stop: threading.Event | None = None

    def reset(self, *, seed: int | None = None,
              options: Mapping[str, Any] | None = None) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        """Starts an episode; ends an open one as cancelled.

        Args:
          seed: seeds what the world randomises; None: the task's seed, else the settings'. 0 is no seed for the server: ValueError.
            A world that cannot be seeded refuses it, and "practice" any other than the task's, if that has one (`InvalidArgument`).
          options: "task" (a name or a task_pb2.Task), "group" (a name or a reward_pb2.Group), "limits" (task_pb2.Limits, downwards
            only), "client_tags". Others: TypeError.
        Returns:
          The first observation and info with "episode" and "goal" (from a server that is too old to tell it: only if the task was given
          as a message).
        """
        options = dict(options or {})
        request = self._start_request(seed, options)
        start = self._start_again(request) if self.session else None
        if start is None:
            self._open()
            start = self._start(request)
        return self._started(start, options)

    def step(self, action: Action | action_pb2.AgentText,
             agent_data: action_pb2.AgentData | None = None) -> StepResult:
        """Acts. Returns (observation, reward, terminated, truncated, info).

        The reward is 0.0 until the episode ends, then the episode's reward; `nan` with info["masked"] (the reason) if
        it is masked, or "PENDING" if it is not there within `verdict_wait` or could not be asked for. An episode ended by a fault is
        truncated, with info["interrupted"]. Without an open episode: `FailedPrecondition`.
        """
        began = time.monotonic()
        reply = self.client.step(self._step_request(action, agent_data), timeout=requests.STEP_TIMEOUT + self.verdict_wait)
        episode = reply.episode
        if self._stepped(reply) and (left := self._verdict_time_left(began)) > 0:
            with contextlib.suppress(errors.ProctorError):  # The step is done, whatever becomes of the wait.
                episode = self.client.wait_episode(episode.name, left)
        return self._step_result(reply, episode)

    def close(self) -> None:
        """Closes the session; an open episode is cancelled. The session is forgotten even if this raises."""
        self._close(timeout=60.0)

    def __enter__(self) -> "Env":
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        # What ended the body is what is to be seen, and soon, also where the server is gone; the session has its lease.
        with contextlib.suppress(errors.ProctorError):
            self._close(timeout=5.0)

    def _close(self, timeout: float) -> None:
        if session := self._forget():
            # It went with the server's last run; or the client is closed or another process's: its lease ends it.
            with contextlib.suppress(errors.NotFound, errors.FailedPrecondition):
                self.client.call(self.client.environments.CloseSession, env_pb.CloseSessionRequest(name=session), timeout)

    def _start_again(self, request: env_pb.StartEpisodeRequest) -> episode_pb2.EpisodeStart | None:
        """Starts in the session that there is, which may have an open episode. None, and the session is forgotten, if the server has
        closed it or does not know it."""
        try:
            self._end(None if request.group else 0.0)
            return self._start(request)
        except (errors.FailedPrecondition, errors.NotFound):
            # Of the session, or of the task or group: its state tells.
            if self._lives():
                raise
        self._forget()
        return None

    def _end(self, wait_for_verdict: float | None) -> None:
        """Cancels the episode, unless none is open. Waits for a verb that is still under way on the server; in a group for the masked
        reward, too, which gives the episode's place to the next one."""
        if self._phase is Phase.NONE:
            return
        self._phase = Phase.UNKNOWN
        with contextlib.suppress(errors.FailedPrecondition, errors.NotFound):  # It has ended before, or its session has.
            self.client.end_episode(self.session, wait_for_verdict=wait_for_verdict)
        self._phase = Phase.NONE

    def _start(self, request: env_pb.StartEpisodeRequest) -> episode_pb2.EpisodeStart:
        self._phase = Phase.UNKNOWN
        return self.client.start_episode(self._in_session(request))

    def _lives(self) -> bool:
        """Whether the session takes verbs."""
        try:
            return self.client.get_session(self.session).state == session_pb2.SESSION_STATE_OPEN
        except errors.NotFound:
            return False

    def _forget(self) -> str:
        """Renews the lease no more; returns the session's name, "" if there is none."""
        session, self.session, self._phase = self.session, "", Phase.NONE
        if self._stop is not None:
            self._stop.set()
        return session

    def _open(self) -> None:
        if self.observation is None:
            self._observe_what_it_has(self.client.get_environment(self.environment))
        opened = self.client.create_session(self.environment, self.settings, lease=self.lease, max_wait=self.session_wait)
        self.session = opened.name
        self._stop = threading.Event()
        interval = opened.lease.ToMilliseconds() / 3000
        threading.Thread(target=_keep_alive, args=(weakref.ref(self), self.client, opened.name, interval, self._stop),
                         name="proctor-keep-alive", daemon=True).start()


def _keep_alive(env: "weakref.ref[Env]", client: Client, session: str, interval: float, stop: threading.Event) -> None:
    """Renews the lease until told to stop, or the session or its Env is gone: an Env that was dropped without `close`
    leaves its session to the lease."""
    request = env_pb.KeepAliveRequest(name=session)
    while not stop.wait(interval) and env() is not None:
        try:
            client.call(client.environments.KeepAlive, request, timeout=interval, retry=False)
        except (errors.NotFound, errors.FailedPrecondition):
            return
        except errors.ProctorError:
            pass  # A lost session shows at the next verb.
