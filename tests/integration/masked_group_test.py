"""One group of 8 on real Chromium meets a killed browser, a killed server and consumers that reconnect: it is delivered once,
whole, with both faults masked."""
import math
import os
import pathlib
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "clients"), str(HERE.parent / "soak")]

import proctor
from processes import browsers, wait_until
from proctor.v1 import reward_pb2, reward_service_pb2 as reward_pb, task_pb2

from proctord import Proctord

SIZE = 8
CONFIG = "browser: {max_browsers: 1, prewarm_contexts: false}\n"


class Consumer:
    """Keeps every record that it is sent, acknowledges nothing."""

    def __init__(self, client: proctor.Client, name: str):
        self.records: list[reward_pb2.RewardRecord] = []
        self.stream = proctor.RewardStream(client, name)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for record in self.stream:
            self.records.append(record)

    def close(self) -> None:
        self.stream.__exit__()
        self._thread.join(30)

    def completed(self) -> bool:
        return any(record.HasField("group_complete") for record in self.records)


def identity(record: reward_pb2.RewardRecord) -> str:
    return record.group_complete.group_complete_id or record.reward.reward_id


class MaskedGroupTest(unittest.TestCase):
    def setUp(self):
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(config.close)
        config.write(CONFIG)
        config.flush()
        self.server = Proctord("--config", config.name, *os.environ.get("PROCTORD_FLAGS", "").split()).start()
        self.addCleanup(self.server.__exit__)
        self.client = proctor.connect(self.server.address)
        self.addCleanup(self.client.close)
        self.env = proctor.Env(self.client, "practice", observe=["elements"], policy="test", policy_version="1")
        self.addCleanup(self.env.close)
        #: By trajectory: the value that its reward must have, or the reason that it must be masked for.
        self.expected: dict[str, float | int] = {}

    def consume(self, name: str) -> Consumer:
        consumer = Consumer(self.client, name)
        self.addCleanup(consumer.close)
        return consumer

    def begin(self) -> str:
        _, info = self.env.reset(options={"task": self.task, "group": self.group})
        return info["episode"].trajectory

    def answer(self, text: str) -> None:
        trajectory = self.begin()
        self.assertFalse(self.env.step(proctor.scroll())[4].get("interrupted"))
        reward = self.env.step(proctor.answer(text))[1]
        self.expected[trajectory] = float(text == "forty-two")
        self.assertEqual(self.expected[trajectory], reward)

    def lose_the_browser(self) -> None:
        trajectory = self.begin()
        for browser in browsers(self.server.process.pid):
            os.kill(browser.pid, 9)
        _, reward, _, truncated, info = self.env.step(proctor.scroll())
        self.assertTrue(math.isnan(reward) and truncated and info["interrupted"])
        self.expected[trajectory] = reward_pb2.MASK_REASON_WORLD_FAULT

    def lose_the_server(self) -> None:
        self.expected[self.begin()] = reward_pb2.MASK_REASON_SERVER_FAULT
        self.server.kill9()
        self.server.start()
        with self.assertRaises(proctor.NotFound):
            self.env.step(proctor.scroll())

    def test_it_is_delivered_once_after_dedupe_with_the_faults_masked(self):
        task = task_pb2.Task(goal="Look around, then say the number.", environment="environments/practice")
        task.oracle.answer.match.equals.values.append("forty-two")
        task.start_state.start_url = "__SHOP__/"
        self.task = self.client.create_task(task)
        for name, delivery in (("groups", reward_pb2.DELIVERY_GROUPS), ("each", reward_pb2.DELIVERY_EACH)):
            self.client.create_consumer(name, start="earliest", filter=reward_pb2.ConsumerFilter(delivery=delivery))
        groups, each = self.consume("groups"), self.consume("each")
        self.group = self.client.create_group(self.task.name, SIZE, policy="test", policy_version="1", deadline=600).name

        self.answer("forty-two")
        self.answer("wrong")
        self.lose_the_browser()
        # One consumer dies and comes again; the other goes on through the server's death.
        wait_until(lambda: each.records, 60, "the first reward")
        each.close()
        again = self.consume("each")
        self.answer("forty-two")
        self.lose_the_server()
        for text in ("wrong", "forty-two", "wrong"):
            self.answer(text)

        wait_until(groups.completed, 120, "the group")
        wait_until(lambda: len({identity(record) for record in again.records}) == SIZE, 60, "all rewards")
        groups.close()
        second = self.consume("groups")
        wait_until(second.completed, 60, "the group, again")
        self.check_completion(groups.records + second.records)
        self.check_rewards(each.records + again.records)

    def check_completion(self, records):
        """Came twice, as nothing was acknowledged; once after dedupe."""
        self.assertGreater(len(records), 1)
        self.assertEqual(1, len({identity(record) for record in records}))
        self.assertEqual(1, len({record.SerializeToString(deterministic=True) for record in records}))
        complete = records[0].group_complete
        self.assertEqual((self.group, False, 2), (complete.group.name, complete.partial, complete.masked_count))
        self.check_values(complete.rewards)

    def check_rewards(self, records):
        distinct = {identity(record): record.reward for record in records}
        self.assertGreater(len(records), len(distinct), "nothing was delivered again")
        self.check_values(distinct.values())
        state = self.client.call(self.client.rewards.GetGroup, reward_pb.GetGroupRequest(name=self.group))
        self.assertEqual(SIZE, state.started)

    def check_values(self, rewards):
        self.assertEqual(SIZE, len(self.expected))
        self.assertEqual(SIZE, len({reward.reward_id for reward in rewards}))
        got = {reward.trajectory: reward.mask_reason if reward.status == reward_pb2.REWARD_STATUS_MASKED else reward.value
               for reward in rewards}
        self.assertEqual(self.expected, got)
        for reward in rewards:
            if reward.status == reward_pb2.REWARD_STATUS_MASKED:
                self.assertTrue(reward.mask_message)


if __name__ == "__main__":
    unittest.main()
