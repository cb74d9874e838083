"""What the Python clients, synchronous and asyncio, send again when a reply is lost, against a server that loses replies."""
import asyncio
import concurrent.futures
import types
import unittest
from unittest import mock

import grpc
from google.protobuf import descriptor_pb2

import proctor
import proctor.aio
from proctor import jobs, requests, stubs
from proctor.v1 import (environment_service_pb2 as env_pb, evaluation_service_pb2 as eval_pb, job_pb2, job_service_pb2 as job_pb,
                        reward_service_pb2 as reward_pb, task_service_pb2 as task_pb, trajectory_service_pb2 as trajectory_pb)

SERVICES = {"environments": env_pb, "tasks": task_pb, "trajectories": trajectory_pb, "evaluations": eval_pb, "rewards": reward_pb,
            "jobs": job_pb}
#: Of the methods whose requests have no id: those that do no more the second time, and those that may.
SAFE = {"CancelJob", "CloseSession", "CreateConsumer", "KeepAlive", "Observe", "ReplayVerdict", "SampleTasks", "SeekConsumer",
        "WaitEpisode"}
UNSAFE = {"AcceptTask", "DeleteConsumer", "DeleteTrajectory", "PauseJob", "RejectTask", "ResumeJob"}


def unary_methods():
    """(the client's stub, the method's name, the class of its requests) of every method without streams."""
    for stub, module in SERVICES.items():
        # Descriptors of 3.21 do not tell of streams; the file's message does.
        declared = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(declared)
        for service in declared.service:
            for method in service.method:
                if not method.client_streaming and not method.server_streaming:
                    yield stub, method.name, getattr(module, method.input_type.rpartition(".")[2])


class LosingServer(grpc.GenericRpcHandler):
    """Answers every unary method with an empty message and streams `parts`, but loses the first `losses` replies, and what comes after
    the first `kept` parts: ends their calls with `status`."""

    STREAMS = ("ReadBlob", "WatchJob")

    def __init__(self):
        self.losses = 0
        self.status = (grpc.StatusCode.UNAVAILABLE, "the reply is lost")
        #: Milliseconds after which the client is asked to try again: at once. "": it is not asked.
        self.hint = "1"
        self.parts = []
        self.kept = 0
        #: Names and serialized requests, as they came.
        self.calls: list[tuple[str, bytes]] = []
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[self])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, details):
        name = details.method.rpartition("/")[2]

        def lose(context):
            if self.losses > 0:
                self.losses -= 1
                if self.hint:
                    context.set_trailing_metadata((("grpc-retry-pushback-ms", self.hint),))
                context.abort(*self.status)

        def answer(request, context):
            self.calls.append((name, request))
            lose(context)
            return b""

        def stream(request, context):
            self.calls.append((name, request))
            yield from self.parts[:self.kept]
            lose(context)
            yield from self.parts[self.kept:]
        return grpc.unary_stream_rpc_method_handler(stream) if name in self.STREAMS else grpc.unary_unary_rpc_method_handler(answer)


