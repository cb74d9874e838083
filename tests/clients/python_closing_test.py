"""The end of the Python clients and environments: what a closed client says, what becomes of calls under way, and whose exception is seen."""
import asyncio
import concurrent.futures
import threading
import unittest
from unittest import mock

import grpc

import proctor
import proctor.aio
from proctor import recorder
from proctor.aio import recorder as aio_recorder
from proctor.v1 import job_pb2, job_service_pb2_grpc as job_grpc, trajectory_service_pb2 as trajectory_pb, trajectory_service_pb2_grpc as trajectory_grpc

from fake_sessions import FakeSessions
from python_rewards_test import FullServer

#: Of waits, in seconds.
DEADLINE = 30.0


class Endless(job_grpc.JobServiceServicer, trajectory_grpc.TrajectoryServiceServicer):
    """Calls that go on until the client leaves."""

    def __init__(self):
        #: One is under way.
        self.begun = threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        job_grpc.add_JobServiceServicer_to_server(self, self.server)
        trajectory_grpc.add_TrajectoryServiceServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def hold(self, context):
        gone = threading.Event()
        if context.add_callback(gone.set):
            self.begun.set()
            gone.wait(DEADLINE)

    def GetJob(self, request, context):
        self.hold(context)
        return job_pb2.Job()

    def WatchJob(self, request, context):
        yield job_pb2.Job()
        self.hold(context)

    def ReadBlob(self, request, context):
        yield trajectory_pb.ReadBlobResponse(data=b"x")
        self.hold(context)

    def RecordTrajectory(self, requests, context):
        next(requests)  # The header.
        next(requests)
        self.hold(context)
        return trajectory_pb.RecordTrajectoryRequest()


class ClosedClientTest(unittest.TestCase):
    def setUp(self):
        self.server = FakeSessions()
        self.addCleanup(self.server.server.stop, None)

    def test_calls_say_that_it_is_closed(self):
        client = proctor.Client(self.server.address)
        client.close()
        client.close()
        for call in (lambda: client.get_environment("null"), lambda: client.wait_job("a"), lambda: client.read_blob("0" * 64),
                     lambda: next(client.list_jobs()), lambda: next(client.stream_rewards("c")),
                     lambda: client.record_trajectory("t").__enter__(), lambda: proctor.Env(client, "null").reset(options={"task": "t"})):
            with self.assertRaisesRegex(proctor.FailedPrecondition, "the client is closed: connect again"):
                call()

    def test_so_do_awaited_ones(self):
        async def run():
            client = proctor.aio.connect(self.server.address)
            await client.close()
            await client.close()
            for call in (lambda: client.get_environment("null"), lambda: client.wait_job("a"), lambda: client.read_blob("0" * 64),
                         lambda: anext(client.list_jobs()), lambda: anext(client.stream_rewards("c")),
                         lambda: client.record_trajectory("t").__aenter__(),
                         lambda: proctor.aio.Env(client, "null").reset(options={"task": "t"})):
                with self.assertRaisesRegex(proctor.FailedPrecondition, "the client is closed: connect again"):
                    await call()
        asyncio.run(asyncio.wait_for(run(), DEADLINE))

    def test_an_env_may_be_closed_after_its_client(self):
        client = proctor.Client(self.server.address)
        env = proctor.Env(client, "null")
        env.reset(options={"task": "t"})
        client.close()
        env.close()
        self.assertEqual("", env.session)

        async def run():
            client = proctor.aio.connect(self.server.address)
            env = proctor.aio.Env(client, "null")
            await env.reset(options={"task": "t"})
            await client.close()
            await env.close()
            return env.session
        self.assertEqual("", asyncio.run(asyncio.wait_for(run(), DEADLINE)))


