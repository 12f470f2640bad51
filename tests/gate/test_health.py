"""Servers are asked whether they are well, or are seen to do worse than others, and get no requests until they do better."""
import itertools
import json
import re
import socket
import time

import dns_server
import peers
import pytest

PASS = '''location / {{ proxy_pass http://two; proxy_set_header Connection ""; add_header X-Server $upstream_addr;
                       health_check interval=100ms timeout=10s {}; }}'''


def asked(proxy, two, count=6):
    numbers = {f'127.0.0.1:{each.port}': i for i, each in enumerate(two)}
    answers = [peers.ask(proxy.port, 'GET', '/b/1') for _ in range(count)]
    return {numbers[answer.one('X-Server')] if answer.status == 200 else answer.status for answer in answers}


ILL = {
    'status': b'HTTP/1.1 500 No\r\nContent-Length: 4\r\nX-State: up\r\n\r\nwell',
    'header': b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-State: down\r\n\r\nwell',
    'body': b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-State: up\r\n\r\nill',
    'chunked body': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-State: up\r\n\r\n1\r\ni\r\n2\r\nll\r\n0\r\n\r\n',
    'nonsense': b'hello\r\n\r\n',
    'cut': b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\nX-State: up\r\n\r\nil',
    'nothing': b'',
}


@pytest.mark.parametrize('symptom', ILL)
def test_an_ill_server_gets_nothing_until_it_is_well(gate, two, symptom):
    match = 'match well { status 200-299; header X-State = up; header ! X-None; body ~ "^we"; }'
    proxy = gate(PASS.format('uri=/health match=well fails=2 passes=2'), match + peers.group(two), main='worker_processes 2;')
    assert asked(proxy, two) == {0, 1}
    well, two[0].health = two[0].health, ILL[symptom]
    peers.wait_for(lambda: 'is unhealthy' in proxy.told)
    assert asked(proxy, two) == {1}
    two[1].health = ILL[symptom]
    peers.wait_for(lambda: proxy.told.count('is unhealthy') == 2)
    assert asked(proxy, two) == {502}
    two[0].health = two[1].health = well
    peers.wait_for(lambda: proxy.told.count('is healthy again') == 2)
    assert asked(proxy, two) == {0, 1}
    print(re.findall('is unhealthy: .*', proxy.told)[0])


def test_one_that_hangs_or_is_gone(gate, two):
    with socket.create_server(('127.0.0.1', 0)) as silent:
        hanging = type('Silent', (), {'port': silent.getsockname()[1]})()
        proxy = gate(PASS.replace('10s', '1s').format('uri=/health'), peers.group([*two, hanging]))
        peers.wait_for(lambda: 'it took too long' in proxy.told)
        assert asked(proxy, two) == {0, 1}
    two[0].stop()  # a probe that is on its way then is not refused, but cut off
    peers.wait_for(lambda: f'server 127.0.0.1:{two[0].port} is unhealthy' in proxy.told)
    assert asked(proxy, two) == {1}


def test_mandatory_and_tcp_and_port(gate, two):
    two[0].health = b''
    proxy = gate(PASS.format('uri=/health mandatory'), peers.group(two))
    peers.wait_for(lambda: asked(proxy, two, 1) == {1})
    assert asked(proxy, two) == {1}
    proxy = gate(PASS.format('type=tcp'), peers.group(two))
    assert asked(proxy, two) == {0, 1}
    proxy = gate(PASS.format(f'uri=/health port={two[0].port}'), peers.group(two))
    peers.wait_for(lambda: proxy.told.count('is unhealthy') == 2)
    assert asked(proxy, two) == {502}


class Talkative(peers.Patient):
    """Keeps the connection, but for every `after`-th answer on it; counts the answers of each."""
    after = 1000000

    def answer_health(self, wire, request, _):
        self.counts = getattr(self, 'counts', {})
        self.counts[request.connection] = self.counts.get(request.connection, 0) + 1
        assert not request.all('Connection')
        wire.send(self.health)
        return self.counts[request.connection] % self.after > 0


