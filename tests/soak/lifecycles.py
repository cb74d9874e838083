"""Lifecycles: thousands of sessions, opened, used, cut off, asked for twice, forgotten or closed, and what is left of them.

After a third of them, then at two thirds and at the end, all sessions end and the server is looked at: what a session leaks has grown by as
much as there were sessions. At the end everything is compared as in kill_rounds.py: what clients were told against what is recorded,
episodes against rewards, the consumer against the log.

usage: lifecycles.py [--null N] [--practice N] [--seed N] [--json FILE]    with $PROCTORD naming the server; see bench/lifecycles
"""
from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parents[1] / "bench")]

import proctor
from at_rest import AtRest, look
from checks import Checks
from common.measuring import Report
from journal import read_journal
from lifecycle import LEASE_SECONDS, Lives, Notes
from processes import wait_until
from proctor.v1 import environment_service_pb2 as env_pb, episode_pb2, reward_pb2, session_pb2
from soak_server import ANSWER, SoakServer, end_process, make_task, start_consumer

#: Clients at once, by world.
CLIENTS = {"null": 12, "practice": 4}
#: How often the server is looked at; between the first look and the last there must be no growth but what this allows: a database
#: reader and a pool's thread are made at the first moment when so many are needed, which may come late, and are kept.
LOOKS = 3
GROWTH = {"files": 24, "threads": 24, "processes_a_browser": 0, "pages_a_browser": 0, "temporary_a_browser": 0}
#: What a closed session may cost while it is remembered, in KiB, where enough of them were made for that to show in the server's memory.
REMEMBERED_KIB, ENOUGH_LIVES = 14, 5000


