"""Proctor's Python client: real worlds for agents, with tasks, verdicts and rewards.

    import proctor

    with proctor.connect() as client:                       # a local proctord
        env = proctor.Env(client, "practice", observe=["elements"])
        obs, info = env.reset(options={"task": client.sample_tasks(1)[0].name})
        obs, reward, terminated, truncated, info = env.step(proctor.click(obs.elements[0].mark))

`proctor.connect` gives a `Client` (one method an RPC, retries and deadlines inside), `proctor.Env` an environment of the
Gymnasium shape, `proctor.rewards` the reward stream of a consumer; `proctor.aio` the same for asyncio.
Messages are the protobuf classes of `proctor.v1`.
"""

from .actions import (answer, check, click, drag, give_up, go_back, goto, hover, noop, observation_request, press, scroll,
                      select, type_text, wait)
from .client import Client, connect
from .environment import Env
from .errors import (Aborted, AlreadyExists, Cancelled, DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound,
                     OutOfRange, PermissionDenied, ProctorError, ResourceExhausted, Unauthenticated, Unavailable)
from .rewards import RewardStream
from .security import Security

__all__ = [
    "Aborted", "AlreadyExists", "Cancelled", "Client", "DeadlineExceeded", "Env", "FailedPrecondition",
    "InvalidArgument", "NotFound", "OutOfRange", "PermissionDenied", "ProctorError", "ResourceExhausted", "RewardStream", "Security",
    "Unauthenticated", "Unavailable",
    "answer", "check", "click", "connect", "drag", "give_up", "go_back", "goto", "hover", "noop", "observation_request",
    "press", "scroll", "select", "type_text", "wait",
]
