"""Which HTTP/1 requests are taken and which are refused, from the outside, beside nginx."""
import re

import cuts
import peers
import pytest

HOST = 'Host: a\r\n'
GET = 'GET / HTTP/1.1\r\n' + HOST
POST = 'POST / HTTP/1.1\r\n' + HOST


def twice(line):
    return GET + (line + '\r\n') * 2 + '\r\n'


# name, what is sent, status; and what an nginx may say instead, where gate is stricter or it is old
RULES = [
    ('simple', GET + '\r\n', 200),
    ('bare LF', 'GET / HTTP/1.1\nHost: a\n\n', 200),
    ('empty lines in front', '\r\n\r\n' + GET + '\r\n', 200),
    ('HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n', 200),
    ('unknown method', 'BREW / HTTP/1.1\r\n' + HOST + '\r\n', 200),
    ('absolute target', 'GET http://a/ HTTP/1.1\r\n' + HOST + '\r\n', 200),
    ('absolute target without a path', 'GET http://a HTTP/1.1\r\n' + HOST + '\r\n', 200),
    ('invalid name is dropped', GET + 'X.Y: 1\r\n\r\n', 200),
    ('underscore is dropped', GET + 'Transfer_Encoding: chunked\r\n\r\n', 200),
    ('length', POST + 'Content-Length: 3\r\n\r\nabc', 200),
    ('chunked', POST + 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 200),
    ('chunked with extension and trailer',
     POST + 'Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n', 200),
    ('repeated Range', twice('Range: bytes=0-1'), 200),
    ('repeated Cookie', twice('Cookie: a=b'), 200),

    ('lower-case method', 'get / HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('space in the target', 'GET /a b HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('control byte in the target', 'GET /\x01 HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('NUL in the target', 'GET /\0 HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('two spaces', 'GET /  HTTP/1.1\r\n' + HOST + '\r\n', 400, 200),
    ('asterisk', 'OPTIONS * HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('above the root', 'GET /../ HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('encoded NUL', 'GET /%00 HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('bad escape', 'GET /%zz HTTP/1.1\r\n' + HOST + '\r\n', 400),
    ('no version 2', 'GET / HTTP/2.0\r\n' + HOST + '\r\n', 505),
    ('no Host', 'GET / HTTP/1.1\r\n\r\n', 400),
    ('empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400),
    ('invalid Host', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400),
    ('Host with a user', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400, 200),
    ('Host with a bad port', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', 400, 200),
    ('Host of another target', 'GET http://b/ HTTP/1.1\r\n' + HOST + '\r\n', 400, 200),
    ('two Hosts', GET + HOST + '\r\n', 400),
    ('space before the colon', GET + 'X : y\r\n\r\n', 400),
    ('folded line', GET + 'X: y\r\n z\r\n\r\n', 400),
    ('no colon', GET + 'X\r\n\r\n', 400, 200),
    ('bare CR', GET + 'X: a\rb\r\n\r\n', 400),
    ('NUL in a value', GET + 'X: \0\r\n\r\n', 400),
    ('control byte in a value', GET + 'X: \x01\r\n\r\n', 400, 200),
    ('signed length', POST + 'Content-Length: +3\r\n\r\nabc', 400),
    ('length beyond 2^63', POST + 'Content-Length: 9223372036854775808\r\n\r\n', 400),
    ('lengths in a list', POST + 'Content-Length: 3, 3\r\n\r\nabc', 400),
    ('two lengths', POST + 'Content-Length: 3\r\n' * 2 + '\r\nabc', 400),
    ('length and coding', POST + 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    ('coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    ('unknown coding', POST + 'Transfer-Encoding: gzip\r\n\r\n', 501),
    ('two codings', POST + 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501),
    ('chunked twice', POST + 'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n', 400, 501),
    ('two coding fields', POST + 'Transfer-Encoding: chunked\r\n' * 2 + '\r\n0\r\n\r\n', 400),
    ('two expectations', twice('Expect: 100-continue'), 400),
    ('two authorizations', twice('Authorization: x'), 400),
    ('two conditions', twice('If-None-Match: "x"'), 400),
    ('line too long', 'GET /' + 'a' * 9000 + ' HTTP/1.1\r\n' + HOST + '\r\n', 414),
    ('field too long', GET + 'X: ' + 'a' * 9000 + '\r\n\r\n', 400),
]

# The head of these is right, and may have gone on to the origin before the body breaks.
BROKEN_BODIES = [
    ('bad chunk size', POST + 'Transfer-Encoding: chunked\r\n\r\nx\r\n', 400),
    ('bare LF in chunks', POST + 'Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n', 400, 200),
    ('chunk longer than its size', POST + 'Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n', 400),
]


def status_of(answer):
    match = re.match(rb'HTTP/1\.[01] (\d{3}) ', answer)
    return int(match[1]) if match else None


def told(port, wire):
    """The status of the first answer. An accepted request keeps the connection, so that the answer is read alone."""
    with peers.Wire(port) as connection:
        connection.send(wire.encode('latin-1'))
        return peers.read_response(connection).status


SERVER = 'location / { proxy_pass http://127.0.0.1:%d; proxy_set_header Host $host; }'


@pytest.fixture
def behind(gate, origin):
    origin.scripts['/'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']
    return gate(SERVER % origin.port)


def test_gate_keeps_the_rules(behind, origin):
    wrong = []
    for name, wire, status, *_ in RULES:
        seen = len(origin.requests)
        got = told(behind.port, wire)
        forwarded = len(origin.requests) - seen
        if got != status or forwarded != (status == 200):
            wrong.append((name, got, status, forwarded))
    assert not wrong


@pytest.mark.parametrize('wire, status', [rule[1:3] for rule in BROKEN_BODIES],
                         ids=[rule[0] for rule in BROKEN_BODIES])
def test_a_broken_body_is_told(behind, wire, status):
    assert told(behind.port, wire) == status


def test_nginx_refuses_no_more_than_gate(gate, origin, nginx_program):
    """The tables tell the truth of nginx: what it refuses, gate refuses with the same status."""
    origin.scripts['/'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']
    nginx = gate(SERVER % origin.port, program=nginx_program)
    wrong = []
    for name, wire, status, *other in RULES + BROKEN_BODIES:
        got = told(nginx.port, wire)
        if got not in (status, *other):
            wrong.append((name, got, status))
    assert not wrong


def test_http_09_has_a_body_alone(behind):
    assert peers.exchange(behind.port, b'GET /\r\n') == b'ok'


def test_a_head_may_come_byte_by_byte(behind):
    with peers.Wire(behind.port) as wire:
        for byte in (GET + '\r\n').encode():
            wire.send(bytes([byte]))
        assert peers.read_response(wire).body == b'ok'


def test_requests_may_follow_each_other_at_once(behind, origin):
    with peers.Wire(behind.port) as wire:
        wire.send((POST + 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' + GET + '\r\n' +
                   POST + 'Content-Length: 3\r\n\r\nxyz' + GET + 'Connection: close\r\n\r\n').encode())
        answers = [peers.read_response(wire).body for _ in range(4)]
        assert answers == [b'ok'] * 4 and not wire.more()
    assert [each.body for each in origin.requests] == [b'abc', b'', b'xyz', b'']


def test_nothing_behind_a_refused_head_is_a_request(behind, origin):
    """What follows a head whose end is in doubt must not be read as a request of its own."""
    smuggled = GET + '\r\n'
    for head in ('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', 'Content-Length: 0\r\n' * 2,
                 'Transfer-Encoding: gzip\r\n', 'Content-Length : 0\r\n'):
        answer = peers.exchange(behind.port, (POST + head + '\r\n' + smuggled).encode())
        assert status_of(answer) in (400, 501) and answer.count(b'HTTP/1.1 ') == 1
    assert origin.requests == []


# ---- none of these may reach an origin, however it comes ----

CHUNKED = 'Transfer-Encoding: chunked\r\n'
REFUSALS = [b'HTTP/1.1 400 Bad Request', b'HTTP/1.1 413 Request Entity Too Large', b'HTTP/1.1 414 Request-URI Too Large', b'HTTP/1.1 501 Not Implemented', b'HTTP/1.1 505 HTTP Version Not Supported']
TARGETS = ['/\x7f', '/%0', '/%', '/%g0', '/a\tb', '/%00a', '/..', '/a/../..', '/%2e%2e/', '/a/%2e%2e/%2e./', 'a', '//', '?']
MALFORMED = [wire for _, wire, status, *_ in RULES if status != 200] + [f'GET {target} HTTP/1.1\r\n{HOST}\r\n' for target in TARGETS if target != '//'] + [
    f'{method} / HTTP/1.1\r\n{HOST}\r\n' for method in ('GeT', 'G=T', 'G\0T', 'GET:', '"GET"', 'G\x80T', 'gET')] + [
    f'GET / {version}\r\n{HOST}\r\n' for version in ('HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/01.1x', 'HTTP/3.0', 'http/1.1', 'HTTPS/1.1', 'HTTP/1.1 x', 'HTTP /1.1', 'HTTP/1,1', 'HTTP/1.1\0', 'FTP/1.1')] + [
    POST + f'Content-Length: {length}\r\n\r\nabc' for length in ('', '\x0b3', '3\x0c', '\xb3', '3_0', '3\r\n 4', '\r\n 3', '3\rX: y', '3\n 4', '3, 4', '0, 3', '-1', '0x3', '3 3', '3,', '3;', '3.0', 'three', '1e1', '\0003', '3\0', '18446744073709551616', '99999999999999999999999')] + [
    POST + f'Transfer-Encoding: {coding}\r\n\r\n3\r\nabc\r\n0\r\n\r\n' for coding in (
        '', '\x0bchunked', 'chunked\x0c', '\r\n chunked', 'chunked\r\n , identity', 'chunked\rX: y', 'chunked\x85', '\xa0chunked', 'trailers', 'chunked, trailers', 'chunked,', ',chunked', 'chunked;q=1', '"chunked"', 'xchunked', 'chunkedx', 'identity', 'identity, chunked', 'chunked, identity', 'chu nked', 'chunked\0', 'chunked gzip', 'deflate')] + [
    POST + CHUNKED + f'Content-Length: {length}\r\n\r\n3\r\nabc\r\n0\r\n\r\n' for length in ('0', '3', '13', '-1')] + [
    POST + f'Content-Length: {one}\r\nContent-Length: {other}\r\n\r\nabc' for one, other in (('3', '4'), ('4', '3'), ('0', '3'), ('3', '03'), ('3', ''))] + [
    GET + field + '\r\n\r\n' for field in (': none', ' Space: in front', '\tTab: in front', 'Na me: x', 'Name\t: x', 'Name : x', 'Transfer-Encoding : chunked', 'Content-Length\t: 3', 'A: b\r\r', 'X: a\0b', 'Host: b', '\0: x',
                                        'Content-Length\0: 3', 'Transfer-Encoding\0: chunked', 'X: y\n z', 'X: y\r\n\tz', 'X: y\r\n\x0bz: a')] + [
    POST + CHUNKED + second + '\r\n\r\n0\r\n\r\n' for second in ('Transfer-Encoding: identity', 'transfer-encoding: x', 'Transfer-Encoding:', 'Content-Length:', 'Content-Length: 0\r\nContent-Length: 0')] + [
    f'GET http://{authority} HTTP/1.1\r\n{HOST}\r\n' for authority in ('', '/', ':80/', 'u@a/', 'a@/', 'a:x/', 'a:65536/', '[::1/', 'a b/', 'b/', 'a\\b/', 'a,b/', '%61/')] + [
    f'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n' for host in ('a b', 'a,b', 'a\tb', 'a/', 'a?', 'a#', '@a', 'a:1:2', '[::1', 'a\\b', '..', 'a..b', '-\x80')] + [
    POST + CHUNKED + '\r\n' + body for body in (
        ' 3\r\nabc', '\r\n', ';a\r\n', '-1\r\n', '+1\r\na', '0x3\r\nabc', '3,\r\nabc', '"3"\r\nabc', '3 4\r\nabc', '1000000000000000\r\n', 'ffffffffffffffff\r\n',
        '3\nabc', '3;a\nabc', '3;a\rb\r\nabc', '3;a\0\r\nabc', '3\rabc', '3\r\nabcd\r\n', '3\r\nabc0\r\n\r\n', '3\r\nabc\n0\r\n\r\n', '3\r\nabc\r0\r\n\r\n',
        '0\r\n\n', '0\n\n', '0\r\n A: b\r\n\r\n', '0\r\nA : b\r\n\r\n', '0\r\nA: b\r\n c\r\n\r\n', '0\r\nA\r\n\r\n', '0\r\nA: b\n\r\n', '0\r\nA: \0\r\n\r\n',
        '1;' + 'a' * 1100 + '\r\n', '3\r\nabc\r\n' + '0' * 16 + '\r\n\r\n', 'GET / HTTP/1.1\r\n')]


def test_nothing_malformed_reaches_an_origin(gate, tmp_path):
    """Whole, cut at each of its bytes, and byte by byte: the same refusal. What begins as the one before it is not cut there again."""
    bench = cuts.Bench(gate, tmp_path, 'location / { proxy_pass ORIGIN; proxy_set_header Host $host; }')
    wrong = []
    wires = [wire.encode('latin-1') for wire in MALFORMED]
    for wire, before in zip(wires, [b'', *wires]):
        said = set()
        for pieces in cuts.every_cut(wire, before):
            answers, rest, received = bench.exchange(pieces, [b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'])
            said.add((*(answer[0] for answer in answers), rest))
            if received or said - {(line, b'') for line in REFUSALS} or len(said) > 1:
                wrong.append((wire[:100], pieces[0][-20:], said, received))
                break
    assert not wrong, '\n'.join(map(str, wrong))
