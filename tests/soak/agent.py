"""A client that may be killed: fills a group with episodes on parallel sessions, until it is over, and writes down what was acknowledged.

Its journal has a "start" for each episode that it was given, and a "step" for each step that the server acknowledged, with
a word of its own (`thought`) and the screenshot's digest, to be found again in the record.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import random
import time

import proctor
from journal import Journal
from proctor.v1 import action_pb2, environment_service_pb2 as env_pb, episode_pb2, reward_pb2, reward_service_pb2 as reward_pb

LEASE_SECONDS = 5.0
#: A move in the null world, whose episodes would otherwise be over before anything can be killed.
MOVE_SECONDS = 0.2


class Agent:
    """One session after another, until the group is over."""

    def __init__(self, client: proctor.Client, options: argparse.Namespace, journal: Journal, worker: int):
        self.client = client
        self.options = options
        self.journal = journal
        self.random = random.Random(f"{options.seed}/{worker}")
        self.observation = proctor.observation_request(
            ("screenshot", "elements") if options.environment == "practice" else ("text",))
        self.session = ""

    def run(self) -> None:
        deadline = time.monotonic() + self.options.patience
        while time.monotonic() < deadline:
            try:
                group = self.client.call(self.client.rewards.GetGroup, reward_pb.GetGroupRequest(name=self.options.group))
                if group.state != reward_pb2.GROUP_STATE_OPEN:
                    break
                if group.started < group.size:
                    self._episode()
                else:
                    # A place may come free: that of an episode which could not start.
                    time.sleep(0.1)
            except proctor.ProctorError as error:
                # The session may be gone, or its episode in a state that we were not told: a fresh one.
                self.journal.write(kind="error", message=str(error))
                self._drop_session()
                time.sleep(0.1)
        self._drop_session()

    def _drop_session(self) -> None:
        try:
            if self.session:
                self.client.call(self.client.environments.CloseSession, env_pb.CloseSessionRequest(name=self.session),
                                 timeout=20)
        except proctor.ProctorError:
            pass  # Its lease runs out.
        self.session = ""

    def _episode(self) -> None:
        if not self.session:
            self.session = self.client.create_session(self.options.environment, lease=LEASE_SECONDS, max_wait=30).name
        start = self.client.start_episode(env_pb.StartEpisodeRequest(
            session=self.session, task=self.options.task, group=self.options.group, observation=self.observation,
            policy=episode_pb2.PolicyRef(policy="soak", version="1")))
        trajectory = start.episode.trajectory
        self.journal.write(kind="start", trajectory=trajectory, episode=start.episode.name)
        marks = [element.mark for element in start.observation.elements]
        for _ in range(self.random.randint(1, 4)):
            reply = self._step(trajectory, self._move(marks))
            if reply.terminated or reply.truncated or reply.interrupted:
                return
            marks = [element.mark for element in reply.observation.elements]
        self._step(trajectory, proctor.answer(self.options.answer if self.random.random() < 0.5 else "wrong"))

    def _move(self, marks: list[int]) -> action_pb2.Action:
        if marks and self.random.random() < 0.7:
            return proctor.click(self.random.choice(marks))
        return proctor.scroll() if self.options.environment == "practice" else proctor.wait(MOVE_SECONDS)

    def _step(self, trajectory: str, action: action_pb2.Action) -> env_pb.StepResponse:
        thought = f"{self.options.seed} {self.random.getrandbits(64):016x}"
        request = env_pb.StepRequest(session=self.session, action=action, observation=self.observation,
                                     agent_data=action_pb2.AgentData(thought=thought))
        reply = self.client.step(request, timeout=60)
        self.journal.write(kind="step", trajectory=trajectory, index=reply.step_index, thought=thought,
                           screenshot=reply.observation.screenshot.digest, interrupted=reply.interrupted)
        return reply


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("address", "environment", "group", "task", "answer", "seed", "journal"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--patience", type=float, default=120.0)
    options = parser.parse_args()
    journal = Journal(options.journal)
    with proctor.connect(options.address, timeout=options.patience) as client:
        with concurrent.futures.ThreadPoolExecutor(options.sessions) as pool:
            for done in [pool.submit(Agent(client, options, journal, worker).run) for worker in range(options.sessions)]:
                done.result()


if __name__ == "__main__":
    main()
