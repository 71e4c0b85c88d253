# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of redis-server that can cut off one kind of connection: what CLIENT SETNAME called it.

Cut off means that nothing passes in either direction while the connections stay open: as behind a switch that died.
What had arrived meanwhile goes on when the cut ends."""
import socket
import threading

PIECE_BYTES = 65536


class TcpProxy:
    """One for each client whose connections are to be cut; `port` is where it listens on loopback."""

    def __init__(self, unix_path):
        self.unix_path = str(unix_path)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.changed = threading.Condition()
        self.cut_name = None
        self.sockets = []
        self.is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, name):
        """From now on nothing passes of connections with that name; None: everything passes again."""
        with self.changed:
            self.cut_name = name.encode() if name else None
            self.changed.notify_all()

    def close(self):
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
            for one in self.sockets + [self.listener]:
                _end(one)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.unix_path)
            except OSError:
                client.close()
                continue
            with self.changed:
                self.sockets += [client, server]
            said = bytearray()  # by the client, until it has told its name
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink, said, source is client), daemon=True).start()

    def _pump(self, source, sink, said, is_client):
        try:
            while piece := source.recv(PIECE_BYTES):
                if is_client and len(said) < PIECE_BYTES:
                    said += piece
                with self.changed:
                    self.changed.wait_for(lambda: self.is_closed or not self.cut_name or self.cut_name not in said)
                sink.sendall(piece)
        except OSError:
            pass
        for one in (source, sink):
            _end(one)


def _end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
