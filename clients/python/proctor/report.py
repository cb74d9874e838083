"""Recorded episodes side by side as one web page, with their actions drawn on the screenshots.

    python3 -m proctor.report --out report.html trajectories/a trajectories/b

The page holds its pictures and needs nothing else. What pages, models and agents wrote is escaped.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import html
import os
import pathlib
import sys
from typing import Callable, Iterable, Sequence

import grpc

from . import drawing, words
from .client import Client, connect
from .errors import InvalidArgument, ProctorError
from .v1 import episode_pb2, observation_pb2, trajectory_pb2, verdict_pb2

#: Pictures are shown at most this large.
_WIDTH, _HEIGHT = 380, 460
_MAX_TEXT = 600

STYLE = """
.episodes{display:flex;gap:1.2rem;overflow-x:auto;align-items:flex-start;padding-bottom:.5rem}
.episodes>.episode{flex:1 0 300px;max-width:416px;margin:0;box-sizing:border-box}
.episode{border:1px solid #d6dce4;border-radius:10px;padding:1rem;margin:1rem 0;background:#fff}
.episode h3{margin:0 0 .3rem;font-size:1rem;line-height:1.35}.episode .about{margin:.1rem 0;font-size:.85rem}
.shots{display:flex;gap:.9rem;overflow-x:auto}.episodes .shots{flex-direction:column}.episodes .shot{width:100%!important}
.shot{flex:0 0 auto;margin:.4rem 0}.frame{position:relative;overflow:hidden;box-sizing:border-box;border:1px solid #d6dce4;border-radius:6px;max-width:100%}
.frame img{width:100%;display:block}.drawn{position:absolute;inset:0;width:100%;height:100%}
.shot p{margin:.35rem 0;font-size:.85rem;overflow-wrap:anywhere}.keys{display:flex;flex-wrap:wrap;gap:.3rem;margin:.35rem 0}
.keys kbd{background:#1c2430;color:#fff;border-radius:4px;padding:.1rem .45rem;font:.8rem ui-monospace,monospace;white-space:pre-wrap;
overflow-wrap:anywhere;max-width:100%;box-sizing:border-box}
.badge{display:inline-block;border-radius:999px;padding:0 .55rem;font-size:.75rem;font-weight:600;background:#eef1f5;color:#3b4656}
.badge.ok{background:#dcf3e4;color:#0a7a3d}.badge.bad{background:#fbe3e1;color:#b3261e}
.error{color:#b3261e}.muted{color:#5b6778}
"""

_PAGE_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:92rem;padding:0 1.2rem;color:#1c2430;background:#f7f8fa}
h1{font-size:1.6rem;margin-bottom:.8rem}
"""


@dataclasses.dataclass
class Shot:
    """One step: the screen that it began at, with the action drawn on it, and what was done."""

    text: str
    #: The picture's bytes; empty without one.
    picture: bytes = b""
    media_type: str = "image/png"
    #: Size of the screen in pixels; where it is not known, of the picture.
    width: int = 0
    height: int = 0
    #: SVG over the picture, already safe.
    drawn: str = ""
    #: Typed texts and keys.
    keys: Sequence[str] = ()
    #: Why it could not be done.
    error: str = ""


@dataclasses.dataclass
class Episode:
    """A recorded episode as the page shows it."""

    goal: str
    shots: list[Shot]
    #: "SUCCESS", "FAILURE", "UNDETERMINED", or "" if nobody judged it.
    outcome: str = ""
    rationale: str = ""
    #: Short facts under the goal: environment, policy, ...
    about: Sequence[str] = ()


def read_episode(client: Client, name: str, verdict: verdict_pb2.Verdict | None = None) -> Episode:
    """Reads a recorded episode and its pictures. `verdict`: what to show; default: the newest stored one, if there is one."""
    trajectory = client.get_trajectory(name)
    if verdict is None:
        verdict = next(iter(client.list_verdicts(trajectory.name, limit=1)), None)
    pictures: dict[str, bytes] = {}

    def picture(digest: str) -> bytes:
        if digest not in pictures:
            pictures[digest] = client.read_blob(digest)
        return pictures[digest]

    return make_episode(trajectory, picture, verdict)


def make_episode(trajectory: trajectory_pb2.Trajectory, picture: Callable[[str], bytes],
                 verdict: verdict_pb2.Verdict | None = None) -> Episode:
    """`picture` gives the bytes of a digest."""
    shots = []
    before = trajectory.initial_observation
    for step in trajectory.steps:
        shots.append(_shot(step, before, picture))
        if step.HasField("observation"):
            before = step.observation
    ended = trajectory.steps and trajectory.steps[-1].action.WhichOneof("kind") in ("answer", "give_up")
    if not ended and before.screenshot.digest:
        shots.append(_with_picture(Shot("the end"), before, picture))
    about = [trajectory.environment.removeprefix("environments/"), f"{len(trajectory.steps)} steps"]
    if trajectory.policy.policy:
        about.append(trajectory.policy.policy + (f"@{trajectory.policy.version}" if trajectory.policy.version else ""))
    if trajectory.end_reason:
        about.append(episode_pb2.EndReason.Name(trajectory.end_reason).removeprefix("END_REASON_").lower().replace("_", " "))
    about.append(trajectory.name)
    episode = Episode(trajectory.task.goal, shots, about=about)
    if verdict is not None:
        episode.outcome = verdict_pb2.Outcome.Name(verdict.outcome).removeprefix("OUTCOME_")
        episode.rationale = verdict.rationale
    return episode


def _shot(step: trajectory_pb2.Step, before: observation_pb2.Observation, picture: Callable[[str], bytes]) -> Shot:
    shot = Shot(f"{step.index + 1}. {words.of_step(step)}", keys=drawing.keys_of(step.action), error=step.observation.action_error)
    _with_picture(shot, before, picture)
    if shot.picture:
        shot.drawn = drawing.of_step(step, before, _shown(shot)[0])
    return shot


def _with_picture(shot: Shot, seen: observation_pb2.Observation, picture: Callable[[str], bytes]) -> Shot:
    if seen.screenshot.digest:
        shot.picture = picture(seen.screenshot.digest)
        shot.media_type = _media_type(shot.picture)
        shot.width = seen.viewport.width or seen.screenshot.width_px
        shot.height = seen.viewport.height or seen.screenshot.height_px
    return shot


def _media_type(picture: bytes | None) -> str:
    """By its first bytes: the store may hold another encoding than the one that was recorded."""
    if picture and picture[8:12] == b"WEBP":
        return "image/webp"
    return "image/jpeg" if picture and picture.startswith(b"\xff\xd8") else "image/png"


def _shown(shot: Shot) -> tuple[float, float]:
    """Size as shown, in pixels."""
    if shot.width <= 0 or shot.height <= 0:
        return _WIDTH, _HEIGHT
    scale = min(_WIDTH / shot.width, _HEIGHT / shot.height)
    return shot.width * scale, shot.height * scale


def _cut(text: str) -> str:
    return html.escape(text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "\u2026")


def _shot_html(shot: Shot) -> str:
    width = _shown(shot)[0]
    parts = [f'<div class="shot" style="width:{width:.0f}px">']
    if shot.picture:
        source = base64.b64encode(shot.picture).decode()
        parts.append(f'<div class="frame" style="width:{width:.0f}px"><img alt="screenshot" src="data:{shot.media_type};base64,{source}">{shot.drawn}</div>')
    parts.append(f"<p>{_cut(shot.text)}</p>")
    if shot.keys:
        parts.append('<div class="keys">' + "".join(f"<kbd>{_cut(text)}</kbd>" for text in shot.keys) + "</div>")
    if shot.error:
        parts.append(f'<p class="error">{_cut(shot.error)}</p>')
    parts.append("</div>")
    return "".join(parts)


def episode_html(episode: Episode) -> str:
    """One episode's box; its style is STYLE."""
    badge = ""
    if episode.outcome:
        colour = {"SUCCESS": " ok", "FAILURE": " bad"}.get(episode.outcome, "")
        badge = f'<span class="badge{colour}">{html.escape(episode.outcome)}</span> '
    about = " \u00b7 ".join(html.escape(fact) for fact in episode.about if fact)
    rationale = f'<p class="about">{_cut(episode.rationale)}</p>' if episode.rationale else ""
    return (f'<div class="episode"><h3>{_cut(episode.goal) or "(no goal)"}</h3><p class="about">{badge}<span class="muted">{about}</span></p>'
            f'{rationale}<div class="shots">{"".join(_shot_html(shot) for shot in episode.shots)}</div></div>')


def page(episodes: Iterable[Episode], title: str = "Recorded episodes") -> str:
    """The whole page, episodes side by side. It can load nothing and run nothing."""
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
            f'<meta name="viewport" content="width=device-width"><style>{_PAGE_STYLE}{STYLE}</style></head><body>'
            f'<h1>{html.escape(title)}</h1><div class="episodes">{"".join(episode_html(e) for e in episodes)}</div></body></html>\n')


def _write(path: pathlib.Path, text: str) -> None:
    """Whole or not at all."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _connect(address: str | None) -> Client:
    """A bad address, or a token that is not to be sent there, is a ProctorError, too."""
    try:
        return connect(address)
    except ValueError as error:
        raise InvalidArgument(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m proctor.report", description="Shows recorded episodes side by side in one HTML file.")
    parser.add_argument("trajectories", nargs="+", metavar="TRAJECTORY", help="name or id of a recorded trajectory")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("report.html"), help="the file to write (default: report.html)")
    parser.add_argument("--title", default="Recorded episodes")
    parser.add_argument("--address", default=None, help="the server's (default: $PROCTOR_ADDRESS or the local server)")
    parser.add_argument("--evaluator", default="", help="judge by it now, without storing the verdict (default: show the newest stored one)")
    given = parser.parse_args(arguments)
    try:
        with _connect(given.address) as client:
            episodes = [read_episode(client, name, client.evaluate(name, given.evaluator, dry_run=True) if given.evaluator else None)
                        for name in given.trajectories]
        _write(given.out, page(episodes, given.title))
    except (ProctorError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {given.out}: {len(episodes)} episodes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
