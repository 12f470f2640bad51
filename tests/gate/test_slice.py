"""slice and proxy_force_ranges: what the client gets and what the origin is asked for, by gate and by nginx, side by side."""
import os
import re
import time

import peers
import pytest

SIZE = 100_000
RANGES = ['', 'bytes=0-0', 'bytes=0-9', 'bytes=10-19', 'bytes=4095-4096', 'bytes=4096-8191', 'bytes=50000-', 'bytes=99999-', 'bytes=-1',
          'bytes=-5000', 'bytes=-200000', 'bytes=100000-', 'bytes=5-4', 'bytes=0-0,5-5', 'items=0-1', 'bytes=x', 'bytes=30000-60000', 'bytes=0-']
SLICED = 'slice {}; proxy_set_header Range $slice_range; proxy_http_version 1.1; proxy_set_header Connection "";'


@pytest.fixture
def files(gate, nginx_program, tmp_path):
    """An origin: nginx with a file, whose access log tells the ranges."""
    folder = tmp_path / 'files'
    folder.mkdir()
    (folder / 'big').write_bytes(os.urandom(SIZE))
    (folder / 'small').write_bytes(b'0123456789')
    (folder / 'empty').write_bytes(b'')
    return gate(f'''root {folder}; access_log logs/ranges.log ranges; location /whole {{ max_ranges 0; alias {folder}/big; etag off; add_header ETag '"a"'; }}
                    location /none {{ return 404 missing; }}''', "log_format ranges '$uri $http_range';", program=nginx_program)


def told(answer):
    names = ('content-length', 'content-range', 'accept-ranges', 'etag', 'transfer-encoding', 'content-encoding', 'last-modified')
    text = re.sub(rb'nginx/[0-9.]+|gate/[0-9.]+', b'', answer.body) if answer.status >= 400 else re.sub(rb'--0{10}\d{10}', b'--', answer.body)
    pairs = sorted((name, value) for name, value in answer.fields if name in names and not (answer.status >= 400 and name == 'content-length'))
    return answer.status, pairs, text


def asked_of(files, count):
    log = files.folder / 'logs/ranges.log'
    peers.wait_for(lambda: len(log.read_text().splitlines()) >= count)
    time.sleep(0.05)
    lines = log.read_text().splitlines()
    log.write_text('')
    return lines


@pytest.mark.parametrize('settings', [SLICED.format(4096), SLICED.format('1m'), SLICED.format(33333), SLICED.format(100000), 'proxy_force_ranges on;',
                                      'proxy_force_ranges on; sub_filter a b; sub_filter_types *;', ''])
@pytest.mark.parametrize('path', ['/big', '/whole', '/small', '/empty', '/none'])
def test_parts(gate, gate_program, nginx_program, files, settings, path):
    proxies = [gate(f'location / {{ proxy_pass http://127.0.0.1:{files.port}; {settings} }}', program=program) for program in (gate_program, nginx_program)]
    # nginx does not look at ranges where it replaces texts: 416 is what some deserve
    ranges = RANGES if 'sub_filter' not in settings else [each for each in RANGES if each not in ('bytes=100000-', 'bytes=5-4', 'bytes=x')]
    seen = []
    for proxy in proxies:
        answers = [told(peers.ask(proxy.port, 'GET', path, [f'Range: {each}'] if each else [])) for each in ranges]
        seen.append((answers, asked_of(files, len(ranges))))
    for each, ours, theirs in zip(ranges, seen[0][0], seen[1][0]):
        assert ours == theirs, each
    assert seen[0][1] == seen[1][1]


def test_heads_and_conditions(gate, gate_program, nginx_program, files):
    proxies = [gate(f'location / {{ proxy_pass http://127.0.0.1:{files.port}; {SLICED.format(30000)} }} location /whole {{ proxy_pass http://127.0.0.1:{files.port}; proxy_force_ranges on; }}',
                    program=program) for program in (gate_program, nginx_program)]
    etag = peers.ask(files.port, 'GET', '/big').one('ETag')
    for path in '/big', '/whole':
        for fields in ([f'If-Range: {etag}', 'Range: bytes=40000-40010'], ['If-Range: "x"', 'Range: bytes=40000-40010'], ['If-Range: "a"', 'Range: bytes=40000-40010'],
                       [f'If-None-Match: {etag}'], ['If-Match: "x"']):
            answers = [told(peers.ask(proxy.port, 'GET', path, fields)) for proxy in proxies]
            assert answers[0] == answers[1], (path, fields)
        answers = [told(peers.ask(proxy.port, 'HEAD', path)) for proxy in proxies]
        assert answers[0] == answers[1], path


SECOND = {
    'another etag': b'HTTP/1.1 206 P\r\nContent-Length: 4\r\nContent-Range: bytes 4-7/8\r\nETag: "b"\r\n\r\nefgh',
    'another range': b'HTTP/1.1 206 P\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/8\r\nETag: "a"\r\n\r\nabcd',
    'no range': b'HTTP/1.1 206 P\r\nContent-Length: 4\r\nETag: "a"\r\n\r\nefgh',
    'no part': b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nETag: "a"\r\n\r\nabcdefgh',
    'an error': b'HTTP/1.1 500 OK\r\nContent-Length: 1\r\nETag: "a"\r\n\r\nx',
    'too few bytes': b'HTTP/1.1 206 P\r\nConnection: close\r\nContent-Range: bytes 4-7/8\r\nETag: "a"\r\n\r\nefg',
    'nothing': b'',
}


@pytest.mark.parametrize('what', SECOND)
def test_a_second_slice_that_does_not_fit(gate, origin, what):
    """The client must not take what it has for the whole."""
    answers = iter([b'HTTP/1.1 206 P\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/8\r\nETag: "a"\r\n\r\nabcd', SECOND[what]])
    origin.answer_sliced = lambda wire, request, rest: wire.send(next(answers)) or what not in ('too few bytes', 'nothing')
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; {SLICED.format(4)} }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /sliced HTTP/1.1\r\nHost: a\r\n\r\n')
        head = wire.take_until(b'\r\n\r\n')
        assert b'Content-Length: 8\r\n' in head and b'200 OK' in head
        assert wire.take_rest() == b'abcd' or what == 'too few bytes'
    assert 'slice response' in proxy.told or what == 'nothing'


def test_a_second_server_is_asked_for_a_slice_too(gate, files, free_port):
    """nginx asks the next one; whoever it was that failed, the bytes are the whole file's."""
    http = f'upstream u {{ server 127.0.0.1:{files.port}; server 127.0.0.1:{free_port()} max_fails=0; retry_budget off; }}'
    proxy = gate(f'location / {{ proxy_pass http://u; {SLICED.format(4096)} }}', http)
    body = (files.folder.parent / 'files/big').read_bytes()
    assert peers.ask(proxy.port, 'GET', '/big').body == body
    assert peers.ask(proxy.port, 'GET', '/big', ['Range: bytes=10000-70000']).body == body[10000:70001], proxy.told


def test_limit_rate_of_origins(gate, files):
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{files.port}; proxy_limit_rate 40k; proxy_socket_rcvbuf 64k; proxy_socket_sndbuf 64k; }}')
    began = time.monotonic()
    assert peers.ask(proxy.port, 'GET', '/big').body == (files.folder.parent / 'files/big').read_bytes()
    assert time.monotonic() - began > 1.5
