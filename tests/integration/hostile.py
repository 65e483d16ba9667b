"""Clients that mean harm: many at once, until they are told to stop. Also a script:

    python3 hostile.py --port 8140 --connections 5000 --seconds 60
"""

import argparse
import random
import resource
import selectors
import socket
import ssl
import threading
import time

HELLO = bytes.fromhex("160301020001000001fc0303")  # the beginning of a ClientHello of 512 bytes


def sources(count):
    """Addresses of the loopback other than 127.0.0.1, where the honest ones are."""
    return [f"127.0.1.{1 + i}" for i in range(count)]


class Hostile:
    """Keeps `connections` bad ones open against a port of the loopback; each that ends is replaced."""

    KINDS = ("silent", "slow", "half", "garbage", "gone", "huge", "pipelined")

    def __init__(self, port, connections, source_count=5, kinds=KINDS):
        self.port = port
        self.connections = connections
        self.sources = sources(source_count)
        self.kinds = kinds
        self.opened = 0
        self.peak = 0
        self._stop = threading.Event()
        self._full = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        low, high = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (high if high != resource.RLIM_INFINITY else max(low, 65536), high))

    def __enter__(self):
        self._thread.start()
        self._full.wait(60)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def _open(self, selector):
        kind = self.kinds[self.opened % len(self.kinds)]
        end = socket.socket()
        try:
            end.bind((self.sources[self.opened % len(self.sources)], 0))
            end.settimeout(10)
            end.connect(("127.0.0.1", self.port))
            self.opened += 1
            if kind == "gone":
                end.close()
                return
            if kind in ("huge", "pipelined"):
                end = self._speak(end, kind)
            elif kind == "slow":
                end.sendall(HELLO[:5])
            elif kind == "half":
                end.sendall(HELLO)
                end.shutdown(socket.SHUT_WR)
            elif kind == "garbage":
                end.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
            end.setblocking(False)
            selector.register(end, selectors.EVENT_READ, kind)
        except OSError:
            end.close()  # refused or cut: that is what the limits are for

    @staticmethod
    def _speak(end, kind):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        inside = context.wrap_socket(end)
        if kind == "huge":
            inside.sendall(b"GET /v1/crl HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 60_000)
        else:
            inside.sendall(b"GET /v1/health/live HTTP/1.1\r\nHost: a\r\n\r\n" * 20
                           + random.randbytes(4000))
        return inside

    def _run(self):
        with selectors.DefaultSelector() as selector:
            while not self._stop.is_set():
                tried = 0
                while len(selector.get_map()) < self.connections and tried < 200:
                    tried += 1
                    self._open(selector)
                self.peak = max(self.peak, len(selector.get_map()))
                if self.opened >= self.connections:
                    self._full.set()
                for key, _ in selector.select(0.05):
                    try:
                        over = not key.fileobj.recv(65536)
                    except (ssl.SSLWantReadError, BlockingIOError):
                        over = False
                    except OSError:
                        over = True
                    if over:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                for key in random.sample(list(selector.get_map().values()),
                                         min(20, len(selector.get_map()))):
                    if key.data == "slow":
                        try:
                            key.fileobj.send(b"\0")
                        except OSError:
                            pass
            for key in list(selector.get_map().values()):
                key.fileobj.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--sources", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with Hostile(options.port, options.connections, options.sources) as load:
        time.sleep(options.seconds)
    print(f"opened {load.opened}, at most {load.peak} at once")


if __name__ == "__main__":
    main()
