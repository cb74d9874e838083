"""Runs scripts/demo, and a page that names other hosts, on real Chromium in a network namespace with a way out, and sees that no
packet takes it.

Two namespaces, joined by a veth pair: what is tried runs in the first, whose default routes (IPv4 and IPv6) and name server lead to
the second, where a raw socket counts what arrives. Controls send one packet of each kind on purpose, or drop a flag of the browser's.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

CHROMIUM = "/usr/lib/chromium/chromium-headless-shell"
ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "clients")]

import proctor
from proctor.v1 import task_pb2

from lines import Lines
from proctord import Proctord

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
    # The name that a name server is asked for.
    name, rest = "", body[8 + 12:] if protocol == 17 and port == 53 else b""
    while rest and 0 < rest[0] < len(rest):
        name, rest = name + "." * bool(name) + rest[1:1 + rest[0]].decode("latin-1"), rest[1 + rest[0]:]
    sys.stdout.write(f"ipv{source.version} protocol {protocol} {source} -> {target} port {port} {name}".rstrip() + "\n")
    sys.stdout.flush()
"""

SEND = "import socket; socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM).sendto(b'x', (%r, %d))"


# A page that would have names looked up by each way there is, and says when it is through.
PAGE = """<!doctype html><title>names</title>
<link rel="dns-prefetch" href="//prefetched.example"><link rel="preconnect" href="http://connected.example">
<script>
fetch('http://fetched.example/', {mode: 'no-cors'}).catch(() => 0);
const made = new RTCPeerConnection({iceServers: [
    {urls: 'stun:stun.example'}, {urls: 'turn:turn.example?transport=tcp', username: 'u', credential: 'c'}]});
made.createDataChannel('x');
made.onicegatheringstatechange = () => { if (made.iceGatheringState == 'complete') setTimeout(() => fetch('/done'), 500); };
made.setLocalDescription();
</script>"""

SITE = r"""
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments): pass
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())
        if self.path == "/done":
            print("done", flush=True)
site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(site.server_port, flush=True)
site.serve_forever()
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=20)


def remove_leftovers() -> None:
    """Namespaces of processes that are gone, with what runs in them: a test that was killed could not tidy up."""
    for folder in ("/run/netns", "/etc/netns"):
        for path in pathlib.Path(folder).glob("proctor-*-*"):
            if pathlib.Path("/proc", path.name.rpartition("-")[2]).exists():
                continue
            if folder == "/etc/netns":
                shutil.rmtree(path, ignore_errors=True)
                continue
            inside = subprocess.run(["ip", "netns", "pids", path.name], stdout=subprocess.PIPE, text=True, timeout=20).stdout
            for pid in map(int, inside.split()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            subprocess.run(["ip", "netns", "delete", path.name], timeout=20)


class InNamespaces(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to make network namespaces")
        if not shutil.which("ip"):
            self.skipTest("the Debian package iproute2 is not installed")


class LeftoversTest(InNamespaces):
    def test_what_a_killed_test_left_is_removed_and_a_living_ones_is_not(self):
        gone = subprocess.Popen(["true"])
        gone.wait(20)
        left, living = f"proctor-in-{gone.pid}", f"proctor-other-{os.getpid()}"
        for name in (left, living):
            ip("netns", "add", name)
            self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, timeout=20)
        resolver = pathlib.Path("/etc/netns", left)
        resolver.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, resolver, ignore_errors=True)
        process = subprocess.Popen(["ip", "netns", "exec", left, "sh", "-c", "echo inside; exec sleep 600"], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.kill)
        self.assertEqual("inside", Lines(process.stdout).next())
        remove_leftovers()
        self.assertEqual(-signal.SIGKILL, process.wait(20))
        self.assertFalse(pathlib.Path("/run/netns", left).exists())
        self.assertFalse(resolver.exists())
        self.assertTrue(pathlib.Path("/run/netns", living).exists())


class NoPacketLeavesTest(InNamespaces):
    def setUp(self):
        super().setUp()
        remove_leftovers()
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
                                        stdout=subprocess.PIPE)
        self.addCleanup(self.sniffer.stdout.close)
        self.addCleanup(self.sniffer.wait, 20)
        self.addCleanup(self.sniffer.kill)
        self.seen = Lines(self.sniffer.stdout)
        self.assertEqual("ready", self.seen.next())

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
            line = self.seen.next()
            mark = next((mark for mark in waiting if line.endswith(mark)), None)
            if mark:
                waiting.remove(mark)
            else:
                seen.append(line)
        return seen

    def visit(self, *flags: str) -> None:
        """Opens PAGE in a session that may reach its site alone, and waits until it is through; `flags`: more of the browser's, which
        the server would refuse."""
        site = subprocess.Popen(["ip", "netns", "exec", self.inside, sys.executable, "-c", SITE, PAGE], stdout=subprocess.PIPE)
        self.addCleanup(site.stdout.close)
        self.addCleanup(site.wait, 20)
        self.addCleanup(site.kill)

        said = Lines(site.stdout)
        address = f"127.0.0.1:{said.next()}"
        folder = tempfile.TemporaryDirectory(prefix="proctor-test-")
        self.addCleanup(folder.cleanup)
        program, config = pathlib.Path(folder.name, "proctord"), pathlib.Path(folder.name, "proctord.yaml")
        program.write_text(f"#!/bin/sh\nexec ip netns exec {self.inside} '{os.environ['PROCTORD']}' \"$@\"\n")
        program.chmod(0o755)
        browser = pathlib.Path(folder.name, "browser")
        browser.write_text(f"#!/bin/sh\nexec {CHROMIUM} \"$@\" {' '.join(flags)}\n")
        browser.chmod(0o755)
        os.chmod(folder.name, 0o755)  # Browsers are started as another user.
        executable = f", executable: {browser}" if flags else ""
        config.write_text(f"browser: {{max_browsers: 1, prewarm_contexts: false{executable}}}\n"
                          f"egress: {{allowed_hosts: ['{address}']}}\n")
        with unittest.mock.patch.dict(os.environ, PROCTORD=str(program)):
            server = Proctord("--config", str(config), *os.environ.get("PROCTORD_FLAGS", "").split())
            self.addCleanup(server.__exit__)
            server.start()
        client = proctor.connect(server.address)
        self.addCleanup(client.close)
        task = task_pb2.Task(goal="Look at the page.", environment="environments/web")
        task.start_state.start_url = f"http://{address}/"
        with proctor.Env(client, "web", observe=["text"]) as env:
            env.reset(options={"task": task})
            self.assertEqual("done", said.next())

    def test_a_page_that_names_other_hosts_sends_nothing(self):
        self.visit()
        self.assertEqual([], self.packets())

    def test_the_check_sees_a_name_that_the_browser_looks_up(self):
        self.visit("--host-resolver-rules=")
        self.assertIn("ipv4 protocol 17 10.77.0.1 -> 10.77.0.2 port 53 turn.example", self.packets())

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
