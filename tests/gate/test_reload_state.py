"""What is known of servers outlives a reload and a killed worker: no request goes to one that is known dead."""
import contextlib
import json
import os
import signal
import socket
import threading

import dns_server
import peers
import pytest

A = dns_server.A
STATUS = 'location = /status { status; }'
PASS = 'location / { proxy_pass http://two; proxy_set_header Connection ""; proxy_read_timeout 10s; }' + STATUS


def reload(proxy):
    ended = proxy.told.count('exited with code 0')
    proxy.signal(signal.SIGHUP)
    peers.wait_for(lambda: proxy.told.count('exited with code 0') > ended)


def kill_worker(proxy):
    """The master starts another one."""
    pid = status(proxy)['pid']
    proxy.rest()  # one of its loops may answer before the worker is ready
    os.kill(pid, signal.SIGKILL)
    peers.wait_for(lambda: proxy.told.count('start worker process') > 1)

    def is_another():
        with contextlib.suppress(OSError, EOFError):
            return status(proxy)['pid'] != pid
        return False

    peers.wait_for(is_another, 'another worker')


def status(proxy):
    return json.loads(peers.ask(proxy.port, 'GET', '/status').body)


def servers(proxy):
    return status(proxy)['upstreams'][0]['servers']


def asked_b(origin):
    return [each for each in origin.requests if each.target.startswith('/b')]


def load(proxy, reloads, act=reload):
    """Four clients ask on through all these reloads; {status: count}."""
    seen, done = {}, threading.Event()

    def client():
        while not done.is_set():
            answer = peers.ask(proxy.port, 'GET', '/b/5')
            seen[answer.status] = seen.get(answer.status, 0) + 1

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(reloads):
        act(proxy)
    done.set()
    for thread in threads:
        thread.join()
    return seen


@pytest.mark.parametrize('zone', ['zone two 64k;', ''])
def test_a_server_that_rests_is_not_asked_after_a_reload(gate, two, zone):
    """One hangs. Its failure costs one request its patience, once; not one more after each of ten reloads."""
    with socket.create_server(('127.0.0.1', 0)) as silent:
        silent.setblocking(False)
        hanging = type('Silent', (), {'port': silent.getsockname()[1]})()
        proxy = gate(PASS.replace('10s', '700ms'), peers.group([*two, hanging], zone, 'fail_timeout=1h'), main='worker_processes 2;')
        for _ in range(6):
            assert peers.ask(proxy.port, 'GET', '/b/5').status == 200
        seen = load(proxy, 10)
        came = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                came += 1
        told = servers(proxy)
        print(f'{sum(seen.values())} requests through 10 reloads, {came} of them met the dead server', seen)
        assert set(seen) == {200} and came == 1
        assert told[2]['state'] == 'unavail' and told[2]['requests'] == 1 and told[2]['disabled'] == 1
        assert [each['what'] for each in told[2]['history']] == ['unavail']
        assert told[2]['history'][0]['why'] == 'it took too long'
        assert told[0]['requests'] + told[1]['requests'] >= sum(seen.values()) + 6


@pytest.mark.parametrize('act', [reload, kill_worker])
def test_an_ill_server_stays_ill(gate, two, act):
    """Its health check fails, what it answers else is well: so it would be seen if it were asked."""
    proxy = gate(PASS.replace('proxy_read', 'health_check uri=/health interval=1h; proxy_read'), peers.group(two, 'zone two 64k;'), main='worker_processes 2;')
    two[0].health = two[0].health.replace(b'200 OK', b'500 No')
    act(proxy)  # asks at once
    peers.wait_for(lambda: servers(proxy)[0]['state'] == 'unhealthy')
    two[0].requests.clear()
    two[0].answer_health = two[0].answer_hold  # nobody will know more
    before = servers(proxy)[0]
    if act is reload:
        assert set(load(proxy, 5)) == {200}
    else:
        act(proxy)
        for _ in range(10):
            assert peers.ask(proxy.port, 'GET', '/b/5').status == 200
    assert not asked_b(two[0])
    (proxy.folder / 'logs/error.log').write_text('')  # a killed worker is an alert there, and wanted
    after = servers(proxy)[0]
    assert (after['state'], after['since']) == ('unhealthy', pytest.approx(before['since'], abs=1))
    assert after['history'] and after['history'][-1]['why'] == 'its status is 500'


