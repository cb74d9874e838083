"""The Python clients' connections: straight to the server, whatever proxy the environment names; and one that is dead is noticed."""
import asyncio
import concurrent.futures
import os
import pathlib
import re
import socket
import threading
import unittest
from unittest import mock

import grpc

import proctor
import proctor.aio
from proctor import stubs
from proctor.v1 import reward_service_pb2 as reward_pb, reward_service_pb2_grpc as reward_grpc

from fake_sessions import FakeSessions

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.server = FakeSessions()
        self.addCleanup(self.server.server.stop, None)
        self.proxy = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.proxy.close)
        self.proxy.setblocking(False)
        url = f"http://127.0.0.1:{self.proxy.getsockname()[1]}"
        clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        patch = mock.patch.dict(os.environ, {**clean, "grpc_proxy": url, "https_proxy": url, "http_proxy": url}, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def check_nobody_came(self):
        with self.assertRaises(BlockingIOError):
            self.proxy.accept()

    def test_a_client_goes_past_it(self):
        with proctor.connect(self.server.address, timeout=30) as client:
            self.assertEqual("environments/null", client.get_environment("null").name)
        self.check_nobody_came()

    def test_so_does_an_asyncio_client(self):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                return (await client.get_environment("null")).name
        self.assertEqual("environments/null", asyncio.run(run()))
        self.check_nobody_came()


class Rewards(reward_grpc.RewardServiceServicer):
    """One record a stream, then silence until the client leaves."""

    def __init__(self):
        self.offset = 0

    def StreamRewards(self, requests, context):
        next(requests)
        self.offset += 1
        reply = reward_pb.StreamRewardsResponse(end_offset=self.offset)
        reply.records.add(offset=self.offset)
        yield reply
        for _ in requests:
            pass


class Relay:
    """Passes on what a client and the server say to each other until it is cut: from then on what they say on the connections that
    there are is lost, and nobody is told."""

    def __init__(self, target):
        self._target = target
        self._generation = 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self._generation += 1

    def close(self):
        for one in (self._listener, *self._sockets):
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink, self._generation), daemon=True).start()

    def _pass_on(self, source, sink, generation):
        try:
            while data := source.recv(65536):
                if generation == self._generation:
                    sink.sendall(data)
        except OSError:
            pass


class DeadConnectionTest(unittest.TestCase):
    """Waits of 30 s and 20 s are made short for it; that there are any is what is tested."""

    def setUp(self):
        # As proctord allows.
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), options=[("grpc.http2.min_ping_interval_without_data_ms", 100)])
        reward_grpc.add_RewardServiceServicer_to_server(Rewards(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(server.stop, None)
        self.relay = Relay(("127.0.0.1", port))
        self.addCleanup(self.relay.close)
        short = {"grpc.keepalive_time_ms": 300, "grpc.keepalive_timeout_ms": 1000}
        patch = mock.patch.object(stubs, "CHANNEL_OPTIONS", tuple((name, short.get(name, value)) for name, value in stubs.CHANNEL_OPTIONS))
        patch.start()
        self.addCleanup(patch.stop)

    def test_a_reward_stream_comes_back(self):
        client = proctor.Client(self.relay.address)
        self.addCleanup(client.close)
        found = []

        def read():
            with proctor.RewardStream(client, "c") as stream:
                for record in stream:
                    found.append(record.offset)
                    if len(found) == 2:
                        return
                    self.relay.cut()
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(60)
        self.check(found)

    def check(self, found):
        """Two, of two connections; on a busy machine there may have been more."""
        self.assertEqual(2, len(found))
        self.assertGreater(found[1], found[0])

    def test_an_asyncio_reward_stream_comes_back(self):
        async def read():
            async with proctor.aio.connect(self.relay.address) as client:
                stream = client.stream_rewards("c")
                found = [(await anext(stream)).offset]
                self.relay.cut()
                found.append((await anext(stream)).offset)
                await stream.aclose()
                return found
        self.check(asyncio.run(asyncio.wait_for(read(), 60)))


class PingTest(unittest.TestCase):
    def test_the_server_allows_as_many(self):
        text = (ROOT / "server" / "proctord.yaml").read_text()
        allowed = int(re.search(r"min_client_ping_interval: (\d+)s", text).group(1))
        self.assertGreater(dict(stubs.CHANNEL_OPTIONS)["grpc.keepalive_time_ms"], 1000 * allowed)


if __name__ == "__main__":
    unittest.main()
