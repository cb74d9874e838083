"""Requests that the synchronous and the asyncio client make alike, and which may be sent twice. `Client.call` fills in request ids."""

from __future__ import annotations

import time
from typing import Any, Iterable, Mapping, TypeVar

from google.protobuf import message

from . import filters, names
from .v1 import (environment_pb2, environment_service_pb2 as env_pb, evaluation_service_pb2 as eval_pb, evaluator_pb2, label_pb2,
                 reward_pb2, reward_service_pb2 as reward_pb, task_pb2, task_service_pb2 as task_pb, trajectory_service_pb2 as trajectory_pb,
                 verdict_pb2)

Request = TypeVar("Request", bound=message.Message)

#: Methods without a request_id whose second call may do more than the first.
_ONCE = frozenset(("AcceptTask", "RejectTask", "PauseJob", "ResumeJob", "DeleteConsumer", "DeleteTrajectory"))

#: Most that the server puts into one page.
PAGE = 1000

#: Deadlines in seconds, each above what the server itself may take: a start 180 (world 120, evidence 30, record 30), a step 240 (a wait 30,
#: world 120, evidence 30, record twice 30) and the wait for the verdict, an end 60 after the verb that is under way.
START_TIMEOUT, STEP_TIMEOUT, END_TIMEOUT = 240.0, 300.0, 360.0


def page_size(limit: int | None) -> int:
    """Of a listing that ends after `limit`."""
    return PAGE if limit is None else max(0, min(limit, PAGE))


def is_repeatable(request: message.Message) -> bool:
    """Whether a second call does no more than the first. Those with a request_id are safe by that."""
    return request.DESCRIPTOR.name.removesuffix("Request") not in _ONCE


def fill_in_id(request: Request) -> Request:
    """Fills in the request's `request_id` if it is empty; returns the request."""
    if not request.request_id:
        request.request_id = names.request_id()
    return request


def copy_of(request: Request) -> Request:
    """What the caller gave stays as it is: the caller may use it for another call."""
    copy = type(request)()
    copy.CopyFrom(request)
    return copy


def with_id(request: Request) -> Request:
    """A copy with its empty `request_id` filled in; the request itself if there is nothing to fill in."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:
        return request
    return fill_in_id(copy_of(request))


def create_session(environment: str, settings: environment_pb2.EnvironmentSettings | None, lease: float,
                   max_wait: float) -> env_pb.CreateSessionRequest:
    """`lease` and `max_wait` in seconds."""
    request = env_pb.CreateSessionRequest(settings=settings,
                                          environment=names.resource("environments", environment))
    request.lease.FromMilliseconds(int(lease * 1000))
    request.max_wait.FromMilliseconds(int(max_wait * 1000))
    return request


def end_episode(session: str, done: bool, wait_for_verdict: float | None) -> env_pb.EndEpisodeRequest:
    """`wait_for_verdict` in seconds; None: the server's default."""
    request = env_pb.EndEpisodeRequest(session=names.resource("sessions", session),
                                       end=env_pb.CLIENT_END_DONE if done else env_pb.CLIENT_END_CANCEL)
    if wait_for_verdict is None:
        return request
    # Unset is the server's default, and 0 may be left unset.
    request.wait_for_verdict.FromMilliseconds(int(wait_for_verdict * 1000) or -1)
    return request


def complete_start(request: env_pb.StartEpisodeRequest) -> env_pb.StartEpisodeRequest:
    """A copy with names written out."""
    request = copy_of(request)
    names.write_out(request, session="sessions", task="tasks", group="groups")
    return request


def complete_step(request: env_pb.StepRequest) -> env_pb.StepRequest:
    """A copy with the session's name written out."""
    request = copy_of(request)
    names.write_out(request, session="sessions")
    return request


def list_episodes(session: str, policy: str, task: str) -> env_pb.ListEpisodesRequest:
    """Empty: any."""
    return env_pb.ListEpisodesRequest(session=names.resource("sessions", session), policy=policy, task=names.resource("tasks", task))


def wait_episode(name: str, max_wait: float) -> env_pb.WaitEpisodeRequest:
    """`max_wait` in seconds."""
    request = env_pb.WaitEpisodeRequest(name=names.resource("episodes", name))
    request.max_wait.FromMilliseconds(int(max_wait * 1000))
    return request


