"""Kill rounds: agents fill groups of 8 on a real proctord while something is killed at a random moment.

Each round kills the server, a browser, a client or the reward consumer (`kill -9`), then goes on until the round's group is
complete. At the end everything is compared: what clients were told against what is recorded, rewards against episodes, what
the consumers got against the log, and what is left on the machine. Seeded: the moments are printed.

usage: kill_rounds.py [--rounds N] [--seed N] [--json FILE]    with $PROCTORD naming the server; see scripts/test --soak
"""
from __future__ import annotations

import argparse
import base64
import os
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parents[1] / "bench")]

import proctor
from checks import Checks
from common.measuring import Report
from journal import read_journal
from processes import ProcessId, alive, browsers, descendants, renderers, wait_until
from proctor.v1 import environment_service_pb2 as env_pb, reward_pb2, reward_service_pb2 as reward_pb
from soak_server import ANSWER, SoakServer, end_process, make_task, start_consumer

GROUP_SIZE = 8
CLIENTS = 2
SESSIONS_PER_CLIENT = 2
#: What each kill leaves in its round's group; a killed consumer gets records again.
MASKS = {"server": reward_pb2.MASK_REASON_SERVER_FAULT, "browser": reward_pb2.MASK_REASON_WORLD_FAULT,
         "client": reward_pb2.MASK_REASON_CLIENT}
#: A kill may fall between two episodes: so many more rounds of a kind that has met nothing yet.
EXTRA_ROUNDS = 3


