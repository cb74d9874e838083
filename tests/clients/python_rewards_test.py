"""How long the reward streams keep trying, on a simulated clock, against a server that ends streams as told."""
import asyncio
import concurrent.futures
import time
import types
import unittest
import unittest.mock

import grpc

import proctor
import proctor.aio
from proctor.v1 import reward_service_pb2 as reward_pb, reward_service_pb2_grpc as reward_grpc

PATIENCE = 60.0


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class BreakingServer(reward_grpc.RewardServiceServicer):
    """Each stream lasts as long as the script says and ends UNAVAILABLE, with a reply without records before if
    `replies`; when the script is at its end, a stream brings one record."""

    def __init__(self, clock: Clock, seconds: list[float], replies: bool = False):
        self.clock = clock
        self.seconds = seconds
        self.replies = replies
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        reward_grpc.add_RewardServiceServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def StreamRewards(self, requests, context):
        next(requests)
        if not self.seconds:
            reply = reward_pb.StreamRewardsResponse(end_offset=1)
            reply.records.add(offset=1).reward.reward_id = "one"
            yield reply
            return
        self.clock.now += self.seconds.pop(0)
        if self.replies:
            yield reward_pb.StreamRewardsResponse(committed_offset=0)
        context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")


class PatienceTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        # The waits between attempts are real, and short.
        fake = types.SimpleNamespace(monotonic=self.clock.monotonic, sleep=lambda _: time.sleep(0))
        patch = unittest.mock.patch("proctor.rewards.time", fake)
        patch.start()
        self.addCleanup(patch.stop)

    def serve(self, seconds, replies=False):
        server = BreakingServer(self.clock, seconds, replies)
        self.addCleanup(server.server.stop, None)
        return server

    def first_of_sync(self, server):
        with proctor.Client(server.address) as client, proctor.RewardStream(client, "c", patience=PATIENCE) as stream:
            return next(iter(stream)).reward.reward_id

    def first_of_asyncio(self, server):
        async def run() -> str:
            async with proctor.aio.connect(server.address) as client:
                stream = client.stream_rewards("c", patience=PATIENCE)
                try:
                    return (await anext(stream)).reward.reward_id
                finally:
                    await stream.aclose()
        return asyncio.run(run())

    def test_restarts_far_apart_without_a_reward_between_do_not_add_up(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            self.assertEqual("one", first(self.serve([100.0, 100.0, 100.0])))

    def test_a_reply_without_records_shows_that_the_server_is_there(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            self.assertEqual("one", first(self.serve([5.0] * 20, replies=True)))

    def test_patience_ends_where_no_attempt_succeeds(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            server = self.serve([5.0] * 20)
            with self.assertRaises(proctor.Unavailable):
                first(server)
            self.assertEqual(6, len(server.seconds))


if __name__ == "__main__":
    unittest.main()
