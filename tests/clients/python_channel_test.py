"""The Python clients' connections: straight to the server, whatever proxy the environment names."""
import asyncio
import os
import socket
import unittest
from unittest import mock

import proctor
import proctor.aio

from fake_sessions import FakeSessions


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


if __name__ == "__main__":
    unittest.main()
