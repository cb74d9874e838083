"""Steps a second with the Python client (proctor.Env), one session in lockstep.

    python_client.py --target=ADDRESS --seconds=3 [--replies=FILE]

Prints one line of JSON. With --replies it does not measure but writes what the server answers, for null_servicer.py.
"""
from __future__ import annotations

import argparse
import json
import pathlib
import time

import proctor
from proctor.v1 import environment_service_pb2 as env_pb, task_pb2

TASK = task_pb2.Task(goal="Press button 1 for ever.")
WARM_UP = 1.0


def measure(client: proctor.Client, seconds: float) -> dict[str, float]:
    with proctor.Env(client, "null", observe=["elements"]) as env:
        observation, _ = env.reset(options={"task": TASK})
        action = proctor.click(observation.elements[0].mark)
        begin = time.perf_counter() + WARM_UP
        end = begin + seconds
        took: list[float] = []
        while (before := time.perf_counter()) < end:
            _, _, terminated, truncated, _ = env.step(action)
            if before >= begin:
                took.append(time.perf_counter() - before)
            if terminated or truncated:
                env.reset(options={"task": TASK})
    took.sort()
    return {"per_second": len(took) / seconds, "p50_ms": 1000 * took[len(took) // 2], "p99_ms": 1000 * took[len(took) * 99 // 100]}


def write_replies(client: proctor.Client, path: pathlib.Path) -> None:
    session = client.create_session("null")
    seen = proctor.observation_request(["elements"])
    start = client.start_episode(env_pb.StartEpisodeRequest(session=session.name, inline_task=TASK, observation=seen))
    step = client.step(env_pb.StepRequest(session=session.name, action=proctor.click(1), observation=seen))
    observation = client.call(client.environments.Observe, env_pb.ObserveRequest(session=session.name, observation=seen))
    client.close_session(session.name)
    replies = {"session": session, "start": start, "step": step, "observation": observation}
    path.write_text(json.dumps({name: message.SerializeToString().hex() for name, message in replies.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--replies", type=pathlib.Path)
    options = parser.parse_args()
    with proctor.connect(options.target) as client:
        if options.replies:
            write_replies(client, options.replies)
        else:
            print(json.dumps(measure(client, options.seconds)))


if __name__ == "__main__":
    main()
