"""limit_req, limit_conn and limit_rate beside nginx: the same requests, the same answers, the same words in the log."""
import concurrent.futures
import contextlib
import os
import re
import signal
import time

import peers
import pytest

USER = 'user root;' if os.geteuid() == 0 else ''
VERDICT = 'add_header X-Verdict "$limit_req_status $limit_conn_status" always;'


@pytest.fixture
def each(gate, nginx_program):
    """The same configuration twice: gate and nginx."""
    def start(server, http=''):
        return gate(server, http, USER), gate(server, http, USER, program=nginx_program)

    return start


def say(proxy, target, count, fields=()):
    """Behind each other on one connection, so that the client takes none of the time that counts."""
    with peers.Wire(proxy.port) as wire:
        wire.send('\r\n'.join([f'GET {target} HTTP/1.1', 'Host: localhost', *fields, '', '']).encode() * count)
        answers = [peers.read_response(wire) for _ in range(count)]
    return [(answer.status, answer.one('X-Verdict')) for answer in answers]


def complaints(proxy):
    return [re.sub(r'excess: [0-9.]+', 'excess', match) for match in
            re.findall(r'\[(?:error|warn|notice|info)\] [^*]*\*\d+ ((?:limiting|delaying)[^,]*, ?[^,]*)', proxy.told)]


TARGETS = ['/?k=a', '/?k=b', f'/?k={"long" * 40}', '/?k=']
REQ = [
    'limit_req zone=slow;',
    'limit_req zone=slow burst=3 nodelay;',
    'limit_req zone=slow burst=4 delay=4;',
    'limit_req zone=slow burst=3 nodelay; limit_req zone=other burst=1 nodelay;',
    'limit_req zone=slow burst=2 nodelay; limit_req_status 429; limit_req_log_level warn;',
    'limit_req zone=slow; limit_req_dry_run on;',
]


@pytest.mark.parametrize('limit', REQ)
def test_requests_are_held_to_their_rate(each, limit):
    zones = 'limit_req_zone $arg_k zone=slow:1m rate=6r/m; limit_req_zone $binary_remote_addr zone=other:1m rate=6r/m;'
    ours, theirs = each(f'location / {{ {VERDICT} {limit} try_files /none =404; }}', zones)
    for target in TARGETS:
        assert say(ours, target, 7) == say(theirs, target, 7), target
    assert complaints(ours) == complaints(theirs)


def test_requests_are_held_back(each):
    """All at once: a second of delay for each, of which a busy machine may take a part."""
    ours, theirs = each(f'location / {{ {VERDICT} limit_req zone=held burst=9; try_files /none =404; }}', 'limit_req_zone $arg_k zone=held:64k rate=1r/s;')
    with concurrent.futures.ThreadPoolExecutor() as pool:
        said = [list(pool.map(lambda target, proxy=proxy: say(proxy, target, 3), TARGETS)) for proxy in (ours, theirs)]
    assert said[0] == said[1]
    assert said[0][0] == [(404, 'PASSED'), (404, 'DELAYED'), (404, 'DELAYED')]
    assert sorted(complaints(ours)) == sorted(complaints(theirs))


def test_an_internal_redirect_is_not_counted_again(each):
    zones = 'limit_req_zone $server_port zone=slow:1m rate=6r/m;'
    ours, theirs = each(f'{VERDICT} limit_req zone=slow burst=1 nodelay; error_page 404 /page; location /page {{ return 200 page; }}',
                        zones)
    assert say(ours, '/none', 4) == say(theirs, '/none', 4)


