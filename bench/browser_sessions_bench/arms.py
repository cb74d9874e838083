"""The arms: each opens sessions, walks through a practice shop in all of them at once, and resets them."""
from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import queue
import subprocess
import tempfile
import threading
import time
from typing import Any, Callable

import proctor
from common.measuring import ROOT
from proctor.v1 import environment_service_pb2 as env_pb, observation_pb2, task_pb2
from proctord import Proctord
from processes import browsers, command_line, descendants

HERE = pathlib.Path(__file__).resolve().parent
SEED = 7
#: No phase is waited for longer than this.
PATIENCE_SECONDS = 120.0
#: The walk that every arm takes: into a product, two of its tabs, back.
WALK: tuple[Callable[[observation_pb2.Element], bool], ...] = (
    lambda element: "/product/" in element.href,
    lambda element: element.role == "tab" and element.name == "Shipping",
    lambda element: element.role == "tab" and element.name == "Care",
    lambda element: element.role == "link" and element.name == "Hearth & Hollow")


def shop_task() -> task_pb2.Task:
    task = task_pb2.Task(goal="Look around.", environment="environments/practice", seed=SEED)
    task.start_state.start_url = "__SHOP__/"
    task.oracle.answer.match.equals.values.append("nothing")
    task.limits.max_steps = 10_000
    return task


class ProctorArm:
    """A proctord of its own with its browsers, and the Python client: a thread a session."""

    def __init__(self, name: str, prewarm: bool):
        self.name = name
        self.prewarm = prewarm

    def start(self) -> None:
        self.server = Proctord("--log-level", "error")
        config = self.server.folder / "proctord.yaml"
        config.write_text(f"browser: {{prewarm_contexts: {str(self.prewarm).lower()}}}\nenvironments: {{web: {{enabled: false}}}}\n")
        self.server.flags += ("--config", str(config))
        self.server.start()
        self.client = proctor.connect(self.server.address)
        self.sessions: list[ProctorSession] = []

    def stop(self) -> None:
        try:
            self.client.close()
        finally:
            self.server.__exit__()

    def open(self, count: int) -> float:
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            self.sessions = list(pool.map(lambda _: ProctorSession(self.client), range(count)))
        return time.monotonic() - begin

    def steps(self, seconds: float) -> tuple[float, list[float]]:
        return self._repeat(seconds, lambda session: session.step())

    def resets(self, seconds: float) -> tuple[float, list[float]]:
        return self._repeat(seconds, lambda session: session.reset())

    def rested(self, count: int, rest: float) -> list[float]:
        """Resets of one session that had time to get ready for the next one."""
        times = []
        for _ in range(count):
            time.sleep(rest)
            times.append(self.sessions[0].timed_reset())
        return times

    def browser_pids(self) -> list[int]:
        return [process.pid for process in descendants(self.server.process.pid)]

    def driver_pids(self) -> list[int]:
        return [self.server.process.pid]

    def _repeat(self, seconds: float, work: Callable[["ProctorSession"], None]) -> tuple[float, list[float]]:
        """All sessions at once, each one call after another, for so long; what each call took, in ms."""
        begin = time.monotonic()

        def loop(session: ProctorSession) -> list[float]:
            times = []
            while time.monotonic() - begin < seconds:
                start = time.monotonic()
                work(session)
                times.append(1000 * (time.monotonic() - start))
            return times

        with concurrent.futures.ThreadPoolExecutor(len(self.sessions)) as pool:
            times = [ms for part in pool.map(loop, self.sessions) for ms in part]
        return time.monotonic() - begin, times


class ProctorSession:
    def __init__(self, client: proctor.Client):
        self.client = client
        self.observation = proctor.observation_request(("screenshot", "elements"))
        self.name = client.create_session("practice", max_wait=30).name
        self.start()

    def start(self) -> None:
        reply = self.client.start_episode(env_pb.StartEpisodeRequest(session=self.name, inline_task=shop_task(),
                                                                     observation=self.observation))
        self.seen, self.at, self.base_urls = reply.observation, 0, reply.episode.base_urls

    def step(self) -> None:
        element = next(filter(WALK[self.at % len(WALK)], self.seen.elements))
        self.at += 1
        reply = self.client.step(env_pb.StepRequest(session=self.name, action=proctor.click(element.mark), observation=self.observation))
        self.seen = reply.observation
        if reply.episode.name or self.seen.action_error or not self.seen.screenshot.data or not self.seen.elements:
            raise RuntimeError(f"a step went wrong: {self.seen.action_error or reply.episode}")

    def reset(self) -> None:
        self.client.end_episode(self.name, wait_for_verdict=0)
        self.start()

    def timed_reset(self) -> float:
        """From the call for the next episode to its first observation, in ms."""
        self.client.end_episode(self.name, wait_for_verdict=0)
        begin = time.monotonic()
        self.start()
        return 1000 * (time.monotonic() - begin)


