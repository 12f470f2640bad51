"""Names that are asked for while gate runs, at a name server of the test's own."""
import contextlib

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