@pytest.mark.parametrize(('words', 'after'), [('keepalive_time=1h', 1000000), ('keepalive_time=1h', 3), ('keepalive_time=250ms', 1000000)])
def test_a_connection_serves_several_checks(gate, words, after):
    """One that the server has ended meanwhile says nothing of how it is."""
    with Talkative() as one, Talkative() as other:
        one.after = other.after = after
        proxy = gate(PASS.format(f'uri=/health {words}').replace('100ms', '50ms'), peers.group([one, other]), main='worker_processes 2;')
        peers.wait_for(lambda: len(one.requests) >= 12)
        print(f'{len(one.requests)} checks over {one.connections} connections')
        assert '250ms' in words or one.connections <= len(one.requests) // after + 1
        if '250ms' in words or after == 3:
            peers.wait_for(lambda: one.connections >= 2 and max(one.counts.values()) >= 2)
        assert 'unhealthy' not in proxy.told
        one.health, well = ILL['chunked body'].replace(b'200 OK', b'503 No'), one.health
        peers.wait_for(lambda: 'its status is 503' in proxy.told)
        one.health = well
        peers.wait_for(lambda: 'is healthy again' in proxy.told)
        assert '250ms' in words or one.connections <= len(one.requests) // after + 1
        one.health += b'x'  # a byte too many: nothing more is asked on that one
        before, count = one.connections, len(one.requests)
        peers.wait_for(lambda: len(one.requests) >= count + 5)
        assert one.connections >= before + 4
        one.stop()
        peers.wait_for(lambda: proxy.told.count('is unhealthy') >= 2)


def test_checks_do_not_come_in_step(gate, two):
    """jitter= adds up to so much to each pause, and takes nothing away."""
    times, usual = [], two[0].answer_health

    def answer(*words):
        times.append(time.monotonic())
        return usual(*words)

    two[0].answer_health = answer
    gate(PASS.format('uri=/health jitter=200ms').replace('100ms', '50ms'), peers.group(two[:1]))
    peers.wait_for(lambda: len(times) > 12)
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert min(pauses) > 0.04 and max(pauses) - min(pauses) > 0.05


def test_errors_in_a_row_eject(gate, two):
    """One of two answers 500; after three of these clients see no more, until its time is over."""
    good, bad = two[0].answer_b, lambda wire, request, rest: two[0].answer_status(wire, request, '500')
    for words in ('1h', '100ms'):
        two[0].answer_b = bad
        two[0].requests.clear()
        proxy = gate(PASS.split('health_check')[0].format() + '}',
                     peers.group(two, f'outlier_ejection consecutive=3 time={words};'), main='worker_processes 2;')
        for _ in range(20):
            peers.ask(proxy.port, 'GET', '/b/1')
        assert len(two[0].requests) == 3 or words == '100ms'
        assert 'upstream server is left alone for a while: errors in a row' in proxy.told
    two[0].answer_b = good
    peers.wait_for(lambda: asked(proxy, two) == {0, 1})


STATUS = 'location = /status { status; }'


def standing(proxy):
    return json.loads(peers.ask(proxy.port, 'GET', '/status').body)['upstreams'][0]['servers']


@pytest.mark.parametrize(('words', 'interval'), [('success_rate=70%', 1), ('latency=300%', 2)])
def test_who_does_worse_than_the_others_is_ejected(gate, two, words, interval):
    """Half of what it answers fails, or it takes far longer. Then the others fail all: none of them is left alone, since half is the most."""
    with peers.Patient() as third:
        three = [*two, third]
        proxy = gate('location / { proxy_pass http://two; }' + STATUS,
                     peers.group(three, f'outlier_ejection consecutive=0 {words} interval={interval}s time=1h;'), main='worker_processes 2;')
        usual, count = two[0].answer_b, itertools.count()

        def answer(wire, request, rest):
            if words.startswith('latency'):
                time.sleep(0.1)
            elif next(count) % 2:
                return two[0].answer_status(wire, request, '500')
            return usual(wire, request, rest)

        two[0].answer_b = answer

        def is_ejected():
            for _ in range(6):
                peers.ask(proxy.port, 'GET', '/b/1')
            return standing(proxy)[0]['state'] == 'ejected'

        peers.wait_for(is_ejected)
        told = standing(proxy)
        print(told[0]['why'], told[0]['requests'])
        assert [each['state'] for each in told[1:]] == ['up', 'up']
        asked_then = len(two[0].requests)
        for each in three[1:]:
            each.answer_b = lambda wire, request, rest, each=each: each.answer_status(wire, request, '500')
        for _ in range(3):
            assert {peers.ask(proxy.port, 'GET', '/b/1').status for _ in range(20)} == {500}
            time.sleep(0.4 * interval)
        assert [each['state'] for each in standing(proxy)] == ['ejected', 'up', 'up']
        assert len(two[0].requests) == asked_then


def test_who_recovers_starts_slowly(gate, two):
    proxy = gate(PASS.format('uri=/health') + STATUS, peers.group(two, parameters='slow_start=1h'), main='worker_processes 2;')
    well, two[0].health = two[0].health, ILL['status']
    peers.wait_for(lambda: 'is unhealthy' in proxy.told)
    two[0].health = well
    peers.wait_for(lambda: 'is healthy again' in proxy.told)
    first, second = standing(proxy)
    assert (first['state'], second['state']) == ('starting', 'up') and 'slow start: ' in first['why']
    places = [peers.ask(proxy.port, 'GET', '/b/1').one('X-Server') for _ in range(60)]
    assert places.count(f'127.0.0.1:{two[0].port}') <= 1


