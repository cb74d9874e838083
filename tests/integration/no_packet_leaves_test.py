"""Runs the refinement loop on real Chromium in a network namespace with a way out, and sees that no packet takes it.

Two namespaces, joined by a veth pair: the loop runs in the first, whose default route and name server lead to the second,
where a raw socket counts what arrives. A control sends one packet on purpose.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

SNIFFER = r"""
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("outside", 0))
sys.stdout.write("ready\n"); sys.stdout.flush()
while True:
    frame = s.recv(2048)
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0800:
        protocol, source, target = frame[23], socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
        port = struct.unpack("!H", frame[36:38])[0] if protocol in (6, 17) else 0
        sys.stdout.write(f"ipv4 protocol {protocol} {source} -> {target}:{port}\n")
    elif kind == 0x86DD:
        sys.stdout.write("ipv6\n")
    sys.stdout.flush()
"""

LOOP = r"""
import sys
sys.path[:0] = [%(tests)r, %(examples)r]
from proctord import Proctord
from refine.__main__ import main
with Proctord(*%(flags)r) as server:
    sys.exit(main(["--address", server.address, "--output", %(output)r, "--rounds", "1", "--groups", "3", "--tasks", "40",
                   "--held-out", "6", "--curve-tasks", "3", "--permuted-rounds", "0", "--sessions", "2"]))
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=20)


class NoPacketLeavesTest(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0 or not shutil.which("ip"):
            self.skipTest("needs root and iproute2 to make network namespaces")
        self.inside, self.outside = f"proctor-in-{os.getpid()}", f"proctor-out-{os.getpid()}"
        for name in (self.inside, self.outside):
            ip("netns", "add", name)
            self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], timeout=20)
        ip("-n", self.inside, "link", "set", "lo", "up")
        ip("-n", self.inside, "link", "add", "inside", "type", "veth", "peer", "name", "outside", "netns", self.outside)
        for name, link, address in ((self.inside, "inside", "10.77.0.1/24"), (self.outside, "outside", "10.77.0.2/24")):
            # Without IPv6 the kernel itself sends nothing on a fresh link.
            subprocess.run(["ip", "netns", "exec", name, "sh", "-c",
                            "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"], check=True, timeout=20)
            ip("-n", name, "address", "add", address, "dev", link)
            ip("-n", name, "link", "set", link, "up")
        ip("-n", self.inside, "route", "add", "default", "via", "10.77.0.2")
        resolver = pathlib.Path("/etc/netns") / self.inside
        resolver.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, resolver)
        (resolver / "resolv.conf").write_text("nameserver 10.77.0.2\noptions timeout:1 attempts:1\n")
        self.sniffer = subprocess.Popen(["ip", "netns", "exec", self.outside, sys.executable, "-c", SNIFFER],
                                        stdout=subprocess.PIPE, text=True)
        self.assertEqual("ready\n", self.sniffer.stdout.readline())
        self.addCleanup(self.sniffer.stdout.close)
        self.addCleanup(self.sniffer.wait, 20)
        self.addCleanup(self.sniffer.kill)

    def run_inside(self, code: str, timeout: float) -> int:
        return subprocess.run(["ip", "netns", "exec", self.inside, sys.executable, "-c", code], timeout=timeout).returncode

    def packets(self) -> list[str]:
        """Sends a mark and returns what came before it."""
        self.run_inside("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('10.77.0.2', 9))", 20)
        seen = []
        while not (line := self.sniffer.stdout.readline()).endswith("10.77.0.2:9\n"):
            seen.append(line.strip())
        return seen

    def test_the_loop_sends_nothing(self):
        with tempfile.TemporaryDirectory() as output:
            code = LOOP % {"tests": str(ROOT / "tests" / "clients"), "examples": str(ROOT / "clients" / "examples"),
                           "output": output, "flags": tuple(os.environ.get("PROCTORD_FLAGS", "").split())}
            self.assertEqual(0, self.run_inside(code, 400))
        self.assertEqual([], self.packets())

    def test_the_check_sees_a_packet(self):
        self.run_inside("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", 20)
        self.assertEqual(["ipv4 protocol 17 10.77.0.1 -> 192.0.2.1:53"], self.packets())


if __name__ == "__main__":
    unittest.main()
