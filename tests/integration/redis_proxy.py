# SPDX-License-Identifier: Apache-2.0
"""The line between Passgate and Redis, which can be cut, go dead, or become slow."""
import contextlib
import os
import socket
import threading

BYTE_SECONDS = 1


class Link:
    """One connection through the proxy, with a thread for each direction."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = socket.socket(socket.AF_UNIX)
        proxy.links.add(self)  # before the look at the mode: set() finds it, or it finds what was set
        self.is_dead = proxy.mode == "dead"
        try:
            self.server.connect(proxy.target)
        except OSError:
            self.close()
            return
        for arguments in ((self.client, self.server, False), (self.server, self.client, True)):
            threading.Thread(target=self._carry, args=arguments, daemon=True).start()

    def close(self):
        self.proxy.links.discard(self)
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _carry(self, source, sink, is_reply):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.is_dead:
                    continue
                while data:
                    step = len(data)
                    if is_reply and self.proxy.mode == "slow":
                        self.proxy.changed.wait(BYTE_SECONDS)
                        step = 1
                    sink.sendall(data[:step])
                    data = data[step:]
        self.close()


class RedisProxy:
    """Between unix sockets.  Modes:
    open   everything is passed on
    cut    connections are closed, new ones are refused
    dead   connections stay and nothing comes through, nor ever will: whoever stood between has forgotten them
    slow   replies come byte by byte, one a second"""

    def __init__(self, path, target):
        self.path = str(path)
        self.target = str(target)
        self.links = set()
        self.changed = threading.Event()
        self.listener = None
        self.mode = "open"
        self._listen()

    def set(self, mode):
        self.mode, changed = mode, self.changed
        self.changed = threading.Event()
        changed.set()
        for link in list(self.links):
            link.is_dead |= mode == "dead"
            if mode == "cut":
                link.close()
        if mode == "cut":
            self._refuse()
        elif not self.listener:
            self._listen()

    def close(self):
        self._refuse()
        for link in list(self.links):
            link.close()

    def _listen(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _refuse(self):
        if self.listener:
            os.unlink(self.path)
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        self.listener = None

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                Link(self, listener.accept()[0])
