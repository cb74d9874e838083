"""The synchronous client: one method an RPC."""

from __future__ import annotations

import random
import time
from typing import Any, Callable, Iterator

import grpc

from . import addresses, errors, jobs, names, requests, rewards
from .security import Security
from .stubs import RETRIES, Stubs
from .v1 import (environment_service_pb2 as env_pb, evaluation_service_pb2 as eval_pb, job_service_pb2 as job_pb,
                 reward_service_pb2 as reward_pb, task_service_pb2 as task_pb, trajectory_service_pb2 as trajectory_pb)
from .v1 import (environment_pb2, episode_pb2, job_pb2, label_pb2, measurement_pb2, reflection_pb2, reward_pb2, session_pb2, task_pb2,
                 trajectory_pb2, verdict_pb2)


def connect(address: str | None = None, *, timeout: float = 10.0, security: Security | None = None) -> "Client":
    """Connects to a proctord and waits until it answers.

    Args:
      address: "unix:/path/to.sock" or "host:port"; default: see `addresses.default_address`.
      timeout: seconds to wait for the server; `Unavailable` afterwards.
      security: TLS and token; default: from the environment. Whether the token is good shows in the first call
        (`Unauthenticated`, `PermissionDenied`).
    """
    address = address or addresses.default_address()
    addresses.check_address(address)
    client = Client(address, security)
    try:
        grpc.channel_ready_future(client.channel).result(timeout)
    except grpc.FutureTimeoutError:
        client.close()
        raise errors.Unavailable(grpc.StatusCode.UNAVAILABLE,
                                 addresses.why_unreachable(client.address, (security or Security()).tls())) from None
    return client


