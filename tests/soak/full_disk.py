"""Consumers of rewards while the disk is full: their streams end because acknowledgements cannot be stored, and go on by themselves when there
is room again. With $PROCTORD naming the server and $FAULTY_DISK the library to preload."""
from __future__ import annotations

import asyncio
import pathlib
import sys
import threading
import unittest
import unittest.mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

import proctor
import proctor.aio
from faulty_disk import FaultyDisk
from processes import wait_until
from proctor.v1 import reward_service_pb2 as reward_pb, task_pb2
from proctord import Proctord

REWARDS = 6
#: So many writes have failed before there is room again: more than a first acknowledgement makes, so that streams were opened in vain.
FAILURES = 6


class FullDiskTest(unittest.TestCase):
    def setUp(self):
        self.server = Proctord()
        self.disk = FaultyDisk(self.server)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.client = proctor.connect(self.server.address)
        self.addCleanup(self.client.close)
        self.client.create_consumer("trainer", start="earliest")
        self.make_rewards()
        #: What streams ended with.
        self.ends: list[proctor.ProctorError] = []
        from_rpc = proctor.errors.from_rpc

        def note(error):
            self.ends.append(from_rpc(error))
            return self.ends[-1]

        patch = unittest.mock.patch("proctor.errors.from_rpc", note)
        patch.start()
        self.addCleanup(patch.stop)

    def make_rewards(self) -> None:
        task = task_pb2.Task(goal="Say the number.", environment="environments/null")
        task.oracle.answer.match.equals.values.append("42")
        name = self.client.create_task(task).name
        with proctor.Env(self.client, "null", observe=["text"]) as env:
            for _ in range(REWARDS):
                env.reset(options={"task": name})
                env.step(proctor.answer("42"))
        wait_until(lambda: self.client.list_rewards(page_size=1).end_offset == REWARDS, 60, "all rewards")

    def fill(self) -> threading.Thread:
        """The disk is full from now on, until some writes have failed."""
        self.disk.order("full")

        def empty() -> None:
            wait_until(lambda: self.disk.failures() >= FAILURES, 60, "writes failed")
            self.disk.order("none")

        thread = threading.Thread(target=empty)
        thread.start()
        return thread

    def committed(self) -> int:
        consumers = self.client.call(self.client.rewards.ListConsumers, reward_pb.ListConsumersRequest()).consumers
        return consumers[0].committed_offset

    def check(self, offsets: list[int]) -> None:
        self.assertEqual(list(range(1, REWARDS + 1)), offsets)
        self.assertGreaterEqual(self.disk.failures(), FAILURES)
        self.assertIn(proctor.ResourceExhausted, map(type, self.ends))

    def test_the_stream_goes_on(self):
        offsets = []

        def read() -> None:
            for record in stream:
                offsets.append(record.offset)
                if record.offset == 1:
                    self.filled = self.fill()
                stream.ack(record.offset)

        with proctor.RewardStream(self.client, "trainer", credits=2) as stream:
            reader = threading.Thread(target=read)
            reader.start()
            wait_until(lambda: self.committed() == REWARDS or not reader.is_alive(), 120, "every record acknowledged")
        reader.join()
        self.filled.join()
        self.check(offsets)

    def test_the_asyncio_stream_goes_on(self):
        async def run() -> list[int]:
            offsets = []
            async with proctor.aio.connect(self.server.address) as client:
                stream = client.stream_rewards("trainer", credits=2)
                async for record in stream:
                    offsets.append(record.offset)
                    if record.offset == 1:
                        filled = self.fill()
                    if record.offset == REWARDS:
                        break
                await stream.aclose()
            filled.join()
            return offsets

        self.check(asyncio.run(run()))


if __name__ == "__main__":
    unittest.main()
