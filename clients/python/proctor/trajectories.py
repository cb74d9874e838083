"""The synchronous client's methods for recorded trajectories."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, Mapping, Unpack

from . import filters, names, recording, requests
from .calls import Calls
from .filters import TrajectoryFields
from .recorder import Recording
from .v1 import job_pb2, observation_pb2, task_pb2, trajectory_pb2, trajectory_service_pb2 as trajectory_pb


class TrajectoryCalls(Calls):
    """See `proctor.Client`."""

    def get_trajectory(self, name: str) -> trajectory_pb2.Trajectory:
        """A whole record, pictures by digest."""
        return self.call(self.trajectories.GetTrajectory, requests.get_trajectory(name))

    def list_trajectories(self, *, limit: int | None = None, **filter: Unpack[TrajectoryFields]) -> Iterator[trajectory_pb2.Trajectory]:
        """Records without their steps, newest first, fetched page by page. Chosen by the keywords `environments`, `task`, `policy`,
        `policy_version`, `group`, `end_kinds`, `closed_only`, `start_time_from`, `start_time_until`, `splits`: see
        `filters.TrajectoryFields`."""
        request = trajectory_pb.ListTrajectoriesRequest(filter=filters.trajectories(filter))
        return self._pages(self.trajectories.ListTrajectories, request, "trajectories", limit)

    def read_blob(self, digest: str, timeout: float = 60.0) -> bytes:
        """A blob's bytes."""
        def read(request: trajectory_pb.ReadBlobRequest, timeout: float) -> bytes:
            return b"".join(part.data for part in self.trajectories.ReadBlob(request, timeout=timeout))
        return self.call(read, trajectory_pb.ReadBlobRequest(digest=digest), timeout)

    def record_trajectory(self, task: str | task_pb2.Task, *, policy: str = "", policy_version: str = "", group: str = "",
                          screenshot: bytes = b"", observation: observation_pb2.Observation | None = None,
                          client_tags: Mapping[str, str] | None = None, recorder: str = "", recorder_version: str = "",
                          request_id: str = "", timeout: float = 3600.0) -> Recording:
        """Records an episode of one's own world, to be judged and rewarded like any other; see `proctor.Recording`.

        Args:
          task: a stored task's name, or a Task; one without a name is not stored.
          policy, policy_version: who acts.
          group: the group that takes the recording in; not with a task that is not stored.
          screenshot, observation: what is seen before the first step; see `Recording.step`.
          client_tags: kept with trajectory and reward.
          recorder, recorder_version: the program that records.
          request_id: the same id again, with all else alike, gives the finished recording instead of a second one; default: made up.
          timeout: seconds for the whole recording.
        """
        header = recording.header(task, policy, policy_version, group, client_tags, recorder, recorder_version, request_id)
        return Recording(self, header, screenshot=screenshot, observation=observation, timeout=timeout)

    def import_trajectories(self, folder: str, *, format: str = "", split: str = "", timeout: float = 3600.0,
                            progress: Callable[[job_pb2.Job], None] | None = None) -> trajectory_pb.ImportTrajectoriesResult:
        """Reads recorded trajectories below the server's `exchange_dir` and waits for the job's end.

        Args:
          folder: relative to `exchange_dir`: a run, an export, or a folder that holds runs; of ATIF a single file, too.
          format: "proctor", "webvoyager", "online_mind2web", "atif" or "aer"; default: found out run by run.
          split: "train", "validation" or "test", of formats that name none; default: test.
        """
        job = self.call(self.trajectories.ImportTrajectories, requests.import_trajectories(folder, format, split))
        return self._finish(job, trajectory_pb.ImportTrajectoriesResult, timeout, progress)

    def export_trajectories(self, folder: str, trajectories: Iterable[str] = (), *, format: str = "proctor", timeout: float = 3600.0,
                            progress: Callable[[job_pb2.Job], None] | None = None, **filter: Unpack[TrajectoryFields]
                            ) -> trajectory_pb.ExportTrajectoriesResult:
        """Writes a new, self-contained folder below the server's `exchange_dir` and waits for the job's end.

        Args:
          folder: relative to `exchange_dir`; `AlreadyExists` if it is there.
          trajectories: exactly these; none: those that the keywords choose, as in `list_trajectories`, of TRAIN unless `splits` says
            otherwise.
          format: as in `import_trajectories`.
        """
        job = self.call(self.trajectories.ExportTrajectories, requests.export_trajectories(folder, trajectories, format, filter))
        return self._finish(job, trajectory_pb.ExportTrajectoriesResult, timeout, progress)

    def delete_trajectory(self, name: str) -> None:
        """Deletes a closed record, and the blobs that nothing else refers to. `FailedPrecondition` while its episode runs."""
        self.call(self.trajectories.DeleteTrajectory, trajectory_pb.DeleteTrajectoryRequest(name=names.resource("trajectories", name)))