class CallsUnderWayTest(unittest.TestCase):
    def setUp(self):
        self.server = Endless()
        self.addCleanup(self.server.server.stop, None)

    def test_they_end_as_cancelled(self):
        def finish(client):
            with client.record_trajectory("t") as recording:
                recording.end()
        for call in (lambda c: c.get_job("a"), lambda c: c.wait_job("a"), lambda c: c.read_blob("0" * 64), finish):
            self.server.begun.clear()
            client = proctor.Client(self.server.address)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                result = pool.submit(call, client)
                self.assertTrue(self.server.begun.wait(DEADLINE))
                client.close()
                with self.assertRaises(proctor.Cancelled):
                    result.result(DEADLINE)

    def test_awaited_ones_too(self):
        async def finish(client):
            async with client.record_trajectory("t") as recording:
                await recording.end()

        async def run(call):
            client = proctor.aio.connect(self.server.address)
            task = asyncio.ensure_future(call(client))
            self.assertTrue(await asyncio.to_thread(self.server.begun.wait, DEADLINE))
            await client.close()
            with self.assertRaises(proctor.Cancelled):
                await task
        for call in (lambda c: c.get_job("a"), lambda c: c.wait_job("a"), lambda c: c.read_blob("0" * 64), finish):
            self.server.begun.clear()
            asyncio.run(asyncio.wait_for(run(call), DEADLINE))

    def test_a_recording_is_left_though_the_server_does_not_read(self):
        step = proctor.set_clipboard("x" * (1 << 20))  # More than the connection takes unread.
        with proctor.Client(self.server.address) as client, mock.patch.object(recorder, "FAREWELL", 0.2):
            with self.assertRaises(ZeroDivisionError), client.record_trajectory("t") as recording:
                while not recording._messages.full():
                    recording.step(step)
                1 / 0
            self.assertTrue(recording._call.cancelled())

        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                with self.assertRaises(ZeroDivisionError):
                    async with client.record_trajectory("t") as recording:
                        await recording.step(proctor.noop())
                        1 / 0
                return recording._call.cancelled()
        with mock.patch.object(aio_recorder, "FAREWELL", 0.2):
            self.assertTrue(asyncio.run(asyncio.wait_for(run(), DEADLINE)))

    def test_a_task_that_is_cancelled_stays_so(self):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                task = asyncio.ensure_future(client.get_job("a"))
                self.assertTrue(await asyncio.to_thread(self.server.begun.wait, DEADLINE))
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
        asyncio.run(asyncio.wait_for(run(), DEADLINE))

    def test_a_reward_stream_too(self):
        server = FullServer(late=True)
        self.addCleanup(server.server.stop, None)
        client = proctor.Client(server.address)
        records = iter(proctor.RewardStream(client, "c"))
        self.assertEqual([1, 2, 3], [next(records).offset for _ in range(3)])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            result = pool.submit(next, records)
            client.close()
            # The one if it had begun to wait, else the other.
            with self.assertRaises((proctor.Cancelled, proctor.FailedPrecondition)):
                result.result(DEADLINE)

        async def run():
            client = proctor.aio.connect(server.address)
            records = aiter(proctor.aio.RewardStream(client, "c"))
            self.assertEqual([1, 2, 3], [(await anext(records)).offset for _ in range(3)])
            await client.close()
            with self.assertRaises(proctor.Cancelled):
                await anext(records)
        asyncio.run(asyncio.wait_for(run(), DEADLINE))


class EnvTest(unittest.TestCase):
    """A server that is gone does not hide what ended the body."""

    def setUp(self):
        self.server = FakeSessions()
        self.addCleanup(self.server.server.stop, None)
        for module in ("proctor.calls", "proctor.aio.calls"):
            patch = mock.patch(module + ".RETRIES", 0)
            patch.start()
            self.addCleanup(patch.stop)

    def test_of_with(self):
        with proctor.Client(self.server.address) as client:
            with self.assertRaises(KeyError), proctor.Env(client, "null") as env:
                env.reset(options={"task": "t"})
                self.server.server.stop(None).wait(DEADLINE)
                raise KeyError("mine")

    def test_of_async_with(self):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                async with proctor.aio.Env(client, "null") as env:
                    await env.reset(options={"task": "t"})
                    self.server.server.stop(None).wait(DEADLINE)
                    raise KeyError("mine")
        with self.assertRaises(KeyError):
            asyncio.run(asyncio.wait_for(run(), DEADLINE))

    def test_without_one_it_is_told(self):
        with proctor.Client(self.server.address) as client, self.assertRaises(proctor.Unavailable):
            with proctor.Env(client, "null") as env:
                env.reset(options={"task": "t"})
                self.server.server.stop(None).wait(DEADLINE)


if __name__ == "__main__":
    unittest.main()
