"""The synchronous client: one method an RPC."""

from __future__ import annotations

import random
import time
from typing import Any, Callable

import grpc

from . import addresses, errors, names, requests
from .security import Security
from .v1 import (environment_service_pb2 as env_pb, environment_service_pb2_grpc as env_grpc,
                 evaluation_service_pb2 as eval_pb, evaluation_service_pb2_grpc as eval_grpc,
                 job_service_pb2 as job_pb, job_service_pb2_grpc as job_grpc, reward_service_pb2 as reward_pb,
                 reward_service_pb2_grpc as reward_grpc, task_service_pb2 as task_pb, task_service_pb2_grpc as task_grpc,
                 trajectory_service_pb2 as trajectory_pb, trajectory_service_pb2_grpc as trajectory_grpc)
from .v1 import (environment_pb2, episode_pb2, job_pb2, label_pb2, measurement_pb2, reflection_pb2, reward_pb2, session_pb2, task_pb2,
                 verdict_pb2)

#: Messages carry screenshots, so the default limit of 4 MiB is too small. A restarted server is found again within seconds,
#: not after gRPC's back-off of up to two minutes; "min_reconnect_backoff" is how long one attempt may take.
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", 256 << 20), ("grpc.max_send_message_length", 256 << 20),
                   ("grpc.initial_reconnect_backoff_ms", 200), ("grpc.min_reconnect_backoff_ms", 5000),
                   ("grpc.max_reconnect_backoff_ms", 2000))

#: With delays of 3 to 9 s together: longer than the channel's pause between attempts to connect, so that a restart of the
#: server is no error.
RETRIES = 6
_JOB_ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


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


