"""Connections to origins that nobody uses are every loop's to take."""
import contextlib
import socket
import threading

import peers
import pytest


def ask_at_once(proxy, clients, count):
    wrong = []

    def client(number):
        for i in range(count):
            answer = peers.ask(proxy.port, 'POST' if i % 5 == 0 else 'GET', f'/b/{number * 100 + i}')
            if answer.body != peers.pattern(number * 100 + i):
                wrong.append((number, i, answer.status))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_any_loop_takes_any_idle_connection(gate, nginx_program, origin):
    """Requests one after the other, over connections of their own: whichever loop they come to, one connection serves them all."""
    http = f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}'
    pass_on = 'location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }'
    made = {}
    for program in (None, nginx_program):
        before = origin.connections
        proxy = gate(pass_on, http, main='worker_processes 3;', program=program, listen='reuseport')
        for i in range(60):
            assert peers.ask(proxy.port, 'GET', f'/b/{i}').body == peers.pattern(i)
            proxy.rest()  # the connection is idle
        made[proxy.command[0].rpartition('/')[2]] = origin.connections - before
    print('connections to the origin for 60 requests over 3 loops or workers:', made)
    assert made['gate'] == 1


def test_loops_take_from_each_other_under_load(gate, origin):
    http = f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 3; }}'
    proxy = gate('location / { proxy_pass http://u; }', http, main='worker_processes 3;', listen='reuseport')
    ask_at_once(proxy, 8, 60)
    print(f'{origin.connections} connections for 480 requests')


@pytest.mark.parametrize('versions', ['TLSv1.2', 'TLSv1.3'])
def test_tls_connections_are_every_loop_s_too(gate, certificate, versions):
    """Handshakes are what costs: 40 requests to three loops want one."""
    with peers.TlsOrigin(certificate) as origin:
        http = f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}'
        proxy = gate(f'''location / {{ proxy_pass https://u; proxy_ssl_protocols {versions}; proxy_ssl_verify on; proxy_ssl_name localhost;
                                       proxy_ssl_trusted_certificate {certificate}; }}
                         location /other/ {{ proxy_pass https://u/; proxy_ssl_name other; }}''', http, main='worker_processes 3;', listen='reuseport')
        for i in range(40):
            assert peers.ask(proxy.port, 'POST' if i % 3 == 0 else 'GET', f'/b/{i}').body == peers.pattern(i)
            proxy.rest()
        assert origin.connections <= 2  # a POST does not go into one that a session ticket has just come on
        before = origin.connections
        assert peers.ask(proxy.port, 'GET', '/other/b/5').body == peers.pattern(5)
        assert origin.connections == before + 1  # another name, another proof


def test_tls_connections_under_load(gate, certificate):
    with peers.TlsOrigin(certificate) as origin:
        http = f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 3; }}'
        proxy = gate('location / { proxy_pass https://u; }', http, main='worker_processes 3;', listen='reuseport')
        ask_at_once(proxy, 6, 40)
        print(f'{origin.connections} connections for 240 requests')


@pytest.mark.parametrize('most', [0, 1, 3])
def test_the_cap_is_the_upstream_s(gate, origin, most):
    """Twelve connections are busy at once, in three loops; when all are done, three times `most` are left of them, wherever they were."""
    proxy = gate('location / { proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive {most}; }}',
                 main='worker_processes 3;', listen='reuseport')
    for _ in range(3):
        origin.release.clear()
        before = len([each for each in origin.requests if each.target == '/hold'])
        wires = [peers.Wire(proxy.port) for _ in range(12)]
        for wire in wires:
            wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        peers.wait_for(lambda before=before: len([each for each in origin.requests if each.target == '/hold']) == before + 12)
        origin.release.set()
        for wire in wires:
            assert peers.read_response(wire).body == b'held'
            wire.socket.close()
        peers.wait_for(lambda: len(origin.open) == 3 * most)


RETURNS = {  # what the origin does, and whether its connection serves the next request too
    'a length': ([b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'], True),
    'chunks': ([b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'], True),
    'no body': ([b'HTTP/1.1 204 No Content\r\n\r\n'], True),
    'it wants to close': ([b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'], False),
    'HTTP/1.0': ([b'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'], False),
    'a byte too many': ([b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokx'], False),
    'a body of 204': ([b'HTTP/1.1 204 No Content\r\n\r\nok'], False),
    'a second answer': ([b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' * 2], False),
    'bytes behind the last chunk': ([b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1'], False),
}


@pytest.mark.parametrize('what', RETURNS)
def test_who_may_return(gate, origin, what):
    origin.scripts['/odd'], reused = RETURNS[what]
    proxy = gate('location / { proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}', main='worker_processes 2;')
    for i in range(6):
        assert peers.ask(proxy.port, 'GET', '/odd').status in (200, 204)
        proxy.rest()
        assert peers.ask(proxy.port, 'GET', f'/b/{i}').body == peers.pattern(i)
        proxy.rest()
    assert origin.connections == (1 if reused else 7)


def test_what_comes_while_it_is_idle_ends_it(gate, origin):
    """An answer to no request: it would be the next client's."""
    proxy = gate('location / { proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}', main='worker_processes 3;', listen='reuseport')
    for i in range(10):
        assert peers.ask(proxy.port, 'GET', f'/b/{i}').body == peers.pattern(i)
        peers.wait_for(lambda: origin.open)
        with origin.lock, contextlib.suppress(OSError):
            for each in origin.open:
                each.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
        peers.wait_for(lambda: not origin.open)
    assert origin.connections == 10


def test_a_body_that_was_not_sent_whole_keeps_nothing(gate, origin):
    """The origin answers before it has the body: what comes of that connection next would be read as its rest."""
    origin.scripts['/soon'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']
    proxy = gate('location / { proxy_pass http://u; proxy_request_buffering off; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}')
    early = origin.answer

    def answer(wire, number):
        head = wire.take_until(b'\r\n\r\n')
        if b'/soon' not in head:
            wire.received = head + wire.received
            return early(wire, number)
        wire.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        return True

    origin.answer = answer
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST /soon HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin')
        assert peers.read_response(wire).body == b'ok'
        assert peers.ask(proxy.port, 'GET', '/b/9').body == peers.pattern(9)
        assert origin.connections == 2


def test_who_left_in_the_middle_leaves_no_connection(gate, origin):
    proxy = gate('location / { proxy_pass http://u; proxy_buffering off; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}')
    for _ in range(3):
        with peers.Wire(proxy.port) as wire:
            wire.send(b'GET /slow/1000 HTTP/1.1\r\nHost: a\r\n\r\n')
            wire.take_until(b'\r\n\r\n')
        peers.wait_for(lambda: not origin.open)
        assert peers.ask(proxy.port, 'GET', '/b/9').body == peers.pattern(9)
        peers.wait_for(lambda: len(origin.open) == 1)
        for each in list(origin.open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        peers.wait_for(lambda: not origin.open)


@pytest.mark.parametrize(('words', 'connections'), [('keepalive_requests 3;', 4), ('keepalive_time 100ms;', 12), ('keepalive_timeout 20ms;', 12), ('', 1)])
def test_how_long_one_serves(gate, origin, words, connections):
    proxy = gate('location / { proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; {words} }}', main='worker_processes 2;', listen='reuseport')
    for i in range(12):
        assert peers.ask(proxy.port, 'GET', f'/b/{i}').body == peers.pattern(i)
        proxy.rest()
        if 'time' in words:
            threading.Event().wait(0.12)
    assert origin.connections == connections or ('keepalive_time ' in words and 6 <= origin.connections <= 12)
