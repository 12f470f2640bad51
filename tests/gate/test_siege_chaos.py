"""A random client and a random origin with gate between them: every whole answer is the one its request asked for."""
import contextlib
import hashlib
import os
import pathlib
import random
import socket
import threading
import time

import peers
import pytest

SECONDS = 12
CLIENTS = 6


def body_of(name, size):
    """What stands behind a name, the same for all who ask."""
    block = hashlib.sha256(name.encode()).hexdigest().encode()
    return (block * (size // len(block) + 1))[:size]


def pieces_of(dice, data):
    """Cut anywhere, now and then into single bytes."""
    while data:
        cut = dice.choice([1, 2, 7, 100, 4096, 65536, len(data)])
        yield data[:cut]
        data = data[cut:]


def chunks_of(dice, data):
    out = b''
    while data:
        cut = dice.choice([1, 3, 600, 5000, 70000])
        out += b'%x%s\r\n%s\r\n' % (len(data[:cut]), dice.choice([b'', b';a=b']), data[:cut])
        data = data[cut:]
    return out + b'0\r\n' + dice.choice([b'', b'X-Trailer: t\r\n']) + b'\r\n'


def send_cut(dice, wire, data):
    for piece in pieces_of(dice, data):
        wire.send(piece)
        if dice.random() < 0.02:
            time.sleep(0.002)


class ChaosOrigin(peers.Origin):
    """Says of each request what it got, in any framing; breaks off in any way."""

    def answer(self, wire, number):
        request = peers.Message(wire.take_until(b'\r\n\r\n'), connection=number)
        dice = random.Random(f'{request.target}{number}{time.monotonic()}')
        if request.line.startswith('POST') and dice.random() < 0.1:
            with contextlib.suppress(OSError):
                wire.send(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\nX-Name: early\r\n\r\nearly')
            if dice.random() < 0.5:
                wire.reset()
            return False
        peers.read_body(wire, request, False)
        name, size = request.one('X-Name'), int(request.one('X-Size'))
        if hashlib.sha256(request.body).hexdigest() != request.one('X-Sum'):
            self.requests.append(f'{name}: a body that its client did not send')
        self.say(dice, wire, request, name, body_of(name, size))
        return dice.random() < 0.9

    def say(self, dice, wire, request, name, body):
        if dice.random() < 0.04:
            return wire.reset()
        if dice.random() < 0.04:
            raise EOFError
        if dice.random() < 0.1:
            wire.send(b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' * dice.choice([1, 2]))
        kind = dice.choice(['length', 'length', 'length', 'chunked', 'close'])
        head = f'HTTP/1.1 200 OK\r\nX-Name: {name}\r\n'.encode()
        if dice.random() < 0.05:
            head = b'HTTP/1.1 204 No Content\r\nX-Name: %s\r\n' % name.encode()
            body, kind = b'', 'none'
        elif kind == 'length':
            head += b'Content-Length: %d\r\n' % len(body)
        elif kind == 'chunked':
            head += b'Transfer-Encoding: chunked\r\n'
            body = chunks_of(dice, body)
        if request.line.startswith('HEAD'):
            body = b''
        data = head + b'\r\n' + body
        if dice.random() < 0.05 and kind != 'close' and not request.line.startswith('HEAD'):
            data = data[:dice.randrange(len(data))]  # cut short
            wire.send(data)
            if dice.random() < 0.5:
                wire.reset()
            raise EOFError
        send_cut(dice, wire, data)
        if kind == 'close':
            raise EOFError


class Client(threading.Thread):
    """Sends requests until the end, several on a connection; `wrong` gathers what should not be."""

    def __init__(self, port, number, until):
        super().__init__(daemon=True)
        self.port, self.number, self.until = port, number, until
        self.dice = random.Random(number)
        self.wrong, self.whole, self.count = [], 0, 0

    def request(self):
        dice, method = self.dice, self.dice.choice(['GET', 'GET', 'GET', 'POST', 'PUT', 'HEAD'])
        self.count += 1
        name, size = f'c{self.number}-{self.count}', dice.choice([0, 1, 50, 4000, 66000, 400000])
        body = body_of(name + 'up', dice.choice([0, 1, 500, 40000, 200000])) if method[0] == 'P' else b''
        head = (f'{method} /{name} HTTP/1.1\r\nHost: a\r\nX-Name: {name}\r\nX-Size: {size}\r\n'
                f'X-Sum: {hashlib.sha256(body).hexdigest()}\r\n').encode()
        if dice.random() < 0.1:
            head += b'X-Pad: ' + b'p' * 5000 + b'\r\n'
        if method[0] == 'P' and dice.random() < 0.5:
            return method, name, size, head + b'Transfer-Encoding: chunked\r\n\r\n' + chunks_of(dice, body)
        if method[0] == 'P':
            head += b'Content-Length: %d\r\n' % len(body)
        return method, name, size, head + b'\r\n' + body

    def run(self):
        while time.monotonic() < self.until:
            with contextlib.suppress(OSError, EOFError), peers.Wire(self.port) as wire:
                self.talk(wire)

    def talk(self, wire):
        for _ in range(self.dice.randrange(1, 9)):
            requests = [self.request() for _ in range(self.dice.choice([1, 1, 2, 3]))]
            data = b''.join(each[-1] for each in requests)
            fate = self.dice.random()
            if fate < 0.05:
                send_cut(self.dice, wire, data[:self.dice.randrange(len(data))])
                wire.reset()
                return
            sender = threading.Thread(target=self.send, args=(wire, data))
            sender.start()
            try:
                if fate < 0.1:
                    wire.take(self.dice.randrange(1, 5000))
                    wire.reset()
                    return
                for each in requests:
                    if not self.check(wire, *each[:3]):
                        return
            finally:
                with contextlib.suppress(OSError):
                    wire.socket.shutdown(socket.SHUT_RD)
                sender.join()

    def send(self, wire, data):
        with contextlib.suppress(OSError):
            send_cut(self.dice, wire, data)

    def check(self, wire, method, name, size):
        """False where nothing more will come."""
        answer = peers.Message(wire.take_until(b'\r\n\r\n'))
        to_head = method == 'HEAD' or answer.status == 204
        if not to_head:
            peers.read_body(wire, answer, True)
        close = (answer.one('Connection') or '') == 'close'
        if answer.status >= 500:
            return not close
        if answer.one('X-Name') not in (name, 'early'):
            self.wrong.append(f'{name} was answered with {answer.head}')
        elif answer.one('X-Name') == name and not to_head and answer.body != body_of(name, size):
            self.wrong.append(f'{name}: {len(answer.body)} bytes of {size}, or others')
        self.whole += 1
        return not close


def descriptors(proxy):
    return sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in peers.family(proxy.process.pid))


def resident_kib(proxy):
    return sum(int(line.split()[1]) for pid in peers.family(proxy.process.pid)
               for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines() if line.startswith('VmRSS'))


@pytest.fixture
def chaos():
    with ChaosOrigin() as origin:
        yield origin


def storm(proxy, seconds, first):
    clients = [Client(proxy.port, first + number, time.monotonic() + seconds) for number in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join(seconds + 30)
        assert not each.is_alive(), f'client {each.number} waits for ever'
    assert [wrong for each in clients for wrong in each.wrong] == []
    return sum(each.whole for each in clients)


def settled(proxy, expected):
    """Descriptors, once what lingers has gone."""
    deadline = time.monotonic() + 8
    while descriptors(proxy) > expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return descriptors(proxy)


@pytest.mark.parametrize('servers', [1, 2])
def test_every_whole_answer_belongs_to_its_request(gate, chaos, servers):
    lines = f'server 127.0.0.1:{chaos.port} max_fails=0;' + f'server localhost:{chaos.port} max_fails=0;' * (servers - 1)
    proxy = gate('''location / { proxy_pass http://random; proxy_next_upstream error timeout invalid_header non_idempotent; }
                    client_max_body_size 0;''',
                 f'lingering_timeout 500ms; upstream random {{ {lines} keepalive 16; }}',
                 )
    storm(proxy, 1, 100)
    before, kib = descriptors(proxy), resident_kib(proxy)
    assert storm(proxy, SECONDS / 2, 0) > 50
    assert chaos.requests == []
    assert settled(proxy, before) <= before + 16  # idle connections to the origin
    assert resident_kib(proxy) < kib + 100_000
