"""The Python environments, synchronous and asyncio, against a real proctord: leases, restarts, many at once."""
import asyncio
import gc
import threading
import time
import unittest
from unittest import mock

import grpc

import proctor
import proctor.aio
from proctor.v1 import environment_pb2, environment_service_pb2 as env_pb, episode_pb2, observation_pb2, reward_pb2, session_pb2, task_pb2

from proctord import Proctord

SHORTEST_LEASE = 5.0


def task(**fields) -> task_pb2.Task:
    made = task_pb2.Task(goal="Say hello.", environment="environments/null", **fields)
    made.oracle.answer.match.equals.values.append("hello")
    return made


def short(name: str) -> str:
    return name.split("/")[1]


def wait_until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.01)


def keepers():
    return [thread for thread in threading.enumerate() if thread.name == "proctor-keep-alive"]


class EnvTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord().start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def lease_end(self, session):
        # GetSession is no sign of life.
        return self.client.environments.GetSession(env_pb.GetSessionRequest(name=session), timeout=10).lease_expire_time

    def test_the_goal_is_told_whatever_named_the_task(self):
        name = self.client.create_task(task()).name
        with proctor.Env(self.client, "null", observe=["text"]) as env:
            for given in (name, short(name), task(), self.client.get_task(name)):
                self.assertEqual("Say hello.", env.reset(options={"task": given})[1]["goal"])
            # A server that is too old to tell.
            self.assertEqual("Say hello.", env._started(episode_pb2.EpisodeStart(), {"task": task()})[1]["goal"])
            self.assertNotIn("goal", env._started(episode_pb2.EpisodeStart(), {"task": name})[1])

    def test_an_agent_that_thinks_keeps_its_session_until_close(self):
        env = proctor.Env(self.client, "null", observe=["text"], lease=SHORTEST_LEASE)
        env.reset(options={"task": task()})
        session, first = env.session, self.lease_end(env.session)
        self.assertEqual(SHORTEST_LEASE, self.client.keep_alive(session).lease.seconds)
        wait_until(lambda: self.lease_end(session).ToNanoseconds() > first.ToNanoseconds() + 10**9, "a renewed lease")
        *_, reward, _, _, _ = env.step(proctor.answer("hello"))
        self.assertEqual(1.0, reward)
        env.close()
        wait_until(lambda: not keepers(), "the end of the thread")

    def test_a_dropped_env_leaves_its_session_to_the_lease(self):
        env = proctor.Env(self.client, "null", observe=["text"], lease=SHORTEST_LEASE)
        env.reset(options={"task": task()})
        self.assertEqual(1, len(keepers()))
        del env
        gc.collect()
        wait_until(lambda: not keepers(), "the end of the thread")

    def test_a_task_that_is_not_there_is_said_and_harms_nothing(self):
        with proctor.Env(self.client, "null", observe=["text"]) as env:
            for _ in range(2):
                with self.assertRaises(proctor.NotFound):
                    env.reset(options={"task": "tasks/nosuch"})
            env.reset(options={"task": task()})
            self.assertEqual(1.0, env.step(proctor.answer("hello"))[1])

    def test_what_is_wrong_with_an_option_or_a_step_is_said(self):
        with proctor.Env(self.client, "null") as env:
            with self.assertRaisesRegex(TypeError, "'groop', 'limts'.*task, group, limits, client_tags"):
                env.reset(options={"task": task(), "groop": "g", "limts": 3})
            with self.assertRaisesRegex(ValueError, "seed=0 .* give None"):
                env.reset(seed=0, options={"task": task()})
            self.assertEqual("", env.session)
            with self.assertRaisesRegex(proctor.FailedPrecondition, "call reset first"):
                env.step(proctor.noop())
            self.assertEqual(7, env.reset(seed=7, options={"task": task()})[1]["episode"].seed)
            with self.assertRaisesRegex(TypeError, r"an Action .*proctor\.agent_text\(dialect, text\), not 'click 3'"):
                env.step("click 3")
            self.assertEqual(1.0, env.step(proctor.answer("hello"))[1])
            with self.assertRaisesRegex(proctor.FailedPrecondition, "call reset first"):
                env.step(proctor.noop())

    def test_by_default_what_the_environment_has_is_observed(self):
        with proctor.Env(self.client, "null") as env:
            observation, _ = env.reset(options={"task": task()})
            self.assertTrue(observation.elements)
        has = {name: proctor.actions.default_request(self.client.get_environment(name).capabilities).parts for name in ("web", "null")}
        bare = environment_pb2.Capabilities(observation_parts=[observation_pb2.OBSERVATION_PART_TEXT])
        self.assertEqual([observation_pb2.OBSERVATION_PART_TEXT], proctor.actions.default_request(bare).parts)
        self.assertEqual({"web": [observation_pb2.OBSERVATION_PART_SCREENSHOT, observation_pb2.OBSERVATION_PART_ELEMENTS],
                          "null": [observation_pb2.OBSERVATION_PART_SCREENSHOT, observation_pb2.OBSERVATION_PART_ELEMENTS]}, has)

    def test_names_may_leave_their_collection_out(self):
        inline = task()
        inline.environment = "null"
        stored = self.client.create_task(inline)
        self.assertEqual("environments/null", stored.environment)
        group = self.client.create_group(short(stored.name), 2)
        with proctor.Env(self.client, "null") as env:
            for given in (short(group.name), group):
                env.reset(options={"task": short(stored.name), "group": given})
                *_, info = env.step(proctor.answer("hello"))
                self.assertEqual(group.name, info["episode"].group)
            env.reset(options={"task": inline})
            self.assertEqual(env.session, self.client.keep_alive(short(env.session)).name)
            self.assertTrue(self.client.observe(short(env.session), ["elements"]).elements)
            episode = self.client.end_episode(short(env.session))
            self.assertEqual(episode.name, self.client.wait_episode(short(episode.name)).name)
        self.assertEqual(2, self.client.get_group(short(group.name)).started)

    def test_a_session_that_was_closed_is_replaced(self):
        for begun in (True, False):
            with proctor.Env(self.client, "null", observe=["text"]) as env:
                env.reset(options={"task": task()})
                if not begun:
                    env.step(proctor.answer("hello"))
                old = env.session
                self.client.close_session(old)
                if begun:
                    with self.assertRaises(proctor.FailedPrecondition):
                        env.step(proctor.noop())
                env.reset(options={"task": task()})
                self.assertNotEqual(old, env.session)
                self.assertEqual(1.0, env.step(proctor.answer("hello"))[1])

    def test_a_reset_mends_what_a_step_or_a_reset_left_whose_reply_was_lost(self):
        def lost(call):
            def losing(*words, **options):
                call(*words, **options)
                raise proctor.DeadlineExceeded(grpc.StatusCode.DEADLINE_EXCEEDED, "lost")
            return losing
        with proctor.Env(self.client, "null", observe=["text"]) as env:
            env.reset(options={"task": task()})
            session = env.session
            for verb, call in (("step", lambda: env.step(proctor.answer("no"))), ("start_episode", lambda: env.reset(options={"task": task()}))):
                with mock.patch.object(self.client, verb, lost(getattr(self.client, verb))), self.assertRaises(proctor.DeadlineExceeded):
                    call()
                env.reset(options={"task": task()})
                self.assertEqual(1.0, env.step(proctor.answer("hello"))[1])
            self.assertEqual(session, env.session)

    def test_a_reset_in_the_middle_gives_the_place_in_a_group_to_the_next_episode(self):
        stored = self.client.create_task(task())
        group = self.client.create_group(stored.name, 1, replace_masked=True)
        with proctor.Env(self.client, "null", observe=["text"]) as env:
            for _ in range(3):
                env.reset(options={"task": stored, "group": group})
            self.assertEqual(1.0, env.step(proctor.answer("hello"))[1])
        self.assertEqual((1, 1), (self.client.get_group(group.name).started, len(self.client.get_group(group.name).rewards)))

    def test_a_reset_without_a_task_opens_no_session(self):
        env = proctor.Env(self.client, "null")
        with self.assertRaises(ValueError):
            env.reset()
        self.assertEqual("", env.session)


