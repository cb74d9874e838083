"""Recordings of one's own world by the Python client, synchronous and asyncio, against a real proctord."""
import asyncio
import hashlib
import os
import threading
import unittest
from unittest import mock

import proctor
import proctor.aio
from proctor import recording
from proctor.v1 import episode_pb2, observation_pb2, reward_pb2, task_pb2, trajectory_pb2

from names_test import png
from proctord import Proctord


def task(**fields) -> task_pb2.Task:
    made = task_pb2.Task(goal="What is 2 + 2?", **fields)
    made.oracle.answer.match.equals.values.append("4")
    return made


def large_png() -> bytes:
    """Seven MiB and a byte: the server looks at no more than digests."""
    picture = png(300, 20)
    return picture + os.urandom((7 << 20) + 1 - len(picture))


class RecordingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord().start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        for module in (proctor.recorder, proctor.aio.recorder):  # However busy the machine is.
            patch = mock.patch.object(module, "FAREWELL", 60.0)
            patch.start()
            self.addCleanup(patch.stop)
        before = set(threading.enumerate())

        def no_thread_is_left() -> None:
            for thread in set(threading.enumerate()) - before:
                if "_poll_wrapper" not in thread.name:  # grpc.aio's own, as long as the process lives.
                    thread.join(60)
                    self.assertFalse(thread.is_alive(), f"{thread} is left")
        self.addCleanup(no_thread_is_left)

    def test_steps_and_pictures_are_kept_and_rewarded(self):
        before, after = png(30, 20), large_png()
        with self.client.record_trajectory(task(), policy="mine", policy_version="7", screenshot=before, client_tags={"a": "b"},
                                           recorder="test") as written:
            written.step(proctor.click((10, 20)), screenshot=after)
            seen = observation_pb2.Observation(url="http://a/", screenshot=observation_pb2.Image(data=after))
            written.step(proctor.agent_text("webvoyager", "Action: Wait"), observation=seen)
            written.step(trajectory_pb2.Step(action=proctor.answer("4"), index=9))
            ended = written.end()
        self.assertIs(ended, written.trajectory)
        record = self.client.get_trajectory(ended.name)
        self.assertEqual(("mine", "7", "test", "environments/external", {"a": "b"}),
                         (record.policy.policy, record.policy.version, record.recorder, record.environment, dict(record.client_tags)))
        self.assertEqual((episode_pb2.END_KIND_TERMINATED, episode_pb2.END_REASON_ANSWERED), (record.end_kind, record.end_reason))
        self.assertEqual([0, 1, 2], [step.index for step in record.steps])
        shot = record.steps[0].observation.screenshot
        self.assertEqual((300, 20, observation_pb2.IMAGE_FORMAT_PNG, len(after)), (shot.width_px, shot.height_px, shot.format, shot.size_bytes))
        self.assertEqual(shot, record.steps[1].observation.screenshot)
        self.assertEqual(hashlib.sha256(after).hexdigest(), shot.digest)
        self.assertEqual(after, self.client.read_blob(shot.digest))
        self.assertEqual(before, self.client.read_blob(record.initial_observation.screenshot.digest))
        episode = self.client.wait_episode(ended.name.split("/")[1])
        self.assertEqual(1.0, episode.reward.value)

    def test_a_group_takes_recordings_in(self):
        stored = self.client.create_task(task(environment="null"))
        group = self.client.create_group(stored.name, 2)
        for text in ("4", "5"):
            with self.client.record_trajectory(stored.name, group=group.name.split("/")[1]) as written:
                written.step(proctor.answer(text))
                written.end()
        listed = self.client.list_trajectories(group=group.name)
        self.assertEqual(["5", "4"], [self.client.get_trajectory(one.name).steps[0].action.answer.text for one in listed])
        self.assertEqual(reward_pb2.GROUP_STATE_COMPLETE, self.client.get_group(group.name).state)

    def test_reasons_tell_the_kind_of_end(self):
        for reason, kind in (("step_limit", episode_pb2.END_KIND_TRUNCATED), ("world_fault", episode_pb2.END_KIND_INTERRUPTED),
                             ("", episode_pb2.END_KIND_TERMINATED)):
            with self.client.record_trajectory(task()) as written:
                written.step(proctor.noop())
                self.assertEqual(kind, written.end(reason, message="so").end_kind)

    def test_the_same_request_id_gives_the_same_recording(self):
        names = set()
        for _ in range(2):
            with self.client.record_trajectory(task(), request_id="once") as written:
                written.step(proctor.answer("4"))
                names.add(written.end().name)
        self.assertEqual(1, len(names))

    def test_left_without_an_end_it_is_interrupted(self):
        with self.assertRaisesRegex(RuntimeError, r"without end\(\)"):
            with self.client.record_trajectory(task(), policy="left") as written:
                written.step(proctor.answer("4"))
        with self.assertRaises(ZeroDivisionError):
            with self.client.record_trajectory(task(), policy="left") as written:
                written.step(proctor.answer("4"))
                1 / 0
        self.check_left("left", 2, 1)

    def check_left(self, policy: str, count: int, steps: int) -> None:
        """`count` records of the policy are there, each with `steps` steps, interrupted and masked."""
        listed = list(self.client.list_trajectories(policy=policy))
        self.assertEqual(count, len(listed))
        for one in listed:
            record = self.client.get_trajectory(one.name)
            self.assertEqual((episode_pb2.END_KIND_INTERRUPTED, steps), (record.end_kind, len(record.steps)))
            episode = self.client.wait_episode(one.name.split("/")[1])
            self.assertEqual(reward_pb2.REWARD_STATUS_MASKED, episode.reward.status)

    def test_left_without_an_end_all_its_steps_are_kept(self):
        pictures = [large_png() for _ in range(3)]
        with self.assertRaises(ZeroDivisionError):
            with self.client.record_trajectory(task(), policy="left-large") as written:
                for picture in pictures:
                    written.step(proctor.noop(), screenshot=picture)
                1 / 0
        self.check_left("left-large", 1, 3)

        async def run() -> None:
            async with proctor.aio.connect(self.server.address) as client:
                with self.assertRaises(ZeroDivisionError):
                    async with client.record_trajectory(task(), policy="left-awaited") as written:
                        for picture in pictures:
                            await written.step(proctor.noop(), screenshot=picture)
                        1 / 0
        asyncio.run(run())
        self.check_left("left-awaited", 1, 3)

    def test_left_without_an_end_the_servers_refusal_is_the_cause(self):
        with self.assertRaisesRegex(RuntimeError, r"without end\(\)") as raised, self.client.record_trajectory("nosuch"):
            pass
        self.assertIsInstance(raised.exception.__cause__, proctor.NotFound)

        async def run() -> BaseException | None:
            async with proctor.aio.connect(self.server.address) as client:
                with self.assertRaisesRegex(RuntimeError, r"without end\(\)") as raised:
                    async with client.record_trajectory("nosuch"):
                        pass
                return raised.exception.__cause__
        self.assertIsInstance(asyncio.run(run()), proctor.NotFound)

    def test_what_the_server_refuses_is_raised(self):
        with self.assertRaises(proctor.NotFound):
            with self.client.record_trajectory("nosuch") as written:
                written.step(proctor.answer("4"))
                written.end()
        with self.assertRaises(proctor.ProctorError):
            with self.client.record_trajectory("nosuch") as written:
                while True:  # The error comes without an end, too.
                    written.step(proctor.noop())

    def test_what_is_no_step_or_picture_is_said(self):
        with self.assertRaisesRegex(TypeError, "an Action"), self.client.record_trajectory(task()) as written:
            written.step("click 3")
        with self.assertRaisesRegex(ValueError, "neither PNG"), self.client.record_trajectory(task()) as written:
            written.step(proctor.noop(), screenshot=b"no picture")
        with self.assertRaises(ValueError):
            with self.client.record_trajectory(task(), screenshot=b"no picture"):
                self.fail("not reached")
        unopened = self.client.record_trajectory(task())
        with self.assertRaisesRegex(RuntimeError, "with"):
            unopened.step(proctor.noop())

    def test_a_token_goes_with_it(self):
        security = proctor.Security(token="abc", token_in_plain_text=True)
        with proctor.Client(self.server.address, security) as client:
            with self.assertRaises(proctor.Unauthenticated), client.record_trajectory(task()) as written:
                written.end()

    def test_asyncio_does_the_same(self):
        picture = large_png()

        async def run() -> None:
            async with proctor.aio.connect(self.server.address) as client:
                async with client.record_trajectory(task(), policy="aio", screenshot=picture) as written:
                    await written.step(proctor.answer("4"), screenshot=picture)
                    ended = await written.end()
                self.assertEqual(picture, await client.read_blob(hashlib.sha256(picture).hexdigest()))
                self.assertEqual([ended.name], [one.name async for one in client.list_trajectories(policy="aio")])
                with self.assertRaisesRegex(RuntimeError, r"without end\(\)"):
                    async with client.record_trajectory(task()) as written:
                        await written.step(proctor.noop())
                with self.assertRaises(proctor.NotFound):
                    async with client.record_trajectory("nosuch") as written:
                        await written.step(proctor.answer("4"))
                        await written.end()
                with self.assertRaises(ValueError):
                    async with client.record_trajectory(task(), screenshot=b"no picture"):
                        self.fail("not reached")
        asyncio.run(run())


class PartsTest(unittest.TestCase):
    def test_pictures_go_in_parts_before_what_names_them_and_once(self):
        picture = large_png()
        made = recording.RecordingBase(None, recording.header(task(), "", "", "", None, "", "", ""), screenshot=picture)
        messages = [*made._header_messages(), *made._step_messages(proctor.noop(), picture, None, None)]
        self.assertEqual(["blob", "blob", "blob", "header", "step"], [message.WhichOneof("part") for message in messages])
        self.assertEqual([True, True, False], [message.blob.more for message in messages[:3]])
        self.assertEqual(picture, b"".join(message.blob.data for message in messages[:3]))
        self.assertLessEqual(max(len(message.blob.data) for message in messages), 3 << 20)
        self.assertLess(max(message.ByteSize() for message in messages[3:]), 4096)


if __name__ == "__main__":
    unittest.main()
