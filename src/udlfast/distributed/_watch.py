"""Who is still there: one idle TCP connection from every process to rank 0.

No numbers travel here. The system closes the connections of a process that dies, however it dies, so the others know within
milliseconds, whatever the MPI library and its launcher do about it. A process that ends in order says so first:

    process k -> rank 0    {"bye": null}   its script has ended      {"bye": "ValueError: ..."}   it failed
    rank 0 -> everybody    {"left": k}     {"gone": [k, text]}       {"all": true}                everyone has said goodbye
"""

import json
import os
import socket
import struct
import sys
import threading
import time

GRACE = 15.0  # seconds from a death to the end of a process that does not communicate, and so cannot be told by an exception
FINALIZE = 10.0  # seconds for MPI's own end, once everybody has said goodbye
CONNECT = 5.0  # seconds to reach rank 0 at one of its addresses
IDLE, BETWEEN, PROBES = 5, 3, 4  # keepalive: a machine that lost power is noticed after 5 + 3 x 4 s


def addresses():
    """The IPv4 addresses of this machine's interfaces, loopback last."""
    import fcntl

    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _, name in socket.if_nameindex():
            try:
                row = fcntl.ioctl(s.fileno(), 0x8915, struct.pack("256s", name.encode()[:15]))  # SIOCGIFADDR
            except OSError:  # an interface without an address
                continue
            found.append(socket.inet_ntoa(row[20:24]))
    return sorted(found, key=lambda a: a.startswith("127."))


def keep_alive(sock):
    """A peer that no longer answers counts as gone."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPINTVL", BETWEEN), ("TCP_KEEPCNT", PROBES)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def lines(sock):
    """The messages that arrive, until the other side closes; a reset is an end like any other."""
    rest = b""
    while True:
        try:
            more = sock.recv(65536)
        except OSError:
            more = b""
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        for line in whole:
            yield json.loads(line)


def say(sock, message):
    """Send one message; whether it went out."""
    try:
        sock.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return False
    return True


class Hub:
    """Rank 0's side: a thread for each connection, which blocks until something happens."""

    def __init__(self, size, token, names):
        self.size, self.token, self.names = size, token, names
        self.lock = threading.Lock()
        self.sockets, self.left = {}, set()
        self.listener = socket.create_server(("", 0), backlog=size)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, name="udlfast-watch-accept", daemon=True).start()

    def _accept(self):
        while len(self.sockets) < self.size:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._listen, args=(sock,), name="udlfast-watch", daemon=True).start()

    def _listen(self, sock):
        keep_alive(sock)
        messages = lines(sock)
        first = next(messages, {})
        if first.get("token") != self.token or not say(sock, {"token": self.token}):
            return sock.close()
        rank, ended = first["rank"], False
        with self.lock:
            self.sockets[rank] = sock
        for message in messages:
            if "bye" in message:
                ended = True
                self._bye(rank, message["bye"])
        if not ended:
            self._tell({"gone": [rank, f"{self.names[rank]} died"]})

    def _bye(self, rank, reason):
        if reason is not None:
            return self._tell({"gone": [rank, f"{self.names[rank]} stopped: {reason}"]})
        with self.lock:
            self.left.add(rank)
            everyone = len(self.left) == self.size
        self._tell({"all": True} if everyone else {"left": rank})

    def _tell(self, message):
        with self.lock:
            for rank in sorted(self.sockets, reverse=True):  # rank 0 last: where it hears that all is over it closes all of these
                say(self.sockets[rank], message)


class Watch:
    """Every process's side. `lost` is a text once the group is broken; `left` are the ranks whose scripts have ended."""

    def __init__(self, rank, size, names, share):
        """names: how messages call the ranks; share(object or None) hands rank 0's object to everybody."""
        self.rank, self.names = rank, names
        self.lost, self.left, self.told = None, set(), False
        self.over, self.finalized = threading.Event(), threading.Event()
        self.hub = None
        if rank == 0:
            self.hub = Hub(size, os.urandom(16).hex(), names)
            share({"port": self.hub.port, "token": self.hub.token, "addresses": addresses()})
            where = {"port": self.hub.port, "token": self.hub.token, "addresses": ["127.0.0.1"]}
        else:
            where = share(None)
        self.sock = self._connect(where)
        os.register_at_fork(after_in_child=self.close)  # a reader of data must not hold the connection of a dead process open

    @property
    def on(self):
        """Whether this process is connected."""
        return self.sock is not None

    def start(self):
        """Begin to listen, once everybody is connected."""
        threading.Thread(target=self._listen, name="udlfast-watched", daemon=True).start()

    def _connect(self, where):
        for address in where["addresses"]:
            try:
                sock = socket.create_connection((address, where["port"]), timeout=CONNECT)
            except OSError:
                continue
            self._messages = lines(sock)
            if say(sock, {"token": where["token"], "rank": self.rank}) and next(self._messages, {}).get("token") == where["token"]:
                sock.settimeout(None)
                keep_alive(sock)
                return sock
            sock.close()
        return None

    def _listen(self):
        for message in self._messages:
            if "left" in message:
                self.left.add(message["left"])
            elif "gone" in message:
                return self._broken(message["gone"][1])
            elif "all" in message:
                self.over.set()
                return self._bound_end()
        if not self.over.is_set():
            self._broken(f"{self.names[0]} died")

    def _bound_end(self):
        """MPI_Finalize hangs now and then in some libraries (seen with MPICH over UCX), though everybody has said goodbye."""
        if not self.finalized.wait(FINALIZE):
            print(f"udlfast.distributed: {self.names[self.rank]}: MPI_Finalize did not return within {FINALIZE:g} s; ended without it",
                  file=sys.stderr, flush=True)  # fmt: skip
            os._exit(0)

    def _broken(self, text):
        if self.rank == 0 and self.told:
            return
        self.lost = text
        self.over.set()
        if self.told:
            return
        print(f"udlfast.distributed: {self.names[self.rank]}: {text}", file=sys.stderr, flush=True)
        time.sleep(GRACE)
        if not self.told:
            print(f"udlfast.distributed: {self.names[self.rank]}: ended, as {text} and it did not communicate for {GRACE:g} s",
                  file=sys.stderr, flush=True)  # fmt: skip
            os._exit(1)

    def bye(self, reason=None):
        """Say that this process ends; reason: why it failed."""
        self.told = self.told or reason is not None
        return say(self.sock, {"bye": reason})

    def close(self):
        """Let go of the connections."""
        self.told = True
        hub = [self.hub.listener, *self.hub.sockets.values()] if self.hub else []
        for sock in (self.sock, *hub):
            if sock:
                sock.close()