class RestartTest(unittest.TestCase):
    def setUp(self):
        self.server = Proctord().start()
        self.addCleanup(self.server.__exit__)

    def restart(self):
        self.server.kill9()
        self.server.start()

    def test_after_a_restart_close_is_quiet_and_reset_opens_a_new_session(self):
        with proctor.connect(self.server.address) as client:
            closed = proctor.Env(client, "null", observe=["text"])
            for env in (closed, again := proctor.Env(client, "null", observe=["text"])):
                env.reset(options={"task": task()})
            old = again.session
            self.restart()
            closed.close()
            self.assertEqual("", closed.session)
            with self.assertRaises(proctor.NotFound):
                again.step(proctor.answer("hello"))
            again.reset(options={"task": task()})
            self.assertNotEqual(old, again.session)
            self.assertEqual(1.0, again.step(proctor.answer("hello"))[1])
            again.close()

    def test_an_asyncio_env_does_the_same(self):
        async def run() -> float:
            async with proctor.aio.connect(self.server.address) as client:
                closed = proctor.aio.Env(client, "null", observe=["text"])
                again = proctor.aio.Env(client, "null", observe=["text"])
                for env in (closed, again):
                    await env.reset(options={"task": task()})
                self.restart()
                await closed.close()
                self.assertEqual("", closed.session)
                await again.reset(options={"task": task()})
                _, reward, *_ = await again.step(proctor.answer("hello"))
                await again.close()
                return reward
        self.assertEqual(1.0, asyncio.run(run()))


class AsyncEnvTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord().start()
        cls.addClassCleanup(cls.server.__exit__)

    async def asyncSetUp(self):
        self.client = proctor.aio.connect(self.server.address)
        self.addAsyncCleanup(self.client.__aexit__)

    def env(self, **options):
        env = proctor.aio.Env(self.client, "null", observe=["text"], policy="test", policy_version="1", **options)
        self.addAsyncCleanup(env.close)
        return env

    async def sessions(self):
        reply = await self.client.call(self.client.environments.ListSessions, env_pb.ListSessionsRequest())
        return [session.name for session in reply.sessions]

    async def test_many_run_at_once_in_one_loop(self):
        async def episode(text: str) -> tuple[float, bool, bool]:
            async with self.env() as env:
                _, info = await env.reset(options={"task": task()})
                self.assertEqual("Say hello.", info["goal"])
                await env.step(proctor.noop())
                _, reward, terminated, truncated, info = await env.step(proctor.answer(text))
                self.assertEqual("test", info["episode"].policy.policy)
                return reward, terminated, truncated
        results = await asyncio.gather(*(episode(text) for text in ("hello", "no", "hello", "no")))
        self.assertEqual([(1.0, True, False), (0.0, True, False)] * 2, results)
        self.assertEqual([], await self.sessions())

    async def test_the_goal_is_told_whatever_named_the_task(self):
        name = (await self.client.create_task(task())).name
        _, info = await self.env().reset(options={"task": name})
        self.assertEqual("Say hello.", info["goal"])

    async def test_a_fault_is_masked_and_never_zero(self):
        settings = environment_pb2.EnvironmentSettings()
        settings.null.fail_at_step = 1
        env = self.env(settings=settings)
        await env.reset(options={"task": task()})
        _, reward, terminated, truncated, info = await env.step(proctor.click(1))
        self.assertNotEqual(reward, reward)
        self.assertEqual((False, True), (terminated, truncated))
        self.assertEqual("MASK_REASON_WORLD_FAULT", info["masked"])

    async def test_what_is_wrong_with_an_option_or_a_step_is_said(self):
        env = proctor.aio.Env(self.client, "null")
        self.addAsyncCleanup(env.close)
        with self.assertRaisesRegex(TypeError, "'groop'"):
            await env.reset(options={"task": task(), "groop": "g"})
        with self.assertRaisesRegex(proctor.FailedPrecondition, "call reset first"):
            await env.step(proctor.noop())
        observation, _ = await env.reset(options={"task": task()})
        self.assertTrue(observation.elements)

    async def test_a_step_that_ran_out_of_time_is_mended_by_reset(self):
        settings = environment_pb2.EnvironmentSettings()
        settings.null.step_delay.FromMilliseconds(500)
        env = self.env(settings=settings)
        await env.reset(options={"task": task(limits=task_pb2.Limits(max_steps=1))})
        session = env.session
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(env.step(proctor.click(1)), 0.1)
        await env.reset(options={"task": task()})
        _, reward, *_ = await env.step(proctor.answer("hello"))
        self.assertEqual((1.0, session), (reward, env.session))

    async def test_a_reset_in_the_middle_cancels(self):
        env = self.env()
        _, first = await env.reset(options={"task": task()})
        _, second = await env.reset(options={"task": task()})
        self.assertNotEqual(first["episode"].name, second["episode"].name)
        episode = await self.client.wait_episode(first["episode"].name)
        self.assertEqual(reward_pb2.MASK_REASON_CLIENT, episode.reward.mask_reason)

    async def test_an_agent_that_thinks_keeps_its_session_until_close(self):
        env = self.env(lease=SHORTEST_LEASE)
        await env.reset(options={"task": task()})

        async def lease_end() -> int:
            session = await self.client.call(self.client.environments.GetSession,
                                             env_pb.GetSessionRequest(name=env.session))
            self.assertEqual(session_pb2.SESSION_STATE_OPEN, session.state)
            return session.lease_expire_time.ToNanoseconds()

        async def renewed(first: int) -> None:
            while await lease_end() < first + 10**9:
                await asyncio.sleep(0.01)
        await asyncio.wait_for(renewed(await lease_end()), 60)
        await env.close()

        async def ended() -> None:
            while any(running.get_name() == "proctor-keep-alive" for running in asyncio.all_tasks()):
                await asyncio.sleep(0)
        await asyncio.wait_for(ended(), 60)


if __name__ == "__main__":
    unittest.main()
