"""Actions, and what to observe after them."""

from __future__ import annotations

from typing import Any, Iterable

from .v1 import action_pb2, geometry_pb2, observation_pb2

Action = action_pb2.Action

_PARTS = {
    "screenshot": observation_pb2.OBSERVATION_PART_SCREENSHOT,
    "elements": observation_pb2.OBSERVATION_PART_ELEMENTS,
    "accessibility_tree": observation_pb2.OBSERVATION_PART_ACCESSIBILITY_TREE,
    "html": observation_pb2.OBSERVATION_PART_HTML,
    "text": observation_pb2.OBSERVATION_PART_TEXT,
    "tabs": observation_pb2.OBSERVATION_PART_TABS,
    "focus_and_scroll": observation_pb2.OBSERVATION_PART_FOCUS_AND_SCROLL,
    "console": observation_pb2.OBSERVATION_PART_CONSOLE,
}


def observation_request(parts: Iterable[str], *, image_format: str = "png", draw_marks: bool = False,
                        omit_data: bool = False) -> observation_pb2.ObservationRequest:
    """What to observe, by the names of the parts: "screenshot", "elements", "accessibility_tree", "html", "text", "tabs",
    "focus_and_scroll", "console". `omit_data`: only the screenshot's digest."""
    request = observation_pb2.ObservationRequest()
    for part in parts:
        if part not in _PARTS:
            raise ValueError(f"unknown observation part {part!r}; known: {', '.join(_PARTS)}")
        request.parts.append(_PARTS[part])
    if "screenshot" in parts:
        request.screenshot.format = observation_pb2.ImageFormat.Value(f"IMAGE_FORMAT_{image_format.upper()}")
        request.screenshot.draw_marks = draw_marks
        request.screenshot.omit_data = omit_data
    return request


def _target(target: Any) -> action_pb2.Target:
    if isinstance(target, tuple):
        return action_pb2.Target(point=geometry_pb2.Point(x=target[0], y=target[1]))
    return action_pb2.Target(mark=target)


def click(target: Any, *, button: str = "left", count: int = 1) -> Action:
    """Clicks an element's mark or a point (x, y); `count` 2 is a double click, `button` "right" a right click."""
    return Action(click=action_pb2.Click(target=_target(target), count=count,
                                         button=action_pb2.MouseButton.Value(f"MOUSE_BUTTON_{button.upper()}")))


def hover(target: Any) -> Action:
    """Moves the pointer over a mark or a point."""
    return Action(hover=action_pb2.Hover(target=_target(target)))


def type_text(target: Any, text: str, *, clear: bool = True, submit: bool = False) -> Action:
    """Puts text into an editable element (None: the focused one), emptied first if `clear`, with Enter if `submit`."""
    typed = action_pb2.Type(text=text, clear=clear, submit=submit)
    if target is not None:
        typed.target.CopyFrom(_target(target))
    return Action(type=typed)


def press(*chords: str) -> Action:
    """Presses key chords such as "Enter" or "Control+A"."""
    return Action(press_keys=action_pb2.PressKeys(chords=chords))


def select(target: Any, *options: str) -> Action:
    """Chooses options of a select element by label or value."""
    return Action(select_option=action_pb2.SelectOption(target=_target(target), options=options))


def check(target: Any, checked: bool = True) -> Action:
    """Sets the checked state of a check box, radio button or switch."""
    return Action(check=action_pb2.Check(target=_target(target), checked=checked))


def scroll(delta_y: float = 0, delta_x: float = 0, target: Any = None) -> Action:
    """Scrolls the page or an element, in CSS pixels; 0 and 0: two thirds of the viewport down."""
    scrolled = action_pb2.Scroll(delta_x=delta_x, delta_y=delta_y)
    if target is not None:
        scrolled.target.CopyFrom(_target(target))
    return Action(scroll=scrolled)


def drag(start: Any, end: Any) -> Action:
    """Drags from one mark or point to another."""
    return Action(drag=action_pb2.Drag(**{"from": _target(start), "to": _target(end)}))


def goto(url: str) -> Action:
    """Navigates the active tab."""
    return Action(goto=action_pb2.Goto(url=url))


def go_back() -> Action:
    """History back."""
    return Action(go_back=action_pb2.GoBack())


def wait(seconds: float = 1.0) -> Action:
    """Does nothing for a while."""
    action = Action(wait=action_pb2.Wait())
    action.wait.duration.FromMilliseconds(int(seconds * 1000))
    return action


def noop() -> Action:
    """Does nothing; observes."""
    return Action(noop=action_pb2.Noop())


def answer(text: str) -> Action:
    """Gives the final answer; ends the episode."""
    return Action(answer=action_pb2.Answer(text=text))


def give_up(reason: str = "") -> Action:
    """Declares the task impossible; ends the episode."""
    return Action(give_up=action_pb2.GiveUp(reason=reason))
