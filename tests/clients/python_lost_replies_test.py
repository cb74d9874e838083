"""What the Python environments ask for, and what they do after a reply was lost or a session was closed, against a server that loses and
closes as told."""
import asyncio
import math
import os
import pathlib
import re
import signal
import threading
import unittest

import grpc

import proctor
import proctor.aio
from proctor import stubs
from proctor.v1 import environment_pb2, episode_pb2

from fake_sessions import FakeSessions

ROOT = pathlib.Path(__file__).resolve().parents[2]
LATE = grpc.StatusCode.DEADLINE_EXCEEDED


def server_caps():
    """What the server gives its worlds and itself, in seconds."""
    return durations("env/session.h") | {
        "wait": int(re.search(r"kMaxWait = absl::Seconds\((\d+)\)", (ROOT / "env" / "request_checks.cc").read_text()).group(1))}


def durations(header):
    """The defaults of a C++ header's options, in seconds."""
    return {name: int(number) * (60 if unit == "Minutes" else 1) for name, unit, number in re.findall(
        r"absl::Duration (\w+) = absl::(Minutes|Seconds)\((\d+)\);", (ROOT / header).read_text())}


class CppDefaultsTest(unittest.TestCase):
    """Of the C++ client, which is to be no less patient."""

    def test_the_server_has_the_time_that_it_may_take(self):
        caps = server_caps()
        step = caps["wait"] + caps["step"] + caps["evidence"] + 2 * caps["record"]
        timeout = durations("clients/cpp/session.h")["verb_timeout"]
        self.assertGreater(timeout, caps["reset"] + caps["evidence"] + caps["record"])
        self.assertGreater(timeout, step + caps["evidence"] + caps["record"])

    def test_calls_are_tried_as_often(self):
        attempts = re.search(r"int max_attempts = (\d+);", (ROOT / "clients" / "cpp" / "client.h").read_text()).group(1)
        self.assertEqual(1 + stubs.RETRIES, int(attempts))


