"""What the asyncio client's methods rest on: a channel, calls with deadlines and retries, pages, jobs."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any, AsyncIterator, Callable, Iterator, NoReturn, Self

import grpc

from .. import errors, jobs, names, requests
from ..patience import PATIENCE
from ..security import Security
from ..stubs import RETRIES, Stubs
from ..v1 import job_pb2, job_service_pb2 as job_pb


class Calls(Stubs):
    """See `proctor.aio.Client`."""

    def __init__(self, address: str, security: Security | None = None):
        """Connects with the first call."""
        super().__init__(address, security, grpc.aio.insecure_channel, grpc.aio.secure_channel)

    async def close(self) -> None:
        """Closes the channel; calls that are under way end as `Cancelled`, later ones are `FailedPrecondition`. In a forked process it does
        nothing."""
        self._lifetime.closed = True
        if self._lifetime.is_inherited():
            return
        for call in list(self._lifetime.calls):
            call.cancel()
        await self.channel.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("an asyncio client belongs to its event loop and is not pickled: call proctor.aio.connect in the worker")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.contextmanager
    def _end_of_client_told(self) -> Iterator[None]:
        """Raises `Cancelled` for a call that `close` has cancelled: gRPC makes that look as if this task were cancelled."""
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._lifetime.closed and not (task and task.cancelling()):
                raise errors.Cancelled(grpc.StatusCode.CANCELLED, "the client was closed") from None
            raise

    async def call(self, method: Callable[..., Any], request: Any, timeout: float = 60.0, retry: bool = True) -> Any:
        """Calls a stub's unary method with a deadline; what is filled in, what is retried and which errors it raises: see
        `proctor.Client.call`."""
        retry = retry and requests.is_repeatable(request)
        request = requests.with_id(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for attempt in range(RETRIES + 1):
            try:
                with self._end_of_client_told():
                    return await method(request, timeout=max(0.001, deadline - loop.time()))
            except grpc.RpcError as error:
                failure = self._failure(error)
                delay = failure.retry_after or 0.1 * 2**attempt * random.uniform(0.5, 1.5)
                transient = isinstance(failure, errors.Unavailable)
                if not (retry and transient) or attempt == RETRIES or loop.time() + delay > deadline:
                    raise failure from None
                await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def _pages(self, method: Callable[..., Any], request: Any, field: str, limit: int | None) -> AsyncIterator[Any]:
        """What is in `field` of all pages, at most `limit` of it; a page is fetched when it is reached."""
        left = limit
        request.page_size = requests.page_size(limit)
        while left is None or left > 0:
            page = await self.call(method, request)
            found = getattr(page, field)[:left]
            for one in found:
                yield one
            left = None if left is None else left - len(found)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def _finish(self, job: job_pb2.Job, kind: type[jobs.Result], timeout: float,
                      progress: Callable[[job_pb2.Job], None] | None) -> jobs.Result:
        """The job's result, waited for."""
        return jobs.result(await self.wait_job(job.name, timeout, progress), kind)

    # Jobs.

    async def get_job(self, name: str) -> job_pb2.Job:
        """A job as it stands."""
        return await self.call(self.jobs.GetJob, job_pb.GetJobRequest(name=names.resource("jobs", name)))

    def list_jobs(self, *, limit: int | None = None) -> AsyncIterator[job_pb2.Job]:
        """Jobs, newest first, ended ones included; fetched page by page."""
        return self._pages(self.jobs.ListJobs, job_pb.ListJobsRequest(), "jobs", limit)

    async def pause_job(self, name: str) -> job_pb2.Job:
        """Stops a job at its next safe point; `FailedPrecondition` if it has ended."""
        return await self.call(self.jobs.PauseJob, job_pb.PauseJobRequest(name=names.resource("jobs", name)))

    async def resume_job(self, name: str) -> job_pb2.Job:
        """Goes on with a paused job; `FailedPrecondition` if it has ended."""
        return await self.call(self.jobs.ResumeJob, job_pb.ResumeJobRequest(name=names.resource("jobs", name)))

    async def cancel_job(self, name: str) -> job_pb2.Job:
        """Ends a job; cancelling twice is fine. A client that only stops waiting cancels nothing."""
        return await self.call(self.jobs.CancelJob, job_pb.CancelJobRequest(name=names.resource("jobs", name)))

    async def wait_job(self, name: str, timeout: float = 600.0, progress: Callable[[job_pb2.Job], None] | None = None, *,
                       patience: float = PATIENCE) -> job_pb2.Job:
        """Watches a job to its end, for `timeout` seconds at most (`DeadlineExceeded`); raises its error (`NotFound`, `AlreadyExists`, ...;
        `Cancelled`) if it did not succeed. `Unavailable` if the server is away for `patience` seconds: the job goes on when it is back."""
        request = job_pb.WatchJobRequest(name=names.resource("jobs", name))
        watch = jobs.Watch(request.name, timeout, patience)
        while True:
            failure = jobs.cut_short()
            try:
                with self._end_of_client_told():
                    async for job in self.jobs.WatchJob(request, timeout=watch.begin()):
                        ended = watch.came(job)
                        if progress:
                            progress(job)
                        if ended:
                            return jobs.checked(job)
            except grpc.RpcError as error:
                failure = self._failure(error)
            await asyncio.sleep(watch.pause(failure))