class Client:
    """All services of one server. Thread-safe; close it or use it in a `with` statement.

    Calls that only read, and calls made safe by a request id, are retried on UNAVAILABLE with growing delays. Every call has a
    deadline (`timeout` seconds). Errors are subclasses of `proctor.ProctorError`.
    """

    def __init__(self, address: str, security: Security | None = None):
        self.address = address
        self.channel, stubs = (security or Security()).channel(address, CHANNEL_OPTIONS, grpc.insecure_channel, grpc.secure_channel)
        self.environments = env_grpc.EnvironmentServiceStub(stubs)
        self.tasks = task_grpc.TaskServiceStub(stubs)
        self.trajectories = trajectory_grpc.TrajectoryServiceStub(stubs)
        self.evaluations = eval_grpc.EvaluationServiceStub(stubs)
        self.rewards = reward_grpc.RewardServiceStub(stubs)
        self.jobs = job_grpc.JobServiceStub(stubs)

    def close(self) -> None:
        self.channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's method with a deadline; retries UNAVAILABLE if `retry`."""
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
        if not request.request_id:
            request.request_id = names.request_id()
        return self.call(self.environments.StartEpisode, request, timeout)

    def step(self, request: env_pb.StepRequest, timeout: float = 120.0) -> env_pb.StepResponse:
        """Acts and observes. Fills in `request_id`, so that a retry never acts twice."""
        if not request.request_id:
            request.request_id = names.request_id()
        return self.call(self.environments.Step, request, timeout)

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
        return self.call(self.tasks.CreateTask, task_pb.CreateTaskRequest(request_id=names.request_id(), task=task))

    def list_tasks(self, filter: task_pb.TaskFilter | None = None, limit: int = 10_000) -> list[task_pb2.Task]:
        """Tasks in the order of creation."""
        found: list[task_pb2.Task] = []
        token = ""
        while len(found) < limit:
            page = self.call(self.tasks.ListTasks, task_pb.ListTasksRequest(
                page_size=min(1000, limit - len(found)), page_token=token, filter=filter))
            found.extend(page.tasks)
            token = page.next_page_token
            if not token:
                break
        return found

    def sample_tasks(self, count: int, *, filter: task_pb.TaskFilter | None = None, policy: str = "",
                     policy_version: str = "", seed: int = 0, uniform: bool = False) -> list[task_pb2.Task]:
        """Draws tasks: a curriculum over TRAIN unless the filter or `uniform` says otherwise."""
        strategy = task_pb.SAMPLING_STRATEGY_UNIFORM if uniform else task_pb.SAMPLING_STRATEGY_CURRICULUM
        return list(self.call(self.tasks.SampleTasks, task_pb.SampleTasksRequest(
            count=count, filter=filter, policy=policy, policy_version=policy_version, seed=seed,
            strategy=strategy)).tasks)

    def propose_tasks(self, request: task_pb.ProposeTasksRequest, timeout: float = 1800.0,
                      progress: Callable[[job_pb2.Job], None] | None = None) -> task_pb.ProposeTasksResult:
        """Proposes tasks and waits for the job's end."""
        if not request.request_id:
            request.request_id = names.request_id()
        job = self.wait_job(self.call(self.tasks.ProposeTasks, request).name, timeout, progress)
        result = task_pb.ProposeTasksResult()
        job.result.Unpack(result)
        return result

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
                    if job.state in _JOB_ENDED:
                        return self._job_result(job)
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                if not isinstance(failure, errors.Unavailable) or time.monotonic() > deadline:
                    raise failure from None
                time.sleep(0.5)

    @staticmethod
    def _job_result(job: job_pb2.Job) -> job_pb2.Job:
        if job.state == job_pb2.JOB_STATE_SUCCEEDED:
            return job
        raise errors.ProctorError(grpc.StatusCode.UNKNOWN,
                                  f"{job.name} ended {job_pb2.JobState.Name(job.state)}: {job.error_message}")

    # Records.

    def get_trajectory(self, name: str) -> Any:
        """A whole record, pictures by digest."""
        return self.call(self.trajectories.GetTrajectory,
                         trajectory_pb.GetTrajectoryRequest(name=names.resource("trajectories", name)))

    def read_blob(self, digest: str, timeout: float = 60.0) -> bytes:
        """A blob's bytes."""
        try:
            stream = self.trajectories.ReadBlob(trajectory_pb.ReadBlobRequest(digest=digest), timeout=timeout)
            return b"".join(part.data for part in stream)
        except grpc.RpcError as error:
            raise errors.from_rpc(error) from None

    def evaluate(self, trajectory: str, evaluator: str = "oracle", dry_run: bool = False) -> verdict_pb2.Verdict:
        """Evaluates a stored trajectory from its record alone."""
        return self.call(self.evaluations.EvaluateTrajectory, eval_pb.EvaluateTrajectoryRequest(
            request_id=names.request_id(), trajectory=names.resource("trajectories", trajectory),
            evaluator=names.resource("evaluators", evaluator), dry_run=dry_run))

    def get_verdict(self, name: str) -> verdict_pb2.Verdict:
        """One stored verdict, a judge's with its whole trace."""
        return self.call(self.evaluations.GetVerdict, eval_pb.GetVerdictRequest(name=names.resource("verdicts", name)))

    def list_verdicts(self, trajectory: str = "", evaluator: str = "", limit: int = 10_000) -> list[verdict_pb2.Verdict]:
        """Verdicts, newest first; of one trajectory or by one evaluator if these are given."""
        request = eval_pb.ListVerdictsRequest(
            page_size=min(limit, 1000), trajectory=trajectory and names.resource("trajectories", trajectory),
            evaluator=evaluator and names.resource("evaluators", evaluator))
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
        request.evaluators[:] = [names.resource("evaluators", name) for name in request.evaluators]
        request.trajectories[:] = [names.resource("trajectories", name) for name in request.trajectories]
        if not request.request_id:
            request.request_id = names.request_id()
        job = self.wait_job(self.call(self.evaluations.Rescore, request).name, timeout, progress)
        result = eval_pb.RescoreResult()
        job.result.Unpack(result)
        return result

    def reflect(self, trajectory: str, verdict: str = "", previous: str = "", timeout: float = 600.0) -> reflection_pb2.Reflection:
        """A short plan for another attempt, made by the server's model from a failed one and its verdict (default: the newest)."""
        return self.call(self.evaluations.Reflect, eval_pb.ReflectRequest(
            trajectory=names.resource("trajectories", trajectory), verdict=verdict and names.resource("verdicts", verdict),
            previous=previous and names.resource("reflections", previous)), timeout=timeout)

    def label(self, trajectory: str, outcome: str, annotator: str, *, note: str = "", sample: str = "") -> label_pb2.Label:
        """Stores a person's verdict: `outcome` is "SUCCESS", "FAILURE" or "UNDETERMINED"."""
        return self.call(self.evaluations.LabelTrajectory, eval_pb.LabelTrajectoryRequest(label=label_pb2.Label(
            trajectory=names.resource("trajectories", trajectory), annotator=annotator, note=note,
            outcome=verdict_pb2.Outcome.Value(f"OUTCOME_{outcome}"),
            label_sample=sample and names.resource("labelSamples", sample))))

    def measure_evaluator(self, request: eval_pb.MeasureEvaluatorRequest, timeout: float = 3600.0,
                          progress: Callable[[job_pb2.Job], None] | None = None) -> measurement_pb2.EvaluatorMeasurement:
        """Measures an evaluator's stored verdicts against labels or the oracle and waits for the job's end."""
        request.evaluator = names.resource("evaluators", request.evaluator)
        if not request.request_id:
            request.request_id = names.request_id()
        job = self.wait_job(self.call(self.evaluations.MeasureEvaluator, request).name, timeout, progress)
        result = measurement_pb2.EvaluatorMeasurement()
        job.result.Unpack(result)
        return result

    # Rewards.

    def create_group(self, task: str, size: int, *, policy: str = "", policy_version: str = "",
                     deadline: float | None = None, replace_masked: bool = False) -> reward_pb2.Group:
        """Declares `size` episodes of one task that are compared with each other; `deadline` in seconds from now."""
        group = reward_pb2.Group(task=names.resource("tasks", task), size=size, policy=policy,
                                 policy_version=policy_version, replace_masked=replace_masked)
        if deadline is not None:
            group.deadline_time.FromNanoseconds(int((time.time() + deadline) * 1e9))
        return self.call(self.rewards.CreateGroup,
                         reward_pb.CreateGroupRequest(request_id=names.request_id(), group=group))

    def create_consumer(self, name: str, *, filter: reward_pb2.ConsumerFilter | None = None,
                        start: str | int = "latest") -> reward_pb2.Consumer:
        """Makes a named reader of the reward log; `start` is "earliest", "latest" or an offset to go on after."""
        position = reward_pb.StartPosition()
        if isinstance(start, int):
            position.after_offset = start
        elif start in ("earliest", "latest"):
            setattr(position, start, True)
        else:
            raise ValueError(f"start must be 'earliest', 'latest' or an offset, not {start!r}")
        return self.call(self.rewards.CreateConsumer, reward_pb.CreateConsumerRequest(
            name=names.resource("consumers", name), filter=filter, start=position))

    def list_rewards(self, after_offset: int = 0, *, filter: reward_pb2.ConsumerFilter | None = None,
                     page_size: int = 100, max_wait: float = 0.0) -> reward_pb.ListRewardsResponse:
        """One page of the log, for those who poll."""
        request = reward_pb.ListRewardsRequest(after_offset=after_offset, page_size=page_size, filter=filter)
        request.max_wait.FromMilliseconds(int(max_wait * 1000))
        return self.call(self.rewards.ListRewards, request, 30 + max_wait)
