"""Names that are asked for while gate runs, at a name server of the test's own."""
import collections
import contextlib
import time

import dns_server
import peers
import pytest

A, AAAA, SRV = dns_server.A, dns_server.AAAA, dns_server.SRV
PASS = 'location / { proxy_pass http://group; proxy_set_header Connection ""; add_header X-Server $upstream_addr; }'


@pytest.fixture
def names():
    with dns_server.NameServer() as server:
        yield server


class Origin(peers.Origin):
    """At an address of its own, with the port of the others."""
    def __init__(self, host, port):
        super().__init__(host, port)
        self.place = f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


@pytest.fixture
def hosts(free_port):
    with contextlib.ExitStack() as stack:
        port = free_port()
        yield [stack.enter_context(Origin(host, port)) for host in ('127.0.0.1', '127.0.0.2', '127.0.0.3', '::1')]


def asked(proxy, count=8):
    answers = [peers.ask(proxy.port, 'GET', '/b/1') for _ in range(count)]
    return {(each.one('X-Server') or '').split(', ')[-1] if each.status == 200 else each.status for each in answers}


@pytest.mark.parametrize(('method', 'loops'), [('', 1), ('hash $request_id maglev;', 2), ('random two;', 3)])
def test_servers_come_and_go(gate, names, hosts, method, loops):
    port = hosts[0].listener.getsockname()[1]
    names.records['app.test', A] = ['127.0.0.1', '127.0.0.2']
    proxy = gate(PASS, f'''resolver 127.0.0.1:{names.port}; upstream group {{ {method} zone group 64k;
                           server app.test:{port} resolve; }}''', main=f'worker_processes {loops};')
    assert asked(proxy, 1) <= {each.place for each in hosts[:2]}  # the very first waits for the name
    assert asked(proxy, 20) == {each.place for each in hosts[:2]}
    names.records['app.test', A] = ['127.0.0.2', '127.0.0.3']
    names.records['app.test', AAAA] = ['::1']
    peers.wait_for(lambda: '3 addresses now' in proxy.told)
    assert asked(proxy, 40) == {each.place for each in hosts[1:]}
    names.fails = True  # who cannot say takes nothing away
    peers.wait_for(lambda: 'could not be resolved' in proxy.told)
    assert asked(proxy, 20) == {each.place for each in hosts[1:]}
    names.fails = False
    names.records.clear()
    peers.wait_for(lambda: '0 addresses now' in proxy.told or asked(proxy, 1) == {502})
    assert asked(proxy, 3) == {502}
    names.records['app.test', A] = ['127.0.0.1']
    peers.wait_for(lambda: asked(proxy, 1) == {hosts[0].place})


def test_services(gate, names, hosts):
    port = hosts[0].listener.getsockname()[1]
    names.records['_web._tcp.app.test', SRV] = [(10, 5, port, 'one.app.test'), (10, 5, port, 'two.app.test'),
                                                (20, 5, port, 'three.app.test')]
    for i, name in enumerate(['one', 'two', 'three'], 1):
        names.records[f'{name}.app.test', A] = [f'127.0.0.{i}']
    proxy = gate(PASS, f'''upstream group {{ resolver 127.0.0.1:{names.port} ipv6=off; zone group 64k;
                           server app.test service=web resolve; }}''')
    assert asked(proxy) == {each.place for each in hosts[:2]}
    names.records['_web._tcp.app.test', SRV] = [(20, 5, port, 'three.app.test')]
    peers.wait_for(lambda: asked(proxy, 1) == {hosts[2].place})
    assert not any(kind == AAAA for _, kind, _ in names.asked)


def test_what_is_too_long_for_a_datagram(gate, names, hosts):
    port = hosts[0].listener.getsockname()[1]
    names.truncates = True
    names.records['app.test', A] = ['127.0.0.3']
    proxy = gate(PASS, f'resolver 127.0.0.1:{names.port} valid=1h; upstream group {{ zone group 64k; server app.test:{port} resolve; }}')
    assert asked(proxy) == {hosts[2].place}
    assert ('app.test', A, 'tcp') in names.asked


