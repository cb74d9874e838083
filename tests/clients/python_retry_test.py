"""What the Python clients, synchronous and asyncio, send again when a reply is lost, against a server that loses replies."""
import asyncio
import concurrent.futures
import unittest

import grpc
from google.protobuf import descriptor_pb2

import proctor
import proctor.aio
from proctor import requests, stubs
from proctor.v1 import (environment_service_pb2 as env_pb, evaluation_service_pb2 as eval_pb, job_service_pb2 as job_pb,
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
    """Answers every unary method with an empty message, but loses the first `losses` replies: ends their calls with `status`."""

    def __init__(self):
        self.losses = 0
        self.status = (grpc.StatusCode.UNAVAILABLE, "the reply is lost")
        #: Names and serialized requests, as they came.
        self.calls: list[tuple[str, bytes]] = []
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[self])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, details):
        def answer(request, context):
            self.calls.append((details.method.rpartition("/")[2], request))
            if self.losses > 0:
                self.losses -= 1
                # Attempts follow at once.
                context.set_trailing_metadata((("grpc-retry-pushback-ms", "1"),))
                context.abort(*self.status)
            return b""
        return grpc.unary_unary_rpc_method_handler(answer)


class RetryTests:
    """The same for both clients; `call` is theirs."""

    def setUp(self):
        self.server = LosingServer()
        self.addCleanup(self.server.server.stop, None)

    def call(self, stub, method, request, **options):
        raise NotImplementedError

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


class SyncRetryTest(RetryTests, unittest.TestCase):
    def call(self, stub, method, request, **options):
        with proctor.Client(self.server.address) as client:
            return client.call(getattr(getattr(client, stub), method), request, **options)


class AsyncioRetryTest(RetryTests, unittest.TestCase):
    def call(self, stub, method, request, **options):
        async def run():
            async with proctor.aio.connect(self.server.address) as client:
                return await client.call(getattr(getattr(client, stub), method), request, **options)
        return asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
