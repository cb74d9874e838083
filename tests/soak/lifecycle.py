"""One session's life after another, each ended in another way: closed, cut off, forgotten, or asked for twice."""
from __future__ import annotations

import collections
import random
import threading
import time
from typing import Any, Callable

import grpc

import proctor
from proctor.v1 import (action_pb2, environment_service_pb2 as env_pb, environment_service_pb2_grpc as env_grpc, episode_pb2, session_pb2,
                        task_pb2)

#: The shortest lease that a server grants.
LEASE_SECONDS = 5.0
CALL_SECONDS = 60.0
#: How a life goes, and how often of 100.
KINDS = {"plain": 38, "asked_twice": 26, "cut_create": 6, "cut_step": 8, "cut_stream": 6, "forgotten": 4, "closed_while_acting": 12}


class Notes:
    """What happened, for the checks at the end. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: As agents' journals: "start" and "step".
        self.entries: list[dict[str, Any]] = []
        self.kinds: collections.Counter[str] = collections.Counter()
        #: Sessions that only their lease can end.
        self.left: list[str] = []
        #: Lives whose session was told to the client.
        self.opened: set[str] = set()
        self.problems: list[str] = []
        self._number = 0

    def begin(self, kind: str) -> str:
        with self._lock:
            self.kinds[kind] += 1
            self._number += 1
            return str(self._number)

    def problem(self, text: str) -> None:
        with self._lock:
            self.problems.append(text)


class Lives:
    """One client's part of the load: not thread-safe, but for its notes."""

    def __init__(self, address: str, world: str, task: task_pb2.Task, answer: str, notes: Notes, seed: str):
        self.address = address
        self.world = world
        self.task = task
        self.answer = answer
        self.notes = notes
        self.random = random.Random(seed)
        self.observation = proctor.observation_request(("screenshot", "elements") if world == "practice" else ("text",))

    def run(self, count: int) -> None:
        with proctor.connect(self.address) as self.client, proctor.connect(self.address) as self.other:
            for _ in range(count):
                kind = self.random.choices(list(KINDS), list(KINDS.values()))[0]
                self.life = self.notes.begin(kind)
                try:
                    getattr(self, "_" + kind)()
                except (proctor.ProctorError, grpc.RpcError, grpc.FutureTimeoutError) as error:
                    self.notes.problem(f"life {self.life} ({kind}, {self.world}): {error!r}")

    # Ways to live.

    def _plain(self) -> None:
        session = self._open()
        ended = self._walk(session, self._start(session).episode.trajectory)
        if not ended and self.random.random() < 0.5:
            self.client.end_episode(session, done=self.random.random() < 0.5, wait_for_verdict=0)
        self._close(self.client, session)

    def _asked_twice(self) -> None:
        """Everything is asked for twice at once, as after a timeout."""
        session = self._same([first.name for first in self._twice("CreateSession", self._create_request())], "session")
        start = self._twice("StartEpisode", self._start_request(session))
        self._same([one.episode.trajectory for one in start], "episode")
        self._note_start(start[0])
        for action in (self._move(), proctor.answer(self._answer())):
            request = self._step_request(session, action)
            replies = self._twice("Step", request)
            self._same([str(one.step_index) for one in replies], "step")
            self._note_step(start[0].episode.trajectory, request, replies[0])
        for closed in self._twice("CloseSession", env_pb.CloseSessionRequest(name=session)):
            if closed.state != session_pb2.SESSION_STATE_CLOSED:
                self.notes.problem(f"life {self.life}: {session} was closed and is not")

    def _cut_create(self) -> None:
        """The client goes while its session is being made; half of them come back and ask again."""
        request = self._create_request()
        self._cut_off(lambda stub: stub.CreateSession.future(request, timeout=CALL_SECONDS))
        if self.random.random() < 0.5:
            session = self.client.call(self.client.environments.CreateSession, request).name
            self.notes.opened.add(self.life)
            self._close(self.client, session)

    def _cut_step(self) -> None:
        """The client goes in the middle of a step and does not come back."""
        session = self._open()
        self._start(session)
        request = self._step_request(session, self._move())
        self._cut_off(lambda stub: stub.Step.future(request, timeout=CALL_SECONDS))
        self.notes.left.append(session)

    def _cut_stream(self) -> None:
        """The same on a stream of verbs."""
        session = self._open()
        verbs = [env_pb.ActRequest(tag=1, attach=env_pb.AttachSession(session=session)),
                 env_pb.ActRequest(tag=2, start_episode=self._start_request(session)),
                 env_pb.ActRequest(tag=3, step=self._step_request(session, self._move()))]

        def act(stub: env_grpc.EnvironmentServiceStub) -> grpc.Call:
            call = stub.Act(iter(verbs), timeout=CALL_SECONDS)
            # The stream's requests end here, which ends nothing in the server.
            for reply in call:
                if reply.HasField("error"):
                    self.notes.problem(f"life {self.life}: {reply.error.message}")
                if reply.HasField("episode_start"):
                    self._note_start(reply.episode_start)
                    break
            return call

        self._cut_off(act)
        self.notes.left.append(session)

    def _forgotten(self) -> None:
        session = self._open()
        self._start(session)
        self.notes.left.append(session)

    def _closed_while_acting(self) -> None:
        session = self._open()
        start = self._start(session)
        request = self._step_request(session, self._move())
        step = self.client.environments.Step.future(request, timeout=CALL_SECONDS)
        time.sleep(self.random.uniform(0, 0.005))
        self._close(self.other, session)
        try:
            reply = step.result(CALL_SECONDS)
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.CANCELLED, grpc.StatusCode.ABORTED):
                self.notes.problem(f"life {self.life}: a step of a session that was being closed: {error.code()}: {error.details()}")
        else:
            self._note_step(start.episode.trajectory, request, reply)

    # Parts.

    def _open(self) -> str:
        session = self.client.call(self.client.environments.CreateSession, self._create_request()).name
        self.notes.opened.add(self.life)
        return session

    def _start(self, session: str) -> episode_pb2.EpisodeStart:
        start = self.client.start_episode(self._start_request(session))
        self._note_start(start)
        return start

    def _walk(self, session: str, trajectory: str) -> bool:
        """Some steps, mostly with an answer at the end; returns whether the episode has ended."""
        actions = [self._move() for _ in range(self.random.randint(0, 3))]
        if self.random.random() < 0.8:
            actions.append(proctor.answer(self._answer()))
        for action in actions:
            request = self._step_request(session, action)
            reply = self.client.step(request, CALL_SECONDS)
            self._note_step(trajectory, request, reply)
            if reply.terminated or reply.truncated or reply.interrupted:
                return True
        return False

    def _close(self, client: proctor.Client, session: str) -> None:
        client.close_session(session)
        if self.random.random() < 0.3:
            client.close_session(session)

    def _twice(self, method: str, request: Any) -> list[Any]:
        """The same request on two connections at once."""
        calls = [getattr(client.environments, method).future(request, timeout=CALL_SECONDS) for client in (self.client, self.other)]
        replies = [call.result(CALL_SECONDS) for call in calls]
        if method == "CreateSession":
            self.notes.opened.add(self.life)
        return replies

    def _same(self, values: list[str], what: str) -> str:
        if len(set(values)) != 1:
            self.notes.problem(f"life {self.life}: one request gave {what} {' and '.join(values)}")
        return values[0]

    def _cut_off(self, begin: Callable[[env_grpc.EnvironmentServiceStub], grpc.Call]) -> None:
        """Begins a call on a connection of its own and breaks that off at a random moment."""
        channel = grpc.insecure_channel(self.address, (("grpc.use_local_subchannel_pool", 1),))
        try:
            grpc.channel_ready_future(channel).result(CALL_SECONDS)
            begin(env_grpc.EnvironmentServiceStub(channel))
            time.sleep(self.random.uniform(0, 0.2 if self.world == "practice" else 0.01))
        finally:
            channel.close()

    def _create_request(self) -> env_pb.CreateSessionRequest:
        request = env_pb.CreateSessionRequest(request_id=proctor.names.request_id(), environment=f"environments/{self.world}",
                                              client_tags={"life": self.life})
        request.lease.FromMilliseconds(int(LEASE_SECONDS * 1000))
        request.max_wait.FromMilliseconds(int(CALL_SECONDS * 500))
        return request

    def _start_request(self, session: str) -> env_pb.StartEpisodeRequest:
        return env_pb.StartEpisodeRequest(request_id=proctor.names.request_id(), session=session, inline_task=self.task,
                                          observation=self.observation)

    def _step_request(self, session: str, action: action_pb2.Action) -> env_pb.StepRequest:
        request = env_pb.StepRequest(request_id=proctor.names.request_id(), session=session, action=action, observation=self.observation,
                                     agent_data=action_pb2.AgentData(thought=f"{self.life} {self.random.getrandbits(64):016x}"))
        request.wait_for_verdict.FromMilliseconds(-1)
        return request

    def _move(self) -> action_pb2.Action:
        return proctor.scroll() if self.world == "practice" else proctor.click(self.random.randint(1, 4))

    def _answer(self) -> str:
        return self.answer if self.random.random() < 0.5 else "wrong"

    def _note_start(self, start: episode_pb2.EpisodeStart) -> None:
        self.notes.entries.append({"kind": "start", "trajectory": start.episode.trajectory, "episode": start.episode.name})

    def _note_step(self, trajectory: str, request: env_pb.StepRequest, reply: env_pb.StepResponse) -> None:
        self.notes.entries.append({
            "kind": "step", "trajectory": trajectory, "index": reply.step_index, "thought": request.agent_data.thought,
            "screenshot": reply.observation.screenshot.digest, "interrupted": reply.interrupted})
