"""The Python client's methods for records, evaluators, labels, jobs and consumers, against a real proctord."""
import asyncio
import concurrent.futures
import datetime
import unittest

import grpc

import proctor
import proctor.aio
from proctor import jobs
from proctor.v1 import (evaluator_pb2, job_pb2, label_pb2, reward_pb2, task_pb2, task_service_pb2 as task_pb, task_service_pb2_grpc as task_grpc,
                        trajectory_service_pb2 as trajectory_pb)

from proctord import Proctord


def task(**fields) -> task_pb2.Task:
    made = task_pb2.Task(goal="Say hello.", environment="null", **fields)
    made.oracle.answer.match.equals.values.append("hello")
    return made


def short(name: str) -> str:
    return name.split("/")[1]


class MethodsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord().start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = proctor.connect(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def play(self, policy: str, *answers: str) -> list[str]:
        """Episodes of one step each; their trajectories' names."""
        played = []
        with proctor.Env(self.client, "null", policy=policy) as env:
            for text in answers:
                env.reset(options={"task": task()})
                *_, info = env.step(proctor.answer(text))
                played.append(info["episode"].trajectory)
        return played

    def test_trajectories_are_listed_by_keyword_over_pages(self):
        played = self.play("lister", "hello", "no", "hello")
        listed = [one.name for one in self.client.list_trajectories(policy="lister", environments="null", end_kinds=["terminated"])]
        self.assertEqual(played[::-1], listed)
        self.assertEqual(played[:0:-1], [one.name for one in self.client.list_trajectories(policy="lister", limit=2)])
        self.assertEqual([], list(self.client.list_trajectories(policy="lister", limit=0)))
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        self.assertEqual([], list(self.client.list_trajectories(policy="lister", start_time_from=soon)))
        self.assertEqual(3, len(list(self.client.list_episodes(policy="lister"))))
        with self.assertRaises(TypeError):
            self.client.list_trajectories(polcy="lister")

    def test_pages_follow_each_other(self):
        played = self.play("pager", "a", "b", "c")
        sizes = []

        def two_a_page(request, timeout):
            request.page_size = 2
            reply = self.client.trajectories.ListTrajectories(request, timeout=timeout)
            sizes.append(len(reply.trajectories))
            return reply
        request = trajectory_pb.ListTrajectoriesRequest(filter=trajectory_pb.TrajectoryFilter(policy="pager"))
        self.assertEqual(played[::-1], [one.name for one in self.client._pages(two_a_page, request, "trajectories", None)])
        self.assertEqual([2, 1], sizes)

    def test_what_is_exported_deleted_and_imported_is_there_again(self):
        first, second = self.play("mover", "hello", "no")
        seen: list[job_pb2.Job] = []
        exported = self.client.export_trajectories("moved", [short(first), second], progress=seen.append)
        self.assertEqual((2, {}), (exported.exported, dict(exported.failed)))
        self.assertTrue(seen)
        self.assertEqual(1, self.client.export_trajectories("one", [first], format="ATIF").exported)
        self.assertEqual(2, self.client.export_trajectories("by-filter", policy="mover").exported)
        self.assertEqual(2, self.client.import_trajectories("moved").unchanged)
        self.client.delete_trajectory(short(first))
        with self.assertRaises(proctor.NotFound):
            self.client.get_trajectory(first)
        imported = self.client.import_trajectories("moved", format="proctor")
        self.assertEqual((1, 1), (imported.imported, imported.unchanged))
        self.assertEqual("hello", self.client.get_trajectory(first).steps[0].action.answer.text)
        with self.assertRaisesRegex(proctor.NotFound, "nowhere"):
            self.client.import_trajectories("nowhere")
        with self.assertRaises(proctor.AlreadyExists):
            self.client.export_trajectories("moved", [second])

    def test_tasks(self):
        made = self.client.batch_create_tasks([task(state=task_pb2.TASK_STATE_PROPOSED, tags={"of": "batch"}) for _ in range(2)])
        self.assertEqual(task_pb2.TASK_STATE_ACCEPTED, self.client.accept_task(short(made[0].name)).state)
        self.assertEqual("bad", self.client.reject_task(made[1].name, "bad").reject_reason)
        self.assertEqual(task_pb2.TASK_STATE_ACCEPTED, self.client.get_task(short(made[0].name)).state)
        self.assertEqual([one.name for one in made],
                         [one.name for one in self.client.list_tasks(task_pb.TaskFilter(tags={"of": "batch"}, environments=["null"]))])
        self.assertEqual({"shop"}, {one.site for one in self.client.list_task_templates(["shop"])})

    def test_evaluators_and_labels(self):
        right, wrong = self.play("judged", "hello", "no")
        evaluator = evaluator_pb2.Evaluator(name="strict")
        evaluator.oracle.answer.match.equals.values.append("no")
        stored = self.client.create_evaluator(evaluator)
        self.assertEqual("strict", evaluator.name)
        self.assertEqual(stored, self.client.get_evaluator("strict"))
        self.assertIn("evaluators/strict", [one.name for one in self.client.list_evaluators()])
        verdicts = [self.client.evaluate(name, "strict") for name in (right, wrong)]
        self.assertEqual(verdicts[1].outcome, self.client.replay_verdict(short(verdicts[1].name)).outcome)
        sample = self.client.draw_label_sample(label_pb2.LabelSample(evaluator="strict", size=2))
        self.assertEqual(sample, self.client.get_label_sample(short(sample.name)))
        made = self.client.label(short(wrong), "success", "me", sample=short(sample.name))
        self.assertEqual([made], list(self.client.list_labels(short(wrong))))
        with self.assertRaisesRegex(ValueError, "success, failure, undetermined"):
            self.client.label(wrong, "succeeded", "me")
        with self.assertRaises(proctor.InvalidArgument):
            self.client.compare_trajectories(right, wrong, "strict")

    def test_jobs(self):
        self.client.export_trajectories("job", self.play("worker", "hello"))
        newest = next(self.client.list_jobs())
        self.assertEqual(("export_trajectories", job_pb2.JOB_STATE_SUCCEEDED), (newest.kind, newest.state))
        for method in (self.client.get_job, self.client.wait_job, self.client.cancel_job):
            self.assertEqual(newest.name, method(short(newest.name)).name)
        for method in (self.client.pause_job, self.client.resume_job):
            with self.assertRaises(proctor.FailedPrecondition):
                method(short(newest.name))

    def test_consumers_are_moved_listed_and_forgotten(self):
        self.client.create_consumer("mover", start="earliest", filter=reward_pb2.ConsumerFilter(environments=["null"]))
        self.play("consumed", "hello")
        end = self.client.seek_consumer("mover", "latest").committed_offset
        self.assertGreater(end, 0)
        self.assertEqual(0, self.client.seek_consumer("mover", "earliest").committed_offset)
        self.assertEqual(end - 1, self.client.seek_consumer("mover", end - 1).committed_offset)
        self.assertIn("consumers/mover", [one.name for one in self.client.list_consumers()])
        self.client.delete_consumer("mover")
        self.assertNotIn("consumers/mover", [one.name for one in self.client.list_consumers()])
        with self.assertRaises(proctor.NotFound):
            self.client.delete_consumer("mover")

    def test_sessions(self):
        session = self.client.create_session("null")
        self.assertEqual(session.name, self.client.get_session(short(session.name)).name)
        self.assertIn(session.name, [one.name for one in self.client.list_sessions()])
        self.client.close_session(short(session.name))
        self.assertNotIn(session.name, [one.name for one in self.client.list_sessions()])
        self.assertIn(session.name, [one.name for one in self.client.list_sessions(show_closed=True)])

    def test_asyncio_has_them_awaited(self):
        right, wrong = self.play("awaited", "hello", "no")

        async def run() -> None:
            async with proctor.aio.connect(self.server.address) as client:
                self.assertEqual([wrong, right], [one.name async for one in client.list_trajectories(policy="awaited")])
                self.assertEqual([wrong], [one.name async for one in client.list_trajectories(policy="awaited", limit=1)])
                self.assertEqual(2, len([one async for one in client.list_episodes(policy="awaited")]))
                self.assertEqual(1, (await client.export_trajectories("awaited", [right])).exported)
                await client.delete_trajectory(right)
                self.assertEqual(1, (await client.import_trajectories("awaited")).imported)
                self.assertEqual("import_trajectories", [one async for one in client.list_jobs(limit=1)][0].kind)
                await client.create_consumer("awaited")
                self.assertEqual(0, (await client.seek_consumer("awaited", "earliest")).committed_offset)
                self.assertIn("consumers/awaited", [one.name for one in await client.list_consumers()])
                await client.delete_consumer("awaited")
                self.assertIn("evaluators/oracle", [one.name for one in await client.list_evaluators()])
                await client.label(right, "SUCCESS", "me")
                self.assertEqual([right], [one.trajectory async for one in client.list_labels(right)])
                self.assertEqual(1, len(await client.list_verdicts(right)))
                stored = (await client.batch_create_tasks([task()]))[0]
                self.assertEqual(stored, await client.get_task(short(stored.name)))
        asyncio.run(run())


class JobErrorTest(unittest.TestCase):
    def test_a_job_that_did_not_succeed_is_raised_as_its_error(self):
        failed = job_pb2.Job(name="jobs/1", state=job_pb2.JOB_STATE_FAILED, error_code=5, error_message="nothing there")
        with self.assertRaisesRegex(proctor.NotFound, "jobs/1 ended JOB_STATE_FAILED: nothing there"):
            jobs.checked(failed)
        with self.assertRaises(proctor.Cancelled):
            jobs.checked(job_pb2.Job(state=job_pb2.JOB_STATE_CANCELLED))
        with self.assertRaises(proctor.ProctorError):
            jobs.checked(job_pb2.Job(state=job_pb2.JOB_STATE_FAILED, error_code=99))


class Tasks(task_grpc.TaskServiceServicer):
    """Has 12,000 tasks."""

    def ListTasks(self, request, context):
        begin = int(request.page_token or 0)
        end = min(begin + request.page_size, 12_000)
        return task_pb.ListTasksResponse(tasks=[task_pb2.Task(name=f"tasks/{number}") for number in range(begin, end)],
                                         next_page_token=str(end) if end < 12_000 else "")


class ListTest(unittest.TestCase):
    def test_all_there_are_come_unless_fewer_are_wanted(self):
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        task_grpc.add_TaskServiceServicer_to_server(Tasks(), server)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self.addCleanup(server.stop, None)

        async def lists() -> tuple[int, int]:
            async with proctor.aio.connect(address) as client:
                return len(await client.list_tasks()), len(await client.list_tasks(limit=1500))
        self.assertEqual((12_000, 1500), asyncio.run(lists()))
        with proctor.connect(address) as client:
            self.assertEqual((12_000, 1500), (len(client.list_tasks()), len(client.list_tasks(limit=1500))))


if __name__ == "__main__":
    unittest.main()
