"""Everything in the protos says what it means: a comment before or behind every message, field, value, service and method."""
import pathlib
import subprocess
import tempfile
import unittest

from google.protobuf import descriptor_pb2

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


def described(folder, files):
    """The files' descriptors, comments included."""
    with tempfile.NamedTemporaryFile(suffix=".pb") as out:
        subprocess.run(["protoc", "--include_source_info", f"-I{folder}", "-o", out.name, *map(str, files)], check=True,
                       timeout=60)
        return descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes()).file


def items(file):
    """(path in the descriptor, name) of all that needs a comment."""
    def of_message(message, path, name):
        if message.options.map_entry:
            return
        yield path, name
        for i, field in enumerate(message.field):
            yield (*path, 2, i), f"{name}.{field.name}"
        for i, nested in enumerate(message.nested_type):
            yield from of_message(nested, (*path, 3, i), f"{name}.{nested.name}")
        for i, enum in enumerate(message.enum_type):
            yield from of_enum(enum, (*path, 4, i), f"{name}.{enum.name}")

    def of_enum(enum, path, name):
        yield path, name
        for i, value in enumerate(enum.value):
            if not value.name.endswith("_UNSPECIFIED"):
                yield (*path, 2, i), f"{name}.{value.name}"

    for i, message in enumerate(file.message_type):
        yield from of_message(message, (4, i), message.name)
    for i, enum in enumerate(file.enum_type):
        yield from of_enum(enum, (5, i), enum.name)
    for i, service in enumerate(file.service):
        yield (6, i), service.name
        for j, method in enumerate(service.method):
            yield (6, i, 2, j), f"{service.name}.{method.name}"


def bare(file):
    """What has no comment, with its line."""
    said = {tuple(at.path): at for at in file.source_code_info.location}
    for path, name in items(file):
        at = said[path]
        if not (at.leading_comments.strip() or at.trailing_comments.strip()):
            yield f"{file.name}:{at.span[0] + 1} {name}"


class ProtoCommentsTest(unittest.TestCase):
    def test_everything_is_described(self):
        files = described(PROTO, sorted(PROTO.rglob("*.proto")))
        self.assertGreater(sum(1 for file in files for _ in items(file)), 500)
        missing = [line for file in files for line in bare(file)]
        self.assertEqual([], missing, f"{len(missing)} without a comment:\n" + "\n".join(missing))

    def test_the_check_sees_what_is_bare(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "a.proto")
            file.write_text('syntax = "proto3";\n// Said.\nmessage A {\n  int32 b = 1;\n  int32 c = 2;  // Said.\n'
                            '  map<string, string> d = 3;\n}\n// Said.\nenum E {\n  E_UNSPECIFIED = 0;\n  E_ONE = 1;\n}\n'
                            'service S {\n  rpc M(A) returns (A);\n}\n')
            (one,) = described(folder, [file])
        self.assertEqual(["A.b", "A.d", "E.E_ONE", "S", "S.M"], [line.split()[-1] for line in bare(one)])


if __name__ == "__main__":
    unittest.main()