class Soak:
    """The life of a run; what happens in a round is its subclass's."""

    #: Of the report.
    NAME = ""
    #: What happens, and in which world; every kind once in as many rounds.
    KINDS: tuple[tuple[str, str], ...] = ()
    WHAT = "{}"

    def happen(self, kind: str, killed: int) -> None:
        """What the round is about; `killed` is the client whose turn it would be."""
        raise NotImplementedError

    def was_met(self, kind: str, group: str, redelivered: int) -> bool:
        """Whether it hit anything; `redelivered` records had come to their consumer once more before it."""
        raise NotImplementedError

    def __init__(self, rounds: int, seed: int, report: Report):
        self.rounds = rounds
        self.report = report
        self.random = random.Random(seed)
        self.server = SoakServer(sessions_per_browser=2)
        self.seen: set[ProcessId] = set()
        self.groups: list[str] = []
        self.agents: list[subprocess.Popen] = []
        self.consumers: dict[str, subprocess.Popen] = {}
        #: By kind and world: whether any of these kills met something.
        self.met: dict[tuple[str, str], bool] = {}

    # The life of a run.

    def run(self) -> list[str]:
        """All rounds and checks; returns what is wrong."""
        self.start_server()
        self.client = proctor.connect(self.address)
        self.tasks = {world: self.client.create_task(make_task(world)).name for world in ("practice", "null")}
        for name, delivery in (("groups", reward_pb2.DELIVERY_GROUPS), ("each", reward_pb2.DELIVERY_EACH)):
            self.client.create_consumer(name, start="earliest", filter=reward_pb2.ConsumerFilter(delivery=delivery))
            self.start_consumer(name)
        kinds: list[tuple[str, str]] = []
        for number in range(self.rounds):
            if not kinds:
                kinds = self.random.sample(self.KINDS, len(self.KINDS))
            self.round(number, *kinds.pop())
        for _ in range(EXTRA_ROUNDS):
            for kind, world in [kill for kill, met in self.met.items() if not met]:
                self.round(len(self.groups), kind, world)
        self.settle()
        checks = Checks(self.client, ANSWER)
        checks.steps(self.journal_entries("agent-*"))
        checks.rewards(self.journal_entries("agent-*"))
        checks.deliveries("each", self.journal_entries("consumer-each"), groups=False)
        checks.deliveries("groups", self.journal_entries("consumer-groups"), groups=True)
        checks.groups(self.groups, self.journal_entries("consumer-groups"), GROUP_SIZE)
        checks.faults_were_met(self.met)
        self.report.facts["counts"] = checks.figures()
        for line in checks.summary():
            print(line, flush=True)
        self.client.close()
        return checks.problems + self.leaks()

    def round(self, number: int, kind: str, world: str) -> None:
        # Of about 30 steps a group; the client's death needs others to fill its place.
        steps, delay = self.random.randint(0, 20), self.random.uniform(0, 0.3)
        print(f"round {number + 1} of {self.rounds}: {self.WHAT.format(kind)} ({world}) after {steps} acknowledged steps "
              f"and {delay * 1000:.0f} ms", flush=True)
        began = time.monotonic()
        group = self.client.create_group(self.tasks[world], GROUP_SIZE, policy="soak", policy_version="1", deadline=600).name
        self.groups.append(group)
        redelivered = self.redelivered()
        self.agents = [self.start_agent(number, i, world, group) for i in range(CLIENTS)]
        wait_until(lambda: self.acknowledged(number) >= steps or not any(a.poll() is None for a in self.agents), 90,
                   f"{steps} acknowledged steps of round {number + 1}")
        time.sleep(delay)
        self.seen |= descendants(self.server.process.pid)
        killed = self.random.randrange(CLIENTS)
        self.happen(kind, killed)
        for agent in self.agents:
            if agent.wait(180) != 0 and not (kind == "client" and agent is self.agents[killed]):
                raise RuntimeError(f"a client failed with exit code {agent.returncode}")
        try:
            wait_until(lambda: self.delivered(group), 120, f"{group} delivered")
        except TimeoutError:
            self.explain(group)
            raise
        met = self.was_met(kind, group, redelivered)
        self.met[kind, world] = self.met.get((kind, world), False) or met
        self.seen |= descendants(self.server.process.pid)
        seconds = time.monotonic() - began
        self.report.add("rounds", f"{self.WHAT.format(kind)} ({world})", seconds_until_complete=seconds, met_something=met)
        self.report.facts["rounds_done"] = self.report.facts.get("rounds_done", 0) + 1
        print(f"  {'met' if met else 'met nothing'}; complete after {seconds:.1f} s", flush=True)

    def settle(self) -> None:
        """Everything that sessions held is given back, and every reward has come to its consumer."""
        wait_until(lambda: not self.client.call(self.client.environments.ListSessions,
                                                env_pb.ListSessionsRequest()).sessions, 60, "no session is open")
        end = self.client.list_rewards(page_size=1).end_offset
        for name in self.consumers:
            # Those for groups get the completions only, and the last record of the log is one.
            wait_until(lambda: any(e["offset"] == self.last_for(name, end) for e in self.journal_entries(f"consumer-{name}")),
                       60, f"the consumer {name} at the log's end")
        for consumer in self.consumers.values():
            consumer.kill()
            consumer.wait(30)
        wait_until(lambda: renderers(self.server.process.pid) <= len(self.browsers()), 60,
                   "browser contexts of closed sessions are gone")

    def last_for(self, name: str, end: int) -> int:
        filter = reward_pb2.ConsumerFilter(delivery=reward_pb2.DELIVERY_GROUPS if name == "groups" else reward_pb2.DELIVERY_EACH)
        records = self.client.list_rewards(max(0, end - 100), filter=filter, page_size=1000).records
        return records[-1].offset

    def leaks(self) -> list[str]:
        """Stops the server; what it left behind."""
        self.seen |= descendants(self.server.process.pid)
        problems = self.server.end(self.seen)
        self.report.facts |= {"processes_started_by_servers": len(self.seen), "leaks": problems}
        print(f"{len(self.seen)} processes were started by servers; all are gone" if not problems else "leaks", flush=True)
        return problems

    def close(self) -> None:
        for process in (*self.agents, *self.consumers.values()):
            end_process(process)
        self.server.__exit__()

    # What is killed.

    def kill_server(self) -> None:
        self.server.kill9()
        self.server_died()

    def server_died(self) -> None:
        """Starts it again; its browsers go with it."""
        before = {process for process in self.seen if alive(process)}
        self.start_server()
        wait_until(lambda: not any(map(alive, before)), 20, "the killed server's browsers are gone")

    def kill_browser(self) -> None:
        os.kill(self.random.choice(self.browsers()).pid, 9)

    def kill_consumers(self) -> None:
        for name, consumer in list(self.consumers.items()):
            consumer.kill()
            consumer.wait(30)
            self.start_consumer(name)

    # Parts.

    @property
    def address(self) -> str:
        return f"unix:{self.server.data}/proctord.sock"

    def browsers(self) -> list[ProcessId]:
        return browsers(self.server.process.pid)

    def start_server(self) -> None:
        self.server.start()
        self.seen.add(next(p for p in descendants(os.getpid()) if p.pid == self.server.process.pid))

    def journal(self, name: str) -> pathlib.Path:
        return self.server.folder / f"{name}.jsonl"

    def journal_entries(self, pattern: str) -> list[dict]:
        return [entry for path in sorted(self.server.folder.glob(pattern + ".jsonl")) for entry in read_journal(path)]

    def acknowledged(self, number: int) -> int:
        return sum(entry["kind"] == "step" for entry in self.journal_entries(f"agent-{number}-*"))

    def delivered(self, group: str) -> bool:
        state = self.client.call(self.client.rewards.GetGroup, reward_pb.GetGroupRequest(name=group))
        return state.state != reward_pb2.GROUP_STATE_OPEN and any(
            entry["group"] == group for entry in self.journal_entries("consumer-groups"))

    def masks(self, group: str) -> set[int]:
        """Why rewards of a delivered group are masked."""
        entry = next(entry for entry in self.journal_entries("consumer-groups") if entry["group"] == group)
        complete = reward_pb2.RewardRecord.FromString(base64.b64decode(entry["record"])).group_complete
        return {reward.mask_reason for reward in complete.rewards if reward.status == reward_pb2.REWARD_STATUS_MASKED}

    def redelivered(self) -> int:
        """How many records came to their consumer once more."""
        journals = [[entry["id"] for entry in self.journal_entries(f"consumer-{name}")] for name in self.consumers]
        return sum(len(ids) - len(set(ids)) for ids in journals)

    def explain(self, group: str) -> None:
        """Where a group that is not delivered stands."""
        print(self.client.call(self.client.rewards.GetGroup, reward_pb.GetGroupRequest(name=group)))
        for entry in self.journal_entries(f"agent-{len(self.groups) - 1}-*"):
            if entry["kind"] == "start":
                print(self.client.wait_episode(entry["episode"], 0.1))
            elif entry["kind"] == "error":
                print(entry["message"])
        print({name: consumer.poll() for name, consumer in self.consumers.items()},
              self.client.call(self.client.rewards.ListConsumers, reward_pb.ListConsumersRequest()))

    def start_agent(self, number: int, index: int, world: str, group: str) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, str(HERE / "agent.py"), "--address", self.address, "--environment", world,
                                 "--group", group, "--task", self.tasks[world], "--answer", ANSWER,
                                 "--seed", f"{number}-{index}", "--sessions", str(SESSIONS_PER_CLIENT),
                                 "--journal", str(self.journal(f"agent-{number}-{index}"))])

    def start_consumer(self, name: str) -> None:
        self.consumers[name] = start_consumer(self.address, name, self.journal(f"consumer-{name}"))


