"""Actions, and what to observe after them."""

from __future__ import annotations

from typing import Any, Iterable

from . import names
from .v1 import action_pb2, environment_pb2, geometry_pb2, observation_pb2

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
    "windows": observation_pb2.OBSERVATION_PART_WINDOWS,
    "clipboard": observation_pb2.OBSERVATION_PART_CLIPBOARD,
    "device": observation_pb2.OBSERVATION_PART_DEVICE,
}


def observation_request(parts: Iterable[str], *, image_format: str = "png", draw_marks: bool = False,
                        omit_data: bool = False) -> observation_pb2.ObservationRequest:
    """What to observe, by the names of the parts: "screenshot", "elements", "accessibility_tree", "html", "text", "tabs",
    "focus_and_scroll", "console"; on desktops "windows" and "clipboard", on phones "device". `omit_data`: only the screenshot's digest."""
    parts = (parts,) if isinstance(parts, str) else tuple(parts)
    request = observation_pb2.ObservationRequest()
    for part in parts:
        if part not in _PARTS:
            raise ValueError(f"unknown observation part {part!r}; known: {', '.join(_PARTS)}")
        request.parts.append(_PARTS[part])
    if "screenshot" in parts:
        request.screenshot.format = names.choice(observation_pb2.ImageFormat, image_format)
        request.screenshot.draw_marks = draw_marks
        request.screenshot.omit_data = omit_data
    return request


def default_request(capabilities: environment_pb2.Capabilities) -> observation_pb2.ObservationRequest:
    """Screenshot and elements, as far as the environment has them; if it has neither, all that it has."""
    has = [part for part, value in _PARTS.items() if value in capabilities.observation_parts]
    return observation_request([part for part in ("screenshot", "elements") if part in has] or has)


def fraction(x: float, y: float) -> action_pb2.Target:
    """A point as shares of the screen's width and height, each from 0 to 1, for wherever a target is asked."""
    return action_pb2.Target(fraction=geometry_pb2.Point(x=x, y=y))


def _target(target: Any) -> action_pb2.Target:
    if isinstance(target, action_pb2.Target):
        return target
    if isinstance(target, tuple):
        return action_pb2.Target(point=geometry_pb2.Point(x=target[0], y=target[1]))
    return action_pb2.Target(mark=target)


def _button(name: str) -> action_pb2.MouseButton:
    return names.choice(action_pb2.MouseButton, name)


def click(target: Any, *, button: str = "left", count: int = 1, modifiers: Iterable[str] = ()) -> Action:
    """Clicks an element's mark, a point (x, y) or a `fraction`; `count` 2 is a double click, `button` "right" or "middle" another
    button, `modifiers` ("alt", "control", "meta", "shift") are held meanwhile."""
    held = [names.choice(action_pb2.KeyModifier, name) for name in modifiers]
    return Action(click=action_pb2.Click(target=_target(target), count=count, button=_button(button), modifiers=held))


def hover(target: Any) -> Action:
    """Moves the pointer over a mark or a point."""
    return Action(hover=action_pb2.Hover(target=_target(target)))


def type_text(target: Any, text: str, *, clear: bool = True, submit: bool = False) -> Action:
    """Puts text into an editable element (None: the focused one), emptied first if `clear`, with Enter if `submit`."""
    typed = action_pb2.Type(text=text, clear=clear, submit=submit)
    if target is not None:
        typed.target.CopyFrom(_target(target))
    return Action(type=typed)


def press(*chords: str, hold: float = 0) -> Action:
    """Presses key chords such as "Enter" or "Control+A"; on desktops each is held for `hold` seconds."""
    action = Action(press_keys=action_pb2.PressKeys(chords=chords))
    if hold:
        action.press_keys.hold.FromMilliseconds(int(hold * 1000))
    return action


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


def drag(start: Any, end: Any, *, via: Iterable[tuple[float, float]] = (), button: str = "left") -> Action:
    """Drags from one mark or point to another; on desktops past the points of `via` and with another `button`."""
    dragged = action_pb2.Drag(**{"from": _target(start), "to": _target(end)})
    dragged.via.extend(geometry_pb2.Point(x=x, y=y) for x, y in via)
    if button != "left":
        dragged.button = _button(button)
    return Action(drag=dragged)


def goto(url: str) -> Action:
    """Navigates the active tab."""
    return Action(goto=action_pb2.Goto(url=url))


def go_back() -> Action:
    """History back."""
    return Action(go_back=action_pb2.GoBack())


def mouse_down(target: Any = None, *, button: str = "left") -> Action:
    """Desktops: presses a mouse button and keeps it pressed, at a mark or point or (None) where the pointer is."""
    pressed = action_pb2.MouseDown(button=_button(button))
    if target is not None:
        pressed.target.CopyFrom(_target(target))
    return Action(mouse_down=pressed)


def mouse_up(target: Any = None, *, button: str = "left") -> Action:
    """Desktops: releases a mouse button, at a mark or point or (None) where the pointer is."""
    released = action_pb2.MouseUp(button=_button(button))
    if target is not None:
        released.target.CopyFrom(_target(target))
    return Action(mouse_up=released)


def key_down(key: str) -> Action:
    """Desktops: presses one key ("Shift", "a") and keeps it pressed."""
    return Action(key_down=action_pb2.KeyDown(key=key))


def key_up(key: str) -> Action:
    """Desktops: releases a key."""
    return Action(key_up=action_pb2.KeyUp(key=key))


def set_clipboard(text: str) -> Action:
    """Desktops: puts text on the clipboard."""
    return Action(set_clipboard=action_pb2.SetClipboard(text=text))


def open_app(name: str) -> Action:
    """Starts an application or brings it to the front: on desktops one of the session's applications, on phones a package or the name
    that the launcher shows."""
    return Action(open_app=action_pb2.OpenApp(name=name))


def sequence(*actions: Action) -> Action:
    """Desktops: 1 to 32 actions as one step, with one observation after the last. None may be a sequence or end the episode."""
    return Action(sequence=action_pb2.Sequence(actions=actions))


def long_press(target: Any, seconds: float = 1.0) -> Action:
    """Phones: touches a mark or point and holds it, at most 10 s."""
    action = Action(long_press=action_pb2.LongPress(target=_target(target)))
    action.long_press.duration.FromMilliseconds(int(seconds * 1000))
    return action


def swipe(start: Any, end: Any, seconds: float = 0.3) -> Action:
    """Phones: moves a finger from one mark or point to another; upwards shows what is below."""
    action = Action(swipe=action_pb2.Swipe(**{"from": _target(start), "to": _target(end)}))
    action.swipe.duration.FromMilliseconds(int(seconds * 1000))
    return action


def press_button(button: str) -> Action:
    """Phones: presses one of the device's own buttons: "back", "home", "recents" or "enter"."""
    return Action(press_button=action_pb2.PressButton(button=names.choice(action_pb2.DeviceButton, button)))


def agent_text(dialect: str, text: str) -> action_pb2.AgentText:
    """A model's raw output for `Env.step`: `dialect` is "openai_computer", "pyautogui", "android_world", ... (action.proto)."""
    return action_pb2.AgentText(dialect=names.choice(action_pb2.Dialect, dialect), text=text)


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