def test_a_name_that_is_not_there_at_the_start(gate, names, hosts):
    """gate starts, answers 502, and serves when the name is there."""
    port = hosts[0].listener.getsockname()[1]
    proxy = gate(PASS, f'''resolver 127.0.0.1:{names.port}; upstream group {{ server late.invalid:{port}; server 127.0.0.1:{port} backup; }}''')
    assert asked(proxy, 2) == {hosts[0].place}
    proxy = gate(f'location / {{ proxy_pass http://late.invalid:{port}; add_header X-Server $upstream_addr; }}', f'resolver 127.0.0.1:{names.port};')
    assert asked(proxy, 2) == {502}
    names.records['late.invalid', A] = ['127.0.0.2']
    peers.wait_for(lambda: asked(proxy, 1) == {hosts[1].place})


def test_a_pass_with_variables(gate, names, hosts):
    port = hosts[0].listener.getsockname()[1]
    names.records['app.test', A] = ['127.0.0.2']
    proxy = gate(f'''resolver 127.0.0.1:{names.port} ipv6=off; resolver_timeout 500ms;
                     location / {{ proxy_pass http://$arg_host:{port}; add_header X-Server $upstream_addr; }}''')
    ask = peers.ask(proxy.port, 'GET', '/b/1?host=app.test')
    assert (ask.status, ask.body) == (200, peers.pattern(1))
    assert len(hosts[1].requests) == 1 and hosts[1].requests[0].one('Host') == f'app.test:{port}'
    assert peers.ask(proxy.port, 'GET', '/b/1?host=none.test').status == 502
    assert 'none.test could not be resolved (Host not found)' in proxy.told
    names.silent = True
    assert peers.ask(proxy.port, 'GET', '/b/1?host=app.test').status == 502
    assert 'app.test could not be resolved (Operation timed out)' in proxy.told
    with peers.Wire(proxy.port) as gone:  # it leaves while the name is looked for
        gone.send(b'GET /b/1?host=app.test HTTP/1.1\r\nHost: a\r\n\r\n')
    names.silent = False
    assert peers.ask(proxy.port, 'GET', '/b/1?host=app.test').status == 200


def shares(proxy, count):
    seen = collections.Counter()
    for _ in range(count):
        answer = peers.ask(proxy.port, 'GET', '/b/1')
        seen[(answer.one('X-Server') or '').split(', ')[-1] if answer.status == 200 else answer.status] += 1
    return seen


@pytest.mark.parametrize('method', ['', 'least_conn;', 'random;', 'hash $request_id;'])
def test_weights_of_a_service(gate, names, hosts, method):
    """3 to 1, and 1 to 1 when the records say so; of one with a weight of 0 as much as with 1."""
    port = hosts[0].listener.getsockname()[1]
    names.records['_web._tcp.app.test', SRV] = [(10, 30, port, 'one.app.test'), (10, 10, port, 'two.app.test')]
    for i, name in enumerate(['one', 'two'], 1):
        names.records[f'{name}.app.test', A] = [f'127.0.0.{i}']
    proxy = gate(PASS, f'resolver 127.0.0.1:{names.port} ipv6=off; upstream group {{ {method} zone group 64k; server app.test service=web resolve; }}', main='worker_processes 2;')
    exact = method == ''  # others see what is in flight at another loop, or go by chance
    seen = shares(proxy, 80)
    print(method, seen)
    assert seen[hosts[0].place] == 60 if exact else 45 <= seen[hosts[0].place] <= 74
    assert seen[hosts[0].place] + seen[hosts[1].place] == 80
    names.records['_web._tcp.app.test', SRV] = [(10, 0, port, 'one.app.test'), (10, 1, port, 'two.app.test')]
    peers.wait_for(lambda: 20 <= shares(proxy, 60)[hosts[0].place] <= 40)
    if exact:
        assert shares(proxy, 20) == {hosts[0].place: 10, hosts[1].place: 10}


def test_a_weight_of_the_line_stands_over_the_record_s(gate, names, hosts):
    port = hosts[0].listener.getsockname()[1]
    names.records['_web._tcp.app.test', SRV] = [(10, 1, port, 'one.app.test')]
    names.records['one.app.test', A] = ['127.0.0.1']
    names.records['two.app.test', A] = ['127.0.0.2']
    proxy = gate(PASS, f'''resolver 127.0.0.1:{names.port} ipv6=off; upstream group {{ zone group 64k; server app.test service=web resolve weight=3;
                           server two.app.test:{port} resolve; }}''')
    peers.wait_for(lambda: len(shares(proxy, 4)) == 2)  # both names are found
    assert 28 <= shares(proxy, 40)[hosts[0].place] <= 32


