"""The synchronous client: one method an RPC. Worlds, tasks and rewards are here."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator

import grpc

from . import addresses, errors, names, requests, rewards
from .actions import observation_request
from .evaluations import EvaluationCalls
from .patience import PATIENCE
from .security import Security
from .trajectories import TrajectoryCalls
from .v1 import (environment_pb2, environment_service_pb2 as env_pb, episode_pb2, job_pb2, observation_pb2, reward_pb2,
                 reward_service_pb2 as reward_pb, session_pb2, task_pb2, task_service_pb2 as task_pb)


def connect(address: str | None = None, *, timeout: float = 10.0, security: Security | None = None) -> "Client":
    """Connects to a proctord and waits until it answers.

    Args:
      address: "unix:/path/to.sock" or "host:port"; default: see `addresses.default_address`. No proxy ($http_proxy) is used.
      timeout: seconds to wait for the server; `Unavailable` afterwards.
      security: TLS and token; default: from the environment. A file that cannot be read is `NotFound`, `PermissionDenied` or
        `InvalidArgument`. Whether the token is good shows in the first call (`Unauthenticated`, `PermissionDenied`).
    """
    address = address or addresses.default_address()
    addresses.check_address(address)
    client = Client(address, security)
    try:
        grpc.channel_ready_future(client.channel).result(timeout)
    except grpc.FutureTimeoutError:
        client.close()
        raise errors.Unavailable(grpc.StatusCode.UNAVAILABLE,
                                 addresses.why_unreachable(client.address, (security or Security()).tls(), timeout)) from None
    return client


class Client(TrajectoryCalls, EvaluationCalls):
    """All services of one server. Thread-safe; close it or use it in a `with` statement. Pickled, it is another client of the same
    server (its token must come from a file or the environment then); in a forked process it cannot be used.

    One method an RPC, but for Act, which is the verbs of an episode on one stream: `EvaluateTrajectory` is `evaluate`,
    `LabelTrajectory` is `label`, `WatchJob` is `wait_job`; methods that start a job wait for its result. Names may leave their
    collection out: "web" is "environments/web".

    Calls whose second time does no more than the first are retried on UNAVAILABLE with growing delays; see `call`. Every call
    has a deadline (`timeout` seconds). Errors are subclasses of `proctor.ProctorError`; only a stub's own method, called without
    `call`, raises grpc.RpcError.
    """

    # Worlds.

    def list_environments(self) -> list[environment_pb2.Environment]:
        """All environments and what they can do."""
        return list(self.call(self.environments.ListEnvironments, env_pb.ListEnvironmentsRequest()).environments)

    def get_environment(self, name: str) -> environment_pb2.Environment:
        """One environment and what it can do."""
        return self.call(self.environments.GetEnvironment, env_pb.GetEnvironmentRequest(name=names.resource("environments", name)))

    def create_session(self, environment: str, settings: environment_pb2.EnvironmentSettings | None = None, *,
                       lease: float = 60.0, max_wait: float = 0.0, timeout: float = 120.0) -> session_pb2.Session:
        """Opens a session. Raises `ResourceExhausted` if no place is free within `max_wait` seconds."""
        request = requests.create_session(environment, settings, lease, max_wait)
        return self.call(self.environments.CreateSession, request, timeout + max_wait)

    def get_session(self, name: str) -> session_pb2.Session:
        """A session's state; no sign of life."""
        return self.call(self.environments.GetSession, env_pb.GetSessionRequest(name=names.resource("sessions", name)))

    def list_sessions(self, *, show_closed: bool = False, limit: int | None = None) -> Iterator[session_pb2.Session]:
        """Sessions, newest first, fetched page by page."""
        return self._pages(self.environments.ListSessions, env_pb.ListSessionsRequest(show_closed=show_closed), "sessions", limit)

    def keep_alive(self, session: str) -> session_pb2.Session:
        """Renews the session's lease."""
        return self.call(self.environments.KeepAlive, env_pb.KeepAliveRequest(name=names.resource("sessions", session)))

    def close_session(self, session: str) -> session_pb2.Session:
        """Frees the session; closing twice is fine."""
        return self.call(self.environments.CloseSession, env_pb.CloseSessionRequest(name=names.resource("sessions", session)))

    def start_episode(self, request: env_pb.StartEpisodeRequest, timeout: float = requests.START_TIMEOUT) -> episode_pb2.EpisodeStart:
        """Resets the session's world to a task's start. Fills in `request_id` and writes names out."""
        return self.call(self.environments.StartEpisode, requests.complete_start(request), timeout)

    def step(self, request: env_pb.StepRequest, timeout: float = requests.STEP_TIMEOUT) -> env_pb.StepResponse:
        """Acts and observes. Fills in `request_id`, so that a retry never acts twice, and writes names out. To `timeout` add what the
        request's `wait_for_verdict` is."""
        return self.call(self.environments.Step, requests.complete_step(request), timeout)

    def observe(self, session: str, observation: Iterable[str] | observation_pb2.ObservationRequest = (),
                timeout: float = 60.0) -> observation_pb2.Observation:
        """Observes without acting: not recorded, costs no step. `observation`: as `Env`'s `observe`."""
        wanted = observation if isinstance(observation, observation_pb2.ObservationRequest) else observation_request(observation)
        request = env_pb.ObserveRequest(session=names.resource("sessions", session), observation=wanted)
        return self.call(self.environments.Observe, request, timeout)

    def end_episode(self, session: str, *, done: bool = False, wait_for_verdict: float | None = None
                    ) -> episode_pb2.Episode:
        """Ends the open episode: judged as it stands if `done`, else cancelled (its reward is masked).

        `wait_for_verdict`: seconds until it is answered without verdict and reward; None: up to 5 where an oracle decides,
        at once where a judge does.
        """
        request = requests.end_episode(session, done, wait_for_verdict)
        return self.call(self.environments.EndEpisode, request, requests.END_TIMEOUT + (wait_for_verdict or 5))

    def get_episode(self, name: str) -> episode_pb2.Episode:
        """An episode as it stands, with verdict and reward once there."""
        return self.call(self.environments.GetEpisode, env_pb.GetEpisodeRequest(name=names.resource("episodes", name)))

    def list_episodes(self, *, session: str = "", policy: str = "", task: str = "", limit: int | None = None
                      ) -> Iterator[episode_pb2.Episode]:
        """Episodes, newest first, fetched page by page; of one session, policy or task if these are given."""
        return self._pages(self.environments.ListEpisodes, requests.list_episodes(session, policy, task), "episodes", limit)

    def wait_episode(self, name: str, max_wait: float = 30.0) -> episode_pb2.Episode:
        """The episode once verdict and reward are there, or as it stands after `max_wait` seconds."""
        return self.call(self.environments.WaitEpisode, requests.wait_episode(name, max_wait), max_wait + 30)

    # Tasks.

    def create_task(self, task: task_pb2.Task) -> task_pb2.Task:
        """Stores a task."""
        return self.call(self.tasks.CreateTask, requests.create_task(task))

    def batch_create_tasks(self, tasks: Iterable[task_pb2.Task]) -> list[task_pb2.Task]:
        """Stores many tasks, at most 1,000, all or none."""
        return list(self.call(self.tasks.BatchCreateTasks, requests.batch_create_tasks(tasks)).tasks)

    def get_task(self, name: str) -> task_pb2.Task:
        """One task, its solution included."""
        return self.call(self.tasks.GetTask, task_pb.GetTaskRequest(name=names.resource("tasks", name)))

    def list_tasks(self, filter: task_pb.TaskFilter | None = None, limit: int | None = None) -> list[task_pb2.Task]:
        """Tasks in the order of creation; all of them unless there is a `limit`."""
        request = task_pb.ListTasksRequest(filter=requests.task_filter(filter))
        return list(self._pages(self.tasks.ListTasks, request, "tasks", limit))

    def accept_task(self, name: str) -> task_pb2.Task:
        """A proposed task becomes accepted: it can be sampled."""
        return self.call(self.tasks.AcceptTask, task_pb.AcceptTaskRequest(name=names.resource("tasks", name)))

    def reject_task(self, name: str, reason: str = "") -> task_pb2.Task:
        """A task becomes rejected: it is never sampled."""
        return self.call(self.tasks.RejectTask, task_pb.RejectTaskRequest(name=names.resource("tasks", name), reason=reason))

    def list_task_templates(self, sites: Iterable[str] = ()) -> list[task_pb.TaskTemplate]:
        """The templates that tasks are proposed from; of these practice sites if any are given."""
        return list(self.call(self.tasks.ListTaskTemplates, task_pb.ListTaskTemplatesRequest(sites=sites)).templates)

    def sample_tasks(self, count: int, *, filter: task_pb.TaskFilter | None = None, policy: str = "",
                     policy_version: str = "", seed: int = 0, uniform: bool = False) -> list[task_pb2.Task]:
        """Draws tasks: a curriculum over TRAIN unless the filter or `uniform` says otherwise."""
        request = requests.sample_tasks(count, filter, policy, policy_version, seed, uniform)
        return list(self.call(self.tasks.SampleTasks, request).tasks)

    def propose_tasks(self, request: task_pb.ProposeTasksRequest, timeout: float = 1800.0,
                      progress: Callable[[job_pb2.Job], None] | None = None) -> task_pb.ProposeTasksResult:
        """Proposes tasks and waits for the job's end."""
        job = self.call(self.tasks.ProposeTasks, request)
        return self._finish(job, task_pb.ProposeTasksResult, timeout, progress)

    # Rewards.

    def create_group(self, task: str, size: int, *, policy: str = "", policy_version: str = "",
                     deadline: float | None = None, replace_masked: bool = False) -> reward_pb2.Group:
        """Declares `size` episodes of one task that are compared with each other; `deadline` in seconds from now (30 days at most), by this machine's
        clock, which should agree with the server's."""
        return self.call(self.rewards.CreateGroup,
                         requests.create_group(task, size, policy, policy_version, deadline, replace_masked))

    def get_group(self, name: str) -> reward_pb2.Group:
        """A group as it stands: how many episodes were started, and the rewards so far."""
        return self.call(self.rewards.GetGroup, reward_pb.GetGroupRequest(name=names.resource("groups", name)))

    def create_consumer(self, name: str, *, filter: reward_pb2.ConsumerFilter | None = None,
                        start: str | int = "latest") -> reward_pb2.Consumer:
        """Makes a named reader of the reward log; `start` is "earliest", "latest" or an offset to go on after."""
        return self.call(self.rewards.CreateConsumer, requests.create_consumer(name, filter, start))

    def list_consumers(self) -> list[reward_pb2.Consumer]:
        """All consumers, with position and lag, in the order of their names."""
        return list(self.call(self.rewards.ListConsumers, reward_pb.ListConsumersRequest()).consumers)

    def seek_consumer(self, name: str, position: str | int) -> reward_pb2.Consumer:
        """Moves a consumer to "earliest", "latest" or an offset to go on after. `Aborted` while a stream of it is connected,
        `OutOfRange` below the log's floor."""
        return self.call(self.rewards.SeekConsumer, requests.seek_consumer(name, position))

    def delete_consumer(self, name: str) -> None:
        """Forgets a consumer and ends its stream."""
        self.call(self.rewards.DeleteConsumer, reward_pb.DeleteConsumerRequest(name=names.resource("consumers", name)))

    def list_rewards(self, after_offset: int = 0, *, filter: reward_pb2.ConsumerFilter | None = None,
                     page_size: int = 100, max_wait: float = 0.0) -> reward_pb.ListRewardsResponse:
        """One page of the log, for those who poll."""
        return self.call(self.rewards.ListRewards, requests.list_rewards(after_offset, filter, page_size, max_wait), 30 + max_wait)

    def stream_rewards(self, consumer: str, *, credits: int = 256, patience: float = PATIENCE) -> Iterator[reward_pb2.RewardRecord]:
        """Reward records of a consumer, each acknowledged when the next one is asked for; see `proctor.RewardStream`, which is for
        those who acknowledge by hand."""
        with rewards.RewardStream(self, consumer, credits=credits, patience=patience) as stream:
            for record in stream:
                yield record
                stream.ack(record.offset)
