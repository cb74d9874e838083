"""What must hold after the kill rounds, from what clients wrote down and what the server's API says."""
from __future__ import annotations

import base64
import collections
import hashlib
from typing import Any

import proctor
from proctor.v1 import episode_pb2, reward_pb2, trajectory_pb2

Entry = dict[str, Any]
#: What must not happen, as the summary counts it.
LOST_STEPS, LOST_REWARDS, DOUBLED_REWARDS, SCORED_FAULTS = ("acknowledged steps lost", "rewards lost", "rewards doubled after dedupe",
                                                            "faults scored as 0")


class Checks:
    """Each check adds to `problems`."""

    def __init__(self, client: proctor.Client, answer: str):
        self.client = client
        self.answer = answer
        self.problems: list[str] = []
        #: By what must not happen.
        self.counts: collections.Counter[str] = collections.Counter()
        self._records: dict[str, trajectory_pb2.Trajectory] = {}
        self._log = self._read_log()
        self._rewards = [record.reward for record in self._log if record.HasField("reward")]
        self._masks: collections.Counter[str] = collections.Counter()
        self._steps = 0
        self._redelivered = 0
        self._errors: collections.Counter[str] = collections.Counter()

    def steps(self, entries: list[Entry]) -> None:
        """Every acknowledged step is in its record, with its agent data and a screenshot that can be read."""
        for entry in entries:
            if entry["kind"] == "error":
                self._errors[entry["message"].split(":")[0]] += 1
            if entry["kind"] != "step" or entry["interrupted"]:
                continue
            self._steps += 1
            record = self._record(entry["trajectory"])
            at = f"{entry['trajectory']} step {entry['index']}"
            if entry["index"] >= len(record.steps):
                self._problem(f"{at} was acknowledged and is lost: {len(record.steps)} steps are recorded", LOST_STEPS)
                continue
            step = record.steps[entry["index"]]
            if step.agent_data.thought != entry["thought"]:
                self._problem(f"{at} is another step than the one acknowledged", LOST_STEPS)
            if entry["screenshot"]:
                if step.observation.screenshot.digest != entry["screenshot"]:
                    self._problem(f"{at} has another screenshot than the one acknowledged", LOST_STEPS)
                elif hashlib.sha256(self.client.read_blob(entry["screenshot"])).hexdigest() != entry["screenshot"]:
                    self._problem(f"{at}: the screenshot's bytes are not those of its digest", LOST_STEPS)

    def rewards(self, entries: list[Entry]) -> None:
        """Every episode that was started has exactly one reward; what a fault ended is masked with a reason, all else has
        the value that its answer earned."""
        of_trajectory: dict[str, list[reward_pb2.Reward]] = collections.defaultdict(list)
        for reward in self._rewards:
            of_trajectory[reward.trajectory].append(reward)
        for trajectory in {entry["trajectory"] for entry in entries if entry["kind"] == "start"}:
            if (count := len(of_trajectory[trajectory])) != 1:
                self._problem(f"{trajectory} has {count} rewards", DOUBLED_REWARDS if count else LOST_REWARDS)
        if len({reward.reward_id for reward in self._rewards}) != len(self._rewards):
            self._problem("a reward_id is twice in the log", DOUBLED_REWARDS)
        for reward in self._rewards:
            self._check_value(reward)

    def deliveries(self, consumer: str, entries: list[Entry], groups: bool) -> None:
        """After dedupe by id the consumer has exactly what the log has for it; what came again was the same."""
        got: dict[str, str] = {}
        for entry in entries:
            if got.setdefault(entry["id"], entry["record"]) != entry["record"]:
                self._problem(f"consumer {consumer} got {entry['id']} twice with different contents", DOUBLED_REWARDS)
        self._redelivered += len(entries) - len(got)
        want = {(r.group_complete.group_complete_id if r.HasField("group_complete") else r.reward.reward_id)
                for r in self._log if r.HasField("group_complete") == groups}
        if missing := want - got.keys():
            self._problem(f"consumer {consumer} never got {len(missing)} records: {sorted(missing)[:3]}", LOST_REWARDS)
        if extra := got.keys() - want:
            self._problem(f"consumer {consumer} got {len(extra)} records that the log has not: {sorted(extra)[:3]}")

    def groups(self, names: list[str], entries: list[Entry], size: int) -> None:
        """Every group was completed once, whole, with the rewards of the log."""
        known = {reward.reward_id: reward for reward in self._rewards}
        completions: dict[str, dict[str, reward_pb2.GroupComplete]] = collections.defaultdict(dict)
        for entry in entries:
            complete = reward_pb2.RewardRecord.FromString(base64.b64decode(entry["record"])).group_complete
            completions[complete.group.name][complete.group_complete_id] = complete
        for name in names:
            if len(completions[name]) != 1:
                self._problem(f"{name} was completed {len(completions[name])} times")
                continue
            complete = next(iter(completions[name].values()))
            ids = {reward.reward_id for reward in complete.rewards}
            masked = sum(reward.status == reward_pb2.REWARD_STATUS_MASKED for reward in complete.rewards)
            if complete.partial or len(ids) != size or len(complete.rewards) != size:
                self._problem(f"{name} is not whole: {len(ids)} rewards of {size}, partial {complete.partial}")
            if masked != complete.masked_count:
                self._problem(f"{name} says {complete.masked_count} masked, and has {masked}")
            for reward in complete.rewards:
                if known.get(reward.reward_id) is None or known[reward.reward_id].value != reward.value:
                    self._problem(f"{name}: {reward.reward_id} differs from the log")

    def faults_were_met(self, met: dict[tuple[str, str], bool]) -> None:
        """A kind of kill that never met anything has shown nothing."""
        for kind, world in (kill for kill, done in met.items() if not done):
            self._problem(f"no kill of the {kind} ({world}) met anything")

    def figures(self) -> dict[str, Any]:
        """Everything that was counted; what must not happen is in it at 0, too."""
        return {"must_be_zero": {what: self.counts[what] for what in (LOST_STEPS, LOST_REWARDS, DOUBLED_REWARDS, SCORED_FAULTS)},
                "other_problems": self.counts[""], "acknowledged_steps": self._steps, "records": len(self._records),
                "rewards": len(self._rewards), "masked": dict(self._masks), "redelivered": self._redelivered,
                "errors_met_by_clients": dict(self._errors)}

    def summary(self) -> list[str]:
        masks = ", ".join(f"{count} {name}" for name, count in sorted(self._masks.items())) or "none"
        return [", ".join(f"{name}: {self.counts[name]}" for name in (LOST_STEPS, LOST_REWARDS, DOUBLED_REWARDS, SCORED_FAULTS)),
                f"{self._steps} acknowledged steps checked against {len(self._records)} records",
                f"{len(self._rewards)} rewards, masked: {masks}; {self._redelivered} records came more than once",
                f"errors that clients met: {dict(self._errors)}"]

    def _check_value(self, reward: reward_pb2.Reward) -> None:
        record = self._record(reward.trajectory)
        masked = reward.status == reward_pb2.REWARD_STATUS_MASKED
        if masked:
            self._masks[reward_pb2.MaskReason.Name(reward.mask_reason)] += 1
        if not record.closed:
            self._problem(f"{reward.trajectory} has a reward and is not closed")
        interrupted = record.end_kind == episode_pb2.END_KIND_INTERRUPTED
        if masked != interrupted:
            self._problem(f"{reward.trajectory} ended {episode_pb2.EndReason.Name(record.end_reason)} and its reward is "
                          f"{reward_pb2.RewardStatus.Name(reward.status)}, value {reward.value}",
                          SCORED_FAULTS if interrupted else "")
        if masked and not reward.mask_reason:
            self._problem(f"{reward.reward_id} is masked without a reason")
        if not masked and not interrupted:
            right = bool(record.steps) and record.steps[-1].action.answer.text == self.answer
            if reward.value != float(right):
                self._problem(f"{reward.trajectory} earned {reward.value}, its answer {float(right)}")

    def _record(self, trajectory: str) -> trajectory_pb2.Trajectory:
        if trajectory not in self._records:
            self._records[trajectory] = self.client.get_trajectory(trajectory)
        return self._records[trajectory]

    def _read_log(self) -> list[reward_pb2.RewardRecord]:
        """The whole log: rewards and completions."""
        records: dict[int, reward_pb2.RewardRecord] = {}
        for delivery in (reward_pb2.DELIVERY_EACH, reward_pb2.DELIVERY_GROUPS):
            after = 0
            while True:
                page = self.client.list_rewards(after, page_size=1000,
                                                filter=reward_pb2.ConsumerFilter(delivery=delivery))
                records.update((record.offset, record) for record in page.records)
                if page.next_after_offset <= after or page.next_after_offset >= page.end_offset:
                    break
                after = page.next_after_offset
        return [records[offset] for offset in sorted(records)]

    def _problem(self, text: str, what: str = "") -> None:
        self.problems.append(text)
        self.counts[what] += 1
