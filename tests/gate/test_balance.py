"""Which of three servers gets a request, by each method, beside nginx; and what clients see when one of them fails."""
import collections
import contextlib
import functools
import select
import socket

import failing
import peers
import pytest


@pytest.fixture
def three():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(peers.Origin()) for _ in range(3)]


def group(three, method, parameters=('', '', '')):
    servers = ''.join(f'server 127.0.0.1:{origin.port} {more};' for origin, more in zip(three, parameters))
    return f'upstream three {{ {method} {servers} keepalive 8; }}'


PASS = '''
    location / { proxy_pass http://three; proxy_http_version 1.1; proxy_set_header Connection "";
                 proxy_connect_timeout 5s; proxy_read_timeout 5s; add_header X-Server $upstream_addr; }
'''


def read_chosen(answer, three):
    numbers = {f'127.0.0.1:{origin.port}': i for i, origin in enumerate(three)}
    return [numbers[each] for each in (answer.one('X-Server') or '').split(', ') if each], answer.status


def chosen(port, three, target, fields=()):
    """The numbers of those that were asked, first to last, and the status."""
    return read_chosen(peers.ask(port, 'GET', target, fields), three)


def chosen_from(source, place, three):
    """The same for a client with that address."""
    family = socket.AF_INET6 if ':' in source else socket.AF_INET
    connection = socket.socket(family)
    connection.bind((source, 0))
    connection.connect(place)
    with peers.Wire(connection=connection) as wire:
        wire.send(b'GET /b/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        return read_chosen(peers.read_response(wire), three)


def both(gate, nginx_program, three, method, parameters=('', '', '')):
    http = group(three, method, parameters)
    return gate(PASS, http), gate(PASS, http, program=nginx_program)


@pytest.mark.parametrize('parameters', [('', '', ''), ('weight=5', '', 'weight=2'), ('backup', '', 'weight=3'),
                                        ('down', 'weight=2', '')])
@pytest.mark.parametrize('method', ['', 'least_conn;'])
def test_turns_are_nginx_s(gate, nginx_program, three, method, parameters):
    ours, theirs = both(gate, nginx_program, three, method, parameters)
    for i in range(24):
        assert chosen(ours.port, three, f'/b/{i}') == chosen(theirs.port, three, f'/b/{i}'), i


@pytest.mark.parametrize('parameters', [('', '', ''), ('weight=5', '', 'weight=2'), ('', 'down', 'weight=3'),
                                        ('', 'backup', '')])
@pytest.mark.parametrize('method', ['hash $arg_key;', 'hash $arg_key consistent;', 'hash "$uri $arg_key";'])
def test_a_key_finds_the_server_that_nginx_finds(gate, nginx_program, three, method, parameters):
    if 'backup' in parameters:  # refused behind the method; before it nginx lets it pass
        http = group(three, '', parameters).replace('keepalive 8;', method)
        ours, theirs = gate(PASS, http), gate(PASS, http, program=nginx_program)
    else:
        ours, theirs = both(gate, nginx_program, three, method, parameters)
    seen = collections.Counter()
    for i in range(60):
        target = f'/b/{i % 7}?key={"k" * (i % 5)}{i * i}'
        order, status = chosen(ours.port, three, target)
        assert (order, status) == chosen(theirs.port, three, target), target
        seen[order[0]] += 1
    assert len(seen) == len([each for each in parameters if each not in ('down', 'backup')])


@pytest.mark.parametrize('method', ['hash $arg_key;', 'hash $arg_key consistent;'])
def test_the_next_server_for_a_key_is_nginx_s(gate, nginx_program, three, method):
    """One server is gone: who stands in for it, at first and once it is known to be down?"""
    three[1].stop()
    ours, theirs = both(gate, nginx_program, three, method, ('', 'weight=2', ''))
    for i in range(40):
        target = f'/b/1?key={i}'
        assert chosen(ours.port, three, target) == chosen(theirs.port, three, target), target


WEIGHTS = [('', '', ''), ('weight=5', '', 'weight=2'), ('', 'down', 'weight=3'), ('weight=9', 'weight=8', 'weight=7')]


@pytest.mark.parametrize('parameters', WEIGHTS)
def test_an_address_finds_the_server_that_nginx_finds(gate, nginx_program, three, parameters):
    ours, theirs = both(gate, nginx_program, three, 'ip_hash;', parameters)
    seen = set()
    for i in range(40):
        source = f'127.{i * 37 % 256}.{i * 101 % 256}.{i + 1}'
        order, status = chosen_from(source, ('127.0.0.1', ours.port), three)
        assert (order, status) == chosen_from(source, ('127.0.0.1', theirs.port), three), source
        assert (order, status) == chosen_from(source.rpartition('.')[0] + '.200', ('127.0.0.1', ours.port), three)
        seen.add(order[0])
    assert len(seen) == 3 - parameters.count('down')


@pytest.mark.parametrize('parameters', WEIGHTS)
def test_an_ipv6_address_and_a_path_as_nginx(gate, nginx_program, three, parameters, free_port, tmp_path):
    http, seen = group(three, 'ip_hash;', parameters), []
    for program in (None, nginx_program):
        port, path = free_port(), tmp_path / f's{len(seen)}'
        gate(f'{PASS} listen [::1]:{port}; listen unix:{path};', http, program=program)
        with socket.socket(socket.AF_UNIX) as by_path:
            by_path.settimeout(peers.PATIENCE_S)
            by_path.connect(str(path))
            by_path.sendall(b'GET /b/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
            head = b''.join(iter(functools.partial(by_path.recv, 4096), b'')).partition(b'\r\n\r\n')[0]
        seen.append((read_chosen(peers.Message(head + b'\r\n\r\n'), three), chosen_from('::1', ('::1', port), three)))
    assert seen[0] == seen[1]


def test_the_next_server_for_an_address_is_nginx_s(gate, nginx_program, three):
    three[1].stop()
    ours, theirs = both(gate, nginx_program, three, 'ip_hash;', ('', 'weight=2', ''))
    for i in range(40):
        source = f'127.{i * 37 % 256}.{i * 101 % 256}.{i + 1}'
        assert chosen_from(source, ('127.0.0.1', ours.port), three) == \
            chosen_from(source, ('127.0.0.1', theirs.port), three), source


@pytest.mark.parametrize('method', ['hash $arg_key;', 'hash $arg_key consistent;'])
def test_without_a_key_servers_take_turns(gate, nginx_program, three, method):
    for proxy in both(gate, nginx_program, three, method):
        assert [chosen(proxy.port, three, '/b/1')[0] for _ in range(6)] == [[0], [1], [2]] * 2


@pytest.mark.parametrize('method', ['random;', 'random two;'])
def test_chance_is_fair_as_nginx_s(gate, nginx_program, three, method):
    """240 requests, one after the other; a third each, within five standard deviations (7.3 each)."""
    for proxy in both(gate, nginx_program, three, method):
        seen = collections.Counter(chosen(proxy.port, three, '/b/1')[0][0] for _ in range(240))
        print(proxy.command[0].rpartition('/')[2], method, sorted(seen.items()))
        assert all(43 <= seen[i] <= 117 for i in range(3))


def test_least_conn_leaves_the_busy_alone(gate, nginx_program, three):
    for proxy in both(gate, nginx_program, three, 'least_conn;', ('weight=2', '', '')):
        for origin in three:
            origin.release.clear()
            origin.requests.clear()
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(peers.Wire(proxy.port)) for _ in range(8)]
            for count, wire in enumerate(wires, 1):
                wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
                peers.wait_for(lambda count=count: sum(len(origin.requests) for origin in three) == count)
            assert [len(origin.requests) for origin in three] == [4, 2, 2]
            three[1].release.set()
            peers.wait_for(lambda wires=wires: len(select.select([wire.socket for wire in wires], [], [], 0)[0]) == 2)
            for _ in range(5):
                assert chosen(proxy.port, three, '/b/1')[0] == [1]
            for origin in three:
                origin.release.set()
            for wire in wires:
                assert peers.read_response(wire).body == b'held'


# Every method and every trouble, a third of their pairs; `make soak` has them all, for longer.
FAILING = [(method, trouble) for i, method in enumerate(failing.METHODS) for j, trouble in enumerate(failing.TROUBLES) if (i + j) % 3 == 0]


@pytest.mark.parametrize(('method', 'trouble'), FAILING)
def test_one_fails_and_no_client_sees_it(gate, method, trouble):
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(failing.Origin()) for _ in range(3)]
        proxy = gate(failing.server(trouble), failing.group(three, method), main='worker_processes 2;')
        figures = failing.run(proxy, three, trouble, 0.6)
        print(f'{method or "round robin"}, one {trouble}: {figures}')
        failing.check(figures, trouble)