class Client(Stubs):
    """All services of one server. Thread-safe; close it or use it in a `with` statement.

    Calls whose second time does no more than the first are retried on UNAVAILABLE with growing delays; see `call`. Every call
    has a deadline (`timeout` seconds). Errors are subclasses of `proctor.ProctorError`.
    """

    def __init__(self, address: str, security: Security | None = None):
        """Connects with the first call; `proctor.connect` also waits for the server."""
        super().__init__(address, security, grpc.insecure_channel, grpc.secure_channel)

    def close(self) -> None:
        """Closes the channel; calls that are under way end as `Cancelled`."""
        self.channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's unary method with a deadline.

        Sends a copy with an empty `request_id` filled in, where the request has that field. UNAVAILABLE, where the reply may have
        been lost, is retried if `retry` and a second call does no more than the first: all but accepting and rejecting tasks,
        pausing and resuming jobs, deleting consumers and trajectories.
        """
        retry = retry and requests.is_repeatable(request)
        request = requests.with_id(request)
        deadline = time.monotonic() + timeout
        for attempt in range(RETRIES + 1):
            try:
                return method(request, timeout=max(0.001, deadline - time.monotonic()))
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                delay = failure.retry_after or 0.1 * 2**attempt * random.uniform(0.5, 1.5)
                transient = isinstance(failure, errors.Unavailable)
                if not (retry and transient) or attempt == RETRIES or time.monotonic() + delay > deadline:
                    raise failure from None
                time.sleep(delay)
        raise AssertionError("unreachable")

    # Worlds.

    def list_environments(self) -> list[environment_pb2.Environment]:
        """All environments and what they can do."""
        return list(self.call(self.environments.ListEnvironments, env_pb.ListEnvironmentsRequest()).environments)

    def create_session(self, environment: str, settings: environment_pb2.EnvironmentSettings | None = None, *,
                       lease: float = 60.0, max_wait: float = 0.0, timeout: float = 120.0) -> session_pb2.Session:
        """Opens a session. Raises `ResourceExhausted` if no slot is free within `max_wait` seconds."""
        request = requests.create_session(environment, settings, lease, max_wait)
        return self.call(self.environments.CreateSession, request, timeout + max_wait)

    def keep_alive(self, session: str) -> session_pb2.Session:
        """Renews the session's lease."""
        return self.call(self.environments.KeepAlive, env_pb.KeepAliveRequest(name=session))

    def close_session(self, session: str) -> session_pb2.Session:
        """Frees the session; closing twice is fine."""
        return self.call(self.environments.CloseSession, env_pb.CloseSessionRequest(name=session))

    def start_episode(self, request: env_pb.StartEpisodeRequest, timeout: float = 120.0) -> episode_pb2.EpisodeStart:
        """Resets the session's world to a task's start. Fills in `request_id`."""
        return self.call(self.environments.StartEpisode, requests.fill_in_id(request), timeout)

    def step(self, request: env_pb.StepRequest, timeout: float = 120.0) -> env_pb.StepResponse:
        """Acts and observes. Fills in `request_id`, so that a retry never acts twice."""
        return self.call(self.environments.Step, requests.fill_in_id(request), timeout)

    def end_episode(self, session: str, *, done: bool = False, wait_for_verdict: float | None = None
                    ) -> episode_pb2.Episode:
        """Ends the open episode: judged as it stands if `done`, else cancelled (its reward is masked).

        `wait_for_verdict`: seconds until it is answered without verdict and reward; None: up to 5 where an oracle decides,
        at once where a judge does.
        """
        request = requests.end_episode(session, done, wait_for_verdict)
        return self.call(self.environments.EndEpisode, request, 60 + (wait_for_verdict or 5))

    def wait_episode(self, name: str, max_wait: float = 30.0) -> episode_pb2.Episode:
        """The episode once verdict and reward are there, or as it stands after `max_wait` seconds."""
        return self.call(self.environments.WaitEpisode, requests.wait_episode(name, max_wait), max_wait + 30)

    # Tasks.

    def create_task(self, task: task_pb2.Task) -> task_pb2.Task:
        """Stores a task."""
        return self.call(self.tasks.CreateTask, requests.create_task(task))

    def list_tasks(self, filter: task_pb.TaskFilter | None = None, limit: int = 10_000) -> list[task_pb2.Task]:
        """Tasks in the order of creation."""
        request = task_pb.ListTasksRequest(filter=filter)
        found: list[task_pb2.Task] = []
        while len(found) < limit:
            request.page_size = min(requests.PAGE, limit - len(found))
            page = self.call(self.tasks.ListTasks, request)
            found.extend(page.tasks)
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        return found

    def sample_tasks(self, count: int, *, filter: task_pb.TaskFilter | None = None, policy: str = "",
                     policy_version: str = "", seed: int = 0, uniform: bool = False) -> list[task_pb2.Task]:
        """Draws tasks: a curriculum over TRAIN unless the filter or `uniform` says otherwise."""
        request = requests.sample_tasks(count, filter, policy, policy_version, seed, uniform)
        return list(self.call(self.tasks.SampleTasks, request).tasks)

    def propose_tasks(self, request: task_pb.ProposeTasksRequest, timeout: float = 1800.0,
                      progress: Callable[[job_pb2.Job], None] | None = None) -> task_pb.ProposeTasksResult:
        """Proposes tasks and waits for the job's end."""
        job = self.call(self.tasks.ProposeTasks, requests.fill_in_id(request))
        return jobs.result(self.wait_job(job.name, timeout, progress), task_pb.ProposeTasksResult)

    # Jobs.

    def wait_job(self, name: str, timeout: float = 600.0,
                 progress: Callable[[job_pb2.Job], None] | None = None) -> job_pb2.Job:
        """Watches a job to its end; raises `ProctorError` if it did not succeed."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                stream = self.jobs.WatchJob(job_pb.WatchJobRequest(name=name),
                                            timeout=max(0.001, deadline - time.monotonic()))
                for job in stream:
                    if progress:
                        progress(job)
                    if jobs.has_ended(job):
                        return jobs.checked(job)
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                if not isinstance(failure, errors.Unavailable) or time.monotonic() > deadline:
                    raise failure from None
            time.sleep(0.5)

    # Records.

    def get_trajectory(self, name: str) -> trajectory_pb2.Trajectory:
        """A whole record, pictures by digest."""
        return self.call(self.trajectories.GetTrajectory, requests.get_trajectory(name))

    def read_blob(self, digest: str, timeout: float = 60.0) -> bytes:
        """A blob's bytes."""
        try:
            stream = self.trajectories.ReadBlob(trajectory_pb.ReadBlobRequest(digest=digest), timeout=timeout)
            return b"".join(part.data for part in stream)
        except grpc.RpcError as error:
            raise errors.from_rpc(error) from None

    def evaluate(self, trajectory: str, evaluator: str = "oracle", dry_run: bool = False) -> verdict_pb2.Verdict:
        """Evaluates a stored trajectory from its record alone."""
        return self.call(self.evaluations.EvaluateTrajectory, requests.evaluate(trajectory, evaluator, dry_run))

    def get_verdict(self, name: str) -> verdict_pb2.Verdict:
        """One stored verdict, a judge's with its whole trace."""
        return self.call(self.evaluations.GetVerdict, requests.get_verdict(name))

    def list_verdicts(self, trajectory: str = "", evaluator: str = "", limit: int = 10_000) -> list[verdict_pb2.Verdict]:
        """Verdicts, newest first; of one trajectory or by one evaluator if these are given."""
        request = requests.list_verdicts(trajectory, evaluator, limit)
        found: list[verdict_pb2.Verdict] = []
        while len(found) < limit:
            page = self.call(self.evaluations.ListVerdicts, request)
            found.extend(page.verdicts)
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        return found[:limit]

    def rescore(self, request: eval_pb.RescoreRequest, timeout: float = 24 * 3600.0,
                progress: Callable[[job_pb2.Job], None] | None = None) -> eval_pb.RescoreResult:
        """Evaluates recorded trajectories by one or more evaluators and waits for the job's end.

        What has a verdict already is not evaluated again; names may leave their collection out ("pae").
        """
        job = self.call(self.evaluations.Rescore, requests.complete_rescore(request))
        return jobs.result(self.wait_job(job.name, timeout, progress), eval_pb.RescoreResult)

    def reflect(self, trajectory: str, verdict: str = "", previous: str = "", timeout: float = 600.0) -> reflection_pb2.Reflection:
        """A short plan for another attempt, made by the server's model from a failed one and its verdict (default: the newest)."""
        return self.call(self.evaluations.Reflect, requests.reflect(trajectory, verdict, previous), timeout)

    def label(self, trajectory: str, outcome: str, annotator: str, *, note: str = "", sample: str = "") -> label_pb2.Label:
        """Stores a person's verdict: `outcome` is "SUCCESS", "FAILURE" or "UNDETERMINED"."""
        return self.call(self.evaluations.LabelTrajectory, requests.label(trajectory, outcome, annotator, note, sample))

    def measure_evaluator(self, request: eval_pb.MeasureEvaluatorRequest, timeout: float = 3600.0,
                          progress: Callable[[job_pb2.Job], None] | None = None) -> measurement_pb2.EvaluatorMeasurement:
        """Measures an evaluator's stored verdicts against labels or the oracle and waits for the job's end."""
        job = self.call(self.evaluations.MeasureEvaluator, requests.complete_measurement(request))
        return jobs.result(self.wait_job(job.name, timeout, progress), measurement_pb2.EvaluatorMeasurement)

    # Rewards.

    def create_group(self, task: str, size: int, *, policy: str = "", policy_version: str = "",
                     deadline: float | None = None, replace_masked: bool = False) -> reward_pb2.Group:
        """Declares `size` episodes of one task that are compared with each other; `deadline` in seconds from now."""
        return self.call(self.rewards.CreateGroup,
                         requests.create_group(task, size, policy, policy_version, deadline, replace_masked))

    def create_consumer(self, name: str, *, filter: reward_pb2.ConsumerFilter | None = None,
                        start: str | int = "latest") -> reward_pb2.Consumer:
        """Makes a named reader of the reward log; `start` is "earliest", "latest" or an offset to go on after."""
        return self.call(self.rewards.CreateConsumer, requests.create_consumer(name, filter, start))

    def list_rewards(self, after_offset: int = 0, *, filter: reward_pb2.ConsumerFilter | None = None,
                     page_size: int = 100, max_wait: float = 0.0) -> reward_pb.ListRewardsResponse:
        """One page of the log, for those who poll."""
        return self.call(self.rewards.ListRewards, requests.list_rewards(after_offset, filter, page_size, max_wait), 30 + max_wait)

    def stream_rewards(self, consumer: str, *, credits: int = 256, patience: float = 60.0) -> Iterator[reward_pb2.RewardRecord]:
        """Reward records of a consumer, each acknowledged when the next one is asked for; see `proctor.RewardStream`, which is for
        those who acknowledge by hand."""
        with rewards.RewardStream(self, consumer, credits=credits, patience=patience) as stream:
            for record in stream:
                yield record
                stream.ack(record.offset)