def test_so_many_are_in_work_and_no_more(each, origin):
    zones = 'limit_conn_zone $arg_k zone=each:1m; limit_conn_zone $server_port zone=all:1m;'
    for proxy in each(f'{VERDICT} location / {{ limit_conn each 2; limit_conn all 3; limit_conn_status 429; '
                      f'proxy_pass http://127.0.0.1:{origin.port}; }}', zones):
        origin.release.clear()
        origin.requests.clear()
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(peers.Wire(proxy.port)) for _ in range(2)]
            for wire in wires:
                wire.send(b'GET /hold?k=a HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.wait_for(lambda: len(origin.requests) == 2)
            assert say(proxy, '/b/1?k=a', 2) == [(429, 'REJECTED')] * 2
            assert say(proxy, '/b/1?k=b', 2) == [(200, 'PASSED')] * 2
            wires.append(stack.enter_context(peers.Wire(proxy.port)))
            wires[-1].send(b'GET /hold?k=b HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.wait_for(lambda: len([each for each in origin.requests if 'hold' in each.target]) == 3)
            assert say(proxy, '/b/1?k=c', 1) == [(429, 'REJECTED')]
            assert say(proxy, '/b/1', 1) == [(429, 'REJECTED')]  # it has no key of its own
            origin.release.set()
            assert [peers.read_response(wire).body for wire in wires] == [b'held'] * 3
        assert say(proxy, '/b/1?k=a', 3) == [(200, 'PASSED')] * 3
        assert 'limiting connections by zone "each"' in proxy.told
        assert 'limiting connections by zone "all"' in proxy.told


def test_zones_are_shared_by_loops_and_outlive_a_reload(gate):
    proxy = gate('location / { limit_req zone=slow burst=9 nodelay; return 204; try_files /none =404; }'.replace('return 204;', ''),
                 'limit_req_zone $server_port zone=slow:1m rate=1r/m;', main=f'worker_processes 3; {USER}')
    before = [peers.ask(proxy.port, 'GET', '/').status for _ in range(7)]
    proxy.signal(signal.SIGHUP)
    peers.wait_for(lambda: 'exited with code 0' in proxy.told)
    after = [peers.ask(proxy.port, 'GET', '/').status for _ in range(7)]
    assert before + after == [404] * 10 + [503] * 4


@pytest.mark.parametrize('what', ['file', 'proxied'])
def test_an_answer_takes_its_time(gate, nginx_program, origin, tmp_path, what):
    """20000 bytes at 10 kB a second, after 5000 at once: no sooner than in a second, and complete."""
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b/25000').write_bytes(peers.pattern(25000))
    where = f'root {tmp_path};' if what == 'file' else f'proxy_pass http://127.0.0.1:{origin.port};'
    for program in (None, nginx_program):
        proxy = gate(f'location / {{ limit_rate 10k; limit_rate_after 5k; {where} }} location /free/ {{ {where} }}',
                     main=USER, program=program)
        began = time.monotonic()
        answer = peers.ask(proxy.port, 'GET', '/b/25000')
        took = time.monotonic() - began
        print(what, program and 'nginx' or 'gate', f'{took:.2f} s')
        assert answer.body == peers.pattern(25000)
        assert took > 0.7  # a lower bound holds on any machine


def test_the_words_of_limits_are_checked(refusals):
    for http, server in [('limit_req_zone $uri zone=a:1k rate=1r/s;', ''), ('limit_req_zone $uri zone=a rate=1r/s;', ''),
                         ('limit_req_zone $uri zone=a:1m rate=0r/s;', ''), ('limit_conn_zone $uri zone:a;', ''),
                         ('limit_req_zone $uri zone=a:1m rate=1r/s;', 'limit_req burst=5;'),
                         ('limit_req_zone $uri zone=a:1m rate=1r/s;', 'limit_req zone=a burst=0;'),
                         ('limit_req_zone $uri zone=a:1m rate=1r/s;', 'limit_conn a 5;'),
                         ('limit_conn_zone $uri zone=a:1m;', 'limit_conn a 0;'),
                         ('limit_conn_zone $uri zone=a:1m;', 'limit_conn a 70000;'),
                         ('limit_conn_zone $uri zone=a:1m;', 'limit_conn a 1; limit_conn a 2;'),
                         ('', 'limit_req_status 200;'), ('', 'limit_rate fast;')]:
        ours, theirs = (re.search(r'\[emerg\] (?:\d+#\d+: )?(.*?) in |$', said) for said in refusals(server, http))
        assert ours and theirs and ours[1].split(' (')[0] == theirs[1].split(' (')[0], (http, server, ours, theirs)
