"""A crawl among the sessions of a real proctord with two places, in a real browser: it takes one of them, makes room, goes on, is paused and ends."""
from __future__ import annotations

import json
import pathlib
import re
import sys
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "clients")]

import proctor
from proctor.v1 import job_pb2, task_service_pb2 as task_pb

from proctord import Proctord

CONFIG = """\
environments: {web: {enabled: false}, practice: {max_sessions: 2}}
http: {listen_address: "127.0.0.1:0"}
"""


class PlacesTest(unittest.TestCase):
    def setUp(self):
        self.server = Proctord()
        config = self.server.folder / "proctord.yaml"
        config.write_text(CONFIG)
        self.server.flags = ("--config", str(config))
        self.enterContext(self.server)
        self.client = proctor.connect(self.server.address)
        self.addCleanup(lambda: self.client.close())
        self.http = json.loads((self.server.data / "addresses.json").read_text())["http"]

    def gauge(self, name: str) -> int:
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=30) as reply:
            text = reply.read().decode()
        return int(float(re.search(rf'^{name}{{environment="practice"}} (\S+)$', text, re.MULTILINE)[1]))

    def await_explorers(self, opened: int, waiting: int) -> None:
        deadline = time.monotonic() + 120
        seen = None
        while seen != (opened, waiting):
            self.assertLess(time.monotonic(), deadline, f"explorers (open, waiting): {seen}")
            seen = (self.gauge("proctor_explorers_open"), self.gauge("proctor_explorers_waiting"))
            # With sessions never more than there are.
            self.assertLessEqual(self.client.get_environment("practice").open_sessions, 2)
            time.sleep(0.05)

    def crawl(self, pages: int, count: int) -> job_pb2.Job:
        request = task_pb.ProposeTasksRequest(count=count, seed=1, request_id=f"crawl-{pages}")
        request.crawl.start_url = "__SHOP__/"
        request.crawl.max_pages = pages
        request.crawl.parallel_trials = 4
        return self.client.call(self.client.tasks.ProposeTasks, request)

    def test_a_crawl_makes_room_between_two_pages_and_goes_on(self):
        self.client.create_session("practice", lease=600)
        # A page takes 100 ms at least, `delay`: this one is not over before it is cancelled.
        job = self.crawl(pages=5000, count=1000)
        self.await_explorers(opened=1, waiting=0)
        session = self.client.create_session("practice", lease=600, max_wait=120)
        self.await_explorers(opened=0, waiting=1)
        self.client.close_session(session.name)
        self.await_explorers(opened=1, waiting=0)
        self.client.pause_job(job.name)
        self.await_explorers(opened=0, waiting=0)
        self.client.resume_job(job.name)
        self.await_explorers(opened=1, waiting=0)
        self.client.cancel_job(job.name)
        with self.assertRaises(proctor.Cancelled):
            self.client.wait_job(job.name)
        self.await_explorers(opened=0, waiting=0)

    def test_one_place_is_enough_for_a_crawl_to_end(self):
        self.client.create_session("practice", lease=600)
        ended = self.client.wait_job(self.crawl(pages=20, count=5).name)
        result = task_pb.ProposeTasksResult()
        self.assertTrue(ended.result.Unpack(result))
        self.assertGreater(result.accepted, 0)
        self.await_explorers(opened=0, waiting=0)


if __name__ == "__main__":
    unittest.main()