class Site:
    """A proctord that serves the practice shop to the Playwright arms, with one idle session; runs during all arms alike."""

    def __enter__(self) -> "Site":
        self.arm = ProctorArm("site", prewarm=False)
        self.arm.start()
        self._stop = threading.Event()
        try:
            self.arm.open(1)
            self.url = self.arm.sessions[0].base_urls["__SHOP__"] + "/"
            browser = browsers(self.arm.server.process.pid)[0].pid
            self.executable = os.path.realpath(f"/proc/{browser}/exe")
            # Chromium joins its arguments with spaces once it runs.
            flags = ["--" + flag.strip() for flag in " ".join(command_line(browser)).split(" --")[1:]]
        except BaseException:
            self.arm.stop()
            raise
        # What the server starts its browsers with, but for what belongs to this one browser, its sandbox and its proxy.
        own = ("--user-data-dir", "--proxy-", "--host-resolver-rules")
        self.flags = [flag.removesuffix(" about:blank") for flag in flags if not flag.startswith(own)] + ["--no-sandbox", "--proxy-server=direct://"]
        self._keeper = threading.Thread(target=self._keep_alive, name="keep-alive")
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._keeper.join(60)
        self.arm.stop()

    def _keep_alive(self) -> None:
        while not self._stop.wait(15):
            self.arm.client.keep_alive(self.arm.sessions[0].name)


class PlaywrightArm:
    """playwright-core in a Node process, one browser: a context and a page a session."""

    def __init__(self, variant: str, site: Site, node_modules: str):
        self.name = f"playwright {variant}"
        self.variant = variant
        self.site = site
        self.node_modules = node_modules

    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="proctor-bench-")
        parts = [ROOT / "env/web/page_script" / f"{part}.js" for part in ("prelude", "names", "elements", "observe", "input")]
        config = pathlib.Path(self.folder.name) / "config.json"
        config.write_text(json.dumps({"variant": self.variant, "executable": self.site.executable, "flags": self.site.flags,
                                      "pageScript": "".join(part.read_text() for part in parts)}))
        self.process = subprocess.Popen(["node", str(HERE / "playwright.cjs"), str(config)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": self.node_modules})
        self.replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        try:
            self._reply()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        try:
            self.process.stdin.close()
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for process in descendants(self.process.pid):
                os.kill(process.pid, 9)
            self.process.kill()
            self.process.wait(30)
            raise
        finally:
            self.folder.cleanup()

    def open(self, count: int) -> float:
        return self._ask(do="open", count=count, url=self.site.url)["seconds"]

    def steps(self, seconds: float) -> tuple[float, list[float]]:
        reply = self._ask(do="steps", seconds=seconds)
        return reply["seconds"], reply["ms"]

    def resets(self, seconds: float) -> tuple[float, list[float]]:
        reply = self._ask(do="resets", seconds=seconds, url=self.site.url)
        return reply["seconds"], reply["ms"]

    def rested(self, count: int, rest: float) -> list[float]:
        return self._ask(do="rested", count=count, rest=rest, url=self.site.url)["ms"]

    def browser_pids(self) -> list[int]:
        return [process.pid for process in descendants(self.process.pid)]

    def driver_pids(self) -> list[int]:
        return [self.process.pid]

    def _ask(self, **command: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        try:
            line = self.replies.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise TimeoutError(f"{self.name} did not answer within {PATIENCE_SECONDS:.0f} s") from None
        if not line:
            raise RuntimeError(f"{self.name}: node ended")
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(f"{self.name}: {reply['error']}")
        return reply

    def _read(self, replies: Any) -> None:
        for line in replies:
            self.replies.put(line)
        self.replies.put("")
