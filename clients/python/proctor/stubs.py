"""A channel and the stubs of all services, for the synchronous and the asyncio client."""

from __future__ import annotations

from typing import Any, Callable

import grpc

from . import errors
from .guard import Guarded, Lifetime
from .security import Security
from .v1 import (environment_service_pb2_grpc as env_grpc, evaluation_service_pb2_grpc as eval_grpc, job_service_pb2_grpc as job_grpc,
                 reward_service_pb2_grpc as reward_grpc, task_service_pb2_grpc as task_grpc,
                 trajectory_service_pb2_grpc as trajectory_grpc)

#: Messages carry screenshots, so the default limit of 4 MiB is too small. A restarted server is found again within seconds,
#: not after gRPC's back-off of up to two minutes; "min_reconnect_backoff" is how long one attempt may take. A proxy for web pages
#: ($http_proxy) reaches no server on this machine or in this network.
#: While a call is under way, silence is broken by a ping: a stream that only listens has no other sign that its connection is dead (a
#: suspended machine, a firewall that forgot). The server allows a ping every 10 s (`connections.min_client_ping_interval`).
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", 256 << 20), ("grpc.max_send_message_length", 256 << 20),
                   ("grpc.initial_reconnect_backoff_ms", 200), ("grpc.min_reconnect_backoff_ms", 5000),
                   ("grpc.max_reconnect_backoff_ms", 2000), ("grpc.enable_http_proxy", 0),
                   ("grpc.keepalive_time_ms", 30000), ("grpc.keepalive_timeout_ms", 20000), ("grpc.http2.max_pings_without_data", 0))

#: With delays of 3 to 9 s together: longer than the channel's pause between attempts to connect, so that a restart of the
#: server is no error.
RETRIES = 6


class Stubs:
    """One stub a service; a stub's methods are called by `Client.call`."""

    def __init__(self, address: str, security: Security | None, insecure: Callable[..., Any], secure: Callable[..., Any]):
        """`insecure` and `secure` are grpc's or grpc.aio's functions that make a channel."""
        self.address = address
        self._security = security
        self._lifetime = Lifetime()
        self.channel, metadata = (security or Security()).channel(address, CHANNEL_OPTIONS, insecure, secure)
        stubs = Guarded(self.channel, metadata, self._lifetime)
        self.environments = env_grpc.EnvironmentServiceStub(stubs)
        self.tasks = task_grpc.TaskServiceStub(stubs)
        self.trajectories = trajectory_grpc.TrajectoryServiceStub(stubs)
        self.evaluations = eval_grpc.EvaluationServiceStub(stubs)
        self.rewards = reward_grpc.RewardServiceStub(stubs)
        self.jobs = job_grpc.JobServiceStub(stubs)

    def _failure(self, error: grpc.RpcError) -> errors.ProctorError:
        """Of a call. CANCELLED that nobody here asked for is `Unavailable`: so gRPC's server ends what comes in while it stops, without a
        word of proctord's."""
        failure = errors.from_rpc(error)
        # An asyncio call that was cancelled here raises asyncio.CancelledError; its errors cannot be asked.
        asked_for = self._lifetime.closed or getattr(error, "cancelled", lambda: False)()
        if not isinstance(failure, errors.Cancelled) or asked_for:
            return failure
        told = "" if failure.message in ("", "CANCELLED") else f": {failure.message}"
        return errors.Unavailable(grpc.StatusCode.UNAVAILABLE, f"the server ended the call while it stopped{told}", failure.retry_after)