def test_a_unix_socket(gate, nginx_program, tmp_path_factory):
    """nginx answers there: requests, kept connections and health checks, by a group and by a proxy_pass of its own."""
    folder = tmp_path_factory.mktemp('unix')
    folder.chmod(0o755)
    path = folder / 'socket'
    origin = gate(f'listen unix:{path}; location / {{ return 200 "$server_addr $uri $connection"; }} location /health {{ return 200 well; }}', program=nginx_program)
    proxy = gate(f'''location / {{ proxy_pass http://u; health_check uri=/health interval=50ms; add_header X-Server $upstream_addr; }}
                     location /own/ {{ proxy_pass http://unix:{path}:/sub/; }} {STATUS}''', f'upstream u {{ server unix:{path}; keepalive 2; }}',
                 main=peers.NGINX_MAIN)
    answers = [peers.ask(proxy.port, 'GET', '/a') for _ in range(3)]
    assert {each.body for each in answers} == {answers[0].body} and answers[0].body.startswith(f'unix:{path} /a '.encode())
    assert answers[0].one('X-Server') == f'unix:{path}'
    assert peers.ask(proxy.port, 'GET', '/own/b').body.startswith(f'unix:{path} /sub/b '.encode())
    assert standing(proxy)[0]['server'] == f'unix:{path}'
    origin.stop()
    path.unlink(missing_ok=True)
    peers.wait_for(lambda: 'is unhealthy' in proxy.told)
    assert peers.ask(proxy.port, 'GET', '/a').status == 502


def test_words_are_checked(gate_program, tmp_path, refusals):
    for server, http in [('location / { health_check; }', ''), ('location / { proxy_pass http://u; health_check match=x; }', 'upstream u { server 127.0.0.1:1; }')]:
        assert 'health_check' in refusals(server, http)[0] or 'match "x" not found' in refusals(server, http)[0]


def test_a_server_that_a_name_brings_is_asked_at_once(gate):
    """Mandatory, and once an hour: who comes later does not wait that long; who leaves and comes back is asked anew."""
    with dns_server.NameServer() as names, peers.Patient() as one, peers.Patient('127.0.0.2', one.port):
        names.records['app.test', dns_server.A] = ['127.0.0.1']
        proxy = gate(PASS.replace('100ms', '1h').format('uri=/health mandatory').replace('}}', '}').replace('{{', '{'),
                     f'resolver 127.0.0.1:{names.port} ipv6=off; upstream two {{ server app.test:{one.port} resolve; }}', main='worker_processes 2;')
        peers.wait_for(lambda: peers.ask(proxy.port, 'GET', '/b/1').status == 200)
        for place in ('127.0.0.2', '127.0.0.1'):
            names.records['app.test', dns_server.A] = [place]
            peers.wait_for(lambda place=place: peers.ask(proxy.port, 'GET', '/b/1').one('X-Server') == f'{place}:{one.port}')


TLS = '''location / {{ proxy_pass https://two; proxy_ssl_verify on; proxy_ssl_trusted_certificate {}; {} add_header X-Server $upstream_addr;
                      health_check uri=/health interval=100ms timeout=10s; }}'''


@pytest.mark.parametrize(('words', 'told'), [('proxy_ssl_name localhost;', 'is healthy again'), ('proxy_ssl_name other.test;', 'does not match "other.test"'),
                                             ('', 'does not match "two"')])
def test_probes_over_tls_verify_as_requests_do(gate, certificate, words, told):
    class Secure(peers.TlsOrigin, peers.Patient):
        pass

    with Secure(certificate) as origin:
        proxy = gate(TLS.format(certificate, words), peers.group([origin]))
        if 'match' in told:
            peers.wait_for(lambda: told in proxy.told)
            assert peers.ask(proxy.port, 'GET', '/b/1').status == 502
            return
        assert peers.ask(proxy.port, 'GET', '/b/1').status == 200
        origin.health, well = ILL['status'], origin.health
        peers.wait_for(lambda: 'its status is 500' in proxy.told)
        origin.health = well
        peers.wait_for(lambda: told in proxy.told)
        assert peers.ask(proxy.port, 'GET', '/b/1').status == 200


def test_what_it_does_not_do_is_said(gate_program, refusals):
    for words, what in {'type=grpc': 'type=grpc', 'keepalive_time=0': 'keepalive_time=0', 'jitter=x': 'jitter=x', 'port=0': 'port=0', 'uri=health': 'uri=health', 'persistent': 'goes with "mandatory"'}.items():
        assert what in refusals(f'location / {{ proxy_pass http://u; health_check {words}; }}', 'upstream u { server 127.0.0.1:1; }')[0]
