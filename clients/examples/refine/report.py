"""report.json and report.html of a run."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import pathlib
from typing import Any

import proctor.report

from . import features

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.7rem;margin-bottom:.2rem}h2{margin-top:2.2rem;border-bottom:1px solid #d6dce4;padding-bottom:.2rem}
table{border-collapse:collapse;margin:.8rem 0}th,td{padding:.3rem .8rem;text-align:right;border-bottom:1px solid #e4e8ee}
th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #9aa7b8}
.lead{font-size:1.25rem}.ok{color:#0a7a3d}.bad{color:#b3261e}
details{margin:.5rem 0}.columns{columns:3;font-size:.8rem}
"""


def write(folder: pathlib.Path, data: dict[str, Any]) -> None:
    """Writes both files; `data["gallery"]` holds pictures, which only the page shows."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {key: value for key, value in data.items() if key != "gallery"}
    plain["features"] = features.NAMES
    (folder / "report.json").write_text(json.dumps(_plain(plain), indent=2, allow_nan=False) + "\n")
    (folder / "report.html").write_text(_page(data))


def _plain(value: Any) -> Any:
    """As JSON has it: what was not measured, NaN, is null."""
    if dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _percent(value: float) -> str:
    return "not measured" if math.isnan(value) else f"{100 * value:.1f} %"


def _points(row: dict[str, Any]) -> str:
    return "not measured" if math.isnan(row["low"]) else f"{100 * row['low']:.1f} to {100 * row['high']:.1f}"


def _range(bounds: tuple[float, float]) -> str:
    return f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"


def _title(row: dict[str, Any]) -> str:
    if math.isnan(row["low"]):
        return "A policy of which nothing was measured"
    if row["low"] > 0:
        return "A policy that got better on tasks that it never trained on"
    return "A policy that did not get significantly better on tasks that it never trained on"


def _table(header: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _curve(points: list[dict[str, float]]) -> str:
    """Held-out success by round with its 95 % interval, as SVG; rounds after which nothing was measured are left out."""
    points = [point for point in points if not math.isnan(point["share"])]
    if not points:
        return ""
    width, height, left, bottom = 760, 300, 48, 34
    last = max(point["round"] for point in points) or 1

    def x(number: float) -> float:
        return left + (width - left - 12) * number / last

    def y(share: float) -> float:
        return 12 + (height - bottom - 12) * (1 - share)

    grid = "".join(
        f'<line x1="{left}" x2="{width - 12}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#e4e8ee"/>'
        f'<text x="{left - 8}" y="{y(v) + 4:.1f}" text-anchor="end" font-size="12">{100 * v:.0f}</text>'
        for v in (0, 0.25, 0.5, 0.75, 1))
    band = " ".join([f"{x(p['round']):.1f},{y(p['high']):.1f}" for p in points]
                    + [f"{x(p['round']):.1f},{y(p['low']):.1f}" for p in reversed(points)])
    line = " ".join(f"{x(p['round']):.1f},{y(p['share']):.1f}" for p in points)
    dots = "".join(f'<circle cx="{x(p["round"]):.1f}" cy="{y(p["share"]):.1f}" r="3.5" fill="#2457c5"/>'
                   f'<text x="{x(p["round"]):.1f}" y="{height - 14}" text-anchor="middle" font-size="12">'
                   f'{int(p["round"])}</text>' for p in points)
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="learning curve">{grid}'
            f'<polygon points="{band}" fill="#2457c522"/><polyline points="{line}" fill="none" stroke="#2457c5" '
            f'stroke-width="2"/>{dots}<text x="{width / 2}" y="{height - 1}" text-anchor="middle" font-size="12">'
            'round</text></svg><p class="muted">Held-out success in percent by round; the band is the 95 % interval '
            '(Wilson).</p>')


def _gallery(episodes: list[proctor.report.Episode]) -> str:
    return "".join(proctor.report.episode_html(episode) for episode in episodes) or '<p class="muted">No episode was kept.</p>'


def _judge(judged: dict[str, Any] | None) -> str:
    """The judge beside the oracle."""
    if not judged:
        return ""
    title = html.escape(judged["evaluator"])
    return (f"<h2>The judge {title}, measured against the oracle</h2>" + _table(["measure", "value (95 % interval)"], judged["measures"])
            + _table(["kind of task", "verdicts", "accuracy"], judged["slices"])
            + '<p class="muted">Success rate corrected for the judge\'s errors: ' + html.escape(", ".join(judged["corrected"])) + "</p>"
            + "<details><summary>Oracle and judge side by side</summary>"
            + _table(["goal", "oracle", "judge", "the judge's reason"], judged["episodes"]) + "</details>")


def _chosen(rows: list[dict[str, Any]]) -> str:
    """Templates named before training, each tested on its own."""
    if not rows:
        return ""
    better = sum(row["p_holm"] <= 0.05 and row["after"] > row["before"] for row in rows)
    lines = [[row["template"], row["tasks"], _percent(row["before"]), _percent(row["after"]), row["better"], row["worse"], f"{row['p']:.2g}",
              f"{row['p_holm']:.2g}"] for row in rows]
    return ("<h2>The chosen templates</h2>" + _table(["template", "tasks", "untrained", "trained", "became solved", "became unsolved", "p",
            "p, corrected"], lines) + f'<p class="muted">{better} of {len(rows)} rose significantly at 5 %. The templates were chosen before '
            "training; held-out tasks before and after, exact sign test of those whose outcome changed, corrected for the number of "
            "templates (Holm).</p>")


def _scripted(rows: list[dict[str, Any]]) -> str:
    """Templates played by their known solutions."""
    if not rows:
        return ""
    lines = [[row["template"], row["tasks"], _percent(row["solved"] / row["tasks"]), "; ".join(row["problems"])] for row in rows]
    return ("<h2>The other templates, played by their known solutions</h2>" + _table(["template", "tasks", "solved", "problems"], lines)
            + '<p class="muted">No policy was trained on these: the script shows that they can be solved.</p>')


def _page(data: dict[str, Any]) -> str:
    sets = [[s["title"], s["tasks"], _percent(s["before"]), _percent(s["after"]), _points(s), s["masked"],
             _range(s["before_bounds"]), _range(s["after_bounds"])] for s in data["sets"]]
    controls = [[c["title"], c["tasks"], _percent(c["share"]), _points(c), c["note"]] for c in data["controls"]]
    groups = [[g["key"], g["tasks"], _percent(g["before"]), _percent(g["after"])] for g in data["breakdown"]]
    rounds = [[r.number, r.episodes, r.successes, r.masked, r.missing, r.frontier, r.steps, f"{r.seconds:.1f}"]
              for r in data["rounds"]]
    timings = [[key, value] for key, value in data["timings"].items()]
    weights = [[name, f"{value:+.2f}"] for name, value in data["weights"][:40]]
    names = "".join(f"<div>{html.escape(name)}</div>" for name in features.NAMES)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Proctor: refinement report</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}{proctor.report.STYLE}</style></head><body>
<h1>{_title(data["sets"][0])}</h1>
<p class="lead">{html.escape(data["summary"])}</p>
<p class="muted">{html.escape(data["description"])}</p>
<h2>Learning curve</h2>{_curve(data["curve"])}
<h2>Held-out tasks</h2>{_table(["set", "tasks", "untrained", "trained", "difference, 95 % interval (points)", "masked", "untrained, bounds",
         "trained, bounds"], sets)}
<p class="muted">The same tasks before and after; the interval is a bootstrap clustered by template, on a crawled site by page. Masked
episodes (faults, never the agent's doing) are left out and counted; the bounds take all of them for failed, and for succeeded.</p>
{_chosen(data.get("chosen", []))}{_scripted(data.get("scripted", []))}
<h2>Controls</h2>{_table(["policy", "tasks", "success", "difference to uniform, 95 % interval (points)", "note"], controls)}
<h2>By site and by optimal length</h2>{_table(["", "tasks", "untrained", "trained"], groups)}
{_judge(data.get("judge"))}
<h2>Trajectories</h2>{_gallery(data["gallery"])}
<h2>Training</h2>{_table(["round", "episodes", "successes", "masked", "missing", "frontier (steps)", "steps", "seconds"], rounds)}
<h2>Timings</h2>{_table(["what", "value"], timings)}
<h2>What was learned</h2><p class="muted">Candidates, of which the policy chooses one a step: {html.escape(data["candidates"])}</p>
<p class="muted">The largest weights of the candidates' features.</p>{_table(["feature", "weight"], weights)}
<details><summary>All {len(features.NAMES)} features</summary><div class="columns">{names}</div></details>
</body></html>
"""
