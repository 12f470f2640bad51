"""Bodies of requests on their way to an origin: what it gets, beside nginx, and what happens when the first origin fails."""
import os
import select
import tempfile
import threading
import time

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
OWN = ('connection', 'host')  # of the connection, and with the origin's port
SERVER = '''
    proxy_http_version 1.1; client_body_temp_path body; client_body_buffer_size 4k;
    location / { proxy_pass http://127.0.0.1:%(origin)d; }
    location /stream/ { proxy_request_buffering off; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /set/ { proxy_set_body "[$request_method $arg_x]"; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /set-empty/ { proxy_set_body $arg_none; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /wrapped/ { proxy_set_body "<$request_body>"; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /none/ { proxy_pass_request_body off; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /bare/ { proxy_pass_request_headers off; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /method/ { proxy_method PUT; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /variable/ { proxy_method $arg_m; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /shown/ { proxy_pass http://127.0.0.1:%(origin)d/; proxy_set_header X-Body "$request_body"; }
    location /small/ { client_max_body_size 10; proxy_pass http://127.0.0.1:%(origin)d/; }
'''


def chunked(body, step):
    pieces = [body[at:at + step] for at in range(0, len(body), step)]
    return b''.join(b'%x\r\n%b\r\n' % (len(piece), piece) for piece in pieces) + b'0\r\n\r\n'


@pytest.fixture
def both(gate, nginx_program, origin):
    return beside.Both(gate, nginx_program, SERVER % {'origin': origin.port}, main=MAIN)


def got(origin):
    """What the origin was asked last, without what differs between the two."""
    request = origin.requests.pop()
    return request.line, sorted(field for field in request.fields if field[0] not in OWN), request.body