def test_priorities_of_a_service_are_backups(gate, names, hosts):
    port = hosts[0].listener.getsockname()[1]
    names.records['_web._tcp.app.test', SRV] = [(10, 5, port, 'one.app.test'), (20, 5, port, 'two.app.test'), (30, 5, port, 'three.app.test')]
    for i, name in enumerate(['one', 'two', 'three'], 1):
        names.records[f'{name}.app.test', A] = [f'127.0.0.{i}']
    proxy = gate(PASS, f'resolver 127.0.0.1:{names.port} ipv6=off; upstream group {{ zone group 64k; server app.test service=web resolve fail_timeout=1h; }}')
    assert shares(proxy, 10) == {hosts[0].place: 10}
    hosts[0].stop()
    assert asked(proxy) == {hosts[1].place, hosts[2].place}
    names.records['_web._tcp.app.test', SRV] = [(30, 5, port, 'three.app.test'), (40, 5, port, 'two.app.test')]
    peers.wait_for(lambda: asked(proxy) == {hosts[2].place})  # what was a backup is none
    hosts[2].stop()
    assert asked(proxy) == {hosts[1].place}


def test_a_ttl_is_how_long_it_holds(gate, names, hosts):
    port = hosts[0].listener.getsockname()[1]
    names.records['app.test', A], names.ttl = ['127.0.0.1'], 3
    began = time.monotonic()
    proxy = gate(PASS, f'resolver 127.0.0.1:{names.port} ipv6=off; upstream group {{ zone group 64k; server app.test:{port} resolve; }}')
    assert asked(proxy, 2) == {hosts[0].place}
    before = len(names.asked)
    peers.wait_for(lambda: len(names.asked) > before)
    assert time.monotonic() - began > 2  # not after the second that the least TTL stands for


@pytest.mark.parametrize(('off', 'place'), [('ipv4', 3), ('ipv6', 0)])
def test_a_family_may_be_off(gate, names, hosts, off, place):
    port = hosts[0].listener.getsockname()[1]
    names.records['app.test', A], names.records['app.test', AAAA] = ['127.0.0.1'], ['::1']
    proxy = gate(PASS, f'resolver 127.0.0.1:{names.port} {off}=off; upstream group {{ zone group 64k; server app.test:{port} resolve; }}')
    assert asked(proxy) == {hosts[place].place}
    assert {kind for _, kind, _ in names.asked} == {A if off == 'ipv6' else AAAA}


def test_a_status_zone_is_said_to_have_no_effect(gate, names, hosts):
    proxy = gate(PASS, f'resolver 127.0.0.1:{names.port} status_zone=dns; upstream group {{ server 127.0.0.1:1; }}')
    assert '"status_zone" has no effect' in proxy.told


def test_a_pass_with_variables_tries_all_addresses(gate, names, hosts):
    """Some addresses refuse: the next one is asked; when all do, each was."""
    port = hosts[0].listener.getsockname()[1]
    names.records['some.test', A] = ['127.0.0.9', '127.0.0.2', '127.0.0.8']
    names.records['none.test', A] = ['127.0.0.9', '127.0.0.8']
    proxy = gate(f'''resolver 127.0.0.1:{names.port} ipv6=off;
                     location / {{ proxy_pass http://$arg_host:{port}; add_header X-Server "$upstream_addr|$upstream_status" always; }}
                     location /b/2 {{ proxy_next_upstream_tries 1; proxy_pass http://$arg_host:{port}; add_header X-Server "$upstream_addr|$upstream_status" always; }}''')
    for _ in range(6):
        answer = peers.ask(proxy.port, 'GET', '/b/1?host=some.test')
        places, status = answer.one('X-Server').split('|')
        assert answer.status == 200 and places.split(', ')[-1] == hosts[1].place
        assert status == ', '.join(['502'] * places.count(',') + ['200'])
    answer = peers.ask(proxy.port, 'GET', '/b/1?host=none.test')
    places, status = answer.one('X-Server').split('|')
    assert answer.status == 502 and sorted(places.split(', ')) == [f'127.0.0.8:{port}', f'127.0.0.9:{port}'] and status == '502, 502'
    answer = peers.ask(proxy.port, 'GET', '/b/2?host=none.test')
    assert answer.status == 502 and ',' not in answer.one('X-Server')
    body = peers.pattern(5000)
    assert peers.ask(proxy.port, 'PUT', '/echo?host=some.test', body=body).body.endswith(body)
