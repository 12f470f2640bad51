"""Sends what is cut in pieces, each when gate has read the one before it: for client and origin, on Unix sockets.

What waits in a Unix socket counts as unsent until its reader takes it, so that a piece which follows at SIOCOUTQ 0 is a read
of its own, and nobody has to guess how long that takes.
"""
import array
import contextlib
import fcntl
import os
import select
import socket
import termios
import time

import peers

CLOSE = object()  # in a script: the origin ends the connection
NOT_COMPARED = (b'date:',)


def is_taken(connection):
    waits = array.array('i', [0])
    fcntl.ioctl(connection, termios.TIOCOUTQ, waits)
    return waits[0] == 0


def every_cut(wire, before=b''):
    """Whole, in two at each of its places but those where it begins as `before`, and byte by byte; what is long in fewer pieces."""
    step = 1 + len(wire) // 400
    yield [wire]
    for cut in range(len(os.path.commonprefix([wire, before])) or 1, len(wire), step):
        yield [wire[:cut], wire[cut:]]
    yield [wire[i:i + step] for i in range(0, len(wire), step)]


class Sender:
    """Pieces on their way; `connection` does not block."""

    def __init__(self, connection, pieces):
        self.connection, self.pieces = connection, list(pieces)

    def go_on(self):
        while self.pieces and is_taken(self.connection):
            piece = self.pieces.pop(0)
            if piece is CLOSE:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            try:
                sent = self.connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                self.pieces.clear()
                return
            if sent < len(piece):
                self.pieces.insert(0, piece[sent:])


def receive(connection):
    """What is there; None: nothing yet; b'': the end."""
    try:
        return connection.recv(1 << 16)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b''


class Messages:
    """HTTP/1 messages in what one side received, taken apart so that how chunks were cut does not matter."""

    def __init__(self, data, heads=0):
        self.data, self.found, self.heads = data, [], heads  # `heads`: so many answers are to HEAD
        with contextlib.suppress(ValueError):
            while self.data:
                self.found.append(self.take())

    def line(self):
        at = self.data.index(b'\r\n')
        line, self.data = self.data[:at], self.data[at + 2:]
        return line

    def lines(self):
        found = []
        while line := self.line():
            found.append(line)
        return found

    def cut(self, count):
        if len(self.data) < count:
            raise ValueError
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def chunks(self):
        body = b''
        while count := int(self.line(), 16):
            body += self.cut(count)
            assert self.cut(2) == b'\r\n'
        return body, self.lines()

    def take(self):
        kept = self.data
        try:
            first, *fields = self.lines()
            lower = [field.lower() for field in fields]
            lengths = [int(field[15:]) for field in lower if field.startswith(b'content-length:')]
            fields = [field for field in fields if not field.lower().startswith(NOT_COMPARED)]
            if self.is_bodiless(first):
                return first, fields, b'', []
            if b'transfer-encoding: chunked' in lower:
                return first, fields, *self.chunks()
            if lengths:
                return first, fields, self.cut(lengths[0]), []
            if first.startswith(b'HTTP/') and b'connection: upgrade' not in lower:
                body, self.data = self.data, b''
                return first, fields, body, []
            return first, fields, b'', []
        except ValueError:
            self.data = kept  # the rest is no whole message
            raise

    def is_bodiless(self, first):
        if not first.startswith(b'HTTP/'):
            return False
        if first[9:10] == b'1':
            return True
        self.heads -= 1
        return self.heads >= 0 or first[9:12] in (b'204', b'304')


class Bench:
    """A gate between a client and an origin, which both are this thread: nothing happens that was not asked for."""

    def __init__(self, gate, folder, server):
        self.inside, self.outside = str(folder / 'inside'), str(folder / 'outside')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.inside)
        self.listener.listen(64)
        self.listener.setblocking(False)
        self.proxy = gate(server.replace('ORIGIN', f'http://unix:{self.inside}:') + f'listen unix:{self.outside};',
                          main='user root;' if os.geteuid() == 0 else '')
        with socket.socket(socket.AF_UNIX) as asks:
            peers.wait_for(lambda: asks.connect_ex(self.outside) == 0)

    def exchange(self, sent, script=(), heads=0):
        """Sends the pieces to gate, plays `script` for each whole request that comes to the origin, until gate ends the connection.

        What the client received, what rest of it was no whole message, and what each connection of the origin received.
        """
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(self.outside)
            client.setblocking(False)
            sender, received, origins = Sender(client, sent), b'', []
            give_up = time.monotonic() + peers.PATIENCE_S
            while (more := receive(client)) != b'':
                received += more or b''
                sender.go_on()
                self.accept(stack, origins)
                for origin in origins:
                    origin.go_on(script)
                assert time.monotonic() < give_up, (sent, received, [bytes(origin.received) for origin in origins])
                select.select([client, self.listener, *(origin.connection for origin in origins if origin.open)], [], [],
                              0 if sender.pieces or any(origin.sender.pieces for origin in origins) else 1)
            self.accept(stack, origins)
            for origin in origins:
                origin.go_on(script)
        messages = Messages(received, heads)
        return messages.found, messages.data, [origin.received for origin in origins]

    def accept(self, stack, origins):
        with contextlib.suppress(BlockingIOError):
            while True:
                connection = stack.enter_context(self.listener.accept()[0])
                connection.setblocking(False)
                origins.append(OriginConnection(connection))


class OriginConnection:
    def __init__(self, connection):
        self.connection, self.received, self.open = connection, b'', True
        self.sender, self.answered = Sender(connection, []), 0

    def go_on(self, script):
        while self.open and (more := receive(self.connection)) is not None:
            self.open = bool(more)
            self.received += more
        if len(Messages(self.received).found) > self.answered:
            self.answered += 1
            self.sender.pieces += script
        self.sender.go_on()
