"""Actions drawn over screenshots, as SVG: circles for clicks, boxes for elements, arrows for drags, swipes and scrolls, numbers for the
parts of a sequence. Coordinates are those of the screen; whoever shows the picture lays the drawing over it at the same size."""

from __future__ import annotations

import html
import math
from typing import Any

from . import words
from .v1 import action_pb2, geometry_pb2, observation_pb2, trajectory_pb2

Point = tuple[float, float]

#: Colours of what was done, and of what could not be done.
DONE = "#e8175d"
FAILED = "#8a8f99"
_HALO = "#ffffff"


def of_step(step: trajectory_pb2.Step, before: observation_pb2.Observation, shown_width: float) -> str:
    """The SVG element over the screen that the step began at, "" if there is nothing to draw or the screen's size is not known.

    Args:
      step: a recorded step.
      before: what was seen before it.
      shown_width: pixels that the picture will be wide, so that lines are as thick on a phone as on a desktop.
    """
    width, height = before.viewport.width, before.viewport.height
    if width <= 0 or height <= 0 or not step.action.WhichOneof("kind"):
        return ""
    drawing = _Drawing(width, height, width / shown_width, FAILED if step.observation.action_error else DONE)
    if step.HasField("target_box"):
        drawing.box(step.target_box)
    start = _point(step.target_point) if step.HasField("target_point") else None
    end = _point(step.release_point) if step.HasField("release_point") else None
    drawing.action(step.action, before, start, end)
    return drawing.svg()


def keys_of(action: action_pb2.Action) -> list[str]:
    """What was typed and pressed, for a caption under the picture; not escaped."""
    kind = action.WhichOneof("kind")
    if kind == "sequence":
        return [text for part in action.sequence.actions for text in keys_of(part)]
    if kind == "type":
        return [f"\u2328 {action.type.text}" + (" \u23ce" if action.type.submit else "")]
    if kind == "press_keys":
        return [" ".join(action.press_keys.chords)]
    if kind in ("key_down", "key_up"):
        return [f"{getattr(action, kind).key} {'down' if kind == 'key_down' else 'up'}"]
    if kind == "press_button":
        return [action_pb2.DeviceButton.Name(action.press_button.button).removeprefix("DEVICE_BUTTON_").capitalize()]
    return []


def _point(point: geometry_pb2.Point) -> Point:
    return point.x, point.y


