"""HTTP/1 through the whole program, cut at every byte: requests as they come, and the answers of an origin."""
import cuts
import pytest

SERVER = '''
    client_max_body_size 50; server_name a;
    location / { proxy_pass ORIGIN; proxy_set_header Host $host; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /through/ { proxy_pass ORIGIN; proxy_request_buffering off; proxy_buffering off; proxy_http_version 1.1; proxy_pass_trailers on; }
    location /text { return 200 "$request_uri $http_x"; }
    location /socket { proxy_pass ORIGIN; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
'''
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
LAST = 'Connection: close\r\n\r\n'
CHUNKED = 'Host: a\r\nTransfer-Encoding: chunked\r\n'

GET, HEAD = (f'{method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode() for method in ('GET', 'HEAD'))

# name, what is sent, the statuses of the answers, and the bodies that the origin gets
REQUESTS = [
    ('plain', 'GET /x?y HTTP/1.1\r\nHost: a\r\n' + LAST, [200], ['']),
    ('empty lines, bare LF', '\r\n\nGET /x HTTP/1.1\nHost: a\nConnection: close\n\n', [200], ['']),
    ('HTTP/1.0', 'GET /x HTTP/1.0\r\n\r\n', [200], ['']),
    ('HTTP/1.0 with a body', 'POST /x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc', [200], ['abc']),
    ('absolute', 'GET HTTP://A:80/x HTTP/1.1\r\nHost: a:80\r\n' + LAST, [200], ['']),
    ('escapes', 'GET /%78/../%2e/x//y%20%e4?a=%zz HTTP/1.1\r\nHost: a\r\n' + LAST, [200], ['']),
    ('fields', 'GET /text HTTP/1.1\r\nhOST:a\r\nX:  b c \t\r\nEmpty:\r\nX_Y: d\r\nX.Y: e\r\n' + LAST, [200], []),
    ('length', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n' + LAST + '0123456789', [200], ['0123456789']),
    ('length 0', 'PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n' + LAST, [200], ['']),
    ('chunked', 'POST /x HTTP/1.1\r\n' + CHUNKED + LAST + '3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n', [200], ['abc0123456789']),
    ('extensions and trailers', 'POST /x HTTP/1.1\r\n' + CHUNKED + LAST + '1 ;a="b\\"";c\r\nz\r\n00;d\r\nA: b\r\nHost: c\r\nContent-Length: 1\r\n\r\n', [200], ['z']),
    ('straight through', 'POST /through/ HTTP/1.1\r\n' + CHUNKED + LAST + '2\r\nab\r\n3;x\r\ncde\r\n0\r\nT: u\r\n\r\n', [200], ['abcde']),
    ('straight with a length', 'POST /through/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n' + LAST + 'abcde', [200], ['abcde']),
    ('expectation', 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n' + LAST + 'abc', [200], ['abc']),
    ('chunked expectation', 'POST /through/ HTTP/1.1\r\n' + CHUNKED + 'Expect: 100-continue\r\n' + LAST + '1\r\na\r\n0\r\n\r\n', [200], ['a']),
    ('pipelined', 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nbc\r\nPOST /3 HTTP/1.1\r\n' + CHUNKED +
     '\r\n1\r\nd\r\n0\r\n\r\nGET /text HTTP/1.1\r\nHost: a\r\n' + LAST, [200, 200, 200, 200], ['', 'bc', 'd']),
    ('a body that is thrown away', 'POST /text HTTP/1.1\r\n' + CHUNKED + '\r\n3\r\nGET\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n' + LAST, [200, 200], ['']),
    ('nothing behind the last', 'GET /x HTTP/1.1\r\nHost: a\r\n' + LAST + 'GET /y HTTP/1.1\r\nHost: a\r\n\r\n', [200], ['']),
    ('HTTP/0.9', 'GET /x\r\n', [], ['']),
    ('hop by hop', 'GET /x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nKeep-Alive: 1\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n\r\n',
     [200], ['']),
    ('what Connection must not name', 'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close, Content-Length, Host, Transfer-Encoding\r\nContent-Length: 3\r\n\r\nabc', [200], ['abc']),
    ('names that only look alike', 'POST /x HTTP/1.1\r\nHost: a\r\nContent_Length: 9\r\nTransfer_Encoding: chunked\r\nContent-Length: 3\r\n' + LAST + 'abc', [200], ['abc']),
    ('an unknown expectation', 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 3\r\n' + LAST + 'abc', [200], ['abc']),
    ('too much', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 51\r\n\r\n', [413], []),
    ('too much in chunks', 'POST /x HTTP/1.1\r\n' + CHUNKED + '\r\n20\r\n' + 'a' * 32 + '\r\n13\r\n' + 'b' * 19, [413], []),
]


def without_interim(answers):
    return [answer for answer in answers if not answer[0].startswith(b'HTTP/1.1 100')]


@pytest.fixture
def bench(gate, tmp_path):
    return cuts.Bench(gate, tmp_path, SERVER)


def bodies(received):
    return [message[2].decode() for each in received for message in cuts.Messages(each).found]


def decoded(received):
    """How chunks are cut on their way is nobody's affair, all else is."""
    whole = [cuts.Messages(each) for each in received]
    return [(each.found, each.data) for each in whole]


def test_a_request_is_the_same_wherever_it_is_cut(bench):
    for (name, wire, statuses, arrives), (_, before, *_) in zip(REQUESTS, [('', ''), *REQUESTS]):
        first = None
        for pieces in cuts.every_cut(wire.encode('latin-1'), before.encode('latin-1')):
            answers, rest, received = bench.exchange(pieces, [OK])
            answers = without_interim(answers)
            if first is None:
                assert [int(answer[0].split()[1]) for answer in answers] == statuses and bodies(received) == arrives, name
                assert rest == (b'' if statuses else b'ok'), name
                first = answers, rest, decoded(received)
            assert (answers, rest, decoded(received)) == first, (name, pieces)


# name, what the origin answers before it closes, the statuses that arrive, the last body where it is the origin's
ANSWERS = [
    ('length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody', [200], 'body'),
    ('length 0', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: y\r\n\r\n', [200], ''),
    ('bare LF', 'HTTP/1.1 200 OK\nContent-Length: 4\nX:  y \n\nbody', [200], 'body'),
    ('chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a="b"\r\nabc\r\n00A \r\n0123456789\r\n0\r\n\r\n', [200], 'abc0123456789'),
    ('trailers', 'HTTP/1.1 200 OK\r\nTrailer: T\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nz\r\n0;x\r\nT: u\r\nContent-Length: 1\r\n\r\n', [200], 'z'),
    ('until the end', 'HTTP/1.1 200 OK\r\nConnection: close\r\nX: y\r\n\r\nbody', [200], 'body'),
    ('HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nbody', [200], 'body'),
    ('no reason', 'HTTP/1.1 299 \r\nContent-Length: 1\r\n\r\nz', [299], 'z'),
    ('interim', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', [200], 'ok'),
    ('no content', 'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n', [204], ''),
    ('not modified', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 9\r\n\r\n', [304], ''),
    ('hop by hop', 'HTTP/1.1 200 OK\r\nConnection: X-Mine, close\r\nX-Mine: 1\r\nKeep-Alive: x\r\nContent-Length: 2\r\n\r\nok', [200], 'ok'),
    ('more than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad', [200], 'ok'),
    ('bad line', 'HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok', [502], None),
    ('no version', 'ICY 200 OK\r\n\r\nok', [502], None),
    ('bad name', 'HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 2\r\n\r\nok', [502], None),
    ('folded', 'HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 2\r\n\r\nok', [502], None),
    ('NUL', 'HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\nok', [502], None),
    ('bare CR', 'HTTP/1.1 200 OK\r\nX: y\rSet-Cookie: z\r\nContent-Length: 2\r\n\r\nok', [502], None),
    ('bad length', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok', [502], None),
    ('two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', [502], None),
    ('lengths in a list', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok', [502], None),
    ('length and coding', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', [502], None),
    ('two codings', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', [502], None),
    ('unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', [502], None),
    ('HTTP/1.0 with a coding', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', [502], None),
    ('a switch that nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', [502], None),
]


def test_an_answer_is_the_same_wherever_it_is_cut(bench):
    for (name, wire, statuses, body), (_, before, *_) in zip(ANSWERS, [('', ''), *ANSWERS]):
        first = None
        for pieces in cuts.every_cut(wire.encode('latin-1'), before.encode('latin-1')):
            answers, rest, _ = bench.exchange([GET], [*pieces, cuts.CLOSE])
            if first is None:
                assert [int(answer[0].split()[1]) for answer in answers] == statuses and rest == b'', name
                assert body is None or answers[-1][2].decode() == body, name
                first = answers
            assert (answers, rest) == (first, b''), (name, pieces)


def test_an_answer_that_ends_early_is_never_a_whole_one(bench):
    """Wherever the origin leaves: a 502, or an answer whose own frame says that it is not all; without a frame, its beginning."""
    for name, wire, _, body in ANSWERS:
        data = wire.encode('latin-1')
        for cut in range(len(data), -1, -1) if body else ():
            answers, rest, _ = bench.exchange([GET], [data[:cut], cuts.CLOSE])
            if cut == len(data):
                [whole] = answers
            assert len(answers) + bool(rest) == 1, (name, cut)
            for answer in answers:
                assert b' 502 ' in answer[0] or answer == whole or is_beginning(answer, whole), (name, cut)


@pytest.mark.parametrize('length', ['Content-Length: 4', 'Transfer-Encoding: chunked', 'X: y'])
def test_an_answer_to_head_ends_with_its_head(bench, length):
    wire = f'HTTP/1.1 200 OK\r\n{length}\r\n\r\n'.encode()
    said = [bench.exchange([HEAD], [*pieces, cuts.CLOSE], heads=1) for pieces in cuts.every_cut(wire)]
    assert all(each == said[0] for each in said) and said[0][0][0][0] == b'HTTP/1.1 200 OK' and said[0][1] == b''


def test_what_is_switched_to_passes_at_every_cut(bench):
    """101 and what comes right behind it, from both sides."""
    ask = b'GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfrom the client'
    switched = b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
    for pieces in cuts.every_cut(ask):
        answers, rest, [received] = bench.exchange(pieces, [switched, b'from the origin', cuts.CLOSE])
        assert rest == b'from the origin' and len(answers) == 1 and received.startswith(b'GET /socket '), pieces
    for pieces in cuts.every_cut(switched + b'from the origin'):
        answers, rest, _ = bench.exchange([ask], [*pieces, cuts.CLOSE])
        assert rest == b'from the origin' and len(answers) == 1, pieces


def is_beginning(answer, whole):
    """Of one that ends with its connection."""
    framed = any(b'content-length' in field.lower() for field in whole[1])
    return not framed and answer[:2] == whole[:2] and whole[2].startswith(answer[2])
