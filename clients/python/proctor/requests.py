"""Requests that the synchronous and the asyncio client make alike."""

from __future__ import annotations

from . import names
from .v1 import environment_pb2, environment_service_pb2 as env_pb


def create_session(environment: str, settings: environment_pb2.EnvironmentSettings | None, lease: float,
                   max_wait: float) -> env_pb.CreateSessionRequest:
    request = env_pb.CreateSessionRequest(request_id=names.request_id(), settings=settings,
                                          environment=names.resource("environments", environment))
    request.lease.FromMilliseconds(int(lease * 1000))
    request.max_wait.FromMilliseconds(int(max_wait * 1000))
    return request


def end_episode(session: str, done: bool, wait_for_verdict: float | None) -> env_pb.EndEpisodeRequest:
    request = env_pb.EndEpisodeRequest(request_id=names.request_id(), session=session,
                                       end=env_pb.CLIENT_END_DONE if done else env_pb.CLIENT_END_CANCEL)
    if wait_for_verdict is None:
        return request
    # Unset is the server's default, and 0 may be left unset.
    request.wait_for_verdict.FromMilliseconds(int(wait_for_verdict * 1000) or -1)
    return request


def wait_episode(name: str, max_wait: float) -> env_pb.WaitEpisodeRequest:
    request = env_pb.WaitEpisodeRequest(name=name)
    request.max_wait.FromMilliseconds(int(max_wait * 1000))
    return request