class _Drawing:
    """Collects shapes. `unit` is one pixel as shown, in pixels of the screen."""

    def __init__(self, width: float, height: float, unit: float, colour: str):
        self.width = width
        self.height = height
        self.unit = unit
        self.colour = colour
        self.shapes: list[str] = []

    def svg(self) -> str:
        if not self.shapes:
            return ""
        return (f'<svg class="drawn" viewBox="0 0 {self.width:g} {self.height:g}" preserveAspectRatio="none" aria-hidden="true">'
                + "".join(self.shapes) + "</svg>")

    def action(self, action: action_pb2.Action, seen: observation_pb2.Observation, start: Point | None = None,
               end: Point | None = None, number: int = 0) -> None:
        """`start` and `end`: where it was done, if the record says so; else where the action says."""
        kind = action.WhichOneof("kind")
        if kind == "sequence":
            for index, part in enumerate(action.sequence.actions, start=1):
                self.action(part, seen, number=index)
            return
        content = getattr(action, kind)
        at = start or self._start(kind, content, seen)
        if kind in ("drag", "swipe"):
            to = end or self._place(content.to, seen)
            if at and to:
                path = [at, *(_point(p) for p in content.via), to] if kind == "drag" else [at, to]
                self.arrow(path)
                self.disc(at, 5)
        elif kind == "scroll":
            self.scroll(content, at or (self.width / 2, self.height / 2))
        elif kind == "click" and at:
            for ring in range(max(1, content.count)):
                self.ring(at, 9 + 5 * ring)
            if content.button in (action_pb2.MOUSE_BUTTON_RIGHT, action_pb2.MOUSE_BUTTON_MIDDLE):
                self.disc(at, 4)
        elif kind == "long_press" and at:
            self.ring(at, 12)
            self.disc(at, 8)
        elif kind == "mouse_down" and at:
            self.disc(at, 7)
        elif kind in ("hover", "mouse_up") and at:
            self.ring(at, 7, dashed=True)
        elif at and kind in ("type", "press_keys", "select_option", "check", "upload_file"):
            self.ring(at, 9)
        if number and at:
            self.label(at, str(number))

    def _start(self, kind: str, content: Any, seen: observation_pb2.Observation) -> Point | None:
        if kind in ("drag", "swipe"):
            return self._place(getattr(content, "from"), seen)
        return self._place(content.target, seen) if "target" in content.DESCRIPTOR.fields_by_name else None

    def _place(self, target: action_pb2.Target, seen: observation_pb2.Observation) -> Point | None:
        kind = target.WhichOneof("kind")
        if kind == "point":
            return _point(target.point)
        if kind == "fraction":
            return target.fraction.x * (self.width - 1), target.fraction.y * (self.height - 1)
        if kind == "mark":
            for element in seen.elements:
                if element.mark == target.mark:
                    return element.box.x + element.box.width / 2, element.box.y + element.box.height / 2
        return None

    def box(self, box: geometry_pb2.Rect) -> None:
        self._shape("rect", f'x="{box.x:.1f}" y="{box.y:.1f}" width="{max(0, box.width):.1f}" height="{max(0, box.height):.1f}" '
                            f'rx="{2 * self.unit:.1f}" fill="none"', 2)

    def ring(self, at: Point, radius: float, dashed: bool = False) -> None:
        dash = f' stroke-dasharray="{4 * self.unit:.1f} {3 * self.unit:.1f}"' if dashed else ""
        self._shape("circle", f'cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius * self.unit:.1f}" fill="none"{dash}', 2.5)

    def disc(self, at: Point, radius: float) -> None:
        self.shapes.append(f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius * self.unit:.1f}" fill="{self.colour}" '
                           f'stroke="{_HALO}" stroke-width="{1.5 * self.unit:.2f}"/>')

    def label(self, at: Point, text: str) -> None:
        x, y = at[0] + 13 * self.unit, at[1] - 13 * self.unit
        x, y = min(x, self.width - 9 * self.unit), max(y, 9 * self.unit)
        self.disc((x, y), 8)
        self.shapes.append(f'<text x="{x:.1f}" y="{y + 4 * self.unit:.1f}" font-size="{11 * self.unit:.1f}" font-weight="700" '
                           f'text-anchor="middle" fill="{_HALO}">{html.escape(text)}</text>')

    def scroll(self, scroll: action_pb2.Scroll, at: Point) -> None:
        """An arrow the way the content's end comes nearer, as long as the scroll but for bounds that keep it visible."""
        direction = words.scroll_direction(scroll)
        sideways = direction in ("left", "right")
        room = self.width if sideways else self.height
        asked = abs(scroll.delta_x if sideways else scroll.delta_y) or room * 2 / 3
        length = min(max(asked, 30 * self.unit), room * 0.4)
        sign = -1 if direction in ("left", "up") else 1
        half = (sign * length / 2, 0.0) if sideways else (0.0, sign * length / 2)
        self.arrow([(at[0] - half[0], at[1] - half[1]), (at[0] + half[0], at[1] + half[1])])

    def arrow(self, path: list[Point]) -> None:
        """A line through the points with a tip at the last one."""
        tip = path[-1]
        before = next((p for p in reversed(path[:-1]) if p != tip), None)
        if before is None:
            return
        length = math.hypot(tip[0] - before[0], tip[1] - before[1])
        along = ((tip[0] - before[0]) / length, (tip[1] - before[1]) / length)
        head = min(11 * self.unit, length)
        base = (tip[0] - along[0] * head, tip[1] - along[1] * head)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*path[:-1], base])
        self._shape("polyline", f'points="{points}" fill="none" stroke-linecap="round" stroke-linejoin="round"', 3)
        side = (-along[1] * head * 0.5, along[0] * head * 0.5)
        corners = [tip, (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])]
        self.shapes.append(f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}" fill="{self.colour}" '
                           f'stroke="{_HALO}" stroke-width="{self.unit:.2f}" stroke-linejoin="round"/>')

    def _shape(self, tag: str, attributes: str, thickness: float) -> None:
        """The shape twice: a light one below makes it stand out on every ground."""
        for colour, wide in ((_HALO, thickness + 2.5), (self.colour, thickness)):
            opacity = ' stroke-opacity="0.85"' if colour == _HALO else ""
            self.shapes.append(f'<{tag} {attributes} stroke="{colour}"{opacity} stroke-width="{wide * self.unit:.2f}"/>')
