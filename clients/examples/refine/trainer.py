"""The loop: sample tasks, act in groups, take rewards from the stream, update, announce a new version, repeat."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import threading
import time
from typing import Callable

import numpy as np

import proctor
from proctor.v1 import reward_pb2, task_service_pb2 as task_pb

from . import exploration, features
from .experiment import practice_step_limit
from .learn import LEARNERS, Sample
from .policy import LinearPolicy
from .rollout import Job, Result, Runner, masked_because


@dataclasses.dataclass
class Settings:
    """How to train."""

    name: str
    learner: str = "filtered-bc"
    rounds: int = 20
    #: Groups a round and episodes a group.
    groups: int = 16
    group_size: int = 4
    seed: int = 1
    #: Control: rewards permuted among the episodes of a round. Must not learn anything.
    permute_rewards: bool = False
    #: Stop after this many seconds, at the end of a round; 0: never.
    max_seconds: float = 0.0


@dataclasses.dataclass
class Round:
    """What one round did."""

    number: int
    episodes: int
    successes: int
    #: Rewards that are nobody's to learn from, and episodes without any: they did not start.
    masked: int
    missing: int
    frontier: int
    seconds: float
    steps: int
    #: Why rewards are masked or missing, and how many of them.
    reasons: dict[str, int] = dataclasses.field(default_factory=dict)


#: After so many seconds a group comes with the rewards that it has.
GROUP_SECONDS = 300


class GroupRewards:
    """Rewards of groups from the stream, by trajectory, in a thread of its own. The consumer lives as long."""

    def __init__(self, client: proctor.Client, consumer: str):
        self._client = client
        client.create_consumer(consumer, start="latest", filter=reward_pb2.ConsumerFilter(
            delivery=reward_pb2.DELIVERY_GROUPS))
        self._stream = proctor.RewardStream(client, consumer)
        self._condition = threading.Condition()
        self._rewards: dict[str, reward_pb2.Reward] = {}
        self._groups: set[str] = set()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="rewards", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for record in self._stream:
                with self._condition:
                    if record.HasField("group_complete"):
                        for reward in record.group_complete.rewards:
                            self._rewards[reward.trajectory] = reward
                        self._groups.add(record.group_complete.group.name)
                    self._condition.notify_all()
                self._stream.ack(record.offset)
        except Exception as error:  # Handed to whoever waits.
            with self._condition:
                self._failure = error
                self._condition.notify_all()

    def wait(self, groups: list[str], timeout: float) -> dict[str, reward_pb2.Reward]:
        """The rewards of these groups; those not complete after `timeout` seconds are missing."""
        with self._condition:
            self._condition.wait_for(lambda: self._failure or self._groups.issuperset(groups), timeout)
            if self._failure:
                raise self._failure
            return dict(self._rewards)

    def close(self) -> None:
        self._stream.close()
        with contextlib.suppress(proctor.ProctorError):  # A server that cannot be told forgets it in its time.
            self._client.delete_consumer(self._stream.consumer)
        self._thread.join(timeout=5)


def train(client: proctor.Client, runner: Runner, task_filter: task_pb.TaskFilter, settings: Settings,
          progress: Callable[[Round], None], evaluate: Callable[[int, LinearPolicy], None]) -> LinearPolicy:
    """Trains from zero weights; `evaluate(round, policy)` is called before the first and after every round."""
    rng = np.random.default_rng(settings.seed)
    policy = LinearPolicy()
    learner = LEARNERS[settings.learner](features.SIZE)
    rewards = GroupRewards(client, f"{settings.name}-{int(time.time() * 1000)}")
    began = time.monotonic()
    record, tried = exploration.Record(), exploration.Tried()
    try:
        evaluate(0, policy)
        for number in range(1, settings.rounds + 1):
            if settings.max_seconds and time.monotonic() - began > settings.max_seconds:
                break
            started = time.monotonic()
            jobs, groups, frontier = _draw(client, task_filter, settings, number, record, tried)
            results = runner.run(jobs, policy, name=settings.name, version=str(number), wait_for_reward=False)
            # A group with a member that could not start ends at its deadline, and the others' rewards count.
            patience = max(60.0, GROUP_SECONDS + 10 - (time.monotonic() - started))
            samples, masked, missing = _samples(results, rewards.wait(groups, patience))
            if settings.permute_rewards:
                samples = _permuted(samples, rng)
            policy = LinearPolicy(learner.update(policy.weights, samples))
            record.learn([(sample.goal, sample.success) for sample in samples if sample.reward is not None])
            wins = sum(sample.success for sample in samples)
            progress(Round(number, len(results), wins, masked.total(), missing.total(), frontier, time.monotonic() - started,
                           sum(result.steps for result in results), dict(masked + missing)))
            evaluate(number, policy)
    finally:
        rewards.close()
    return policy


def _draw(client: proctor.Client, task_filter: task_pb.TaskFilter, settings: Settings, number: int,
          record: exploration.Record, tried: exploration.Tried) -> tuple[list[Job], list[str], int]:
    """The round's episodes, their groups, and the longest length that is drawn from."""
    reply = client.call(client.tasks.SampleTasks, task_pb.SampleTasksRequest(
        count=2 * settings.groups, filter=task_filter, policy=settings.name, policy_version=str(number),
        seed=settings.seed * 1000 + number))
    jobs, groups = [], []
    for task in (reply.tasks[i] for i in record.choose([task.goal for task in reply.tasks], settings.groups)):
        group = client.create_group(task.name, settings.group_size, policy=settings.name, policy_version=str(number),
                                    deadline=GROUP_SECONDS).name
        groups.append(group)
        trying = round(settings.group_size * record.share(task.goal))
        for member in range(settings.group_size):
            # Mostly one thing is tried: two at once are rarely both right.
            tries = (1 + (member % 3 == 2)) if member < trying else 0
            jobs.append(Job(task, group, seed=settings.seed * 1_000_000 + number * 100 + member, tries=tries, tried=tried,
                            max_steps=practice_step_limit(task)))
    return jobs, groups, reply.frontier_steps


def _samples(results: list[Result], rewards: dict[str, reward_pb2.Reward]
             ) -> tuple[list[Sample], collections.Counter[str], collections.Counter[str]]:
    """What can be learned from, and for what reasons how many rewards are masked and how many missing."""
    samples: list[Sample] = []
    masked: collections.Counter[str] = collections.Counter()
    missing: collections.Counter[str] = collections.Counter()
    for result in results:
        reward = rewards.get(result.trajectory)
        if reward is None:
            missing[result.error or "no reward in time"] += 1
        elif reward.status != reward_pb2.REWARD_STATUS_VALID:
            masked[masked_because(reward)] += 1
        else:
            samples.append(Sample(result.task.name, result.decisions, reward.value, reward.success, result.task.optimal_steps,
                                  result.task.goal))
    return samples, masked, missing


def _permuted(samples: list[Sample], rng: np.random.Generator) -> list[Sample]:
    """The same episodes with each other's rewards, and what these are for."""
    return [dataclasses.replace(sample, reward=samples[other].reward, success=samples[other].success)
            for sample, other in zip(samples, rng.permutation(len(samples)))]
