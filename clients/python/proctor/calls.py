"""What the synchronous client's methods rest on: a channel, calls with deadlines and retries, pages, jobs."""

from __future__ import annotations

import random
import time
from typing import Any, Callable, Iterator, Self

import grpc

from . import errors, jobs, names, requests
from .patience import PATIENCE
from .security import Security
from .stubs import RETRIES, Stubs
from .v1 import job_pb2, job_service_pb2 as job_pb


class Calls(Stubs):
    """See `proctor.Client`."""

    def __init__(self, address: str, security: Security | None = None):
        """Connects with the first call; `proctor.connect` also waits for the server."""
        super().__init__(address, security, grpc.insecure_channel, grpc.secure_channel)

    def close(self) -> None:
        """Closes the channel; calls that are under way end as `Cancelled`, later ones are `FailedPrecondition`. In a forked process it does
        nothing."""
        self._lifetime.closed = True
        if not self._lifetime.is_inherited():
            self.channel.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Another client, for the same address, which connects with its first call."""
        return type(self), (self.address, self._security)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's unary method, `client.call(client.tasks.GetTask, request)`, with a deadline; for what the client's own
        methods leave out. A stub's method called without it has no deadline and no retries, and raises grpc.RpcError, which no
        `except proctor.ProctorError` takes.

        Sends a copy with an empty `request_id` filled in, where the request has that field. UNAVAILABLE, where the reply may have
        been lost, is retried if `retry` and a second call does no more than the first: all but accepting and rejecting tasks,
        pausing and resuming jobs, deleting consumers and trajectories. A server that stops, and ends the call as cancelled, is
        `Unavailable`.
        """
        retry = retry and requests.is_repeatable(request)
        request = requests.with_id(request)
        deadline = time.monotonic() + timeout
        for attempt in range(RETRIES + 1):
            try:
                return method(request, timeout=max(0.001, deadline - time.monotonic()))
            except grpc.RpcError as error:
                failure = self._failure(error)
                delay = failure.retry_after or 0.1 * 2**attempt * random.uniform(0.5, 1.5)
                transient = isinstance(failure, errors.Unavailable)
                if not (retry and transient) or attempt == RETRIES or time.monotonic() + delay > deadline:
                    raise failure from None
                time.sleep(delay)
        raise AssertionError("unreachable")

    def _pages(self, method: Callable[..., Any], request: Any, field: str, limit: int | None) -> Iterator[Any]:
        """What is in `field` of all pages, at most `limit` of it; a page is fetched when it is reached."""
        left = limit
        request.page_size = requests.page_size(limit)
        while left is None or left > 0:
            page = self.call(method, request)
            found = getattr(page, field)[:left]
            yield from found
            left = None if left is None else left - len(found)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def _finish(self, job: job_pb2.Job, kind: type[jobs.Result], timeout: float,
                progress: Callable[[job_pb2.Job], None] | None) -> jobs.Result:
        """The job's result, waited for."""
        return jobs.result(self.wait_job(job.name, timeout, progress), kind)

    # Jobs.

    def get_job(self, name: str) -> job_pb2.Job:
        """A job as it stands."""
        return self.call(self.jobs.GetJob, job_pb.GetJobRequest(name=names.resource("jobs", name)))

    def list_jobs(self, *, limit: int | None = None) -> Iterator[job_pb2.Job]:
        """Jobs, newest first, ended ones included; fetched page by page."""
        return self._pages(self.jobs.ListJobs, job_pb.ListJobsRequest(), "jobs", limit)

    def pause_job(self, name: str) -> job_pb2.Job:
        """Stops a job at its next safe point; `FailedPrecondition` if it has ended."""
        return self.call(self.jobs.PauseJob, job_pb.PauseJobRequest(name=names.resource("jobs", name)))

    def resume_job(self, name: str) -> job_pb2.Job:
        """Goes on with a paused job; `FailedPrecondition` if it has ended."""
        return self.call(self.jobs.ResumeJob, job_pb.ResumeJobRequest(name=names.resource("jobs", name)))

    def cancel_job(self, name: str) -> job_pb2.Job:
        """Ends a job; cancelling twice is fine. A client that only stops waiting cancels nothing."""
        return self.call(self.jobs.CancelJob, job_pb.CancelJobRequest(name=names.resource("jobs", name)))

    def wait_job(self, name: str, timeout: float = 600.0, progress: Callable[[job_pb2.Job], None] | None = None, *,
                 patience: float = PATIENCE) -> job_pb2.Job:
        """Watches a job to its end, for `timeout` seconds at most (`DeadlineExceeded`); raises its error (`NotFound`, `AlreadyExists`, ...;
        `Cancelled`) if it did not succeed. `Unavailable` if the server is away for `patience` seconds: the job goes on when it is back."""
        request = job_pb.WatchJobRequest(name=names.resource("jobs", name))
        watch = jobs.Watch(request.name, timeout, patience)
        while True:
            failure = jobs.cut_short()
            try:
                for job in self.jobs.WatchJob(request, timeout=watch.begin()):
                    ended = watch.came(job)
                    if progress:
                        progress(job)
                    if ended:
                        return jobs.checked(job)
            except grpc.RpcError as error:
                failure = self._failure(error)
            time.sleep(watch.pause(failure))
