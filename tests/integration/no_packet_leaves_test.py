"""Runs scripts/demo on real Chromium in a network namespace with a way out, and sees that no packet takes it.

Two namespaces, joined by a veth pair: the demo runs in the first, whose default routes (IPv4 and IPv6) and name server lead to
the second, where a raw socket counts what arrives. Controls send one packet of each kind on purpose.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

IPV6 = pathlib.Path("/proc/net/if_inet6").exists()

# What the kernel says by itself on an IPv6 link is left out: reports of multicast listeners, solicitations and
# advertisements of routers and neighbours. A program's own packet follows them to the gateway and is counted.
SNIFFER = r"""
import ipaddress, socket, struct, sys
HOUSEKEEPING = {131, 132, 133, 134, 135, 136, 137, 143}
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("outside", 0))
sys.stdout.write("ready\n"); sys.stdout.flush()
while True:
    frame, (_, _, direction, *_) = s.recvfrom(2048)
    if direction == socket.PACKET_OUTGOING:
        continue
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0800:
        protocol, addresses, body = frame[23], frame[26:34], frame[14 + 4 * (frame[14] & 15):]
    elif kind == 0x86DD:
        protocol, addresses, body = frame[20], frame[22:54], frame[54:]
        if protocol == 0:  # Hop-by-hop options.
            protocol, body = body[0], body[8 * (body[1] + 1):]
        if protocol == 58 and body[0] in HOUSEKEEPING:
            continue
    else:
        continue
    half = len(addresses) // 2
    source, target = map(ipaddress.ip_address, (addresses[:half], addresses[half:]))
    port = struct.unpack("!H", body[2:4])[0] if protocol in (6, 17) else 0
    sys.stdout.write(f"ipv{source.version} protocol {protocol} {source} -> {target} port {port}\n")
    sys.stdout.flush()
"""

SEND = "import socket; socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM).sendto(b'x', (%r, %d))"


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
        for name, link, address in ((self.inside, "inside", 1), (self.outside, "outside", 2)):
            ip("-n", name, "address", "add", f"10.77.0.{address}/24", "dev", link)
            if IPV6:
                ip("-n", name, "address", "add", f"fd77::{address}/64", "dev", link, "nodad")
            ip("-n", name, "link", "set", link, "up")
        ip("-n", self.inside, "route", "add", "default", "via", "10.77.0.2")
        if IPV6:
            ip("-n", self.inside, "-6", "route", "add", "default", "via", "fd77::2")
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

    def run_inside(self, *command: object, timeout: float = 20) -> str:
        done = subprocess.run(["ip", "netns", "exec", self.inside, *map(str, command)], timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def send(self, target: str, port: int) -> None:
        self.run_inside(sys.executable, "-c", SEND % ("6" if ":" in target else "", target, port))

    def packets(self) -> list[str]:
        """Sends a mark by each way and returns what else came until both were there: IPv6 packets wait until the kernel
        knows the gateway, in their order."""
        marks = ["10.77.0.2"] + ["fd77::2"] * IPV6
        for mark in marks:
            self.send(mark, 9)
        seen, waiting = [], {f"-> {mark} port 9" for mark in marks}
        while waiting:
            line = self.sniffer.stdout.readline().strip()
            mark = next((mark for mark in waiting if line.endswith(mark)), None)
            if mark:
                waiting.remove(mark)
            else:
                seen.append(line)
        return seen

    def test_the_demo_sends_nothing(self):
        build = pathlib.Path(os.environ["PROCTORD"]).resolve().parents[1]
        with tempfile.TemporaryDirectory() as output:
            shown = self.run_inside(
                ROOT / "scripts" / "demo", "--build", build, "--output", output, "--rounds", 1, "--groups", 3, "--tasks", 40,
                "--held-out", 6, "--curve-tasks", 3, "--permuted-rounds", 0, "--sessions", 2,
                *os.environ.get("PROCTORD_FLAGS", "").split(), timeout=400)
        self.assertIn("held-out success: ", shown)
        self.assertEqual([], self.packets())

    def test_the_check_sees_a_packet(self):
        self.send("192.0.2.1", 53)
        self.assertEqual(["ipv4 protocol 17 10.77.0.1 -> 192.0.2.1 port 53"], self.packets())

    @unittest.skipUnless(IPV6, "this kernel has no IPv6")
    def test_the_check_sees_an_ipv6_packet(self):
        self.send("2001:db8::1", 53)
        self.assertEqual(["ipv6 protocol 17 fd77::1 -> 2001:db8::1 port 53"], self.packets())


if __name__ == "__main__":
    unittest.main()
