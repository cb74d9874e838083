"""Proctor's Python client: real worlds for agents, with tasks, verdicts and rewards.

    import proctor

    with proctor.connect() as client:                       # a local proctord
        env = proctor.Env(client, "practice", observe=["elements"])
        obs, info = env.reset(options={"task": client.sample_tasks(1)[0].name})
        obs, reward, terminated, truncated, info = env.step(proctor.click(obs.elements[0].mark))

`proctor.connect` gives a `Client` (one method an RPC, retries and deadlines inside), `proctor.Env` an environment of the
Gymnasium shape, `proctor.RewardStream` the reward stream of a consumer, `Client.record_trajectory` a `Recording` of one's own
world; `proctor.aio` the same for asyncio. Messages are the protobuf classes of `proctor.v1`. docs/training.md shows a trainer.

It runs on Debian's Python, /usr/bin/python3, with the packages python3-grpcio and python3-protobuf, if the build's folder `python`
(`cmake --install`: `lib/python3/dist-packages`) is on PYTHONPATH: another Python on the path lacks these, or has others than the stubs were
generated for. A virtual environment gets it, with what it needs, by `pip install` of the build's folder `python`.
"""

from .actions import (agent_text, answer, check, click, drag, fraction, give_up, go_back, goto, hover, key_down, key_up, long_press,
                      mouse_down, mouse_up, noop, observation_request, open_app, press, press_button, scroll, select, sequence,
                      set_clipboard, swipe, type_text, wait)
from .client import Client, connect
from .environment import Env
from .errors import (Aborted, AlreadyExists, Cancelled, DataLoss, DeadlineExceeded, FailedPrecondition, InvalidArgument,
                     NotFound, OutOfRange, PermissionDenied, ProctorError, ResourceExhausted, Unauthenticated, Unavailable)
from .recorder import Recording
from .rewards import RewardStream
from .security import Security
from .version import __version__

__all__ = [
    "Aborted", "AlreadyExists", "Cancelled", "Client", "DataLoss", "DeadlineExceeded", "Env", "FailedPrecondition",
    "InvalidArgument", "NotFound", "OutOfRange", "PermissionDenied", "ProctorError", "Recording", "ResourceExhausted",
    "RewardStream", "Security", "Unauthenticated", "Unavailable", "__version__",
    "agent_text", "answer", "check", "click", "connect", "drag", "fraction", "give_up", "go_back", "goto", "hover", "key_down",
    "key_up", "long_press", "mouse_down", "mouse_up", "noop", "observation_request", "open_app", "press", "press_button", "scroll",
    "select", "sequence", "set_clipboard", "swipe", "type_text", "wait",
]