def create_task(task: task_pb2.Task) -> task_pb.CreateTaskRequest:
    """Stores `task`."""
    request = task_pb.CreateTaskRequest(task=task)
    names.write_out(request.task, name="tasks", environment="environments")
    return request


def batch_create_tasks(tasks: Iterable[task_pb2.Task]) -> task_pb.BatchCreateTasksRequest:
    """Stores them all."""
    request = task_pb.BatchCreateTasksRequest(tasks=tasks)
    for task in request.tasks:
        names.write_out(task, name="tasks", environment="environments")
    return request


def task_filter(filter: task_pb.TaskFilter | None) -> task_pb.TaskFilter | None:
    """A copy with names written out."""
    if filter is None:
        return None
    copy = task_pb.TaskFilter()
    copy.CopyFrom(filter)
    names.write_out(copy, environments="environments", job="jobs")
    return copy


def sample_tasks(count: int, filter: task_pb.TaskFilter | None, policy: str, policy_version: str, seed: int,
                 uniform: bool) -> task_pb.SampleTasksRequest:
    """A curriculum unless `uniform`."""
    strategy = task_pb.SAMPLING_STRATEGY_UNIFORM if uniform else task_pb.SAMPLING_STRATEGY_CURRICULUM
    return task_pb.SampleTasksRequest(count=count, filter=task_filter(filter), policy=policy, policy_version=policy_version, seed=seed,
                                      strategy=strategy)


def get_trajectory(name: str) -> trajectory_pb.GetTrajectoryRequest:
    """By name or id."""
    return trajectory_pb.GetTrajectoryRequest(name=names.resource("trajectories", name))


def import_trajectories(folder: str, format: str, split: str) -> trajectory_pb.ImportTrajectoriesRequest:
    """`format` and `split` without their prefix; empty: the server's default."""
    return trajectory_pb.ImportTrajectoriesRequest(folder=folder, format=_format(format),
                                                   split=names.choice(task_pb2.Split, split) if split else 0)


def export_trajectories(folder: str, trajectories: Iterable[str], format: str, filter: Mapping[str, Any]
                        ) -> trajectory_pb.ExportTrajectoriesRequest:
    """Exactly these, or those that the `filters.TrajectoryFields` choose."""
    request = trajectory_pb.ExportTrajectoriesRequest(folder=folder, names=trajectories, format=_format(format))
    names.write_out(request, names="trajectories")
    if filter:
        if request.names:
            raise ValueError("choose trajectories by their names or by a filter, not both")
        request.filter.CopyFrom(filters.trajectories(filter))
    return request


def _format(name: str) -> int:
    return names.choice(trajectory_pb.TrajectoryFormat, name) if name else 0


def create_evaluator(evaluator: evaluator_pb2.Evaluator) -> eval_pb.CreateEvaluatorRequest:
    """Stores `evaluator`."""
    request = eval_pb.CreateEvaluatorRequest(evaluator=evaluator)
    names.write_out(request.evaluator, name="evaluators")
    return request


def evaluate(trajectory: str, evaluator: str, dry_run: bool) -> eval_pb.EvaluateTrajectoryRequest:
    """A `dry_run` stores no verdict."""
    return eval_pb.EvaluateTrajectoryRequest(trajectory=names.resource("trajectories", trajectory),
                                             evaluator=names.resource("evaluators", evaluator), dry_run=dry_run)


def get_verdict(name: str) -> eval_pb.GetVerdictRequest:
    """By name or id."""
    return eval_pb.GetVerdictRequest(name=names.resource("verdicts", name))


def list_verdicts(trajectory: str, evaluator: str) -> eval_pb.ListVerdictsRequest:
    """An empty trajectory or evaluator is any."""
    return eval_pb.ListVerdictsRequest(trajectory=names.resource("trajectories", trajectory),
                                       evaluator=names.resource("evaluators", evaluator))


def compare_trajectories(first: str, second: str, evaluator: str) -> eval_pb.CompareTrajectoriesRequest:
    """An empty evaluator is the server's default."""
    return eval_pb.CompareTrajectoriesRequest(first=names.resource("trajectories", first), second=names.resource("trajectories", second),
                                              evaluator=names.resource("evaluators", evaluator))


