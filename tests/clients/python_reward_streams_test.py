"""The reward streams' acknowledgements by hand, what is told of them, and the streams' end, against a server that stores as told."""
import asyncio
import contextlib
import threading
import time
import unittest
import unittest.mock

import proctor
import proctor.aio

from python_rewards_test import DEADLINE, FullServer, RewardsTest


class FullServerTest(RewardsTest):
    """With a server whose disk may be full."""

    def setUp(self):
        super().setUp()
        self.serve()

    def serve(self, **options):
        self.server = FullServer(**options)
        self.addCleanup(self.server.server.stop, None)


class AsyncioStreamTest(FullServerTest):
    """Acknowledging by hand, and the stream's end."""

    def run_with_stream(self, body, **options):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                async with proctor.aio.RewardStream(client, "c", **options) as stream:
                    return await body(stream)
        return asyncio.run(asyncio.wait_for(run(), DEADLINE))

    def test_nothing_is_acknowledged_unless_it_is_said(self):
        async def read(stream):
            return [(await anext(records)).offset for records in [aiter(stream)] for _ in range(3)]

        self.assertEqual([1, 2, 3], self.run_with_stream(read))
        self.assertEqual(0, self.server.committed)

    def test_what_is_acknowledged_last_is_stored_before_the_stream_is_left(self):
        async def read(stream):
            async for record in stream:
                if record.offset == 2:
                    break
            stream.ack(record.offset)

        self.serve(late=True)
        self.run_with_stream(read)
        self.assertEqual(2, self.server.committed)

    def test_a_server_that_does_not_end_the_stream_is_left_all_the_same(self):
        async def read(stream):
            await anext(aiter(stream))

        self.serve(deaf=True)
        with unittest.mock.patch("proctor.aio.rewards.FAREWELL", 0.05):
            self.run_with_stream(read)

    def test_what_is_acknowledged_last_is_told_again_where_the_connection_is_gone(self):
        async def read(stream):
            stream.ack((await anext(aiter(stream))).offset)
            while stream._connection.failure is None:
                await stream._news.wait()

        self.serve(failures=3)
        self.run_with_stream(read)
        self.assertEqual([0, 1, 1, 1], self.server.first_acks)
        self.assertEqual(1, self.server.committed)

    def test_a_server_that_is_gone_is_told_of_at_the_end_and_by_flush(self):
        async def read(stream):
            stream.ack((await anext(aiter(stream))).offset)
            self.server.server.stop(None).wait(DEADLINE)
            with self.assertRaisesRegex(proctor.Unavailable, "not known to be stored"):
                await stream.flush(0.2)

        async def read_and_raise(stream):
            stream.ack((await anext(aiter(stream))).offset)
            self.server.server.stop(None).wait(DEADLINE)
            raise KeyError("mine")

        with unittest.mock.patch("proctor.aio.rewards.FAREWELL", 0.2):
            with self.assertRaisesRegex(proctor.Unavailable, "not known to be stored"):
                self.run_with_stream(read, patience=0)
            self.serve()
            with self.assertRaises(KeyError), self.assertWarnsRegex(RuntimeWarning, "after offset 0, up to 1, .* may come again"):
                self.run_with_stream(read_and_raise, patience=0)

    def test_a_server_that_is_gone_is_not_waited_for_at_the_end_with_all_patience(self):
        async def read(stream):
            stream.ack((await anext(aiter(stream))).offset)
            self.server.server.stop(None).wait(DEADLINE)

        self.serve(late=True)
        began = time.monotonic()
        with unittest.mock.patch("proctor.aio.rewards.FAREWELL", 0.2), self.assertRaisesRegex(proctor.ProctorError, "after offset 0, up to 1"):
            self.run_with_stream(read, patience=10 * DEADLINE)
        self.assertLess(time.monotonic() - began, DEADLINE / 2)

    def test_a_generator_that_is_dropped_warns_of_what_comes_again(self):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                records = client.stream_rewards("c", patience=10 * DEADLINE)
                await anext(records)
                await anext(records)
                self.server.server.stop(None).wait(DEADLINE)
                await records.aclose()

        self.serve(late=True)
        began = time.monotonic()
        with unittest.mock.patch("proctor.aio.rewards.FAREWELL", 0.2), self.assertWarnsRegex(RuntimeWarning, "after offset 0, up to 1"):
            asyncio.run(run())
        self.assertLess(time.monotonic() - began, DEADLINE / 2)

    def test_the_end_leaves_nothing_behind(self):
        async def left(body):
            async with proctor.aio.connect(self.server.address) as client:
                with contextlib.suppress(KeyError, proctor.ProctorError):
                    async with proctor.aio.RewardStream(client, "c", patience=0) as stream:
                        stream.ack((await anext(aiter(stream))).offset)
                        await body()
                return [task.get_coro().__qualname__ for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        async def leave():
            pass

        async def leave_a_server_that_is_gone():
            self.server.server.stop(None).wait(DEADLINE)
            raise KeyError

        for body in (leave, leave_a_server_that_is_gone) * 10:
            self.serve()
            self.assertEqual([], asyncio.run(left(body)), body.__name__)

    def test_who_interrupts_the_end_is_warned_too(self):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                async with proctor.aio.RewardStream(client, "c") as stream:
                    stream.ack((await anext(aiter(stream))).offset)
                    asyncio.get_running_loop().call_later(0.05, asyncio.current_task().cancel)

        self.serve(deaf=True)
        with self.assertRaises(asyncio.CancelledError), self.assertWarnsRegex(RuntimeWarning, "after offset 0, up to 1"):
            asyncio.run(run())

    def test_a_server_that_says_nothing_is_told_of_at_the_end(self):
        async def read(stream):
            stream.ack((await anext(aiter(stream))).offset)

        self.serve(deaf=True)
        with unittest.mock.patch("proctor.aio.rewards.FAREWELL", 0.05), self.assertRaisesRegex(proctor.DeadlineExceeded, "not known"):
            self.run_with_stream(read, patience=0)

    def test_flush_waits_until_what_was_acknowledged_is_stored(self):
        async def read(stream):
            offsets = []
            async for record in stream:
                offsets.append(record.offset)
                stream.ack(record.offset)
                await stream.flush(DEADLINE)
                self.assertEqual((record.offset, record.offset), (self.server.committed, stream.committed_offset))
                if record.offset == 3:
                    return offsets

        for failures in (0, 1):
            self.serve(failures=failures)
            self.assertEqual([1, 2, 3], self.run_with_stream(read))

    def test_flush_says_when_it_cannot_be_known(self):
        async def read(stream):
            stream.ack((await anext(aiter(stream))).offset)
            with self.assertRaises(proctor.DeadlineExceeded):
                await stream.flush(0.05)
            stream.close()
            with self.assertRaisesRegex(proctor.FailedPrecondition, "closed"):
                await stream.flush(DEADLINE)

        self.serve(late=True)
        self.run_with_stream(read)

    def test_a_reader_in_another_task_ends_as_the_stream_is_left(self):
        async def read(stream):
            offsets = []

            async def rest():
                async for record in stream:
                    offsets.append(record.offset)
                    stream.ack(record.offset)
                return offsets

            reader = asyncio.ensure_future(rest())
            while self.server.committed < 3:
                self.assertFalse(reader.done())
                await asyncio.sleep(0.001)
            return reader

        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                async with proctor.aio.RewardStream(client, "c") as stream:
                    reader = await read(stream)
                return await reader

        self.assertEqual([1, 2, 3], asyncio.run(asyncio.wait_for(run(), DEADLINE)))

    def test_a_reader_that_runs_out_of_time_leaves_the_stream_in_peace(self):
        async def read(stream):
            records = aiter(stream)
            for _ in range(3):
                stream.ack((await anext(records)).offset)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(records), 0.05)
            return stream.end_offset

        self.assertEqual(3, self.run_with_stream(read))

    def test_a_second_iteration_goes_on_after_the_first(self):
        async def read(stream):
            async for record in stream:
                stream.ack(record.offset)
                break
            return record.offset, (await anext(aiter(stream))).offset

        self.assertEqual((1, 2), self.run_with_stream(read))
        self.assertEqual([0], self.server.first_acks)

    def test_a_closed_stream_brings_nothing(self):
        async def read(stream):
            stream.close()
            return [record async for record in stream]

        self.assertEqual([], self.run_with_stream(read))