class LostReplyTests:
    """The same for both clients; `client`, `env` and `run` (the result of what may be awaited) are theirs."""

    def setUp(self):
        self.server = FakeSessions()
        self.addCleanup(self.server.server.stop, None)

    def make(self, **options):
        settings = environment_pb2.EnvironmentSettings()
        settings.null.text_bytes = 7
        return self.env(self.client, "null", observe=["text"], lease=600, settings=settings, **options)

    def reset(self, env, task="tasks/t"):
        _, info = self.run_it(env.reset(options={"task": task}))
        return info["episode"].name

    def answer(self, env):
        return self.run_it(env.step(proctor.answer("hello")))

    def check(self, env):
        """A whole episode, and what had begun before it has ended."""
        name = self.reset(env)
        self.assertEqual(1.0, self.answer(env)[1])
        self.assertEqual({name: 1}, {one.name: one.step_count for one in self.server.episodes.values() if one.name == name})
        self.assertEqual([], [one.name for one in self.server.episodes.values() if one.state != episode_pb2.EPISODE_STATE_CLOSED])

    def test_a_last_step_whose_reply_is_lost_lets_reset_go_on(self):
        env = self.make()
        self.reset(env)
        self.server.losses["Step"] = [LATE]
        with self.assertRaises(proctor.DeadlineExceeded):
            self.answer(env)
        self.check(env)
        self.assertEqual(["sessions/1"], list(self.server.sessions))

    def test_a_step_that_ended_nothing_and_is_lost_is_ended_by_reset(self):
        env = self.make()
        first = self.reset(env)
        self.server.losses["Step"] = [LATE]
        with self.assertRaises(proctor.DeadlineExceeded):
            self.run_it(env.step(proctor.noop()))
        self.check(env)
        self.assertEqual(episode_pb2.END_KIND_INTERRUPTED, self.server.episodes[first].end_kind)

    def test_a_lost_start_is_ended_by_the_next_reset(self):
        env = self.make()
        for _ in range(2):
            self.server.losses["StartEpisode"] = [LATE]
            with self.assertRaises(proctor.DeadlineExceeded):
                self.reset(env)
            with self.assertRaisesRegex(proctor.FailedPrecondition, "call reset first"):
                self.answer(env)
        self.check(env)
        self.assertEqual(3, len(self.server.episodes))
        self.assertEqual(["sessions/1"], list(self.server.sessions))

    def test_a_lost_end_is_no_obstacle(self):
        env = self.make()
        self.reset(env)
        self.server.losses["EndEpisode"] = [LATE]
        with self.assertRaises(proctor.DeadlineExceeded):
            self.reset(env)
        with self.assertRaisesRegex(proctor.FailedPrecondition, "call reset first"):
            self.answer(env)
        self.check(env)
        self.assertEqual(["sessions/1"], list(self.server.sessions))

    def test_a_session_that_was_closed_or_forgotten_is_replaced_by_its_like(self):
        for lose, error in ((self.server.close, proctor.FailedPrecondition), (self.server.forget, proctor.NotFound)):
            for begun in (True, False):
                env = self.make()
                self.reset(env)
                if not begun:
                    self.answer(env)
                old = env.session
                lose(old)
                if begun:
                    with self.assertRaises(error):
                        self.answer(env)
                self.reset(env)
                self.assertNotEqual(old, env.session)
                self.assertEqual(1.0, self.answer(env)[1])
                for request in self.server.created[-2:]:
                    self.assertEqual((7, 600, "environments/null"),
                                     (request.settings.null.text_bytes, request.lease.seconds, request.environment))

    def test_a_seed_that_is_none_is_refused(self):
        env = self.make()
        with self.assertRaisesRegex(ValueError, "seed=0 .* give None"):
            self.run_it(env.reset(seed=0, options={"task": "tasks/t"}))
        self.assertEqual([], self.server.calls)
        for seed in (None, -5, 2**62):
            self.assertEqual(seed or 0, self.run_it(env.reset(seed=seed, options={"task": "tasks/t"}))[1]["episode"].seed)

    def test_a_task_that_cannot_be_had_costs_no_session(self):
        env = self.make()
        for task, error in (("tasks/none", proctor.NotFound), ("tasks/rejected", proctor.FailedPrecondition)):
            with self.assertRaises(error):
                self.reset(env, task)
        self.check(env)
        self.assertEqual(1, len(self.server.created))

    def test_a_verdict_is_waited_for_with_the_time_that_is_left(self):
        self.server.result = episode_pb2.RESULT_STATE_PENDING
        env = self.make(verdict_wait=20)
        self.check(env)
        env.verdict_wait = 1000
        self.check(env)
        first, second = self.server.waits
        self.assertTrue(0 < first < 20)
        self.assertEqual(600, second)

    def test_a_verdict_for_which_the_server_has_waited_long_enough_is_pending(self):
        self.server.result = episode_pb2.RESULT_STATE_PENDING
        self.server.losses["Step"] = [0.1]
        env = self.make(verdict_wait=0.05)
        self.reset(env)
        _, reward, terminated, _, info = self.answer(env)
        self.assertTrue(math.isnan(reward) and terminated)
        self.assertEqual("PENDING", info["masked"])
        self.assertNotIn("WaitEpisode", self.server.calls)

    def test_a_step_that_is_done_is_told_though_its_verdict_cannot_be_asked_for(self):
        self.server.result = episode_pb2.RESULT_STATE_PENDING
        self.server.losses["WaitEpisode"] = [LATE]
        env = self.make()
        name = self.reset(env)
        observation, reward, terminated, truncated, info = self.answer(env)
        self.assertTrue(math.isnan(reward))
        self.assertEqual(("seen", True, False, "PENDING", name), (observation.url, terminated, truncated, info["masked"], info["episode"].name))
        self.assertIn("WaitEpisode", self.server.calls)
        self.check(env)

    def test_the_server_has_the_time_that_it_may_take(self):
        caps = server_caps()
        env = self.make(verdict_wait=7)
        self.check(env)
        self.reset(env)
        self.reset(env)
        step = caps["wait"] + caps["step"] + caps["evidence"] + 2 * caps["record"]
        self.assertGreater(self.server.deadlines["StartEpisode"], caps["reset"] + caps["evidence"] + caps["record"])
        self.assertGreater(self.server.deadlines["Step"], step + 7)
        self.assertGreater(self.server.deadlines["EndEpisode"], step + caps["evidence"] + caps["record"])


class SyncTest(LostReplyTests, unittest.TestCase):
    env = proctor.Env

    def setUp(self):
        super().setUp()
        self.client = proctor.Client(self.server.address)
        self.addCleanup(self.client.close)

    def run_it(self, result):
        return result

    def test_what_ctrl_c_interrupts_is_mended_by_reset(self):
        def interrupt():
            self.assertTrue(self.server.holding.wait(30))
            os.kill(os.getpid(), signal.SIGINT)
        # As where no test runner has its own.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        env = self.make()
        self.reset(env)
        for method, verb in (("Step", self.answer), ("StartEpisode", self.reset)):
            self.server.losses[method] = ["held"]
            self.server.holding.clear()
            helper = threading.Thread(target=interrupt)
            helper.start()
            with self.assertRaises(KeyboardInterrupt):
                verb(env)
            helper.join()
            self.check(env)


class AsyncioTest(LostReplyTests, unittest.TestCase):
    env = proctor.aio.Env

    def setUp(self):
        super().setUp()
        self.runner = asyncio.Runner()
        self.addCleanup(self.runner.close)

        async def connect():
            return proctor.aio.connect(self.server.address)
        self.client = self.runner.run(connect())
        self.addCleanup(lambda: self.runner.run(self.client.close()))

    def run_it(self, result):
        return self.runner.run(result)

    def test_what_is_cancelled_is_mended_by_reset(self):
        async def cancel(verb):
            task = asyncio.ensure_future(verb)
            self.assertTrue(await asyncio.to_thread(self.server.holding.wait, 30))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
        env = self.make()
        self.reset(env)
        for method, verb in (("Step", lambda: env.step(proctor.answer("hello"))),
                             ("StartEpisode", lambda: env.reset(options={"task": "tasks/t"}))):
            self.server.losses[method] = ["held"]
            self.server.holding.clear()
            self.run_it(cancel(verb()))
            self.check(env)


if __name__ == "__main__":
    unittest.main()
