"""What an agent did, in words."""

from __future__ import annotations

from typing import Any, Callable

from .v1 import action_pb2, observation_pb2, trajectory_pb2

#: What was acted on, if it is known.
_Element = observation_pb2.Element | None

_DEVICE_BUTTONS = {action_pb2.DEVICE_BUTTON_BACK: "press the back button", action_pb2.DEVICE_BUTTON_HOME: "press the home button",
                   action_pb2.DEVICE_BUTTON_RECENTS: "press the recent applications button",
                   action_pb2.DEVICE_BUTTON_ENTER: "press Enter"}


def of_step(step: trajectory_pb2.Step) -> str:
    """One line, not escaped: `click [button "Add to cart"]`, `swipe from (540, 1800) to (540, 600)`; what did not parse as it was
    written."""
    if step.action.WhichOneof("kind") is None:
        return f'(not understood) "{step.agent_text.text}"'
    return of_action(step.action, step.target_element if step.HasField("target_element") else None)


def of_action(action: action_pb2.Action, element: observation_pb2.Element | None = None) -> str:
    """`element`: what was acted on, if it is known."""
    kind = action.WhichOneof("kind")
    if kind is None:
        return "(no action)"
    content = getattr(action, kind)
    writer = _WRITERS.get(kind)
    return writer(content, element) if writer else kind.replace("_", " ")


def place(target: action_pb2.Target, element: observation_pb2.Element | None = None) -> str:
    """`[button "Save"]`, `(10, 20)`, `(50 %, 30 %)`, `[3]`, or "" for no target."""
    if element is not None:
        name = element.name or element.text
        return f'[{element.role or element.tag}{" " if name else ""}' + (f'"{name}"]' if name else "]")
    kind = target.WhichOneof("kind")
    if kind == "point":
        return f"({target.point.x:.0f}, {target.point.y:.0f})"
    if kind == "fraction":
        return f"({100 * target.fraction.x:.0f} %, {100 * target.fraction.y:.0f} %)"
    return f"[{target.mark}]" if kind == "mark" else ""


def _with(verb: str, target: str) -> str:
    return f"{verb} {target}" if target else verb


def _button(button: action_pb2.MouseButton) -> str:
    return {action_pb2.MOUSE_BUTTON_RIGHT: "right", action_pb2.MOUSE_BUTTON_MIDDLE: "middle"}.get(button, "left")


def _click(click: action_pb2.Click, element: _Element) -> str:
    verb = {2: "double click", 3: "triple click"}.get(click.count, "click")
    if _button(click.button) != "left":
        verb = f"{_button(click.button)} {verb}"
    held = "+".join(action_pb2.KeyModifier.Name(m).removeprefix("KEY_MODIFIER_").capitalize() for m in click.modifiers)
    return _with(verb, place(click.target, element)) + (f" holding {held}" if held else "")


def _type(typed: action_pb2.Type, element: _Element) -> str:
    into = place(typed.target, element)
    return f'type "{typed.text}"' + (f" into {into}" if into else "") + (" and submit" if typed.submit else "")


def _press(press: action_pb2.PressKeys, _element: _Element) -> str:
    hold = press.hold.ToMilliseconds() / 1000
    return f"press {' '.join(press.chords)}" + (f" for {hold:g} s" if hold else "")


def scroll_direction(scroll: action_pb2.Scroll) -> str:
    """"down", "up", "left" or "right"; a scroll by nothing is two thirds of the screen down."""
    if scroll.delta_y or not scroll.delta_x:
        return "up" if scroll.delta_y < 0 else "down"
    return "left" if scroll.delta_x < 0 else "right"


def _line(verb: str, content: action_pb2.Drag | action_pb2.Swipe, element: _Element) -> str:
    return f"{verb} from {place(getattr(content, 'from'), element)} to {place(content.to)}"


def _mouse(verb: str, content: action_pb2.MouseDown | action_pb2.MouseUp, element: _Element) -> str:
    at = place(content.target, element)
    return f"{verb} the {_button(content.button)} mouse button" + (f" at {at}" if at else "")


def _sequence(sequence: action_pb2.Sequence, _element: _Element) -> str:
    return f"do {len(sequence.actions)} actions: " + "; ".join(of_action(action) for action in sequence.actions)


#: By the action's kind: the words of its content and what was acted on.
_WRITERS: dict[str, Callable[[Any, _Element], str]] = {
    "click": _click,
    "hover": lambda c, e: _with("hover over", place(c.target, e)),
    "type": _type,
    "press_keys": _press,
    "select_option": lambda c, e: f'select "{", ".join(c.options)}" in {place(c.target, e)}',
    "check": lambda c, e: _with("check" if c.checked else "uncheck", place(c.target, e)),
    "scroll": lambda c, e: _with(f"scroll {scroll_direction(c)}", place(c.target, e)),
    "drag": lambda c, e: _line("drag", c, e),
    "upload_file": lambda c, e: f'upload the file "{c.file_name}" to {place(c.target, e)}',
    "goto": lambda c, e: f"go to {c.url}",
    "go_back": lambda c, e: "go back",
    "go_forward": lambda c, e: "go forward",
    "reload": lambda c, e: "reload the page",
    "new_tab": lambda c, e: _with("open a tab", c.url),
    "focus_tab": lambda c, e: f"switch to tab {c.index}",
    "close_tab": lambda c, e: f"close tab {c.index}" if c.HasField("index") else "close the tab",
    "wait": lambda c, e: f"wait {(c.duration.ToMilliseconds() or 1000) / 1000:g} s",
    "answer": lambda c, e: f'answer "{c.text}"',
    "give_up": lambda c, e: _with("give up:", c.reason) if c.reason else "give up",
    "noop": lambda c, e: "do nothing",
    "mouse_down": lambda c, e: _mouse("press", c, e),
    "mouse_up": lambda c, e: _mouse("release", c, e),
    "key_down": lambda c, e: f"press and hold {c.key}",
    "key_up": lambda c, e: f"release {c.key}",
    "set_clipboard": lambda c, e: f'put "{c.text}" on the clipboard',
    "open_app": lambda c, e: f'open the application "{c.name}"',
    "sequence": _sequence,
    "long_press": lambda c, e: _with("long press", place(c.target, e)),
    "swipe": lambda c, e: _line("swipe", c, e),
    "press_button": lambda c, e: _DEVICE_BUTTONS.get(c.button, "press a button of the device"),
}