class StreamTest(FullServerTest):
    """The same of the stream that is not awaited."""

    def stream(self, **options):
        client = proctor.Client(self.server.address)
        self.addCleanup(client.close)
        return proctor.RewardStream(client, "c", **options)

    def test_what_is_acknowledged_last_is_stored_before_the_stream_is_left(self):
        self.serve(late=True)
        with self.stream() as stream:
            for record in stream:
                if record.offset == 2:
                    break
            stream.ack(record.offset)
        self.assertEqual(2, self.server.committed)
        self.assertEqual(2, stream.committed_offset)

    def test_a_server_that_does_not_end_the_stream_is_left_all_the_same(self):
        self.serve(deaf=True)
        with unittest.mock.patch("proctor.rewards.FAREWELL", 0.05), self.stream() as stream:
            next(iter(stream))

    def test_what_is_acknowledged_last_is_told_again_where_the_connection_is_gone(self):
        self.serve(failures=3)
        with self.stream() as stream:
            stream.ack(next(iter(stream)).offset)
            with stream._changed:
                self.assertTrue(stream._changed.wait_for(lambda: stream._connection.failure is not None, DEADLINE))
        self.assertEqual([0, 1, 1, 1], self.server.first_acks)
        self.assertEqual(1, self.server.committed)

    def test_a_server_that_is_gone_is_told_of_at_the_end_and_by_flush(self):
        for error, body_raises in ((proctor.Unavailable, False), (KeyError, True)):
            self.serve(late=True)
            warned = self.assertWarnsRegex(RuntimeWarning, "after offset 0, up to 1, .* may come again") if body_raises else contextlib.nullcontext()
            with warned, unittest.mock.patch("proctor.rewards.FAREWELL", 0.2), self.assertRaises(error) as told, self.stream(patience=0) as stream:
                stream.ack(next(iter(stream)).offset)
                self.server.server.stop(None).wait(DEADLINE)
                if body_raises:
                    raise KeyError("mine")
                with self.assertRaisesRegex(proctor.Unavailable, "not known to be stored"):
                    stream.flush(0.2)
            self.assertRegex(str(told.exception), "mine" if body_raises else "not known to be stored")

    def test_a_server_that_is_gone_is_not_waited_for_at_the_end_with_all_patience(self):
        self.serve(late=True)
        began = time.monotonic()
        with unittest.mock.patch("proctor.rewards.FAREWELL", 0.2), self.assertRaisesRegex(proctor.ProctorError, "after offset 0, up to 1"):
            with self.stream(patience=10 * DEADLINE) as stream:
                stream.ack(next(iter(stream)).offset)
                self.server.server.stop(None).wait(DEADLINE)
        self.assertLess(time.monotonic() - began, DEADLINE / 2)

    def test_a_generator_that_is_dropped_warns_of_what_comes_again(self):
        self.serve(late=True)
        client = proctor.Client(self.server.address)
        self.addCleanup(client.close)
        records = client.stream_rewards("c", patience=10 * DEADLINE)
        next(records)
        next(records)
        self.server.server.stop(None).wait(DEADLINE)
        began = time.monotonic()
        with unittest.mock.patch("proctor.rewards.FAREWELL", 0.2), self.assertWarnsRegex(RuntimeWarning, "after offset 0, up to 1"):
            del records
        self.assertLess(time.monotonic() - began, DEADLINE / 2)

    def test_no_pause_outlasts_what_is_waited_for(self):
        self.serve(late=True)
        with unittest.mock.patch("proctor.rewards.FAREWELL", 0.2), self.assertRaises(proctor.ProctorError), self.stream() as stream:
            stream.ack(next(iter(stream)).offset)
            self.server.server.stop(None).wait(DEADLINE)
        self.assertLessEqual(max(self.pauses), 0.2)

    def test_a_server_that_says_nothing_is_told_of_at_the_end(self):
        self.serve(deaf=True)
        with unittest.mock.patch("proctor.rewards.FAREWELL", 0.05), self.assertRaisesRegex(proctor.DeadlineExceeded, "not known"):
            with self.stream(patience=0) as stream:
                stream.ack(next(iter(stream)).offset)

    def test_a_reader_in_another_thread_ends_as_the_stream_is_left(self):
        offsets = []

        def read():
            for record in stream:
                offsets.append(record.offset)
                stream.ack(record.offset)

        with self.stream() as stream:
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            end = time.monotonic() + DEADLINE
            while self.server.committed < 3 and time.monotonic() < end:
                reader.join(0.001)
        reader.join(DEADLINE)
        self.assertFalse(reader.is_alive())
        self.assertEqual([1, 2, 3], offsets)

    def test_a_second_iteration_goes_on_after_the_first(self):
        with self.stream() as stream:
            self.assertEqual([1, 2, 3], [next(iter(stream)).offset for _ in range(3)])
        self.assertEqual([0], self.server.first_acks)

    def test_flush_waits_until_what_was_acknowledged_is_stored(self):
        for failures in (0, 1):
            self.serve(failures=failures)
            offsets = []
            with self.stream() as stream:
                for record in stream:
                    offsets.append(record.offset)
                    stream.ack(record.offset)
                    stream.flush(DEADLINE)
                    self.assertEqual((record.offset, record.offset), (self.server.committed, stream.committed_offset))
                    if record.offset == 3:
                        break
            self.assertEqual([1, 2, 3], offsets)

    def test_flush_beside_a_reader_in_another_thread(self):
        with self.stream() as stream:
            reader = threading.Thread(target=list, args=(stream,), daemon=True)
            reader.start()
            stream.ack(2)
            stream.flush(DEADLINE)
            self.assertEqual(2, self.server.committed)
        reader.join(DEADLINE)
        self.assertFalse(reader.is_alive())

    def test_flush_says_when_it_cannot_be_known(self):
        self.serve(late=True)
        with self.stream() as stream:
            stream.ack(next(iter(stream)).offset)
            with self.assertRaises(proctor.DeadlineExceeded):
                stream.flush(0.05)
            stream.close()
            with self.assertRaisesRegex(proctor.FailedPrecondition, "closed"):
                stream.flush(DEADLINE)

    def test_a_closed_stream_brings_nothing(self):
        with self.stream() as stream:
            stream.close()
            self.assertEqual([], list(stream))


if __name__ == "__main__":
    unittest.main()
