"""Two network namespaces on one machine, joined by a link that is slow and narrow. Needs root.

`tc netem` where the kernel has it; else a process that carries packets between two TAP devices, each after
its time on the wire (size / rate) and the delay. Both directions have the full rate.
"""

import heapq
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

A, B = "10.213.7.1", "10.213.7.2"
QUEUE = 16 << 20  # bytes a direction may hold; what comes on top is lost, as in a switch


def impossible():
    """Why there can be no link here, or None."""
    if sys.platform != "linux" or os.geteuid() or not shutil.which("ip"):
        return "a link needs Linux, root and the command ip"
    name = f"udl-try-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        return "this machine allows no network namespaces"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None if os.path.exists("/dev/net/tun") else "there is no /dev/net/tun"


def ip(*words):
    """Run ip; its errors are shown."""
    subprocess.run(["ip", *words], check=True)


def open_tap(name):
    """The file of a new TAP device of this namespace."""
    import fcntl

    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x1002))  # TUNSETIFF: IFF_TAP | IFF_NO_PI
    return fd


def carry(fds, delay, rate):
    """Packets of each file to the other, until the process is ended."""
    busy, heaps, held = [0.0, 0.0], ([], []), [0, 0]
    number = 0
    while True:
        now = time.perf_counter()
        first = min((h[0][0] for h in heaps if h), default=now + 1)
        ready, _, _ = select.select(fds, [], [], max(0.0, first - now))
        for side, fd in enumerate(fds):
            if fd in ready:
                for _ in range(64):
                    try:
                        packet = os.read(fd, 65536)
                    except BlockingIOError:
                        break
                    if held[side] + len(packet) > QUEUE:
                        continue
                    busy[side] = max(busy[side], time.perf_counter()) + len(packet) / rate
                    number += 1
                    held[side] += len(packet)
                    heapq.heappush(heaps[side], (busy[side] + delay, number, packet))
        now = time.perf_counter()
        for side, heap in enumerate(heaps):
            while heap and heap[0][0] <= now:
                _, _, packet = heapq.heappop(heap)
                held[side] -= len(packet)
                try:
                    os.write(fds[1 - side], packet)
                except OSError:
                    pass


class Link:
    """`with Link(delay in ms one way, Mbit/s) as link:` and then link.command(mpiexec, words of a process)."""

    def __init__(self, delay, mbit):
        self.delay, self.mbit, self.names, self.relay = delay, mbit, (f"udl-a{os.getpid()}", f"udl-b{os.getpid()}"), None

    def __enter__(self):
        try:
            return self._made()
        except BaseException:
            self.__exit__()
            raise

    def _made(self):
        for name in self.names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        self.how = "tc netem" if self._netem() else "a relay over TAP devices"
        print(f"link: {self.how}", file=sys.stderr)
        return self

    def _netem(self):
        a, b = self.names
        ip("link", "add", "udl0", "netns", a, "type", "veth", "peer", "name", "udl1", "netns", b)
        for name, device, address in ((a, "udl0", A), (b, "udl1", B)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "up")
            words = ["tc", "-n", name, "qdisc", "add", "dev", device, "root", "netem", "delay", f"{self.delay}ms", "rate",
                     f"{self.mbit}mbit"]  # fmt: skip
            if not shutil.which("tc") or subprocess.run(words, capture_output=True).returncode:
                ip("-n", a, "link", "del", "udl0")
                self._tap()
                return False
        return True

    def _tap(self):
        reading, writing = os.pipe()
        self.relay = os.fork()
        if not self.relay:
            try:
                fds = []
                for name, device in zip(self.names, ("udl0", "udl1")):
                    os.setns(os.open(f"/var/run/netns/{name}", os.O_RDONLY)) if hasattr(os, "setns") else setns(name)
                    fds.append(open_tap(device))
                os.write(writing, b"x")
                carry(fds, self.delay / 1e3, self.mbit * 1e6 / 8)
            finally:
                os._exit(1)
        if os.read(reading, 1) != b"x":
            raise RuntimeError("the relay could not open its TAP devices")
        for name, device, address in ((self.names[0], "udl0", A), (self.names[1], "udl1", B)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "mtu", "65000", "txqueuelen", "10000", "up")

    def command(self, mpiexec, words):
        """Two processes, one at each end, which must not see that they could share memory.

        MPICH hands its connections down, so its launcher stays outside; Open MPI's is at one end, where the other can reach it.
        """
        a, b = (["ip", "netns", "exec", name] for name in self.names)
        if "HYDRA" in subprocess.run([mpiexec, "--version"], capture_output=True, text=True).stdout:
            env = ["env", "MPIR_CVAR_NUM_CLIQUES=2", "MPIR_CVAR_CH4_NETMOD=ucx", "UCX_TLS=tcp"]
            return [*env, mpiexec, "-n", "1", *a, *words, ":", "-n", "1", *b, *words]
        net = ["--pmixmca", "ptl_base_if_include", "udl0", "--pmixmca", "ptl_base_remote_connections", "1", "--pmixmca", "gds", "hash",
               "--mca", "pml", "ob1", "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "10.213.7.0/24"]  # fmt: skip
        return [*a, mpiexec, *net, "-n", "1", *words, ":", "-n", "1", *b, *words]

    def __exit__(self, *exc):
        if self.relay:
            os.kill(self.relay, signal.SIGKILL)
            os.waitpid(self.relay, 0)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def setns(name):
    """Move this process into a namespace (Python 3.11 has no os.setns)."""
    import ctypes

    fd = os.open(f"/var/run/netns/{name}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)
