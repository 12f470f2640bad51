"""How much a server gets: max_conns and the queue, drain, the budget of retries."""
import contextlib
import json
import signal
import time

import peers
import pytest


PASS = 'location / { proxy_pass http://group; proxy_set_header Connection ""; add_header X-Server $upstream_addr; }'
STATUS = 'location = /status { status; }'


@pytest.mark.parametrize('loops', [1, 2])
def test_more_than_max_conns_wait_in_the_queue(gate, two, loops):
    """Two servers take one request each; three more wait, and have their turn, on whichever loop they are."""
    servers = ''.join(f'server 127.0.0.1:{each.port} max_conns=1;' for each in two)
    proxy = gate(PASS + STATUS, f'upstream group {{ zone group 64k; {servers} queue 3 timeout=60s; }}',
                 main=f'worker_processes {loops};').port
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(peers.Wire(proxy)) for _ in range(5)]
        for wire in wires:
            wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        peers.wait_for(lambda: sum(len(each.requests) for each in two) == 2)
        peers.wait_for(lambda: json.loads(peers.ask(proxy, 'GET', '/status').body)['upstreams'][0]['waiting'] == 3)  # the queue is full
        assert peers.ask(proxy, 'GET', '/b/1').status == 502
        assert [len(each.requests) for each in two] == [1, 1]
        for each in two:
            each.release.set()
        assert [peers.read_response(wire).body for wire in wires] == [b'held'] * 5
    assert sum(len(each.requests) for each in two) == 5


def test_max_conns_is_of_one_worker(gate, two):
    """All its loops together keep to it. What an old worker still has after a reload is not counted by the new one, as in nginx."""
    proxy = gate(PASS, f'upstream group {{ zone group 64k; server 127.0.0.1:{two[0].port} max_conns=2; }}', main='worker_processes 2;')

    def hold(wire, count):
        wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        peers.wait_for(lambda: len(two[0].requests) == count)

    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(peers.Wire(proxy.port)) for _ in range(4)]
        for count in (1, 2):
            hold(wires[count - 1], count)
        assert {peers.ask(proxy.port, 'GET', '/b/1').status for _ in range(4)} == {502}
        proxy.signal(signal.SIGHUP)
        peers.wait_for(lambda: 'gracefully shutting down' in proxy.told)
        proxy.rest()  # the old worker takes nothing new
        assert peers.ask(proxy.port, 'GET', '/b/1').status == 200
        before = len(two[0].requests)
        for wire in wires[2:]:
            wire.socket.close()
        fresh = [stack.enter_context(peers.Wire(proxy.port)) for _ in range(2)]
        for count, wire in enumerate(fresh, before + 1):
            hold(wire, count)
        assert {peers.ask(proxy.port, 'GET', '/b/1').status for _ in range(4)} == {502}
        two[0].release.set()
        assert [peers.read_response(wire).body for wire in wires[:2] + fresh] == [b'held'] * 4
        proxy.rest()
        assert peers.ask(proxy.port, 'GET', '/b/1').status == 200


def test_the_queue_has_an_end(gate, two):
    proxy = gate(PASS, f'upstream group {{ server 127.0.0.1:{two[0].port} max_conns=1; queue 3 timeout=300ms; }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        peers.wait_for(lambda: two[0].requests)
        assert peers.ask(proxy.port, 'GET', '/b/1').status == 502
        with peers.Wire(proxy.port) as gone:  # it leaves while it waits
            gone.send(b'GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n')
        two[0].release.set()
        assert peers.read_response(wire).body == b'held'
    assert peers.ask(proxy.port, 'GET', '/b/1').status == 200
    assert 'no live upstreams' in proxy.told


def test_a_server_that_drains_gets_nothing_new(gate, two):
    servers = f'server 127.0.0.1:{two[0].port} drain; server 127.0.0.1:{two[1].port};'
    proxy = gate(PASS, f'upstream group {{ {servers} }}')
    assert {peers.ask(proxy.port, 'GET', '/b/1').one('X-Server') for _ in range(6)} == {f'127.0.0.1:{two[1].port}'}


@pytest.mark.parametrize('budget', ['retry_budget 20% floor=10;', '', 'retry_budget off;'])
def test_retries_have_a_budget(gate, two, budget):
    """Both servers answer 500: as many requests come twice as the budget has, and clients get the 500 otherwise."""
    servers = ''.join(f'server 127.0.0.1:{each.port} max_fails=0;' for each in two)
    proxy = gate(PASS.replace('proxy_set', 'proxy_next_upstream http_500; proxy_set'),
                 f'upstream group {{ {servers} {budget} }}')
    began = time.monotonic()
    answers = [peers.ask(proxy.port, 'GET', '/status/500') for _ in range(100)]
    seconds = time.monotonic() - began
    assert {each.status for each in answers} == {500}
    retries = sum(len(each.requests) for each in two) - 100
    print(f'{budget}: {retries} retries of 100 requests that fail')
    assert retries == 100 if 'off' in budget else 20 <= retries <= 20 + 10 + 10 * seconds
    assert ('the retry budget of upstream "group" is used up' in proxy.told) == ('off' not in budget)


def test_a_body_is_sent_once_where_the_method_is_not_idempotent(gate, two):
    """POST goes on where no connection came about, and never once it was sent."""
    servers = ''.join(f'server 127.0.0.1:{each.port};' for each in two)
    proxy = gate(PASS, f'upstream group {{ {servers} }}')
    answers = [peers.ask(proxy.port, 'POST', '/reset', body=b'once').status for _ in range(2)]
    assert answers == [502, 502]
    assert [len(each.requests) for each in two] == [1, 1]
    two[0].stop()
    proxy = gate(PASS, f'upstream group {{ {servers} }}')
    assert [peers.ask(proxy.port, 'POST', '/b/1', body=b'once').status for _ in range(4)] == [200] * 4
