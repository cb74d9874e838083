"""An environment of the Gymnasium shape."""

from __future__ import annotations

import threading
import weakref
from typing import Any, Mapping

from . import errors
from .actions import Action
from .client import Client
from .episodes import EnvBase, StepResult
from .v1 import action_pb2, environment_service_pb2 as env_pb, observation_pb2


class Env(EnvBase):
    """One session as an environment of the Gymnasium shape, without depending on Gymnasium.

    Not thread-safe: one Env a thread. The session is opened by the first `reset` and closed by `close` (or `with`);
    between calls a daemon thread renews its lease. A session that the server no longer knows (it was restarted) is
    replaced by the next `reset`.
    """

    client: Client
    _stop: threading.Event | None = None

    def reset(self, *, seed: int | None = None,
              options: Mapping[str, Any] | None = None) -> tuple[observation_pb2.Observation, dict[str, Any]]:
        """Starts an episode; ends an open one as cancelled.

        Args:
          seed: seeds what the world randomises.
          options: "task" (a name or a task_pb2.Task), "group" (a name or a reward_pb2.Group), "limits" (task_pb2.Limits, downwards
            only), "client_tags". Others: TypeError.
        Returns:
          The first observation and info with "episode" and "goal" (if the task was given as a message).
        """
        options = dict(options or {})
        request = self._start_request(seed, options)
        old = self.session
        try:
            if old and not self._ended:
                self.client.end_episode(old, wait_for_verdict=0)
                self._ended = True
            if not old:
                self._open()
            start = self.client.start_episode(self._in_session(request))
        except errors.NotFound:
            # Of the session or of the task; only another session tells.
            if not old:
                raise
            self.close()
            self._open()
            start = self.client.start_episode(self._in_session(request))
        return self._started(start, options)

    def step(self, action: Action | action_pb2.AgentText,
             agent_data: action_pb2.AgentData | None = None) -> StepResult:
        """Acts. Returns (observation, reward, terminated, truncated, info).

        The reward is 0.0 until the episode ends, then the episode's reward; `nan` with info["masked"] (the reason) if
        it is masked. An episode ended by a fault is truncated, with info["interrupted"]. Without an open episode:
        `FailedPrecondition`.
        """
        reply = self.client.step(self._step_request(action, agent_data), timeout=120 + self.verdict_wait)
        episode = reply.episode
        if self._stepped(reply):
            episode = self.client.wait_episode(episode.name, self.verdict_wait)
        return self._step_result(reply, episode)

    def close(self) -> None:
        """Closes the session; an open episode is cancelled. The session is forgotten even if this raises."""
        session, self.session, self._ended = self.session, "", True
        if self._stop is not None:
            self._stop.set()
        if session:
            try:
                self.client.close_session(session)
            except errors.NotFound:
                pass  # It went with the server's last run.

    def __enter__(self) -> "Env":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        except ValueError:
            return  # What grpc raises on a closed channel.
