"""Bodies of every framing pass whole, in both directions, and a broken one is never made to look whole."""
import peers
import pytest

SERVER = 'location / { proxy_pass http://127.0.0.1:%d; }'
SIZES = [0, 1, 1000, 4096, 65536, 1000003]


@pytest.fixture(params=['gate', 'nginx'])
def proxy(request, gate, origin):
    """gate, and nginx as the measure of this file itself."""
    return gate(SERVER % origin.port, program=request.getfixturevalue(f'{request.param}_program'))


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('framing', ['b', 'chunked', 'close'])
def test_answers_pass_whole(proxy, framing, size):
    answer = peers.ask(proxy.port, 'GET', f'/{framing}/{size}')
    assert answer.status == 200
    assert answer.body == peers.pattern(size)


def test_an_answer_without_length_ends_with_the_connection_for_http_10(proxy):
    answer = peers.ask(proxy.port, 'GET', '/chunked/5000', version='1.0')
    assert answer.one('Transfer-Encoding') is None
    assert answer.body == peers.pattern(5000)


@pytest.mark.parametrize('size', SIZES)
def test_requests_pass_whole(proxy, origin, size):
    body = peers.pattern(size)
    chunks = b''.join(b'%x\r\n%s\r\n' % (len(body[at:at + 5000]), body[at:at + 5000])
                      for at in range(0, size, 5000)) + b'0\r\n\r\n'
    with peers.Wire(proxy.port) as wire:
        wire.send(b'PUT /status/201 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % size + body)
        assert peers.read_response(wire).status == 201
        wire.send(b'PUT /status/201 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' + chunks)
        assert peers.read_response(wire).status == 201
    assert [each.body for each in origin.requests] == [body, body]


def test_head_has_no_body(proxy):
    with peers.Wire(proxy.port) as wire:
        for target, length in (('/b/1000', '1000'), ('/status/304', None), ('/status/204', None)):
            wire.send(f'HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
            answer = peers.read_response(wire, to_head=True)
            assert length is None or answer.one('Content-Length') == length
        wire.send(b'GET /b/3 HTTP/1.1\r\nHost: a\r\n\r\n')
        assert peers.read_response(wire).body == peers.pattern(3)


def test_an_expectation_is_met(proxy, origin):
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
        assert peers.read_response(wire).status == 100
        wire.send(b'body')
        assert peers.read_response(wire).body.endswith(b'\r\n\r\nbody')
    assert origin.requests[0].one('Expect') is None


@pytest.mark.parametrize('path', ['/cut', '/half-reset'])
def test_a_broken_answer_does_not_look_whole(proxy, path):
    with peers.Wire(proxy.port) as wire:
        wire.send(f'GET {path} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
        with pytest.raises((EOFError, ConnectionResetError)):
            answer = peers.read_response(wire)
            assert answer.status == 502, 'an answer cut short was passed on as a whole one'
            raise EOFError


def test_a_reset_before_the_answer_is_a_502(proxy):
    assert peers.ask(proxy.port, 'GET', '/reset').status == 502


def test_no_origin_is_a_502(gate, free_port):
    proxy = gate(SERVER % free_port())
    assert peers.ask(proxy.port, 'GET', '/').status == 502


def test_an_early_answer_reaches_the_client(proxy):
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n' + bytes(100000))
        answer = peers.read_response(wire)
    assert (answer.status, answer.body) == (413, b'early')


def test_a_slow_answer_comes_in_pieces_and_whole(gate, origin):
    proxy = gate(SERVER % origin.port + 'proxy_buffering off;')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /pieces/20 HTTP/1.1\r\nHost: a\r\n\r\n')
        wire.take_until(b'\r\n\r\n')
        assert wire.take(10) == peers.pattern(10)
        origin.release.set()
        assert wire.take(10) == peers.pattern(20)[10:]


def test_interim_answers_do_not_end_the_request(gate, origin):
    proxy = gate(SERVER % origin.port)
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /interim HTTP/1.1\r\nHost: a\r\n\r\n')
        answer = peers.read_response(wire)
        while answer.status < 200:
            answer = peers.read_response(wire)
        assert (answer.status, answer.body) == (200, b'final')


def test_connections_to_the_origin_are_used_again(gate, origin):
    proxy = gate('location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }',
                 http=f'upstream up {{ server 127.0.0.1:{origin.port}; keepalive 4; }}')
    for _ in range(5):
        assert peers.ask(proxy.port, 'GET', '/b/10').body == peers.pattern(10)
    assert origin.connections == 1


def test_bytes_behind_an_answer_are_not_the_next_one(gate, origin):
    """An origin that says too much must not speak into somebody else's request."""
    origin.scripts['/poison'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
                                 b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison']
    proxy = gate('location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }',
                 http=f'upstream up {{ server 127.0.0.1:{origin.port}; keepalive 4; }}')
    assert peers.ask(proxy.port, 'GET', '/poison').body == b'ok'
    assert peers.ask(proxy.port, 'GET', '/b/6').body == peers.pattern(6)