class KillRounds(Soak):
    NAME = "kill_rounds"
    KINDS = (("server", "practice"), ("browser", "practice"), ("client", "practice"), ("consumer", "practice"), ("server", "null"))
    WHAT = "kill -9 the {}"

    def happen(self, kind: str, killed: int) -> None:
        {"server": self.kill_server, "browser": self.kill_browser, "consumer": self.kill_consumers,
         "client": lambda: self.agents[killed].kill()}[kind]()

    def was_met(self, kind: str, group: str, redelivered: int) -> bool:
        return self.redelivered() > redelivered if kind == "consumer" else MASKS[kind] in self.masks(group)


def main(soak_type: type[Soak], what: str, description: str) -> int:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--json", type=pathlib.Path, help="a file for the hardware, the seed, all counts and the rounds' times")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    report = Report(soak_type.NAME)
    report.facts |= {"seed": options.seed, "rounds": options.rounds}
    soak = soak_type(options.rounds, options.seed, report)
    try:
        problems = soak.run()
    except (TimeoutError, RuntimeError, subprocess.TimeoutExpired, proctor.ProctorError) as error:
        problems = [f"{type(error).__name__}: {error}", "the server's log ends: " + soak.server.log.read_text()[-3000:]]
    finally:
        soak.close()
    report.facts["problems"] = problems
    report.print()
    if options.json:
        report.write(options.json)
    for problem in problems:
        print("PROBLEM:", problem)
    print(f"{options.rounds} {what}, seed {options.seed}: " + (f"{len(problems)} problems" if problems else "no problem"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(KillRounds, "kill rounds", __doc__))