class RetryTests:
    """The same for both clients; `with_client` (what a function of the client gives, which may have to be awaited) is theirs."""

    def setUp(self):
        self.server = LosingServer()
        self.addCleanup(self.server.server.stop, None)

    def with_client(self, use):
        raise NotImplementedError

    def call(self, stub, method, request, **options):
        return self.with_client(lambda client: client.call(getattr(getattr(client, stub), method), request, **options))

    def sent(self, kind):
        return [kind.FromString(request) for _, request in self.server.calls]

    def test_a_click_whose_reply_is_lost_is_asked_for_again_and_done_once(self):
        self.server.losses = 2
        request = env_pb.StepRequest(session="sessions/a", action=proctor.click(7))
        self.call("environments", "Step", request)
        sent = self.sent(env_pb.StepRequest)
        self.assertEqual(3, len(sent))
        self.assertTrue(sent[0].request_id)
        self.assertEqual([sent[0]] * 3, sent)
        self.assertEqual(7, sent[0].action.click.target.mark)
        self.assertEqual("", request.request_id)  # The caller may use it for another click.

    def test_another_call_has_another_id(self):
        request = env_pb.StepRequest(session="sessions/a", action=proctor.click(7))
        for _ in range(2):
            self.call("environments", "Step", request)
        first, second = self.sent(env_pb.StepRequest)
        self.assertNotEqual(first.request_id, second.request_id)

    def test_requests_that_are_completed_stay_as_they_were(self):
        for complete, given in ((requests.complete_start, env_pb.StartEpisodeRequest(session="a", task="t")),
                                (requests.complete_step, env_pb.StepRequest(session="a", action=proctor.click(7))),
                                (requests.complete_rescore, eval_pb.RescoreRequest(evaluators=["pae"])),
                                (requests.complete_measurement, eval_pb.MeasureEvaluatorRequest(evaluator="pae")),
                                (requests.complete_calibration, eval_pb.CalibrateEvaluatorRequest(evaluator="pae"))):
            with self.subTest(complete.__name__):
                before = given.SerializeToString(deterministic=True)
                self.assertNotEqual(before, complete(given).SerializeToString(deterministic=True))
                self.assertEqual(before, given.SerializeToString(deterministic=True))

    def test_an_id_of_the_callers_own_is_kept(self):
        self.server.losses = 1
        self.call("environments", "Step", env_pb.StepRequest(request_id="mine"))
        self.assertEqual(["mine", "mine"], [request.request_id for request in self.sent(env_pb.StepRequest)])

    def test_every_method_is_repeated_exactly_if_that_is_safe(self):
        decided = set()
        for stub, method, kind in unary_methods():
            with self.subTest(method):
                has_id = "request_id" in kind.DESCRIPTOR.fields_by_name
                reads = method.startswith(("Get", "List"))
                self.assertEqual(1, has_id + reads + (method in SAFE) + (method in UNSAFE), "decide about this method")
                decided.add(method)
                self.server.calls.clear()
                self.server.losses = 1
                if method in UNSAFE:
                    with self.assertRaises(proctor.Unavailable):
                        self.call(stub, method, kind())
                else:
                    self.call(stub, method, kind())
                self.assertEqual([method] * (1 if method in UNSAFE else 2), [name for name, _ in self.server.calls])
                if has_id:
                    self.assertTrue(all(request.request_id for request in self.sent(kind)))
        self.assertLessEqual(SAFE | UNSAFE, decided)

    def test_nothing_is_repeated_for_those_who_say_so(self):
        self.server.losses = 1
        with self.assertRaises(proctor.Unavailable):
            self.call("environments", "Step", env_pb.StepRequest(), retry=False)
        self.assertEqual(1, len(self.server.calls))

    def test_attempts_come_to_an_end(self):
        self.server.losses = 1000
        with self.assertRaises(proctor.Unavailable):
            self.call("jobs", "ListJobs", job_pb.ListJobsRequest())
        self.assertEqual(stubs.RETRIES + 1, len(self.server.calls))

    def test_a_server_that_stops_and_cancels_calls_is_away(self):
        for told, message in (("CANCELLED", "the server ended the call while it stopped"),
                              ("drained", "the server ended the call while it stopped: drained")):
            self.server.status = (grpc.StatusCode.CANCELLED, told)
            self.server.losses = 2
            self.server.calls.clear()
            self.call("environments", "Step", env_pb.StepRequest())
            self.assertEqual(3, len(self.server.calls))
            self.server.losses = 1000
            with self.assertRaises(proctor.Unavailable) as failed:
                self.call("environments", "Step", env_pb.StepRequest())
            self.assertEqual(message, failed.exception.message)
            self.server.calls.clear()
            with self.assertRaises(proctor.Unavailable):
                self.call("tasks", "AcceptTask", task_pb.AcceptTaskRequest())
            self.assertEqual(1, len(self.server.calls))


    def test_a_blob_that_breaks_off_is_read_again_from_its_start(self):
        self.server.parts = [trajectory_pb.ReadBlobResponse(data=part).SerializeToString() for part in (b"one ", b"two")]
        self.server.losses, self.server.kept = 2, 1
        self.assertEqual(b"one two", self.with_client(lambda client: client.read_blob("0" * 64)))
        self.assertEqual(3, len(self.server.calls))
        self.server.losses, self.server.status = 1, (grpc.StatusCode.NOT_FOUND, "no blob")
        with self.assertRaises(proctor.NotFound):
            self.with_client(lambda client: client.read_blob("0" * 64))
        self.assertEqual(4, len(self.server.calls))

    def watch(self, losses, kept, attempt=0.01):
        """Waits for a job that takes an hour at most, on a simulated clock: attempts last `attempt` seconds. Returns the seconds that
        passed and, if it is so, why the wait was given up."""
        self.server.parts = [job_pb2.Job(name="jobs/a", state=state).SerializeToString()
                             for state in (job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_SUCCEEDED)]
        self.server.losses, self.server.kept, self.server.hint = losses, kept, ""
        clock = types.SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
        pause = jobs.Watch.pause

        def passes(watch, failure):
            clock.now += attempt
            clock.now += pause(watch, failure)
            return 0
        with mock.patch("proctor.jobs.time", clock), mock.patch("proctor.patience.time", clock), mock.patch.object(jobs.Watch, "pause", passes):
            try:
                self.assertEqual("jobs/a", self.with_client(lambda client: client.wait_job("a", 3600)).name)
                return clock.now - 1000, None
            except proctor.ProctorError as failure:
                return clock.now - 1000, failure

    def test_a_job_is_waited_for_until_its_server_was_away_for_a_minute(self):
        seconds, failure = self.watch(losses=1_000_000, kept=0)
        self.assertIsInstance(failure, proctor.Unavailable)
        self.assertEqual("the server is away for 60 s: the reply is lost; jobs/a goes on when it is back: wait for it again", failure.message)
        self.assertAlmostEqual(60, seconds, delta=1)
        # However long an attempt takes, only a state that is told shows that the server is there.
        seconds, failure = self.watch(losses=1_000_000, kept=0, attempt=50)
        self.assertIsInstance(failure, proctor.Unavailable)
        self.assertLess(seconds, 200)

    def test_servers_that_come_back_do_not_try_the_patience(self):
        seconds, failure = self.watch(losses=20, kept=1, attempt=50)
        self.assertIsNone(failure)
        self.assertGreater(seconds, 1000)

    def test_a_job_is_not_waited_for_beyond_its_time(self):
        seconds, failure = self.watch(losses=1_000_000, kept=1, attempt=50)
        self.assertIsInstance(failure, proctor.Unavailable)
        self.assertEqual("the reply is lost", failure.message)
        self.assertAlmostEqual(3600, seconds, delta=50)


class SyncRetryTest(RetryTests, unittest.TestCase):
    def with_client(self, use):
        with proctor.Client(self.server.address) as client:
            return use(client)


class AsyncioRetryTest(RetryTests, unittest.TestCase):
    def with_client(self, use):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                return await use(client)
        return asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
