"""Episodes: a policy acts through the API in parallel sessions."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import math
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any, Callable, Sequence

import numpy as np

import proctor
from proctor.v1 import action_pb2, episode_pb2, reward_pb2, task_pb2

from . import features
from .exploration import Trial, Tried
from .policy import Decision

if TYPE_CHECKING:
    from .places import Place


#: How often an episode is started before it is given up.
STARTS = 3


@dataclasses.dataclass(frozen=True)
class Job:
    """One episode to run."""

    task: task_pb2.Task
    group: str = ""
    seed: int = 0
    #: Steps at which something is tried out instead of what the policy would do; which ones is drawn. Needs `tried`.
    tries: int = 0
    tried: Tried | None = None
    #: 0: the runner's limit.
    max_steps: int = 0


@dataclasses.dataclass
class Result:
    """One episode that was run."""

    task: task_pb2.Task
    trajectory: str = ""
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    #: nan: masked or not known yet.
    reward: float = math.nan
    #: The record says that the verdict was SUCCESS. The reward's sign does not tell: steps may cost more than success brings, and failure may
    #: bring something.
    succeeded: bool = False
    #: Why it counts for nothing; "" where it counts.
    masked: str = ""
    steps: int = 0
    error: str = ""
    #: Seconds in the server's Step and in choosing.
    server_seconds: float = 0.0
    policy_seconds: float = 0.0

    @property
    def success(self) -> float:
        """1 or 0, to be counted."""
        return float(self.succeeded)


class Runner:
    """Runs episodes on `sessions` sessions of one place's environment, one thread each."""

    def __init__(self, client: proctor.Client, place: Place, sessions: int, step_limit: Callable[[task_pb2.Task], int]):
        self.client = client
        self.place = place
        self.step_limit = step_limit
        self._pool = concurrent.futures.ThreadPoolExecutor(sessions, thread_name_prefix="rollout")
        self._local = threading.local()
        self._envs: list[proctor.Env] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def close(self) -> None:
        """Lets running episodes end, closes the sessions."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for env in self._envs:
            try:
                env.close()
            except proctor.ProctorError:
                pass  # The server reaps what it can't be told of.

    def run(self, jobs: Sequence[Job], policy: Any, *, name: str, version: str, greedy: bool = False,
            wait_for_reward: bool = True, also_observe: Sequence[str] = (),
            on_done: Callable[[Result], None] | None = None) -> list[Result]:
        """Runs all jobs; results in their order. A failed episode is a result with `error`, never a reward of 0. `also_observe`: parts
        beside those that the place's policies look at."""
        observe = (*self.place.observe, *also_observe)
        reference = episode_pb2.PolicyRef(policy=name, version=version)

        def one(job: Job) -> Result:
            result = self._episode(job, policy, reference, greedy, wait_for_reward, observe)
            if on_done:
                on_done(result)
            return result

        futures = [self._pool.submit(one, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            self._stopping.set()
            for future in futures:
                future.cancel()
            raise

    def each(self, work: Callable[[proctor.Env, task_pb2.Task], None], tasks: Sequence[task_pb2.Task]) -> None:
        """Calls `work` for every task on one of the sessions, several at a time."""
        def one(task: task_pb2.Task) -> None:
            env = self._env()
            env.policy = episode_pb2.PolicyRef()
            env.observation = proctor.observation_request(self.place.observe)
            env.verdict_wait = 30.0
            work(env, task)

        list(self._pool.map(one, tasks))

    def _env(self) -> proctor.Env:
        env = getattr(self._local, "env", None)
        if env is None:
            env = proctor.Env(self.client, self.place.environment, settings=self.place.settings, observe=())
            self._local.env = env
            with self._lock:
                self._envs.append(env)
        return env

    def _episode(self, job: Job, policy: Any, reference: episode_pb2.PolicyRef, greedy: bool, wait_for_reward: bool,
                 observe: Sequence[str]) -> Result:
        result = Result(job.task)
        if self._stopping.is_set():
            result.error = "stopped"
            return result
        env = self._env()
        env.policy = reference
        env.observation = proctor.observation_request(tuple(observe))
        env.verdict_wait = 30.0 if wait_for_reward else 0.0
        rng = np.random.default_rng([job.seed, zlib.crc32(job.task.name.encode())])
        for attempt in range(STARTS):
            try:
                self._play(env, job, policy, rng, greedy, result)
                break
            except proctor.ProctorError as error:
                result.error = str(error)
                with contextlib.suppress(proctor.ProctorError):  # The next start opens another session; the lease ends this one.
                    env.close()
            # What has not started has its group's place back: it starts again, so that the group is not short of one.
            if result.trajectory or attempt + 1 == STARTS or self._stopping.wait(1.0):
                break
            result = Result(job.task)
        return result

    def _play(self, env: proctor.Env, job: Job, policy: Any, rng: np.random.Generator, greedy: bool,
              result: Result) -> None:
        limits = task_pb2.Limits(max_steps=job.max_steps or self.step_limit(job.task))
        trial = _trial(job, rng)
        observation, info = env.reset(options={"task": job.task, "group": job.group, "limits": limits})
        result.trajectory = info["episode"].trajectory
        history = features.History()
        while True:
            started = time.monotonic()
            page = self.place.digest(observation)
            options = self.place.candidates(page, job.task.goal)
            decision = policy.choose(page, job.task.goal, options, history, rng, greedy, trial)
            chosen = options[decision.chosen]
            result.decisions.append(decision)
            data = action_pb2.AgentData(raw_output=f"{chosen.kind}: {chosen.text}", log_probs=[decision.log_prob])
            result.policy_seconds += time.monotonic() - started
            started = time.monotonic()
            observation, reward, terminated, truncated, info = env.step(chosen.action(), data)
            result.server_seconds += time.monotonic() - started
            result.steps += 1
            history = history.after(chosen, bool(observation.action_error), page.everything)
            if terminated or truncated:
                result.reward = reward
                result.succeeded = info["episode"].reward.success
                result.masked = _told(info.get("masked", ""), info["episode"].reward.mask_message)
                return


def masked_because(reward: reward_pb2.Reward) -> str:
    """Of a masked reward, for people."""
    return _told(reward_pb2.MaskReason.Name(reward.mask_reason), reward.mask_message)


def _told(reason: str, message: str) -> str:
    reason = reason.removeprefix("MASK_REASON_")
    return f"{reason}: {message}" if reason and message else reason


def _trial(job: Job, rng: np.random.Generator) -> Trial | None:
    steps = job.task.optimal_steps
    if not job.tries or not steps or job.tried is None:
        return None
    trying = rng.choice(steps, min(job.tries, steps), replace=False)
    return Trial(job.task.goal, steps, frozenset(int(step) for step in trying), job.tried)
