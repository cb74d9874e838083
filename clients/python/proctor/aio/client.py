"""`proctor.Client`, awaited."""

from __future__ import annotations

import asyncio
import random
from typing import Any, AsyncIterator, Callable

import grpc

from .. import addresses, errors, jobs, names, requests
from ..security import Security
from ..stubs import RETRIES, Stubs
from ..v1 import (environment_service_pb2 as env_pb, evaluation_service_pb2 as eval_pb, job_service_pb2 as job_pb,
                 reward_service_pb2 as reward_pb, task_service_pb2 as task_pb, trajectory_service_pb2 as trajectory_pb)
from ..v1 import (environment_pb2, episode_pb2, job_pb2, label_pb2, measurement_pb2, reflection_pb2, reward_pb2, session_pb2, task_pb2,
                 trajectory_pb2, verdict_pb2)
from . import rewards


def connect(address: str | None = None, *, security: Security | None = None) -> "Client":
    """A client for `async with`; see `proctor.connect` for addresses and security. Does not wait for the server."""
    address = address or addresses.default_address()
    addresses.check_address(address)
    return Client(address, security)


class Client(Stubs):
    """All services of one server, for asyncio: the methods of `proctor.Client`. Use it within one event loop."""

    def __init__(self, address: str, security: Security | None = None):
        """Connects with the first call."""
        super().__init__(address, security, grpc.aio.insecure_channel, grpc.aio.secure_channel)

    async def close(self) -> None:
        """Closes the channel; calls that are under way are cancelled."""
        await self.channel.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's unary method with a deadline; what is filled in and what is retried: see `proctor.Client.call`."""
        retry = retry and requests.is_repeatable(request)
        request = requests.with_id(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for attempt in range(RETRIES + 1):
            try:
                return await method(request, timeout=max(0.001, deadline - loop.time()))
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                delay = failure.retry_after or 0.1 * 2**attempt * random.uniform(0.5, 1.5)
                transient = isinstance(failure, errors.Unavailable)
                if not (retry and transient) or attempt == RETRIES or loop.time() + delay > deadline:
                    raise failure from None
                await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    # Worlds.

    async def list_environments(self) -> list[environment_pb2.Environment]:
        """All environments and what they can do."""
        return list((await self.call(self.environments.ListEnvironments, env_pb.ListEnvironmentsRequest())).environments)

    async def create_session(self, environment: str, settings: environment_pb2.EnvironmentSettings | None = None, *,
                             lease: float = 60.0, max_wait: float = 0.0, timeout: float = 120.0) -> session_pb2.Session:
        """Opens a session. Raises `ResourceExhausted` if no slot is free within `max_wait` seconds."""
        request = requests.create_session(environment, settings, lease, max_wait)
        return await self.call(self.environments.CreateSession, request, timeout + max_wait)

    async def keep_alive(self, session: str) -> session_pb2.Session:
        """Renews the session's lease."""
        return await self.call(self.environments.KeepAlive, env_pb.KeepAliveRequest(name=session))

    async def close_session(self, session: str) -> session_pb2.Session:
        """Frees the session; closing twice is fine."""
        return await self.call(self.environments.CloseSession, env_pb.CloseSessionRequest(name=session))

    async def start_episode(self, request: env_pb.StartEpisodeRequest, timeout: float = 120.0) -> episode_pb2.EpisodeStart:
        """Resets the session's world to a task's start. Fills in `request_id`."""
        return await self.call(self.environments.StartEpisode, requests.fill_in_id(request), timeout)

    async def step(self, request: env_pb.StepRequest, timeout: float = 120.0) -> env_pb.StepResponse:
        """Acts and observes. Fills in `request_id`, so that a retry never acts twice."""
        return await self.call(self.environments.Step, requests.fill_in_id(request), timeout)

    async def end_episode(self, session: str, *, done: bool = False, wait_for_verdict: float | None = None
                          ) -> episode_pb2.Episode:
        """Ends the open episode: judged as it stands if `done`, else cancelled (its reward is masked).

        `wait_for_verdict`: seconds until it is answered without verdict and reward; None: up to 5 where an oracle decides,
        at once where a judge does.
        """
        request = requests.end_episode(session, done, wait_for_verdict)
        return await self.call(self.environments.EndEpisode, request, 60 + (wait_for_verdict or 5))

    async def wait_episode(self, name: str, max_wait: float = 30.0) -> episode_pb2.Episode:
        """The episode once verdict and reward are there, or as it stands after `max_wait` seconds."""
        return await self.call(self.environments.WaitEpisode, requests.wait_episode(name, max_wait), max_wait + 30)

    # Tasks.

    async def create_task(self, task: task_pb2.Task) -> task_pb2.Task:
        """Stores a task."""
        return await self.call(self.tasks.CreateTask, requests.create_task(task))

    async def list_tasks(self, filter: task_pb.TaskFilter | None = None, limit: int = 10_000) -> list[task_pb2.Task]:
        """Tasks in the order of creation."""
        request = task_pb.ListTasksRequest(filter=filter)
        found: list[task_pb2.Task] = []
        while len(found) < limit:
            request.page_size = min(requests.PAGE, limit - len(found))
            page = await self.call(self.tasks.ListTasks, request)
            found.extend(page.tasks)
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        return found

    async def sample_tasks(self, count: int, *, filter: task_pb.TaskFilter | None = None, policy: str = "",
                           policy_version: str = "", seed: int = 0, uniform: bool = False) -> list[task_pb2.Task]:
        """Draws tasks: a curriculum over TRAIN unless the filter or `uniform` says otherwise."""
        request = requests.sample_tasks(count, filter, policy, policy_version, seed, uniform)
        return list((await self.call(self.tasks.SampleTasks, request)).tasks)

    async def propose_tasks(self, request: task_pb.ProposeTasksRequest, timeout: float = 1800.0,
                            progress: Callable[[job_pb2.Job], None] | None = None) -> task_pb.ProposeTasksResult:
        """Proposes tasks and waits for the job's end."""
        job = await self.call(self.tasks.ProposeTasks, requests.fill_in_id(request))
        return jobs.result(await self.wait_job(job.name, timeout, progress), task_pb.ProposeTasksResult)

    # Jobs.

    async def wait_job(self, name: str, timeout: float = 600.0,
                       progress: Callable[[job_pb2.Job], None] | None = None) -> job_pb2.Job:
        """Watches a job to its end; raises `ProctorError` if it did not succeed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            try:
                stream = self.jobs.WatchJob(job_pb.WatchJobRequest(name=name),
                                            timeout=max(0.001, deadline - loop.time()))
                async for job in stream:
                    if progress:
                        progress(job)
                    if jobs.has_ended(job):
                        return jobs.checked(job)
            except grpc.RpcError as error:
                failure = errors.from_rpc(error)
                if not isinstance(failure, errors.Unavailable) or loop.time() > deadline:
                    raise failure from None
            await asyncio.sleep(0.5)

    # Records.

    async def get_trajectory(self, name: str) -> trajectory_pb2.Trajectory:
        """A whole record, pictures by digest."""
        return await self.call(self.trajectories.GetTrajectory, requests.get_trajectory(name))

    async def read_blob(self, digest: str, timeout: float = 60.0) -> bytes:
        """A blob's bytes."""
        try:
            stream = self.trajectories.ReadBlob(trajectory_pb.ReadBlobRequest(digest=digest), timeout=timeout)
            return b"".join([part.data async for part in stream])
        except grpc.RpcError as error:
            raise errors.from_rpc(error) from None

    async def evaluate(self, trajectory: str, evaluator: str = "oracle", dry_run: bool = False) -> verdict_pb2.Verdict:
        """Evaluates a stored trajectory from its record alone."""
        return await self.call(self.evaluations.EvaluateTrajectory, requests.evaluate(trajectory, evaluator, dry_run))

    async def get_verdict(self, name: str) -> verdict_pb2.Verdict:
        """One stored verdict, a judge's with its whole trace."""
        return await self.call(self.evaluations.GetVerdict, requests.get_verdict(name))

    async def list_verdicts(self, trajectory: str = "", evaluator: str = "", limit: int = 10_000) -> list[verdict_pb2.Verdict]:
        """Verdicts, newest first; of one trajectory or by one evaluator if these are given."""
        request = requests.list_verdicts(trajectory, evaluator, limit)
        found: list[verdict_pb2.Verdict] = []
        while len(found) < limit:
            page = await self.call(self.evaluations.ListVerdicts, request)
            found.extend(page.verdicts)
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        return found[:limit]

    async def rescore(self, request: eval_pb.RescoreRequest, timeout: float = 24 * 3600.0,
                      progress: Callable[[job_pb2.Job], None] | None = None) -> eval_pb.RescoreResult:
        """Evaluates recorded trajectories by one or more evaluators and waits for the job's end.

        What has a verdict already is not evaluated again; names may leave their collection out ("pae").
        """
        job = await self.call(self.evaluations.Rescore, requests.complete_rescore(request))
        return jobs.result(await self.wait_job(job.name, timeout, progress), eval_pb.RescoreResult)

    async def reflect(self, trajectory: str, verdict: str = "", previous: str = "", timeout: float = 600.0) -> reflection_pb2.Reflection:
        """A short plan for another attempt, made by the server's model from a failed one and its verdict (default: the newest)."""
        return await self.call(self.evaluations.Reflect, requests.reflect(trajectory, verdict, previous), timeout)

    async def label(self, trajectory: str, outcome: str, annotator: str, *, note: str = "", sample: str = "") -> label_pb2.Label:
        """Stores a person's verdict: `outcome` is "SUCCESS", "FAILURE" or "UNDETERMINED"."""
        return await self.call(self.evaluations.LabelTrajectory, requests.label(trajectory, outcome, annotator, note, sample))

    async def measure_evaluator(self, request: eval_pb.MeasureEvaluatorRequest, timeout: float = 3600.0,
                                progress: Callable[[job_pb2.Job], None] | None = None) -> measurement_pb2.EvaluatorMeasurement:
        """Measures an evaluator's stored verdicts against labels or the oracle and waits for the job's end."""
        job = await self.call(self.evaluations.MeasureEvaluator, requests.complete_measurement(request))
        return jobs.result(await self.wait_job(job.name, timeout, progress), measurement_pb2.EvaluatorMeasurement)

    # Rewards.

    async def create_group(self, task: str, size: int, *, policy: str = "", policy_version: str = "",
                           deadline: float | None = None, replace_masked: bool = False) -> reward_pb2.Group:
        """Declares `size` episodes of one task that are compared with each other; `deadline` in seconds from now."""
        return await self.call(self.rewards.CreateGroup,
                               requests.create_group(task, size, policy, policy_version, deadline, replace_masked))

    async def create_consumer(self, name: str, *, filter: reward_pb2.ConsumerFilter | None = None,
                              start: str | int = "latest") -> reward_pb2.Consumer:
        """Makes a named reader of the reward log; `start` is "earliest", "latest" or an offset to go on after."""
        return await self.call(self.rewards.CreateConsumer, requests.create_consumer(name, filter, start))

    async def list_rewards(self, after_offset: int = 0, *, filter: reward_pb2.ConsumerFilter | None = None,
                           page_size: int = 100, max_wait: float = 0.0) -> reward_pb.ListRewardsResponse:
        """One page of the log, for those who poll."""
        return await self.call(self.rewards.ListRewards, requests.list_rewards(after_offset, filter, page_size, max_wait), 30 + max_wait)

    async def stream_rewards(self, consumer: str, *, credits: int = 256, patience: float = 60.0) -> AsyncIterator[reward_pb2.RewardRecord]:
        """Reward records of a consumer, each acknowledged when the next one is asked for; see `proctor.aio.RewardStream`, which is for
        those who acknowledge by hand."""
        async with rewards.RewardStream(self, consumer, credits=credits, patience=patience) as stream:
            async for record in stream:
                yield record
                stream.ack(record.offset)
