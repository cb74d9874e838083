"""Constructors of actions and observation requests, and what actions are called in words."""
import unittest

import proctor
from proctor import words
from proctor.v1 import action_pb2, observation_pb2, trajectory_pb2

POINT = {"point": {"x": 1.0, "y": 2.0}}


def fields(message) -> dict:
    """The message's set fields as plain values."""
    plain = {}
    for field, value in message.ListFields():
        if field.label == field.LABEL_REPEATED:
            plain[field.name] = [fields(v) if field.message_type else v for v in value]
        else:
            plain[field.name] = fields(value) if field.message_type else value
    return plain


class ActionsTest(unittest.TestCase):
    def check(self, action: action_pb2.Action, expected: dict) -> None:
        self.assertEqual(expected, fields(action))

    def test_targets_are_marks_points_and_fractions(self):
        self.check(proctor.hover(3), {"hover": {"target": {"mark": 3}}})
        self.check(proctor.hover((1, 2)), {"hover": {"target": POINT}})
        self.check(proctor.hover(proctor.fraction(0.5, 1)), {"hover": {"target": {"fraction": {"x": 0.5, "y": 1.0}}}})

    def test_clicks_have_buttons_counts_and_modifiers(self):
        self.check(proctor.click((1, 2), button="middle", count=3, modifiers=["control", "shift"]),
                   {"click": {"target": POINT, "count": 3, "button": action_pb2.MOUSE_BUTTON_MIDDLE,
                              "modifiers": [action_pb2.KEY_MODIFIER_CONTROL, action_pb2.KEY_MODIFIER_SHIFT]}})
        with self.assertRaises(ValueError):
            proctor.click(1, button="upper")
        with self.assertRaises(ValueError):
            proctor.click(1, modifiers=["hyper"])

    def test_desktops(self):
        self.check(proctor.press("Shift", hold=1.5), {"press_keys": {"chords": ["Shift"], "hold": {"seconds": 1, "nanos": 500_000_000}}})
        self.check(proctor.drag((1, 2), 3, via=[(1, 2)], button="right"),
                   {"drag": {"from": POINT, "to": {"mark": 3}, "via": [POINT["point"]], "button": action_pb2.MOUSE_BUTTON_RIGHT}})
        self.check(proctor.drag(1, 2), {"drag": {"from": {"mark": 1}, "to": {"mark": 2}}})
        self.check(proctor.mouse_down(), {"mouse_down": {"button": action_pb2.MOUSE_BUTTON_LEFT}})
        self.check(proctor.mouse_up((1, 2), button="right"), {"mouse_up": {"button": action_pb2.MOUSE_BUTTON_RIGHT, "target": POINT}})
        self.check(proctor.key_down("Shift"), {"key_down": {"key": "Shift"}})
        self.check(proctor.key_up("a"), {"key_up": {"key": "a"}})
        self.check(proctor.set_clipboard("x"), {"set_clipboard": {"text": "x"}})
        self.check(proctor.open_app("editor"), {"open_app": {"name": "editor"}})
        self.check(proctor.sequence(proctor.key_down("a"), proctor.noop()), {"sequence": {"actions": [{"key_down": {"key": "a"}}, {"noop": {}}]}})

    def test_phones(self):
        self.check(proctor.long_press(3), {"long_press": {"target": {"mark": 3}, "duration": {"seconds": 1}}})
        self.check(proctor.swipe((1, 2), 3, 0.5), {"swipe": {"from": POINT, "to": {"mark": 3}, "duration": {"nanos": 500_000_000}}})
        self.check(proctor.press_button("recents"), {"press_button": {"button": action_pb2.DEVICE_BUTTON_RECENTS}})
        with self.assertRaises(ValueError):
            proctor.press_button("power")

    def test_agent_texts_name_their_dialect(self):
        self.assertEqual({"dialect": action_pb2.DIALECT_ANDROID_WORLD, "text": "{}"}, fields(proctor.agent_text("android_world", "{}")))
        with self.assertRaises(ValueError):
            proctor.agent_text("klingon", "")

    def test_every_part_of_an_observation_has_a_name(self):
        from proctor.actions import _PARTS
        request = proctor.observation_request(_PARTS)
        self.assertEqual(set(observation_pb2.ObservationPart.values()) - {0}, set(request.parts))
        with self.assertRaises(ValueError):
            proctor.observation_request(["smell"])


class WordsTest(unittest.TestCase):
    def test_every_kind_has_words(self):
        kinds = action_pb2.Action.DESCRIPTOR.oneofs_by_name["kind"].fields
        self.assertEqual({field.name for field in kinds}, set(words._WRITERS))
        for field in kinds:
            action = action_pb2.Action()
            getattr(action, field.name).SetInParent()
            self.assertTrue(words.of_action(action), field.name)

    def test_says_what_was_done(self):
        button = observation_pb2.Element(role="button", name="Save")
        for expected, action, element in [
                ('click [button "Save"]', proctor.click(3), button),
                ("middle triple click (1, 2) holding Control+Shift",
                 proctor.click((1, 2), button="middle", count=3, modifiers=["control", "shift"]), None),
                ("press Shift for 1.5 s", proctor.press("Shift", hold=1.5), None),
                ('type "milk" into (50 %, 10 %) and submit', proctor.type_text(proctor.fraction(0.5, 0.1), "milk", submit=True), None),
                ("drag from (1, 2) to [3]", proctor.drag((1, 2), 3), None),
                ("swipe from (1, 200) to (1, 2)", proctor.swipe((1, 200), (1, 2)), None),
                ('long press [button "Save"]', proctor.long_press(3), button),
                ("press the back button", proctor.press_button("back"), None),
                ("release the right mouse button at (1, 2)", proctor.mouse_up((1, 2), button="right"), None),
                ("press the left mouse button", proctor.mouse_down(), None),
                ('open the application "Notes"', proctor.open_app("Notes"), None),
                ("scroll up", proctor.scroll(-5), None),
                ("scroll right", proctor.scroll(0, 5), None),
                ("do 2 actions: click (1, 2); press Enter", proctor.sequence(proctor.click((1, 2)), proctor.press("Enter")), None),
                ("wait 1 s", proctor.wait(), None),
        ]:
            self.assertEqual(expected, words.of_action(action, element))

    def test_texts_that_did_not_parse_stand_as_they_were(self):
        step = trajectory_pb2.Step(agent_text=proctor.agent_text("pyautogui", "jump"))
        self.assertEqual('(not understood) "jump"', words.of_step(step))


if __name__ == "__main__":
    unittest.main()
