"""Names in the Python client: of resources, of an enum's values, of filters; and what a picture's header tells. No server."""
import datetime
import struct
import unittest
import zlib

import proctor
from proctor import filters, names, pictures, requests
from proctor.v1 import action_pb2, episode_pb2, observation_pb2, reward_pb2, task_pb2, verdict_pb2


class ChoiceTest(unittest.TestCase):
    def test_any_case_and_the_prefix_are_fine(self):
        for name in ("success", "SUCCESS", "Success", "OUTCOME_SUCCESS", verdict_pb2.OUTCOME_SUCCESS):
            self.assertEqual(verdict_pb2.OUTCOME_SUCCESS, names.choice(verdict_pb2.Outcome, name))

    def test_the_choices_are_named(self):
        for name in ("OUTCOME_succes", "unspecified", "", 77):
            with self.assertRaisesRegex(ValueError, "is no Outcome; choose one of: success, failure, undetermined"):
                names.choice(verdict_pb2.Outcome, name)

    def test_labels_dialects_and_buttons_are_such(self):
        made = requests.label("abc", "success", "me", "", "")
        self.assertEqual(("trajectories/abc", verdict_pb2.OUTCOME_SUCCESS), (made.label.trajectory, made.label.outcome))
        self.assertEqual(action_pb2.DIALECT_PYAUTOGUI, proctor.agent_text("PyAutoGUI", "x").dialect)
        for wrong in (lambda: requests.label("abc", "won", "me", "", ""), lambda: proctor.agent_text("english", "x"),
                      lambda: proctor.click(1, button="both"), lambda: proctor.press_button("power")):
            with self.assertRaisesRegex(ValueError, "choose one of: "):
                wrong()


class ResourceTest(unittest.TestCase):
    def test_what_has_its_collection_or_is_empty_stays(self):
        self.assertEqual(["tasks/a", "tasks/a", ""], [names.resource("tasks", name) for name in ("a", "tasks/a", "")])

    def test_filters_are_written_out_in_a_copy(self):
        given = reward_pb2.ConsumerFilter(environments=["null", "environments/web"])
        self.assertEqual(["environments/null", "environments/web"], list(requests.create_consumer("c", given, 7).filter.environments))
        self.assertEqual(["null", "environments/web"], list(given.environments))
        with self.assertRaisesRegex(ValueError, "'earliest', 'latest' or an offset"):
            requests.seek_consumer("c", "middle")


class TrajectoryFilterTest(unittest.TestCase):
    def test_keywords_are_the_fields(self):
        when = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
        made = filters.trajectories({"environments": "null", "task": "t", "group": "g", "policy": "p", "end_kinds": ["truncated"],
                                     "splits": "test", "closed_only": True, "start_time_from": when})
        self.assertEqual((["environments/null"], "tasks/t", "groups/g", "p"), (list(made.environments), made.task, made.group, made.policy))
        self.assertEqual(([episode_pb2.END_KIND_TRUNCATED], [task_pb2.SPLIT_TEST], True),
                         (list(made.end_kinds), list(made.splits), made.closed_only))
        self.assertEqual("2026-01-02T02:00:00Z", made.start_time_from.ToJsonString())

    def test_every_field_of_the_message_has_its_keyword(self):
        self.assertEqual({field.name for field in filters.trajectories({}).DESCRIPTOR.fields}, set(filters.TrajectoryFields.__annotations__))

    def test_what_cannot_be_is_said(self):
        with self.assertRaisesRegex(TypeError, "'tsk'.*environments, task, policy"):
            filters.trajectories({"tsk": "x"})
        with self.assertRaisesRegex(ValueError, "no time zone"):
            filters.trajectories({"start_time_until": datetime.datetime(2026, 1, 2)})
        with self.assertRaisesRegex(ValueError, "not both"):
            requests.export_trajectories("f", ["a"], "atif", {"policy": "p"})
        with self.assertRaisesRegex(ValueError, "choose one of: proctor, webvoyager"):
            requests.import_trajectories("f", "zip", "")


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT", rows)
            + chunk(b"IEND", b""))


class PicturesTest(unittest.TestCase):
    def described(self, picture: bytes) -> tuple[int, int, int]:
        made = pictures.describe(picture)
        return made.format, made.width_px, made.height_px

    def test_headers_tell_format_and_size(self):
        self.assertEqual((observation_pb2.IMAGE_FORMAT_PNG, 300, 20), self.described(png(300, 20)))
        segments = b"\xff\xe0\0\x10" + bytes(14) + b"\xff\xff\xc4\0\x04ab"  # A comment, a fill byte, a Huffman table.
        frame = b"\xff\xc2\0\x11\x08" + struct.pack(">HH", 20, 300)
        self.assertEqual((observation_pb2.IMAGE_FORMAT_JPEG, 300, 20), self.described(b"\xff\xd8" + segments + frame))
        webp = b"RIFF\0\0\0\0WEBP"
        for chunk in (b"VP8X" + bytes(8) + (299).to_bytes(3, "little") + (19).to_bytes(3, "little"),
                      b"VP8L" + bytes(4) + b"\x2f" + (299 | 19 << 14).to_bytes(4, "little") + bytes(5),
                      b"VP8 " + bytes(4) + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 300, 20)):
            self.assertEqual((observation_pb2.IMAGE_FORMAT_WEBP, 300, 20), self.described(webp + chunk))

    def test_what_is_no_picture_is_refused(self):
        for wrong in (b"", b"GIF89a" + bytes(30), b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10", png(1, 1)[:20], b"RIFF\0\0\0\0WEBP"):
            with self.assertRaises(ValueError):
                pictures.describe(wrong)


if __name__ == "__main__":
    unittest.main()
