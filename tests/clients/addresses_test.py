"""Where the Python client looks for a server, and the files it reads on the way."""
import os
import pathlib
import socket
import tempfile
import unittest
from unittest import mock

import proctor
import proctor.aio
from proctor import addresses


class AddressesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROCTOR_")}
        patch = mock.patch.dict(os.environ, {**environment, "XDG_DATA_HOME": folder.name}, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def data_directory(self, name: str, text: str) -> str:
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "addresses.json").write_text(text)
        return str(self.folder / name)

    def test_the_address_given_comes_first_then_the_data_directory_then_the_port(self):
        self.assertEqual("127.0.0.1:50551", addresses.default_address())
        self.data_directory("proctor", '{"grpc":"127.0.0.1:7"}')
        self.assertEqual("127.0.0.1:7", addresses.default_address())
        os.environ["PROCTOR_DATA_DIR"] = self.data_directory("named", '{"unix_socket":"/s","grpc":"127.0.0.1:8"}')
        self.assertEqual("unix:/s", addresses.default_address())
        os.environ["PROCTOR_ADDRESS"] = "127.0.0.1:9"
        self.assertEqual("127.0.0.1:9", addresses.default_address())

    def test_a_data_directory_that_was_named_is_not_exchanged_for_another_server(self):
        os.environ["PROCTOR_DATA_DIR"] = str(self.folder / "nowhere")
        with self.assertRaisesRegex(proctor.NotFound, "nowhere/addresses.json"):
            proctor.connect()
        for text in ("", "{", "[]", "7", "{}", '{"grpc"'):
            os.environ["PROCTOR_DATA_DIR"] = self.data_directory("damaged", text)
            with self.subTest(text), self.assertRaisesRegex(proctor.FailedPrecondition, "names no address"):
                addresses.default_address()

    def test_refuses_what_is_no_address_and_says_how_one_is_written(self):
        for good in ("unix:/s", "127.0.0.1:1", "host:65535", "[::1]:5", "dns:///host:1"):
            addresses.check_address(good)
        for address, advice in (("localhost", "host:port"), ("50551", "host:port"), (":50551", "host:port"), ("host:", "1 to 65535"),
                                ("host:70000", "1 to 65535"), ("host:-1", "1 to 65535"), ("http://host:1", "without http://"),
                                ("/run/s", "unix: before the path"), ("::1:5", r"\[host\]:port"), ("unix:", "unix:/path")):
            with self.subTest(address), self.assertRaisesRegex(proctor.InvalidArgument, advice):
                proctor.connect(address)

    def test_tells_why_no_server_is_reached(self):
        with self.assertRaisesRegex(proctor.Unavailable, r"\(Connection refused\); start it with: proctord"):
            proctor.connect("127.0.0.1:1", timeout=0.1)
        self.assertIn("No such file", addresses.why_unreachable(f"unix:{self.folder}/none", False, 1))
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            self.assertIn("if it wants TLS, set PROCTOR_TLS_CA", addresses.why_unreachable(address, False, 1))
            self.assertIn("a certificate that is trusted here", addresses.why_unreachable(address, True, 1))

    def test_one_that_hangs_is_not_taken_for_a_mistake_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket(socket.AF_UNIX) as local:
            with self.assertRaisesRegex(proctor.Unavailable, r"does not answer within 0\.1 s as a .*: busy, stopped or hung\? Or if it wants TLS"):
                proctor.connect(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
            local.bind(f"{self.folder}/s")
            local.listen()
            for tls in (False, True):
                self.assertEqual(f"something listens at unix:{self.folder}/s, but it does not answer within 2.5 s: busy, stopped or hung?",
                                 addresses.why_unreachable(f"unix:{self.folder}/s", tls, 2.5))

    def test_tells_so_of_every_form_of_address(self):
        self.assertIn("Connection refused", addresses.why_unreachable(f"unix-abstract:proctor-{os.getpid()}-nobody", False, 1))
        for address in ("dns:///127.0.0.1:1", "dns://192.0.2.1/127.0.0.1:1", "dns:127.0.0.1:1", "ipv4:127.0.0.1:1"):
            self.assertIn("Connection refused", addresses.why_unreachable(address, False, 1), address)
        for address in ("dns:///localhost", "dns:///127.0.0.1:99999", "dns:///", "dns:", "ipv6:[::1]:1", "ipv6:[::1]", "ipv4:127.0.0.1:1,127.0.0.1:2",
                        "unix:" + "x" * 200, "unix-abstract:", "dns:///\0:1", "dns:///" + "x" * 70 + ".example:1"):
            self.assertIn(address, addresses.why_unreachable(address, False, 1))
        with socket.create_server(("127.0.0.1", 0)) as other, socket.socket(socket.AF_UNIX) as local:
            local.bind(f"\0proctor-{os.getpid()}")
            local.listen()
            for address in (f"dns:///127.0.0.1:{other.getsockname()[1]}", f"unix-abstract:proctor-{os.getpid()}"):
                self.assertIn("something listens", addresses.why_unreachable(address, False, 1))


class FilesTest(unittest.TestCase):
    def test_those_that_cannot_be_read_are_named_with_what_names_them(self):
        with tempfile.TemporaryDirectory() as folder:
            missing = folder + "/missing"
            for field, tls in (("token_file", {}), ("tls_ca", {}), ("tls_certificate", {"tls_key": __file__}), ("tls_key", {"tls_certificate": __file__})):
                security = proctor.Security(**{**tls, field: missing})
                for connect in (proctor.connect, proctor.aio.connect):
                    with self.assertRaisesRegex(proctor.NotFound, f"cannot read {missing}: .*{field} .or .PROCTOR_{field.upper()}"):
                        connect("127.0.0.1:1", security=security)
            with self.assertRaisesRegex(proctor.InvalidArgument, "Is a directory"):
                proctor.connect("127.0.0.1:1", security=proctor.Security(token_file=folder))
        with self.assertRaisesRegex(ValueError, "no token has"), tempfile.NamedTemporaryFile() as file:
            file.write(b"\xff\xfe")
            file.flush()
            proctor.connect("127.0.0.1:1", security=proctor.Security(token_file=file.name))


if __name__ == "__main__":
    unittest.main()
