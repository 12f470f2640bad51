"""Who stands around gate in a test: an origin that records what it gets, a client of raw bytes, and the proxy itself."""
import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

from waiting import wait_for

PATIENCE_S = 25  # what hangs takes longer, and what is slow on a busy machine does not
TROUBLE = re.compile(r'\[(?:alert|emerg|crit)\]|AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:')


def pattern(count):
    """`count` bytes, each place of which can be told from its neighbours."""
    block = bytes(range(251))
    return (block * (count // len(block) + 1))[:count]


def family(pid):
    """A process and its children."""
    children = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


class Wire:
    """A connection of which every byte can be sent and seen."""

    def __init__(self, port=None, connection=None):
        self.socket = connection or socket.create_connection(('127.0.0.1', port), PATIENCE_S)
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        """Waits for some bytes; False at the end of the stream."""
        data = self.socket.recv(65536)
        self.received += data
        return bool(data)

    def take(self, count):
        while len(self.received) < count:
            if not self.more():
                raise EOFError(f'{len(self.received)} of {count} bytes')
        data, self.received = self.received[:count], self.received[count:]
        return data

    def take_until(self, end):
        while end not in self.received:
            if not self.more():
                raise EOFError(f'no {end} in {self.received[:200]}')
        return self.take(self.received.index(end) + len(end))

    def take_rest(self):
        with contextlib.suppress(ConnectionResetError):
            while self.more():
                pass
        return self.take(len(self.received))

    def take_chunked(self):
        """Framing and all: (raw bytes, body, trailer section)."""
        raw = body = b''
        while True:
            line = self.take_until(b'\r\n')
            size = int(line.split(b';')[0], 16)
            raw += line
            if size == 0:
                break
            data = self.take(size + 2)
            raw, body = raw + data, body + data[:-2]
        trailer = b''
        while not trailer.endswith(b'\r\n') or not (trailer == b'\r\n' or trailer.endswith(b'\r\n\r\n')):
            trailer += self.take_until(b'\r\n')
        return raw + trailer, body, trailer

    def reset(self):
        """Ends the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()


@dataclasses.dataclass
class Message:
    """A request or a response as it was on the wire."""
    head: bytes
    body: bytes = b''
    raw_body: bytes = b''  # with its chunked framing
    trailer: bytes = b''
    connection: int = 0  # at an origin: which one of its connections, from 0

    @property
    def line(self):
        return self.head.split(b'\r\n', 1)[0].decode('latin-1')

    @property
    def status(self):
        return int(self.line.split()[1])

    @property
    def target(self):
        return self.line.split(' ')[1]

    @property
    def fields(self):
        """[(name in lower case, value)], in the order of the wire."""
        lines = self.head.decode('latin-1').split('\r\n')[1:-2]
        pairs = (line.split(':', 1) for line in lines)
        return [(name.lower(), value.strip()) for name, value in pairs]

    def all(self, name):
        return [value for each, value in self.fields if each == name.lower()]

    def one(self, name):
        """The only value of that name, or None."""
        values = self.all(name)
        assert len(values) < 2, f'{name} came {len(values)} times'
        return values[0] if values else None


def read_body(wire, message, until_close):
    if 'chunked' in (message.one('Transfer-Encoding') or '').lower():
        message.raw_body, message.body, message.trailer = wire.take_chunked()
    elif message.one('Content-Length') is not None:
        message.body = message.raw_body = wire.take(int(message.one('Content-Length')))
    elif until_close:
        message.body = message.raw_body = wire.take_rest()
    return message


def read_response(wire, to_head=False):
    """The next response on the wire, an interim one too."""
    message = Message(wire.take_until(b'\r\n\r\n'))
    if to_head or message.status < 200 or message.status in (204, 304):
        return message
    return read_body(wire, message, True)


def ask(port, method, target, fields=(), body=b'', version='1.1'):
    """One request over a connection of its own; the response."""
    lines = [f'{method} {target} HTTP/{version}', 'Host: localhost', 'Connection: close', *fields]
    if body:
        lines.append(f'Content-Length: {len(body)}')
    with Wire(port) as wire:
        wire.send('\r\n'.join([*lines, '', '']).encode('latin-1') + body)
        return read_response(wire, method == 'HEAD')


def exchange(port, data):
    """Sends the bytes; all that comes back until the other side closes."""
    with Wire(port) as wire:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.send(data)
        return wire.take_rest()


class Origin:
    """An HTTP/1.1 server whose answers depend on the path, and which keeps what it was sent in `requests`.

    /b/N      N bytes with a Content-Length        /chunked/N   the same in chunks
    /close/N  the same up to the close             /slow/N      N bytes, one each 20 ms
    /trailer  chunked, with a trailer X-Sum        /interim     103, then 200
    /early    413 before the body is read          /cut         half of what the length says, then closed
    /reset    a reset after the request            /half-reset  half of a response, then a reset
    /echo     the request, head and body           /hold        answers once `release` is set
    /status/N an empty answer with that status     /pieces/N    N bytes, half of them once `release` is set

    What `scripts` has for a path is sent as it is; where it ends with None the connection is closed behind it.
    """

    def __init__(self, host='127.0.0.1', port=0):
        self.requests = []
        self.scripts = {}
        self.connections = 0
        self.release = threading.Event()
        self.stopped = False
        self.open = set()
        self.lock = threading.Lock()
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=128)
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    @property
    def whole(self):
        """The requests whose bodies are here too."""
        return [each for each in self.requests if each.raw_body or not (each.one('Transfer-Encoding') or int(each.one('Content-Length') or 0))]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopped = True
        self.release.set()
        with self.lock:
            sockets = [self.listener, *self.open]
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(PATIENCE_S)
        self.listener.close()

    def accept(self):
        while not self.stopped:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection, self.connections), daemon=True)
            self.connections += 1
            with self.lock:
                self.open.add(connection)
                self.threads.append(thread)
            thread.start()

    def serve(self, connection, number):
        wire = Wire(connection=connection)
        wire.socket.settimeout(None)
        with contextlib.suppress(OSError, EOFError):
            while self.answer(wire, number):
                pass
        with self.lock:
            self.open.discard(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def answer(self, wire, number):
        """Serves one request; False where the connection is to be closed then."""
        request = Message(wire.take_until(b'\r\n\r\n'), connection=number)
        self.requests.append(request)
        path = request.target.split('?')[0]
        if path == '/early':
            wire.send(b'HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly')
            wire.socket.shutdown(socket.SHUT_WR)
            wire.take_rest()  # unread bytes would make a reset of the close
            return False
        if (request.one('Expect') or '').lower() == '100-continue':
            wire.send(b'HTTP/1.1 100 Continue\r\n\r\n')
        read_body(wire, request, False)
        if path in self.scripts:
            return self.play(wire, self.scripts[path])
        name, _, rest = path[1:].partition('/')
        method = getattr(self, 'answer_' + name.replace('-', '_'), None)
        if method:
            return method(wire, request, rest) is not False
        return self.send_length(wire, request, b'not here\n', '404 Not Found') is not False

    @staticmethod
    def play(wire, script):
        for piece in script:
            if piece is None:
                return False
            wire.send(piece)
        return True

    @staticmethod
    def send_length(wire, request, body, status='200 OK'):
        head = f'HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n'
        wire.send(head.encode() + (b'' if request.line.startswith('HEAD ') else body))

    def answer_b(self, wire, request, rest):
        self.send_length(wire, request, pattern(int(rest)))

    def answer_echo(self, wire, request, _):
        self.send_length(wire, request, request.head + request.body)

    def answer_status(self, wire, request, rest):
        self.send_length(wire, request, b'', f'{rest} Status')

    def answer_hold(self, wire, request, _):
        self.release.wait()
        self.send_length(wire, request, b'held')

    @staticmethod
    def send_chunks(wire, request, body, trailer=b''):
        wire.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        if request.line.startswith('HEAD '):
            return
        for at in range(0, len(body), 4000):
            piece = body[at:at + 4000]
            wire.send(b'%x;part\r\n%s\r\n' % (len(piece), piece))
        wire.send(b'0\r\n' + trailer + b'\r\n')

    def answer_chunked(self, wire, request, rest):
        self.send_chunks(wire, request, pattern(int(rest)))

    def answer_trailer(self, wire, request, _):
        self.send_chunks(wire, request, b'body', b'X-Sum: 1\r\n')

    @staticmethod
    def answer_close(wire, _, rest):
        wire.send(b'HTTP/1.1 200 OK\r\n\r\n' + pattern(int(rest)))
        return False

    @staticmethod
    def answer_slow(wire, _, rest):
        wire.send(f'HTTP/1.1 200 OK\r\nContent-Length: {rest}\r\n\r\n'.encode())
        for at in range(int(rest)):
            time.sleep(0.02)
            wire.send(pattern(at + 1)[-1:])

    def answer_pieces(self, wire, _, rest):
        body = pattern(int(rest))
        wire.send(f'HTTP/1.1 200 OK\r\nContent-Length: {rest}\r\n\r\n'.encode() + body[:len(body) // 2])
        self.release.wait()
        wire.send(body[len(body) // 2:])

    def answer_interim(self, wire, request, _):
        wire.send(b'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n')
        self.send_length(wire, request, b'final')

    @staticmethod
    def answer_cut(wire, _, __):
        wire.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' + pattern(500))
        return False

    @staticmethod
    def answer_reset(wire, _, __):
        wire.reset()
        return False

    @staticmethod
    def answer_half_reset(wire, _, __):
        wire.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' + pattern(500))
        time.sleep(0.1)
        wire.reset()
        return False


class Patient(Origin):
    """Answers /health with what `health` is, and what it is asked besides with what it always does."""
    health = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-State: up\r\n\r\nwell'

    def answer_health(self, wire, _, __):
        wire.send(self.health)
        return False


def group(two, more='', parameters=''):
    return f'upstream two {{ {more} ' + ''.join(f'server 127.0.0.1:{each.port} {parameters};' for each in two) + '}'


class TlsOrigin(Origin):
    """The same behind TLS, with a key and a certificate from one file."""

    def __init__(self, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        super().__init__()

    def serve(self, connection, number):
        with contextlib.suppress(OSError):
            secure = self.context.wrap_socket(connection, server_side=True)
            with self.lock:
                self.open.discard(connection)
                self.open.add(secure)
            super().serve(secure, number)


class Proxy:
    """gate, or nginx, with a configuration and a folder of its own, until the end of a with block."""

    def __init__(self, program, folder, text, ports, arguments=()):
        self.folder, self.ports = folder, ports
        (folder / 'logs').mkdir(parents=True, exist_ok=True)
        (folder / 'proxy.conf').write_text(text)
        self.command = [str(program), '-p', f'{folder}/', '-c', str(folder / 'proxy.conf'), *arguments]
        pid = re.search(r'(?:^|;)\s*pid (\S+);', text, re.M)
        self.pid_file = pid and folder / pid[1]
        self.process = None

    @property
    def port(self):
        return self.ports[0]

    @property
    def told(self):
        """All that it said, on its standard output and in its error log."""
        logs = (self.folder / 'said', self.folder / 'logs/error.log')
        return ''.join(each.read_text(errors='replace') for each in logs if each.exists())

    def start(self):
        with open(self.folder / 'said', 'wb') as said:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=said)
        deadline = time.monotonic() + PATIENCE_S
        for port in self.ports:
            while self.refuses(port):
                assert self.process.poll() is None, f'ended with {self.process.returncode}: {self.told}'
                assert time.monotonic() < deadline, f'does not listen on {port}: {self.told}'
                time.sleep(0.01)
        if self.pid_file:  # before it is written a signal may find nobody who minds it
            wait_for(lambda: self.pid_file.exists() and self.pid_file.read_text(), 'the pid file')
        return self

    @staticmethod
    def refuses(port):
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', port)) != 0

    def signal(self, number):
        self.process.send_signal(number)

    def rest(self):
        """Waits until no thread of it has anything to do: what came to it before has been dealt with."""
        def is_asleep():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                pids = family(self.process.pid)
                return all(stat.read_text().rpartition(')')[2].split()[0] == 'S'
                           for pid in pids for stat in pathlib.Path(f'/proc/{pid}/task').glob('*/stat')) and pids == family(self.process.pid)
            return False

        wait_for(is_asleep, 'its rest')

    def stop(self):
        """Asks it to end, as a service manager would; it must do so at once and without complaint."""
        if self.process is None:
            return
        self.signal(signal.SIGQUIT)
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            raise AssertionError(f'does not stop: {self.told}') from None
        told = self.told
        assert status == 0, f'ended with {status}: {told}'
        assert not TROUBLE.search(told), told

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


# nginx's workers give up root, and its folders for temporary files are those of the whole machine.
NGINX_MAIN = 'user root;\n' if os.geteuid() == 0 else ''
NGINX_HTTP = 'client_body_temp_path body; proxy_temp_path proxy;'


def configuration(port, server, http='', main='', listen=''):
    """A whole file around what stands in the one server block."""
    return f'''
daemon off;
{'' if 'worker_processes' in main else 'worker_processes 1;'}
pid logs/proxy.pid;
error_log logs/error.log info;
{main}
events {{ }}
http {{
    access_log logs/access.log;
    {http}
    server {{
        listen 127.0.0.1:{port} {listen};
        {server}
    }}
}}
'''
