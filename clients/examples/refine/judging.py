"""What a judge says of held-out episodes whose truth the oracle knows, for the report."""

from __future__ import annotations

from typing import Any, Sequence

import proctor
from proctor.v1 import evaluation_service_pb2 as eval_pb, measurement_pb2, task_pb2, verdict_pb2

from .rollout import Job, Runner
from .terminal import Progress

#: Recorded as this version of the policy, so that measurements find them again.
VERSION = "judged"


def judge(client: proctor.Client, runner: Runner, tasks: Sequence[task_pb2.Task], policy: Any, *, name: str, evaluator: str,
          seed: int) -> dict[str, Any] | None:
    """Runs the tasks once more with screenshots, lets the judge re-score them, and measures it against the oracle. None: no episode came
    to its end."""
    results = runner.run([Job(task, seed=seed) for task in tasks], policy, name=name, version=VERSION, greedy=True,
                         also_observe=("screenshot",))
    trajectories = [result.trajectory for result in results if result.trajectory and not result.error]
    bar = Progress(f"  judging by {evaluator}", len(trajectories))
    if not trajectories:  # To the server no names would be all records.
        bar.done("nothing to judge")
        return None

    def on_job(job: Any) -> None:
        bar.count = int(job.done) - 1
        bar.step(job.message)

    done = client.rescore(eval_pb.RescoreRequest(evaluators=[evaluator], trajectories=trajectories), progress=on_job)
    bar.done(f"{done.evaluated} judged, {done.failed} failed, ${done.usage.cost_usd:.4f}")
    request = eval_pb.MeasureEvaluatorRequest(evaluator=evaluator, truth=measurement_pb2.TRUTH_SOURCE_ORACLE,
                                              slice_by=["kind"])
    request.filter.policy, request.filter.policy_version = name, VERSION
    measured = client.measure_evaluator(request)
    return {"evaluator": evaluator, "tasks": len(trajectories), "failed": done.failed,
            "measures": _rows(measured.measures),
            "slices": [[slice.tags["kind"] or "(none)", str(slice.measures.episodes), _text(slice.measures.accuracy)]
                       for slice in measured.slices],
            "corrected": [_text(rate.rate) for rate in measured.corrected],
            "episodes": [_side_by_side(client, trajectory, evaluator) for trajectory in trajectories]}


def _text(estimate: measurement_pb2.Estimate) -> str:
    if not estimate.HasField("value"):
        return "undefined"
    if not estimate.HasField("low"):
        return f"{100 * estimate.value:.1f} %"
    return f"{100 * estimate.value:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _rows(measures: measurement_pb2.JudgeMeasures) -> list[list[str]]:
    cells = measures.confusion
    return [["verdicts", str(measures.episodes)], ["judged SUCCESS", f"{cells.true_success:g} right, {cells.false_success:g} wrong"],
            ["judged FAILURE", f"{cells.true_failure:g} right, {cells.false_failure:g} wrong"],
            ["undetermined", _text(measures.undetermined)], ["not to be read", _text(measures.invalid)],
            ["accuracy", _text(measures.accuracy)], ["precision", _text(measures.precision)], ["recall", _text(measures.recall)],
            ["specificity", _text(measures.specificity)], ["F1", _text(measures.f1)]]


def _outcome(verdict: verdict_pb2.Verdict | None) -> str:
    return "(none)" if verdict is None else verdict_pb2.Outcome.Name(verdict.outcome).removeprefix("OUTCOME_")


def _side_by_side(client: proctor.Client, trajectory: str, evaluator: str) -> list[str]:
    # They come newest first, and the last one stays.
    verdicts = {verdict.evaluator.removeprefix("evaluators/"): verdict for verdict in reversed(client.list_verdicts(trajectory))}
    judged = verdicts.get(evaluator.removeprefix("evaluators/"))
    goal = client.get_trajectory(trajectory).task.goal
    return [goal, _outcome(verdicts.get("oracle")), _outcome(judged), judged.rationale if judged else ""]