TARGETS = ['/', '/stream/', '/set/', '/set/?x=a+b', '/set-empty/', '/wrapped/', '/bare/', '/method/', '/variable/?m=PATCH',
           '/shown/']


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('size', [None, 0, 1, 5000, 200000])
def test_what_the_origin_gets(both, origin, target, size):
    for method in ('POST', 'GET', 'PUT'):
        body = b'' if size is None else b'abcdefg' * (size // 7) + b'x' * (size % 7)
        fields = [] if size != 0 else ['Content-Length: 0']
        seen = []
        for each in (both.gate, both.nginx):
            answer = peers.ask(each.port, method, target, fields, body)
            seen.append((answer.status, got(origin)))
        assert seen[0] == seen[1], (method, target, size)


def test_no_body_is_passed_on(gate, origin):
    """nginx sends the client's Content-Length all the same, and the origin waits for ever."""
    server = gate(SERVER % {'origin': origin.port}, main=MAIN)
    for body, length in ((b'', None), (b'x', '0'), (b'x' * 9000, '0')):
        peers.ask(server.port, 'POST', '/none/', body=body)
        request = origin.requests.pop()
        assert request.one('Content-Length') == length and not request.body


@pytest.mark.parametrize('size, step', [(10, 3), (5000, 7), (100000, 9000)])
def test_chunks_get_a_length(both, origin, size, step):
    body, seen = peers.pattern(size), []
    for each in (both.gate, both.nginx):
        with peers.Wire(each.port) as wire:
            wire.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' + chunked(body, step))
            assert peers.read_response(wire).body.endswith(body)
            seen.append(got(origin))
            wire.send(b'GET /b/3 HTTP/1.1\r\nHost: a\r\n\r\n')  # the connection goes on
            assert peers.read_response(wire).body == peers.pattern(3)
            origin.requests.pop()
    assert seen[0] == seen[1]


def test_methods_and_heads(both, origin):
    origin.scripts['/'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello']
    for target in ('/method/', '/variable/?m=GET'):
        for each in (both.gate, both.nginx):
            with peers.Wire(each.port) as wire:
                wire.send(f'HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
                answer = peers.read_response(wire, True)
                assert answer.status == 200 and answer.one('Content-Length') == '5'
                wire.send(b'GET /b/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
                assert wire.take_rest().endswith(b'\r\n\r\n' + peers.pattern(3))


def test_too_large(both, origin):
    for size in (10, 11, 100):
        both.ask('/small/', 'POST', body=b'x' * size)
    for data in (b'5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n', b'5\r\nabcde\r\n6\r\nabcdef\r\n0\r\n\r\n', b'ffff\r\nabcdefghijklmno',
                 b'zz\r\n', b'5\r\nabcdeX'):
        seen = []
        for each in (both.gate, both.nginx):
            origin.requests.clear()
            seen.append((peers.exchange(each.port, b'POST /small/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
                                        b'Transfer-Encoding: chunked\r\n\r\n' + data).split(b'\r\n')[0], len(origin.requests)))
        assert seen[0] == seen[1], data


def test_an_origin_is_asked_when_all_is_here(gate, origin):
    server = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}')
    with peers.Wire(server.port) as wire:
        wire.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n')
        assert wire.take_until(b'\r\n\r\n') == b'HTTP/1.1 100 Continue\r\n\r\n'
        wire.send(b'abc')
        server.rest()
        assert origin.connections == 0
        wire.send(b'def')
        assert peers.read_response(wire).body.endswith(b'abcdef')


@pytest.mark.parametrize('size', [3, 300000])
@pytest.mark.parametrize('framing', ['length', 'chunked'])
def test_a_second_origin_gets_the_body_too(gate, origin, size, framing):
    upstream = f'''
        upstream two {{ server 127.0.0.1:%d max_fails=0; server 127.0.0.1:{origin.port} backup; }}
        client_body_temp_path bodies;'''
    with peers.Origin() as bad:
        server = gate('''location / { proxy_pass http://two/echo; }
                         location /late { proxy_next_upstream error non_idempotent; proxy_pass http://two/echo; }
                         location /once { proxy_pass http://two/echo; }''', upstream % bad.port, MAIN)
        bad.scripts['/echo'] = [None]
        body = peers.pattern(size)
        head = b'Content-Length: %d\r\n\r\n' % size if framing == 'length' else b'Transfer-Encoding: chunked\r\n\r\n'
        sent = body if framing == 'length' else chunked(body, 1000)
        for target, method, status in (('/', 'PUT', 200), ('/late', 'POST', 200), ('/once', 'POST', 502)):
            with peers.Wire(server.port) as wire:
                wire.send(f'{method} {target} HTTP/1.1\r\nHost: a\r\n'.encode() + head + sent)
                answer = peers.read_response(wire)
                assert answer.status == status, target
                assert status != 200 or answer.body.endswith(body)


def test_bodies_in_files(gate, origin):
    server = gate(f'''client_body_temp_path files; proxy_pass_request_body off; proxy_set_header X-File $request_body_file;
                      location /on {{ client_body_in_file_only on; proxy_pass http://127.0.0.1:{origin.port}/b/1; }}
                      location /clean {{ client_body_in_file_only clean; proxy_pass http://127.0.0.1:{origin.port}/b/1; }}''', main=MAIN)
    for target, stays in (('/on', True), ('/clean', False)):
        assert peers.ask(server.port, 'POST', target, body=b'hello').status == 200
        path = origin.requests.pop().one('X-File')
        assert path.startswith(f'{server.folder}/files/')
        server.rest()
        assert os.path.exists(path) == stays
        if stays:
            with open(path, 'rb') as file:
                assert file.read() == b'hello'


def test_levels_of_folders(gate, origin):
    """The last digits of its name are the folders of a file, as with nginx."""
    server = gate(f'''client_body_temp_path files 1 2; client_body_in_file_only on; proxy_set_header X-File $request_body_file;
                      location / {{ proxy_pass http://127.0.0.1:{origin.port}/b/1; }}''', main=MAIN)
    for _ in range(2):
        assert peers.ask(server.port, 'POST', '/', body=b'hello').status == 200
        path = origin.requests.pop().one('X-File')
        name = path.split('/')[-1]
        assert path == f'{server.folder}/files/{name[-1]}/{name[-3:-1]}/{name}'
        with open(path, 'rb') as file:
            assert file.read() == b'hello'


def test_no_room_for_a_body(gate, origin):
    server = gate(f'client_body_temp_path bodies; client_body_buffer_size 10; location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}',
                  main=MAIN)
    (server.folder / 'bodies').rmdir()
    (server.folder / 'bodies').touch()
    assert peers.exchange(server.port, b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n' +
                          b'x' * 9000).startswith(b'HTTP/1.1 500 ')
    assert '[crit]' in server.told and not origin.requests
    (server.folder / 'logs/error.log').write_text('')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root has workers of another user')
def test_a_folder_for_bodies_is_the_workers(gate, origin):
    """It is made at start, where the worker itself could not make it; one that everybody writes to stays whose it is."""
    with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
        os.chmod(folder, 0o711)
        os.mkdir(f'{folder}/shared')
        os.chmod(f'{folder}/shared', 0o1777)
        server = gate(f'''client_body_buffer_size 10;
            location / {{ client_body_temp_path {folder}/own 1 2; proxy_pass http://127.0.0.1:{origin.port}; }}
            location /shared {{ client_body_temp_path {folder}/shared; proxy_temp_path {folder}/shared;
                                proxy_pass http://127.0.0.1:{origin.port}; }}''')
        for target in ('/echo', '/shared'):
            peers.ask(server.port, 'POST', target, body=b'x' * 9000)
            assert origin.requests.pop().body == b'x' * 9000
        own, shared = os.stat(f'{folder}/own'), os.stat(f'{folder}/shared')
        assert (own.st_uid, own.st_mode & 0o7777) == (65534, 0o700)
        assert (shared.st_uid, shared.st_mode & 0o7777) == (0, 0o1777)


SIZE = 30_000_000  # more than sockets hold


@pytest.mark.parametrize('settings, whole', [
    ('', True), ('limit_rate 12m;', True), ('proxy_buffering off;', False), ('proxy_max_temp_file_size 0;', False), ('gzip on; gzip_types *;', True),
    ('proxy_max_temp_file_size 100k; proxy_buffers 4 4k; proxy_buffer_size 4k; proxy_busy_buffers_size 8k;', False)])
def test_an_answer_is_stored_for_a_slow_client(gate, settings, whole):
    with peers.Origin() as origin:
        server = gate(f'proxy_temp_path answers; {settings} location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}', main=MAIN)
        sent = threading.Event()

        def answer(wire, *_):
            wire.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % SIZE + peers.pattern(SIZE))
            sent.set()

        origin.answer_all = answer
        with peers.Wire(server.port) as wire:
            wire.send(b'GET /all HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.wait_for(lambda: select.select([wire.socket], [], [], 0)[0], 'its beginning')
            assert sent.wait(peers.PATIENCE_S if whole else 1) == whole
            origin.stop()
            answer = wire.take_rest() if not whole else peers.read_response(wire).body
            assert (len(answer) == SIZE) == whole
            if whole:
                assert answer == peers.pattern(SIZE)
                wire.send(b'GET /all HTTP/1.1\r\nHost: a\r\n\r\n')  # the connection goes on
                assert peers.read_response(wire).status == 502
    (server.folder / 'logs/error.log').write_text('')


def test_a_slow_client_of_tls(gate_tls, origin):
    server, connect = gate_tls(f'proxy_temp_path answers; location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}', MAIN)
    with connect() as wire:
        wire.send(b'GET /b/%d HTTP/1.1\r\nHost: a\r\n\r\n' % (SIZE // 3))
        time.sleep(0.5)
        assert peers.read_response(wire).body == peers.pattern(SIZE // 3)
    assert server.process.poll() is None
