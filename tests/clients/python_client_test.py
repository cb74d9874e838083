"""The Python client against a real proctord on the null environment."""
import asyncio
import concurrent.futures
import math
import pathlib
import tempfile
import time
import unittest

import grpc

import proctor
import proctor.aio
from proctor import report
from proctor.v1 import (action_pb2, environment_pb2, environment_service_pb2 as env_pb, episode_pb2, evaluation_service_pb2 as eval_pb,
                        measurement_pb2, reward_pb2, reward_service_pb2 as reward_pb, task_pb2, task_service_pb2 as task_pb,
                        trajectory_service_pb2 as trajectory_pb, trajectory_service_pb2_grpc as trajectory_grpc)

from proctord import Proctord


def task(**fields) -> task_pb2.Task:
    made = task_pb2.Task(goal="Say hello.", environment="environments/null", **fields)
    made.oracle.answer.match.equals.values.append("hello")
    return made


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord().start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def env(self, **options):
        env = proctor.Env(self.client, "null", observe=["text"], policy="test", policy_version="1", **options)
        self.addCleanup(env.close)
        return env

    def wait_for_commit(self, consumer, offset):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            listed = self.client.rewards.ListConsumers(reward_pb.ListConsumersRequest(), timeout=10).consumers
            if next(c for c in listed if c.name == consumer).committed_offset >= offset:
                return
            time.sleep(0.01)
        self.fail(f"{consumer} did not commit {offset}")

    def test_a_right_answer_earns_its_reward(self):
        env = self.env()
        observation, info = env.reset(options={"task": task()})
        self.assertTrue(info["episode"].trajectory.startswith("trajectories/"))
        _, reward, terminated, truncated, _ = env.step(proctor.noop())
        self.assertEqual((0.0, False, False), (reward, terminated, truncated))
        _, reward, terminated, truncated, info = env.step(
            proctor.answer("Hello"), action_pb2.AgentData(thought="greet", token_ids=[1, 2], log_probs=[-0.5, -0.25]))
        self.assertEqual((1.0, True, False), (reward, terminated, truncated))
        self.assertTrue(info["episode"].reward.success)
        record = self.client.get_trajectory(info["episode"].trajectory)
        self.assertEqual([1, 2], list(record.steps[1].agent_data.token_ids))
        self.assertEqual("greet", record.steps[1].agent_data.thought)

    def test_recorded_episodes_stand_in_one_page(self):
        names = []
        for text in ("Hello", "<b>no</b>"):
            env = self.env()
            env.reset(options={"task": task()})
            *_, info = env.step(proctor.answer(text))
            names.append(info["episode"].trajectory)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "report.html"
            code = report.main([names[0], names[1].removeprefix("trajectories/"), "--out", str(path), "--address", self.server.address])
            page = path.read_text()
            self.assertEqual(1, report.main(["no-such-trajectory", "--out", str(path), "--address", self.server.address]))
        self.assertEqual(0, code)
        self.assertEqual(2, page.count("Say hello."))
        self.assertLess(page.index("SUCCESS"), page.index("FAILURE"))
        self.assertNotIn("<b>no", page)

    def test_a_wrong_answer_earns_nothing(self):
        env = self.env()
        env.reset(options={"task": task()})
        _, reward, terminated, _, info = env.step(proctor.answer("N/A"))
        self.assertEqual((0.0, True), (reward, terminated))
        self.assertFalse(info["episode"].reward.success)

    def test_a_fault_is_masked_and_never_zero(self):
        settings = environment_pb2.EnvironmentSettings()
        settings.null.fail_at_step = 1
        env = self.env(settings=settings)
        env.reset(options={"task": task()})
        _, reward, terminated, truncated, info = env.step(proctor.click(1))
        self.assertTrue(math.isnan(reward))
        self.assertFalse(terminated)
        self.assertTrue(truncated and info["interrupted"])
        self.assertEqual("MASK_REASON_WORLD_FAULT", info["masked"])

    def test_a_reset_in_the_middle_masks_the_episode(self):
        env = self.env()
        _, info = env.reset(options={"task": task()})
        env.reset(options={"task": task()})
        episode = self.client.wait_episode(info["episode"].name)
        self.assertEqual(reward_pb2.MASK_REASON_CLIENT, episode.reward.mask_reason)

    def test_the_step_limit_truncates_and_is_judged(self):
        env = self.env()
        env.reset(options={"task": task(limits=task_pb2.Limits(max_steps=1))})
        _, reward, terminated, truncated, _ = env.step(proctor.noop())
        self.assertEqual((0.0, False, True), (reward, terminated, truncated))

    def test_errors_have_their_class(self):
        with self.assertRaises(proctor.NotFound):
            self.client.get_trajectory("trajectories/nosuch")
        with self.assertRaises(proctor.InvalidArgument):
            self.client.create_session("environments/a b")

    def test_groups_arrive_whole_and_the_stream_resumes(self):
        stored = self.client.create_task(task())
        self.client.create_consumer("trainer", start="latest", filter=reward_pb2.ConsumerFilter(
            delivery=reward_pb2.DELIVERY_GROUPS))
        for answers in (("hello", "no"), ("no", "no")):
            group = self.client.create_group(stored.name, 2)
            env = self.env()
            for text in answers:
                env.reset(options={"task": stored, "group": group.name})
                env.step(proctor.answer(text))
        seen = []
        for _ in range(2):  # A second stream goes on after what the first acknowledged.
            with proctor.RewardStream(self.client, "trainer") as stream:
                records = iter(stream)
                record = next(records)
                seen.append(sorted(r.value for r in record.group_complete.rewards))
                self.assertFalse(record.group_complete.partial)
                stream.ack(record.offset)
                self.wait_for_commit("consumers/trainer", record.offset)
        self.assertEqual([[0.0, 1.0], [0.0, 0.0]], seen)

    def test_asyncio_client_runs_an_episode(self):
        async def run() -> episode_pb2.Episode:
            async with proctor.aio.connect(self.server.address) as client:
                session = await client.call(client.environments.CreateSession, env_pb.CreateSessionRequest(
                    request_id=proctor.names.request_id(), environment="environments/null"))
                await client.call(client.environments.StartEpisode, env_pb.StartEpisodeRequest(
                    request_id=proctor.names.request_id(), session=session.name, inline_task=task()))
                reply = await client.call(client.environments.Step, env_pb.StepRequest(
                    request_id=proctor.names.request_id(), session=session.name, action=proctor.answer("hello")))
                await client.call(client.environments.CloseSession, env_pb.CloseSessionRequest(name=session.name))
                return reply.episode
        self.assertEqual(1.0, asyncio.run(run()).reward.value)

    def test_the_asyncio_reward_stream_goes_on_after_a_restart(self):
        with Proctord() as server:
            async def run() -> list[float]:
                async with proctor.aio.connect(server.address) as client:
                    await client.create_consumer("aio", start="earliest")
                    values = []
                    stream = client.stream_rewards("aio")
                    for text in ("hello", "no", "hello"):
                        await self.earn(client, text)
                        values.append((await asyncio.wait_for(anext(stream), 30)).reward.value)
                        server.kill9()
                        server.start()
                    await stream.aclose()
                    return values
            self.assertEqual([1.0, 0.0, 1.0], asyncio.run(run()))

    def test_the_asyncio_clients_other_methods(self):
        async def run() -> None:
            async with proctor.aio.connect(self.server.address) as client:
                self.assertIn("environments/null", [e.name for e in await client.list_environments()])
                stored = await client.create_task(task(tags={"of": "aio"}))
                only = task_pb.TaskFilter(tags={"of": "aio"})
                self.assertEqual([stored], await client.list_tasks(only))
                self.assertEqual([stored.name], [t.name for t in await client.sample_tasks(1, filter=only, uniform=True)])
                await client.create_consumer("aio-groups", start="latest", filter=reward_pb2.ConsumerFilter(
                    delivery=reward_pb2.DELIVERY_GROUPS))
                group = await client.create_group(stored.name, 2)
                trajectories = []
                async with proctor.aio.Env(client, "null", observe=["text"]) as env:
                    for text in ("hello", "no"):
                        await env.reset(options={"task": stored, "group": group.name})
                        *_, info = await env.step(proctor.answer(text))
                        trajectories.append(info["episode"].trajectory)
                async with proctor.aio.RewardStream(client, "aio-groups") as stream:
                    record = await asyncio.wait_for(anext(aiter(stream)), 30)
                    self.assertEqual([0.0, 1.0], sorted(r.value for r in record.group_complete.rewards))
                    stream.ack(record.offset)
                self.wait_for_commit("consumers/aio-groups", record.offset)
                listed = await client.list_rewards(page_size=1000, max_wait=1.0)
                self.assertLessEqual(set(trajectories), {r.reward.trajectory for r in listed.records})
                await self.judge(client, trajectories)
        asyncio.run(run())

    async def judge(self, client: proctor.aio.Client, trajectories: list[str]) -> None:
        """Reads two records, the first a success, and judges them."""
        record = await client.get_trajectory(trajectories[0])
        self.assertEqual("hello", record.steps[0].action.answer.text)
        with self.assertRaises(proctor.NotFound):
            await client.read_blob("0" * 64)
        verdict = await client.evaluate(trajectories[0])
        self.assertEqual(verdict, await client.get_verdict(verdict.name))
        self.assertIn(verdict, await client.list_verdicts(trajectories[0]))
        label = await client.label(trajectories[1], "FAILURE", "a person")
        self.assertEqual(trajectories[1], label.trajectory)
        seen = []
        result = await client.rescore(eval_pb.RescoreRequest(evaluators=["oracle"], trajectories=trajectories), progress=seen.append)
        self.assertEqual((0, 2), (result.failed, result.evaluated + result.skipped))
        self.assertTrue(seen)
        measured = await client.measure_evaluator(eval_pb.MeasureEvaluatorRequest(
            evaluator="oracle", truth=measurement_pb2.TRUTH_SOURCE_LABELS))
        self.assertEqual(1, measured.measures.confusion.true_failure)
        with self.assertRaises(proctor.ProctorError):
            await client.propose_tasks(task_pb.ProposeTasksRequest(count=1))

    @staticmethod
    async def earn(client: proctor.aio.Client, text: str) -> None:
        """One episode whose only step is this answer."""
        session = await client.call(client.environments.CreateSession, env_pb.CreateSessionRequest(
            request_id=proctor.names.request_id(), environment="environments/null"))
        await client.call(client.environments.StartEpisode, env_pb.StartEpisodeRequest(
            request_id=proctor.names.request_id(), session=session.name, inline_task=task()))
        await client.call(client.environments.Step, env_pb.StepRequest(
            request_id=proctor.names.request_id(), session=session.name, action=proctor.answer(text)))


class Blobs(trajectory_grpc.TrajectoryServiceServicer):
    """Sends every blob in two parts."""

    def ReadBlob(self, request, context):
        yield trajectory_pb.ReadBlobResponse(data=request.digest[:3].encode())
        yield trajectory_pb.ReadBlobResponse(data=request.digest[3:].encode())


class BlobTest(unittest.TestCase):
    def test_parts_are_put_together(self):
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        trajectory_grpc.add_TrajectoryServiceServicer_to_server(Blobs(), server)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self.addCleanup(server.stop, None)

        async def read() -> bytes:
            async with proctor.aio.connect(address) as client:
                return await client.read_blob("abcdef")

        self.assertEqual(b"abcdef", asyncio.run(read()))
        with proctor.connect(address) as client:
            self.assertEqual(b"abcdef", client.read_blob("abcdef"))


if __name__ == "__main__":
    unittest.main()
