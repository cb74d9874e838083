"""How long the reward streams keep trying, on a simulated clock, against a server that ends streams as told."""
import asyncio
import concurrent.futures
import threading
import time
import types
import unittest
import unittest.mock

import grpc

import proctor
import proctor.aio
from proctor.v1 import reward_service_pb2 as reward_pb, reward_service_pb2_grpc as reward_grpc

PATIENCE = 60.0
#: Of waits in this test, in seconds; on the real clock.
DEADLINE = 30.0


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class BreakingServer(reward_grpc.RewardServiceServicer):
    """Each stream lasts as long as the script says and ends with `code`, with a reply without records before if
    `replies`; when the script is at its end, a stream brings one record."""

    def __init__(self, clock: Clock, seconds: list[float], replies: bool, code: grpc.StatusCode, retry_after: str):
        self.clock = clock
        self.seconds = seconds
        self.replies = replies
        self.code = code
        self.retry_after = retry_after
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
        if self.retry_after:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", self.retry_after),))
        context.abort(self.code, "not now")


class FullServer(reward_grpc.RewardServiceServicer):
    """Has three records; the first `failures` acknowledgements cannot be stored. If it is `late`, it stores none and says nothing until
    the client has said all; if it is `deaf`, it does not even notice that."""

    def __init__(self, failures: int = 0, late: bool = False, deaf: bool = False):
        self.failures = failures
        self.late = late
        self.deaf = deaf
        self.committed = 0
        #: What each stream began with.
        self.first_acks: list[int] = []
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        reward_grpc.add_RewardServiceServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def StreamRewards(self, requests, context):
        first = next(requests)
        self.first_acks.append(first.ack_offset)
        self.store(first, context)
        reply = reward_pb.StreamRewardsResponse(end_offset=3, committed_offset=self.committed)
        for offset in range(self.committed + 1, 4):
            reply.records.add(offset=offset).reward.reward_id = str(offset)
        yield reply
        if self.deaf:
            gone = threading.Event()
            if context.add_callback(gone.set):
                gone.wait(DEADLINE)
        for request in list(requests) if self.late else requests:
            self.store(request, context)
            yield reward_pb.StreamRewardsResponse(end_offset=3, committed_offset=self.committed)

    def store(self, request, context):
        if request.ack_offset > self.committed and self.failures > 0:
            self.failures -= 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the disk is full")
        self.committed = max(self.committed, request.ack_offset)


class RewardsTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.pauses = pauses = []

        async def pause(_stream, seconds, _ready):
            pauses.append(seconds)
            await asyncio.sleep(0)

        # Pauses between attempts take no time.
        for name, fake in (("proctor.patience.time", types.SimpleNamespace(monotonic=self.clock.monotonic)),
                           ("proctor.rewards.RewardStream._pause", lambda _stream, seconds, _ready: pauses.append(seconds)),
                           ("proctor.aio.rewards.RewardStream._pause", pause)):
            patch = unittest.mock.patch(name, fake)
            patch.start()
            self.addCleanup(patch.stop)