def complete_rescore(request: eval_pb.RescoreRequest) -> eval_pb.RescoreRequest:
    """A copy with names written out."""
    request = copy_of(request)
    names.write_out(request, evaluators="evaluators", trajectories="trajectories")
    return request


def complete_measurement(request: eval_pb.MeasureEvaluatorRequest) -> eval_pb.MeasureEvaluatorRequest:
    """A copy with names written out."""
    request = copy_of(request)
    names.write_out(request, evaluator="evaluators", compare_with="evaluators")
    return request


def complete_calibration(request: eval_pb.CalibrateEvaluatorRequest) -> eval_pb.CalibrateEvaluatorRequest:
    """A copy with names written out."""
    request = copy_of(request)
    names.write_out(request, evaluator="evaluators", new_name="evaluators")
    return request


def reflect(trajectory: str, verdict: str, previous: str) -> eval_pb.ReflectRequest:
    """An empty verdict is the newest; an empty `previous` begins a chain."""
    return eval_pb.ReflectRequest(
        trajectory=names.resource("trajectories", trajectory),
        verdict=names.resource("verdicts", verdict), previous=names.resource("reflections", previous))


def label(trajectory: str, outcome: str, annotator: str, note: str, sample: str) -> eval_pb.LabelTrajectoryRequest:
    """`outcome` with or without its prefix."""
    return eval_pb.LabelTrajectoryRequest(label=label_pb2.Label(
        trajectory=names.resource("trajectories", trajectory), annotator=annotator, note=note,
        outcome=names.choice(verdict_pb2.Outcome, outcome), label_sample=names.resource("labelSamples", sample)))


def draw_label_sample(sample: label_pb2.LabelSample) -> eval_pb.DrawLabelSampleRequest:
    """Draws `sample`."""
    request = eval_pb.DrawLabelSampleRequest(sample=sample)
    names.write_out(request.sample, evaluator="evaluators")
    return request


def create_group(task: str, size: int, policy: str, policy_version: str, deadline: float | None,
                 replace_masked: bool) -> reward_pb.CreateGroupRequest:
    """`deadline` in seconds from now."""
    group = reward_pb2.Group(task=names.resource("tasks", task), size=size, policy=policy, policy_version=policy_version,
                             replace_masked=replace_masked)
    if deadline is not None:
        group.deadline_time.FromNanoseconds(int((time.time() + deadline) * 1e9))
    return reward_pb.CreateGroupRequest(group=group)


def create_consumer(name: str, filter: reward_pb2.ConsumerFilter | None, start: str | int) -> reward_pb.CreateConsumerRequest:
    """`start` is "earliest", "latest" or an offset to go on after."""
    return reward_pb.CreateConsumerRequest(name=names.resource("consumers", name), filter=_consumer_filter(filter),
                                           start=_position(start))


def seek_consumer(name: str, position: str | int) -> reward_pb.SeekConsumerRequest:
    """`position` is "earliest", "latest" or an offset to go on after."""
    return reward_pb.SeekConsumerRequest(name=names.resource("consumers", name), position=_position(position))


def _position(start: str | int) -> reward_pb.StartPosition:
    position = reward_pb.StartPosition()
    if isinstance(start, int):
        position.after_offset = start
    elif start in ("earliest", "latest"):
        setattr(position, start, True)
    else:
        raise ValueError(f"a position is 'earliest', 'latest' or an offset, not {start!r}")
    return position


def _consumer_filter(filter: reward_pb2.ConsumerFilter | None) -> reward_pb2.ConsumerFilter | None:
    if filter is None:
        return None
    copy = reward_pb2.ConsumerFilter()
    copy.CopyFrom(filter)
    names.write_out(copy, environments="environments")
    return copy


def list_rewards(after_offset: int, filter: reward_pb2.ConsumerFilter | None, page_size: int,
                 max_wait: float) -> reward_pb.ListRewardsRequest:
    """`max_wait` in seconds."""
    request = reward_pb.ListRewardsRequest(after_offset=after_offset, page_size=page_size, filter=_consumer_filter(filter))
    request.max_wait.FromMilliseconds(int(max_wait * 1000))
    return request
