"""Filters by keyword."""

from __future__ import annotations

import datetime
from typing import Any, Iterable, Mapping, TypedDict

from google.protobuf import timestamp_pb2

from . import names
from .v1 import episode_pb2, task_pb2, trajectory_service_pb2 as trajectory_pb


class TrajectoryFields(TypedDict, total=False):
    """The keywords that choose trajectories; what is left out does not filter.

    Names may leave their collection out, end kinds ("terminated", "truncated", "interrupted") and splits ("train", "validation",
    "test") their prefix. Times are timezone-aware datetimes or Timestamps; `start_time_until` is not in the range itself.
    """

    environments: Iterable[str]
    task: str
    policy: str
    policy_version: str
    group: str
    end_kinds: Iterable[str]
    closed_only: bool
    start_time_from: datetime.datetime | timestamp_pb2.Timestamp
    start_time_until: datetime.datetime | timestamp_pb2.Timestamp
    splits: Iterable[str]


def trajectories(fields: Mapping[str, Any]) -> trajectory_pb.TrajectoryFilter:
    """The filter of these `TrajectoryFields`. Raises `TypeError` for others, `ValueError` for values that cannot be."""
    if unknown := [key for key in fields if key not in TrajectoryFields.__annotations__]:
        raise TypeError(f"unknown keyword {', '.join(map(repr, unknown))}; trajectories are chosen by "
                        f"{', '.join(TrajectoryFields.__annotations__)}")
    made = trajectory_pb.TrajectoryFilter()
    for key, value in fields.items():
        if isinstance(value, str) and key in ("environments", "end_kinds", "splits"):
            value = (value,)
        if key == "end_kinds":
            made.end_kinds.extend(names.choice(episode_pb2.EndKind, kind) for kind in value)
        elif key == "splits":
            made.splits.extend(names.choice(task_pb2.Split, split) for split in value)
        elif key == "environments":
            made.environments.extend(value)
        elif key.startswith("start_time"):
            getattr(made, key).CopyFrom(timestamp(value))
        else:
            setattr(made, key, value)
    names.write_out(made, environments="environments", task="tasks", group="groups")
    return made


def timestamp(time: datetime.datetime | timestamp_pb2.Timestamp) -> timestamp_pb2.Timestamp:
    """A datetime as a Timestamp. One without a time zone is a `ValueError`: it could be another instant than was meant."""
    if isinstance(time, timestamp_pb2.Timestamp):
        return time
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone: give one, such as datetime.timezone.utc")
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(time.astimezone(datetime.timezone.utc).replace(tzinfo=None))
    return made