class PatienceTest(RewardsTest):
    def serve(self, seconds, replies=False, code=grpc.StatusCode.UNAVAILABLE, retry_after=""):
        server = BreakingServer(self.clock, seconds, replies, code, retry_after)
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

    def test_a_server_that_stops_and_cancels_its_streams_is_away(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            self.assertEqual("one", first(self.serve([5.0] * 10, code=grpc.StatusCode.CANCELLED)))
            with self.assertRaisesRegex(proctor.Unavailable, "the server ended the call while it stopped"):
                first(self.serve([5.0] * 20, code=grpc.StatusCode.CANCELLED))

    def test_pauses_grow_up_to_their_cap(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            self.pauses.clear()
            self.assertEqual("one", first(self.serve([1.0] * 8)))
            self.assertEqual(8, len(self.pauses))
            for pause, least, most in zip(self.pauses, (0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 5, 5), (0.25, 0.5, 1, 2, 4, 5, 5, 5)):
                self.assertTrue(least <= pause <= most, self.pauses)

    def test_a_full_disk_is_waited_for(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            self.assertEqual("one", first(self.serve([5.0] * 10, code=grpc.StatusCode.RESOURCE_EXHAUSTED)))

    def test_a_disk_that_stays_full_is_told_though_the_server_answers(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            server = self.serve([5.0] * 20, replies=True, code=grpc.StatusCode.RESOURCE_EXHAUSTED)
            with self.assertRaises(proctor.ResourceExhausted):
                first(server)
            self.assertEqual(6, len(server.seconds))

    def test_the_servers_hint_counts_unless_it_is_beyond_the_patience(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            self.pauses.clear()
            self.assertEqual("one", first(self.serve([1.0], code=grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after="7000")))
            self.assertEqual([7.0], self.pauses)
            with self.assertRaises(proctor.ResourceExhausted):
                first(self.serve([1.0], code=grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after="61000"))

    def test_what_does_not_pass_is_told_at_once(self):
        for first in (self.first_of_sync, self.first_of_asyncio):
            server = self.serve([1.0, 1.0], code=grpc.StatusCode.ABORTED)
            with self.assertRaises(proctor.Aborted):
                first(server)
            self.assertEqual(1, len(server.seconds))


class AcknowledgementTest(RewardsTest):
    """Acknowledgements that could not be stored are told again, and nothing comes twice."""

    def serve(self):
        server = FullServer(failures=4)
        self.addCleanup(server.server.stop, None)
        return server

    def check(self, server, offsets):
        self.assertEqual([1, 2, 3], offsets)
        self.assertEqual(0, server.failures)
        self.assertEqual(0, server.first_acks[0])
        # The last stream stored what it was told first.
        self.assertGreater(server.first_acks[-1], 0)
        self.assertEqual(sorted(server.first_acks), server.first_acks)

    def test_of_the_stream(self):
        server = self.serve()
        offsets = []

        def read():
            for record in stream:
                offsets.append(record.offset)
                stream.ack(record.offset)

        with proctor.Client(server.address) as client:
            with proctor.RewardStream(client, "c") as stream:
                reader = threading.Thread(target=read)
                reader.start()
                end = time.monotonic() + DEADLINE
                while server.committed < 3 and reader.is_alive() and time.monotonic() < end:
                    reader.join(0.01)
            reader.join()
        self.check(server, offsets)

    def test_of_the_asyncio_stream_by_hand(self):
        async def run(server):
            offsets = []
            async with proctor.aio.connect(server.address) as client, proctor.aio.RewardStream(client, "c") as stream:
                async def read():
                    async for record in stream:
                        offsets.append(record.offset)
                        stream.ack(record.offset)

                reader = asyncio.ensure_future(read())
                while server.committed < 3 and not reader.done():
                    await asyncio.wait([reader], timeout=0.01)
                stream.close()
                await reader
            return offsets

        server = self.serve()
        self.check(server, asyncio.run(asyncio.wait_for(run(server), DEADLINE)))

    def test_of_the_asyncio_stream_that_acknowledges_by_itself(self):
        async def run(server):
            offsets = []
            async with proctor.aio.connect(server.address) as client:
                stream = client.stream_rewards("c")
                async for record in stream:
                    offsets.append(record.offset)
                    if record.offset == 3:
                        break
                last = asyncio.ensure_future(anext(stream))  # Acknowledges the last one, for which nothing follows.
                while server.committed < 3 and not last.done():
                    await asyncio.wait([last], timeout=0.01)
                last.cancel()
                await asyncio.wait([last])
                await stream.aclose()
            return offsets

        server = self.serve()
        self.check(server, asyncio.run(asyncio.wait_for(run(server), DEADLINE)))


class CreditsTest(unittest.TestCase):
    """Credits are what may be under way: given for what was taken, and for what came again."""

    def test_of_a_stream(self):
        stream = proctor.RewardStream(None, "c", credits=2)
        reply = reward_pb.StreamRewardsResponse(end_offset=9)
        for offset in (4, 7):
            reply.records.add(offset=offset)
        self.assertEqual(2, stream._first_request().credits)
        self.assertIsNone(stream._came(reply))
        self.assertIsNone(stream._next_credits())
        self.assertEqual(4, stream._take().offset)
        self.assertIsNone(stream._next_credits())
        self.assertEqual(2, stream._came(reply).credits)
        self.assertEqual(1, stream._first_request().credits)
        self.assertEqual(7, stream._take().offset)
        self.assertEqual(1, stream._next_credits().credits)
        self.assertIsNone(stream._next_credits())


if __name__ == "__main__":
    unittest.main()