class Lifecycles:
    def __init__(self, options: argparse.Namespace, report: Report):
        self.options = options
        self.report = report
        self.notes = Notes()
        self.looks: list[tuple[int, AtRest]] = []
        self.server = SoakServer(sessions_per_browser=8)
        self.consumer: subprocess.Popen | None = None

    def run(self) -> list[str]:
        """All lives and checks; returns what is wrong."""
        self.server.start()
        self.client = proctor.connect(self.server.address)
        self.client.create_consumer("each", start="earliest", filter=reward_pb2.ConsumerFilter(delivery=reward_pb2.DELIVERY_EACH))
        self.journal = self.server.folder / "consumer.jsonl"
        self.consumer = start_consumer(self.server.address, "each", self.journal)
        begin = time.monotonic()
        for part in range(LOOKS):
            self.live(part)
            self.settle()
            self.looks.append((sum(self.notes.kinds.values()), look(self.server.process.pid, self.server.folders())))
            print(f"{self.looks[-1][0]} lives, {time.monotonic() - begin:.0f} s: {self.looks[-1][1]}", flush=True)
        problems = self.growth() + self.sessions()
        checks = Checks(self.client, ANSWER)
        checks.steps(self.notes.entries)
        checks.rewards(self.notes.entries)
        self.consumer_is_done()
        checks.deliveries("each", read_journal(self.journal), groups=False)
        for line in checks.summary():
            print(line, flush=True)
        print(f"lives by kind: {dict(self.notes.kinds)}", flush=True)
        self.client.close()
        problems += self.notes.problems + checks.problems
        self.tell(checks, problems)
        return problems + self.end()

    def live(self, part: int) -> None:
        """A third of the lives, by all clients at once."""
        with concurrent.futures.ThreadPoolExecutor(sum(CLIENTS.values())) as pool:
            runs = []
            for world, clients in CLIENTS.items():
                share, rest = divmod(getattr(self.options, world), LOOKS)
                share += part < rest
                for i in range(clients):
                    lives = Lives(self.server.address, world, make_task(world), ANSWER, self.notes, f"{self.options.seed}/{part}/{world}/{i}")
                    runs.append(pool.submit(lives.run, share // clients + (i < share % clients)))
            for run in runs:
                run.result()

    def settle(self) -> None:
        """Leases have run out, every episode that a client knows has its reward, and browsers have closed what nobody shows any more."""
        wait_until(lambda: not self.client.call(self.client.environments.ListSessions, env_pb.ListSessionsRequest()).sessions,
                   LEASE_SECONDS + 60, "no session is open")
        for entry in self.notes.entries:
            if entry["kind"] == "start" and not entry.get("rewarded"):
                episode = self.client.wait_episode(entry["episode"], 60)
                entry["rewarded"] = episode.result_state == episode_pb2.RESULT_STATE_READY
                if not entry["rewarded"]:
                    self.notes.problem(f"{entry['episode']} has no reward after a minute")
        pid = self.server.process.pid
        wait_until(lambda: look(pid, self.server.folders()).pages_a_browser <= 1, 60, "browser contexts of closed sessions are gone")

    # Checks.

    def growth(self) -> list[str]:
        (begun, first), (ended, last) = self.looks[0], self.looks[-1]
        problems = [f"{name} grew from {getattr(first, name)} to {getattr(last, name)} in {ended - begun} lives"
                    for name, allowed in GROWTH.items() if getattr(last, name) - getattr(first, name) > allowed]
        self.remembered_kib = (last.resident_kib - first.resident_kib) / max(1, ended - begun)
        if ended - begun >= ENOUGH_LIVES and self.remembered_kib > REMEMBERED_KIB:
            problems.append(f"the server's memory grew by {self.remembered_kib:.1f} KiB a session")
        return problems

    def sessions(self) -> list[str]:
        """Each life had one session with one episode at most, and those that were left ended by their lease."""
        lives: dict[str, int] = {}
        ends: dict[str, session_pb2.Session] = {}
        request = env_pb.ListSessionsRequest(page_size=1000, show_closed=True)
        while True:
            page = self.client.call(self.client.environments.ListSessions, request)
            for session in page.sessions:
                ends[session.name] = session
                life = session.client_tags["life"]
                lives[life] = lives.get(life, 0) + 1
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        problems = [f"life {life} has {count} sessions" for life, count in lives.items() if count != 1]
        problems += [f"life {life} was told a session and has none" for life in self.notes.opened - lives.keys()]
        problems += [f"{end.name} has {end.episode_count} episodes" for end in ends.values() if end.episode_count > 1]
        problems += [f"{name} was left and ended: {ends[name].close_reason}" for name in self.notes.left
                     if ends[name].close_reason != "lease expired"]
        self.expired = sum(end.close_reason == "lease expired" for end in ends.values())
        return problems

    def consumer_is_done(self) -> None:
        end = self.client.list_rewards(page_size=1).end_offset
        wait_until(lambda: any(entry["offset"] == end for entry in read_journal(self.journal)), 120, "the consumer at the log's end")

    def tell(self, checks: Checks, problems: list[str]) -> None:
        for lives, rest in self.looks:
            figures = rest._asdict()
            self.report.add("the server at rest", f"after {lives:,} lives", resident_mib=figures.pop("resident_kib") / 1024, **figures)
        self.report.facts.update({
            "lives": dict(self.notes.kinds), "leases_expired": self.expired, "summary": checks.summary(), "problems": problems,
            "remembered_kib": self.remembered_kib})
        print(f"leases expired: {self.expired}; memory kept for each closed session, which is remembered for a day: "
              f"{self.remembered_kib:.1f} KiB", flush=True)

    def end(self) -> list[str]:
        """Stops the server; what it left behind."""
        end_process(self.consumer)
        return self.server.end()

    def close(self) -> None:
        end_process(self.consumer)
        self.server.__exit__()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--null", type=int, default=10_000, help="sessions in the null environment")
    parser.add_argument("--practice", type=int, default=300, help="sessions on the practice sites")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    report = Report("lifecycles")
    report.facts["seed"] = options.seed
    lifecycles = Lifecycles(options, report)
    try:
        problems = lifecycles.run()
    except (TimeoutError, RuntimeError, subprocess.TimeoutExpired, proctor.ProctorError) as error:
        problems = [f"{type(error).__name__}: {error}", *lifecycles.notes.problems[:20],
                    "the server's log ends: " + lifecycles.server.log.read_text()[-3000:]]
    finally:
        lifecycles.close()
    report.print()
    if options.json:
        report.write(options.json)
    for problem in problems[:50]:
        print("PROBLEM:", problem)
    print(f"{sum(lifecycles.notes.kinds.values())} lives, seed {options.seed}: " +
          (f"{len(problems)} problems" if problems else "no problem"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
