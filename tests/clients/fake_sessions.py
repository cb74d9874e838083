"""A server of sessions that answers as proctord does, and loses replies when told to."""
from __future__ import annotations

import concurrent.futures
import threading
import time

import grpc

from proctor.v1 import (environment_pb2, environment_service_pb2 as env_pb, environment_service_pb2_grpc as env_grpc, episode_pb2,
                        observation_pb2, reward_pb2, session_pb2)


class FakeSessions(env_grpc.EnvironmentServiceServicer):
    """An answer ends an episode, with a reward of 1. Of tasks there are all but "tasks/none"; "tasks/rejected" cannot be started."""

    def __init__(self):
        #: By method: how the replies to the next calls are lost, after their work is done. A status code is told instead; "held": nothing
        #: is, until the client has given up. Seconds: they are only late.
        self.losses: dict[str, list[grpc.StatusCode | str | float]] = {}
        #: Names of methods, as they were called.
        self.calls: list[str] = []
        #: What the calls had as authorization.
        self.tokens: list[str] = []
        #: Seconds that the last call of a method was given.
        self.deadlines: dict[str, float] = {}
        self.created: list[env_pb.CreateSessionRequest] = []
        self.sessions: dict[str, session_pb2.Session] = {}
        self.episodes: dict[str, episode_pb2.Episode] = {}
        #: What a step's episode says of the result; WaitEpisode has it.
        self.result = episode_pb2.RESULT_STATE_READY
        #: Seconds that were asked of WaitEpisode.
        self.waits: list[float] = []
        #: A call is held.
        self.holding = threading.Event()
        self._answers: dict[str, object] = {}
        self._lock = threading.Lock()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        env_grpc.add_EnvironmentServiceServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def close(self, session: str) -> None:
        """As at the end of its lease, or by `proctor session close`."""
        with self._lock:
            self.sessions[session].state = session_pb2.SESSION_STATE_CLOSED
            self._end(session, episode_pb2.END_KIND_INTERRUPTED)

    def forget(self, session: str) -> None:
        """As at a restart."""
        with self._lock:
            del self.sessions[session]

    def _answer(self, method, request, context, work):
        with self._lock:
            self.calls.append(method)
            self.tokens.extend(value for key, value in context.invocation_metadata() if key == "authorization")
            self.deadlines[method] = context.time_remaining()
            losses = self.losses.get(method, [])
            loss = losses.pop(0) if losses else None
            key = getattr(request, "request_id", "")
            if not key or key not in self._answers:
                answer = work()
                if isinstance(answer, tuple):
                    context.abort(*answer)
                if key:
                    self._answers[key] = answer
            else:
                answer = self._answers[key]
        if loss == "held":
            gone = threading.Event()
            if context.add_callback(gone.set):
                self.holding.set()
                gone.wait(30)
        elif isinstance(loss, float):
            time.sleep(loss)
        elif loss is not None:
            context.abort(loss, "the reply is lost")
        return answer

    def _session(self, name):
        """The open session, or the error of its verbs."""
        if name not in self.sessions:
            return grpc.StatusCode.NOT_FOUND, f"no session {name}"
        if self.sessions[name].state == session_pb2.SESSION_STATE_CLOSED:
            return grpc.StatusCode.FAILED_PRECONDITION, "the session is closed: lease expired"
        return self.sessions[name]

    def _end(self, session, kind):
        episode = self.episodes.get(self.sessions[session].episode)
        self.sessions[session].episode = ""
        if episode is None:
            return grpc.StatusCode.FAILED_PRECONDITION, "no episode is open"
        episode.state, episode.end_kind, episode.result_state = episode_pb2.EPISODE_STATE_CLOSED, kind, self.result
        episode.reward.status, episode.reward.value = reward_pb2.REWARD_STATUS_VALID, 1.0
        return episode

    def GetEnvironment(self, request, context):
        return self._answer("GetEnvironment", request, context, lambda: environment_pb2.Environment(name=request.name))

    def CreateSession(self, request, context):
        def work():
            self.created.append(request)
            session = session_pb2.Session(name=f"sessions/{len(self.created)}", state=session_pb2.SESSION_STATE_OPEN, lease=request.lease)
            self.sessions[session.name] = session
            return session
        return self._answer("CreateSession", request, context, work)

    def GetSession(self, request, context):
        return self._answer("GetSession", request, context, lambda: self.sessions.get(
            request.name, (grpc.StatusCode.NOT_FOUND, f"no session {request.name}")))

    def KeepAlive(self, request, context):
        return self._answer("KeepAlive", request, context, lambda: self._session(request.name))

    def CloseSession(self, request, context):
        def work():
            if request.name not in self.sessions:
                return grpc.StatusCode.NOT_FOUND, f"no session {request.name}"
            self.sessions[request.name].state = session_pb2.SESSION_STATE_CLOSED
            self._end(request.name, episode_pb2.END_KIND_INTERRUPTED)
            return self.sessions[request.name]
        return self._answer("CloseSession", request, context, work)

    def StartEpisode(self, request, context):
        def work():
            session = self._session(request.session)
            if isinstance(session, tuple):
                return session
            if session.episode:
                return grpc.StatusCode.FAILED_PRECONDITION, f"{session.episode} is still open: end it first (EndEpisode)"
            if request.task == "tasks/none":
                return grpc.StatusCode.NOT_FOUND, "no tasks/none"
            if request.task == "tasks/rejected":
                return grpc.StatusCode.FAILED_PRECONDITION, "tasks/rejected is rejected"
            episode = episode_pb2.Episode(name=f"episodes/{len(self.episodes) + 1}", state=episode_pb2.EPISODE_STATE_RUNNING,
                                          session=request.session, task=request.task, seed=request.seed)
            self.episodes[episode.name] = episode
            session.episode = episode.name
            return episode_pb2.EpisodeStart(episode=episode, observation=observation_pb2.Observation(url="begin"))
        return self._answer("StartEpisode", request, context, work)

    def Step(self, request, context):
        def work():
            session = self._session(request.session)
            if isinstance(session, tuple):
                return session
            if not session.episode:
                return grpc.StatusCode.FAILED_PRECONDITION, "no episode is open: StartEpisode first"
            episode = self.episodes[session.episode]
            reply = env_pb.StepResponse(step_index=episode.step_count, observation=observation_pb2.Observation(url="seen"))
            episode.step_count += 1
            if request.action.HasField("answer"):
                reply.terminated = True
                reply.episode.CopyFrom(self._end(request.session, episode_pb2.END_KIND_TERMINATED))
            return reply
        return self._answer("Step", request, context, work)

    def EndEpisode(self, request, context):
        def work():
            session = self._session(request.session)
            return session if isinstance(session, tuple) else self._end(request.session, episode_pb2.END_KIND_INTERRUPTED)
        return self._answer("EndEpisode", request, context, work)

    def WaitEpisode(self, request, context):
        def work():
            if request.name not in self.episodes:
                return grpc.StatusCode.NOT_FOUND, f"no {request.name}"
            self.waits.append(request.max_wait.ToMilliseconds() / 1000)
            self.episodes[request.name].result_state = episode_pb2.RESULT_STATE_READY
            return self.episodes[request.name]
        return self._answer("WaitEpisode", request, context, work)
