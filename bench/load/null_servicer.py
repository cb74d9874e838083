"""A gRPC server in Python that does nothing: it answers the verbs of EnvironmentService at once with replies made beforehand. What a server
written in Python can reach at most, before it opens a world or records anything.

    null_servicer.py --replies=FILE --kind=sync|aio

Prints its port. The replies are a real proctord's (rpc.py writes them), so that both send the same bytes.
"""
from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import json
import pathlib
import signal
import sys
import threading

import grpc
from proctor.v1 import (environment_service_pb2 as env_pb, environment_service_pb2_grpc as env_grpc, episode_pb2, observation_pb2,
                        session_pb2)

#: A stream holds a thread of the synchronous server, and 64 are to be served.
THREADS = 80


class Replies:
    def __init__(self, path: pathlib.Path):
        told = {name: bytes.fromhex(text) for name, text in json.loads(path.read_text()).items()}
        self.session = session_pb2.Session.FromString(told["session"])
        self.start = episode_pb2.EpisodeStart.FromString(told["start"])
        self.step = env_pb.StepResponse.FromString(told["step"])
        self.observation = observation_pb2.Observation.FromString(told["observation"])
        self.episode = self.start.episode

    def act(self, request: env_pb.ActRequest) -> env_pb.ActResponse:
        verb = request.WhichOneof("verb")
        if verb == "step":
            return env_pb.ActResponse(tag=request.tag, step=self.step)
        if verb == "observe":
            return env_pb.ActResponse(tag=request.tag, observation=self.observation)
        if verb == "start_episode":
            return env_pb.ActResponse(tag=request.tag, episode_start=self.start)
        return env_pb.ActResponse(tag=request.tag, session=self.session)


class Servicer(env_grpc.EnvironmentServiceServicer):
    def __init__(self, replies: Replies):
        self._replies = replies

    def CreateSession(self, request, context):
        return self._replies.session

    def KeepAlive(self, request, context):
        return self._replies.session

    def CloseSession(self, request, context):
        return self._replies.session

    def StartEpisode(self, request, context):
        return self._replies.start

    def Step(self, request, context):
        return self._replies.step

    def EndEpisode(self, request, context):
        return self._replies.episode

    def Act(self, request_iterator, context):
        for request in request_iterator:
            yield self._replies.act(request)


class AsyncServicer(env_grpc.EnvironmentServiceServicer):
    def __init__(self, replies: Replies):
        self._replies = replies

    async def Act(self, request_iterator, context):
        async for request in request_iterator:
            yield self._replies.act(request)


def serve(replies: Replies) -> None:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(THREADS))
    env_grpc.add_EnvironmentServiceServicer_to_server(Servicer(replies), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    server.stop(0).wait(30)


async def serve_async(replies: Replies) -> None:
    server = grpc.aio.server()
    env_grpc.add_EnvironmentServiceServicer_to_server(AsyncServicer(replies), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=pathlib.Path, required=True)
    parser.add_argument("--kind", choices=["sync", "aio"], default="sync")
    options = parser.parse_args()
    replies = Replies(options.replies)
    if options.kind == "sync":
        serve(replies)
    else:
        asyncio.run(serve_async(replies))


if __name__ == "__main__":
    sys.exit(main())