@pytest.mark.parametrize(('word', 'answers'), [('mandatory', {502}), ('mandatory persistent', {200})])
def test_mandatory_asks_again_and_persistent_does_not(gate, two, word, answers):
    proxy = gate(PASS.replace('proxy_read', f'health_check uri=/health interval=1h {word}; proxy_read'), peers.group(two, 'zone two 64k;'))
    peers.wait_for(lambda: peers.ask(proxy.port, 'GET', '/b/5').status == 200)
    peers.wait_for(lambda: [each['state'] for each in servers(proxy)] == ['up', 'up'])
    for each in two:
        each.answer_health = each.answer_hold
    reload(proxy)
    assert {peers.ask(proxy.port, 'GET', '/b/5').status for _ in range(4)} == answers


def test_figures_go_on_and_new_servers_come_in(gate, two):
    proxy = gate(PASS, peers.group(two[:1], 'zone two 64k;'), main='worker_processes 2;')
    for i in range(7):
        peers.ask(proxy.port, 'GET', '/b/5' if i else '/status/404')
    file = proxy.folder / 'proxy.conf'
    file.write_text(file.read_text().replace('upstream two { zone two 64k;', f'upstream two {{ zone two 64k; server 127.0.0.1:{two[1].port};'))
    reload(proxy)
    for _ in range(6):
        peers.ask(proxy.port, 'GET', '/b/5')
    # A worker counts an answer when the client has it, and another may be asked for the figures before that.
    peers.wait_for(lambda: sum(sum(each['responses'].values()) for each in servers(proxy)) == 13)
    told = {each['server'].rpartition(':')[2]: each for each in servers(proxy)}
    assert status(proxy)['upstreams'][0]['zone'] == 'two'
    first, second = told[str(two[0].port)], told[str(two[1].port)]
    assert (first['requests'], second['requests']) == (10, 3)
    assert first['responses'] == {'1xx': 0, '2xx': 9, '3xx': 0, '4xx': 1, '5xx': 0}


def test_an_answer_that_outlives_its_worker_is_counted(gate, origin):
    """The old worker has begun to finish, and has counted all but this one."""
    proxy = gate(PASS, f'upstream two {{ zone two 64k; server 127.0.0.1:{origin.port}; }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        peers.wait_for(lambda: origin.requests)
        proxy.signal(signal.SIGHUP)
        peers.wait_for(lambda: 'gracefully shutting down' in proxy.told)
        assert servers(proxy)[0]['responses']['2xx'] == 0
        origin.release.set()
        assert peers.read_response(wire).body == b'held'
    peers.wait_for(lambda: 'exited with code 0' in proxy.told)
    told = servers(proxy)[0]
    assert (told['requests'], told['responses']['2xx'], told['received'] > 4) == (1, 1, True)


def test_names_are_known_while_the_name_server_is_gone(gate, two):
    """A reload in the minute in which DNS is away: the addresses of the worker before hold."""
    with dns_server.NameServer() as names:
        names.records['app.test', A] = ['127.0.0.1']
        proxy = gate(PASS, f'''resolver 127.0.0.1:{names.port} valid=1h ipv6=off; resolver_timeout 1s;
                               upstream two {{ zone two 64k; server app.test:{two[0].port} resolve; server app.test:{two[1].port} resolve; }}''')
        assert peers.ask(proxy.port, 'GET', '/b/5').status == 200
        names.silent = True
        assert set(load(proxy, 3)) == {200}
        names.silent = False
        names.records['app.test', A] = ['127.0.0.2']
        reload(proxy)
        peers.wait_for(lambda: '127.0.0.2' in str(servers(proxy)))
        told = [each['history'][-1]['what'] for each in servers(proxy) if each['server'].startswith('127.0.0.2')]
        assert told == ['appeared'] * 2


def test_words_of_zone_are_nginx_s(refusals):
    for upstream, text in {'zone two;': 'zero size shared memory zone "two"', 'zone two 1k;': 'zone "two" is too small',
                           'zone two x;': 'invalid zone size "x"'}.items():
        for said in refusals('location / { proxy_pass http://two; }', f'upstream two {{ {upstream} server 127.0.0.1:1; }}'):
            assert text in said
