"""The asyncio client's methods for evaluators, verdicts and labels."""

from __future__ import annotations

from typing import AsyncIterator, Callable

from .. import names, requests
from ..v1 import (evaluation_service_pb2 as eval_pb, evaluator_pb2, job_pb2, label_pb2, measurement_pb2, reflection_pb2,
                 verdict_pb2)
from .calls import Calls


class EvaluationCalls(Calls):
    """See `proctor.aio.Client`."""

    async def create_evaluator(self, evaluator: evaluator_pb2.Evaluator) -> evaluator_pb2.Evaluator:
        """Stores an evaluator. The same again is fine; `AlreadyExists` if the name is taken by another configuration."""
        return await self.call(self.evaluations.CreateEvaluator, requests.create_evaluator(evaluator))

    async def get_evaluator(self, name: str) -> evaluator_pb2.Evaluator:
        """One evaluator."""
        return await self.call(self.evaluations.GetEvaluator, eval_pb.GetEvaluatorRequest(name=names.resource("evaluators", name)))

    async def list_evaluators(self) -> list[evaluator_pb2.Evaluator]:
        """All evaluators, in the order of their names."""
        return list((await self.call(self.evaluations.ListEvaluators, eval_pb.ListEvaluatorsRequest())).evaluators)

    async def evaluate(self, trajectory: str, evaluator: str = "oracle", dry_run: bool = False, timeout: float = 600.0) -> verdict_pb2.Verdict:
        """Evaluates a stored trajectory from its record alone. A judge may ask many questions: within `timeout` seconds, the server works no longer."""
        return await self.call(self.evaluations.EvaluateTrajectory, requests.evaluate(trajectory, evaluator, dry_run), timeout)

    async def get_verdict(self, name: str) -> verdict_pb2.Verdict:
        """One stored verdict, a judge's with its whole trace."""
        return await self.call(self.evaluations.GetVerdict, requests.get_verdict(name))

    async def replay_verdict(self, name: str) -> verdict_pb2.Verdict:
        """Judges again from the replies that are kept with a verdict; asks no model, stores nothing."""
        return await self.call(self.evaluations.ReplayVerdict, eval_pb.ReplayVerdictRequest(name=names.resource("verdicts", name)))

    async def list_verdicts(self, trajectory: str = "", evaluator: str = "", limit: int | None = None) -> list[verdict_pb2.Verdict]:
        """Verdicts, newest first; of one trajectory or by one evaluator if these are given. All of them unless there is a `limit`."""
        request = requests.list_verdicts(trajectory, evaluator)
        return [one async for one in self._pages(self.evaluations.ListVerdicts, request, "verdicts", limit)]

    async def compare_trajectories(self, first: str, second: str, evaluator: str = "pairwise", timeout: float = 600.0
                                   ) -> verdict_pb2.Comparison:
        """Asks which of two trajectories of one task is better, in both orders."""
        return await self.call(self.evaluations.CompareTrajectories, requests.compare_trajectories(first, second, evaluator), timeout)

    async def rescore(self, request: eval_pb.RescoreRequest, timeout: float = 24 * 3600.0,
                      progress: Callable[[job_pb2.Job], None] | None = None) -> eval_pb.RescoreResult:
        """Evaluates recorded trajectories by one or more evaluators and waits for the job's end.

        What has a verdict already is not evaluated again; names may leave their collection out ("pae").
        """
        job = await self.call(self.evaluations.Rescore, requests.complete_rescore(request))
        return await self._finish(job, eval_pb.RescoreResult, timeout, progress)

    async def reflect(self, trajectory: str, verdict: str = "", previous: str = "", timeout: float = 600.0) -> reflection_pb2.Reflection:
        """A short plan for another attempt, made by the server's model from a failed one and its verdict (default: the newest)."""
        return await self.call(self.evaluations.Reflect, requests.reflect(trajectory, verdict, previous), timeout)

    async def label(self, trajectory: str, outcome: str, annotator: str, *, note: str = "", sample: str = "") -> label_pb2.Label:
        """Stores a person's verdict: `outcome` is "success", "failure" or "undetermined", in any case."""
        return await self.call(self.evaluations.LabelTrajectory, requests.label(trajectory, outcome, annotator, note, sample))

    def list_labels(self, trajectory: str = "", *, limit: int | None = None) -> AsyncIterator[label_pb2.Label]:
        """Labels, newest first; of one trajectory if it is given. Fetched page by page."""
        request = eval_pb.ListLabelsRequest(trajectory=names.resource("trajectories", trajectory))
        return self._pages(self.evaluations.ListLabels, request, "labels", limit)

    async def draw_label_sample(self, sample: label_pb2.LabelSample) -> label_pb2.LabelSample:
        """Draws trajectories to label from those that `sample.evaluator` has judged: `sample.size` of them."""
        return await self.call(self.evaluations.DrawLabelSample, requests.draw_label_sample(sample))

    async def get_label_sample(self, name: str) -> label_pb2.LabelSample:
        """One sample, with what it drew."""
        return await self.call(self.evaluations.GetLabelSample, eval_pb.GetLabelSampleRequest(name=names.resource("labelSamples", name)))

    async def calibrate_evaluator(self, request: eval_pb.CalibrateEvaluatorRequest, timeout: float = 3600.0,
                                  progress: Callable[[job_pb2.Job], None] | None = None) -> measurement_pb2.CalibrationResult:
        """Fits an evaluator's scores to truths, stores the result as a new evaluator, and waits for the job's end."""
        job = await self.call(self.evaluations.CalibrateEvaluator, requests.complete_calibration(request))
        return await self._finish(job, measurement_pb2.CalibrationResult, timeout, progress)

    async def measure_evaluator(self, request: eval_pb.MeasureEvaluatorRequest, timeout: float = 3600.0,
                                progress: Callable[[job_pb2.Job], None] | None = None) -> measurement_pb2.EvaluatorMeasurement:
        """Measures an evaluator's stored verdicts against labels or the oracle and waits for the job's end."""
        job = await self.call(self.evaluations.MeasureEvaluator, requests.complete_measurement(request))
        return await self._finish(job, measurement_pb2.EvaluatorMeasurement, timeout, progress)
