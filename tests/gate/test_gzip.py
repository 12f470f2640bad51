"""gzip and trailers beside nginx: what is compressed, what its head says, and that it is the same body again."""
import gzip
import json
import os
import random
import socket
import subprocess
import time
import zlib

import peers
import pytest

MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
JSON = json.dumps([{'id': number, 'name': f'row {number}'} for number in range(4000)]).encode()
NOISE = random.Random(7).randbytes(300000)
FILES = {'page.html': b'<p>' * 400, 'small.html': b'<p>hi</p>', 'edge.html': b'x' * 20, 'data.json': JSON, 'photo.png': NOISE[:5000],
         'noise.html': NOISE, 'empty.html': b'', 'zeros.html': bytes(3000000)}
HTTP = '''
    types { text/html html; application/json json; image/png png; }
    gzip on; gzip_types application/json text/plain;
'''
SERVER = '''
    location / { root files; }
    location /off/ { gzip off; alias files/; }
    location /vary/ { gzip_vary on; alias files/; }
    location /level/ { gzip_comp_level 9; gzip_min_length 1000; alias files/; }
    location /all/ { gzip_types *; gzip_min_length 0; alias files/; }
    location /old/ { gzip_http_version 1.0; alias files/; }
    location /any/ { gzip_proxied any; gzip_vary on; alias files/; }
    location /some/ { gzip_proxied no_etag expired; alias files/; }
    location /disable/ { gzip_disable "msie6" "Bad.*Bot"; gzip_vary on; alias files/; }
    location /tag/ { add_header ETag '"mine"'; alias files/; }
    location /chunkless/ { chunked_transfer_encoding off; alias files/; }
    location = /text { return 200 "a text that is longer than twenty bytes"; }
    location = /made { return 201 "a text that is longer than twenty bytes"; }
    location = /gone { return 404 "a text that is longer than twenty bytes"; }
    location = /page { return 403; }
    location = /error { return 500; }
    location /o/ { gzip_vary on; gzip_proxied expired no-cache private auth; proxy_pass http://127.0.0.1:%(origin)d/; proxy_http_version 1.1; }
'''
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n'
ORIGIN = {
    '/length': [HEAD + b'Content-Length: 3000\r\nETag: "o"\r\nAccept-Ranges: bytes\r\n\r\n' + b'abc' * 1000],
    '/weak': [HEAD + b'Content-Length: 3000\r\nETag: W/"o"\r\n\r\n' + b'abc' * 1000],
    '/untagged': [HEAD + b'Content-Length: 3000\r\nETag: o\r\n\r\n' + b'abc' * 1000],
    '/chunked': [HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', b'6\r\n world\r\n0\r\n\r\n'],
    '/close': [HEAD + b'Connection: close\r\n\r\n' + b'abc' * 1000, None],
    '/encoded': [HEAD + b'Content-Encoding: br\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/typeless': [b'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/partial': [HEAD.replace(b'200', b'206') + b'Content-Range: bytes 0-29/50\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/expired': [HEAD + b'Expires: Thu, 01 Jan 1970 00:00:01 GMT\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/fresh': [HEAD + b'Expires: Thu, 01 Jan 2037 00:00:01 GMT\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/private': [HEAD + b'Cache-Control: max-age=1, private\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/public': [HEAD + b'Cache-Control: public\r\nContent-Length: 30\r\n\r\n' + b'abc' * 10],
    '/none': [HEAD.replace(b'200 OK', b'204 No Content') + b'\r\n'],
}
FOLDERS = ['/', '/off/', '/vary/', '/level/', '/all/', '/old/', '/any/', '/some/', '/disable/', '/tag/', '/chunkless/']
REQUESTS = [
    [], ['Accept-Encoding: gzip'], ['Accept-Encoding: deflate, gzip;q=0.5'], ['Accept-Encoding: gzip;q=0'],
    ['Accept-Encoding: identity'], ['Accept-Encoding: *'], ['Accept-Encoding: gzip', 'Via: 1.1 p'],
    ['Accept-Encoding: gzip', 'Via: 1.1 p', 'Authorization: x'], ['Accept-Encoding: gzip', 'User-Agent: BadRobot'],
    ['Accept-Encoding: gzip', 'User-Agent: Mozilla/4.0 (MSIE 6.0)'],
]


def write_files(proxy):
    (proxy.folder / 'files').mkdir()
    for name, content in FILES.items():
        (proxy.folder / 'files' / name).write_bytes(content)
        os.utime(proxy.folder / 'files' / name, (MODIFIED, MODIFIED))


@pytest.fixture
def start(gate, origin):
    """Call it with a program (None: gate) and perhaps more of the server: a proxy with the files."""
    origin.scripts.update(ORIGIN)

    def make(program=None, more='', listen=''):
        proxy = gate(SERVER % {'origin': origin.port} + more, HTTP, peers.NGINX_MAIN if program is None else '', program=program, listen=listen)
        write_files(proxy)
        return proxy

    return make


@pytest.fixture
def both(start, nginx_program):
    return [start(), start(nginx_program)]


def plain(message):
    if message.one('Content-Encoding') != 'gzip':
        return message.body
    return gzip.decompress(message.body)


def seen(message):
    """All but what is each one's own: names, dates, ports, and how small it could make it."""
    drop = ('date', 'server', 'content-length') if message.one('Content-Encoding') == 'gzip' or message.status >= 400 else ('date', 'server')
    return message.status, sorted(pair for pair in message.fields if pair[0] not in drop)


def compare(both, target, fields, method='GET', version='1.1'):
    ours, theirs = (peers.ask(each.port, method, target, fields, version=version) for each in both)
    assert seen(ours) == seen(theirs), (target, fields)
    if ours.status < 400 or target == '/gone':
        assert plain(ours) == plain(theirs), (target, fields)


def test_files(both):
    for folder in FOLDERS:
        for name in FILES:
            for fields in REQUESTS if name in ('page.html', 'small.html') else REQUESTS[:2]:
                compare(both, folder + name, fields)
            compare(both, folder + name, REQUESTS[1], method='HEAD')


def test_answers_of_our_own(both):
    for target in ('/text', '/made', '/gone', '/page', '/error', '/missing', '/page.html'):
        for fields in REQUESTS[:4]:
            compare(both, target, fields)
            compare(both, target, fields, method='HEAD')


def test_old_clients(both):
    for target in ('/old/page.html', '/page.html', '/text', '/o/length', '/o/chunked'):
        compare(both, target, ['Accept-Encoding: gzip'], version='1.0')


def test_an_origins_answers(both):
    for path in ORIGIN:
        for fields in REQUESTS:
            compare(both, '/o' + path, fields)
        compare(both, '/o' + path, ['Accept-Encoding: gzip'], method='GET')


def test_conditions_and_ranges(both):
    for extra in ('Range: bytes=0-9', 'Range: bytes=0-9,20-29', 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT', 'If-None-Match: W/"2ebc9a61-4b0"'):
        for accepted in ('gzip', 'identity'):
            ours, theirs = (peers.ask(each.port, 'GET', '/vary/page.html', [extra, f'Accept-Encoding: {accepted}']) for each in both)
            assert ours.status == theirs.status
            names = [sorted(name for name, _ in message.fields) for message in (ours, theirs)]
            assert names[0] == names[1], extra


def test_a_tag_that_is_weak_still_fits(start):
    proxy = start()
    tag = peers.ask(proxy.port, 'GET', '/page.html', ['Accept-Encoding: gzip']).one('ETag')
    assert tag.startswith('W/"')
    assert peers.ask(proxy.port, 'GET', '/page.html', [f'If-None-Match: {tag}', 'Accept-Encoding: gzip']).status == 304


def test_curl_gets_the_file(start):
    proxy = start()
    for name, content in FILES.items():
        for folder in ('/', '/all/', '/level/'):
            got = subprocess.run(['curl', '-s', '--compressed', f'http://127.0.0.1:{proxy.port}{folder}{name}'],
                                 capture_output=True, timeout=peers.PATIENCE_S, check=True)
            assert got.stdout == content, name


def test_one_connection_serves_many(start):
    proxy = start()
    with peers.Wire(proxy.port) as wire:
        for target, body in [('/page.html', FILES['page.html']), ('/small.html', FILES['small.html']), ('/data.json', JSON), ('/text', None),
                             ('/noise.html', NOISE), ('/o/length', b'abc' * 1000), ('/o/chunked', b'hello world'), ('/data.json', JSON)]:
            wire.send(f'GET {target} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n'.encode())
            answer = peers.read_response(wire)
            assert body is None or plain(answer) == body, target


def test_what_streams_is_not_held_back(start):
    """Each part of a slow answer can be read before the next one is sent."""
    server = socket.create_server(('127.0.0.1', 0))
    late = start(more='location = /late { proxy_pass http://127.0.0.1:%d; }' % server.getsockname()[1])
    with peers.Wire(late.port) as wire:
        wire.send(b'GET /late HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
        connection, _ = server.accept()
        with peers.Wire(connection=connection) as upstream:
            upstream.take_until(b'\r\n\r\n')
            upstream.send(HEAD + b'Transfer-Encoding: chunked\r\n\r\n')
            head = wire.take_until(b'\r\n\r\n')
            assert b'Content-Encoding: gzip' in head
            reader, body = zlib.decompressobj(31), b''
            for part in (b'first', b'second', b'third'):
                upstream.send(b'%x\r\n%s\r\n' % (len(part), part))
                body += part
                got = b''
                deadline = time.monotonic() + peers.PATIENCE_S
                while not got.endswith(part):
                    assert time.monotonic() < deadline
                    size = int(wire.take_until(b'\r\n'), 16)
                    got += reader.decompress(wire.take(size))
                    wire.take(2)
            upstream.send(b'0\r\n\r\n')
            raw, rest, _ = wire.take_chunked()
            assert reader.decompress(rest) + reader.flush() == b'' and reader.eof
    server.close()


def test_an_origin_that_breaks_off_leaves_no_end(start, origin):
    origin.scripts['/broken'] = [HEAD + b'Content-Length: 9000\r\n\r\n' + b'abc' * 1000, None]
    proxy = start()
    raw = peers.exchange(proxy.port, b'GET /o/broken HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
    assert b'Content-Encoding: gzip' in raw and not raw.endswith(b'0\r\n\r\n')
    assert peers.ask(proxy.port, 'GET', '/text', ['Accept-Encoding: gzip']).status == 200


def test_a_client_that_reads_slowly(start):
    proxy = start()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(('127.0.0.1', proxy.port))
        with peers.Wire(connection=s) as wire:
            wire.send(b'GET /noise.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
            time.sleep(0.2)
            assert plain(peers.read_response(wire)) == NOISE


TRAILERS = '''
    location /t/ { add_trailer X-Sum "sum of $uri"; add_trailer X-Empty $arg_none; add_trailer X-Always 1 always; alias files/; }
    location = /t-text { add_trailer X-Sum 1; return 200 "text"; }
    location = /t-gone { add_trailer X-Sum 1; return 404 "text"; }
    location = /t-always { add_trailer X-Sum 1 always; return 404 "text"; }
    location = /t-none { add_trailer X-Sum 1; return 204; }
    location /t-origin/ { add_trailer X-Sum "$status"; gzip off; proxy_pass http://127.0.0.1:%d/; proxy_http_version 1.1; }
    location /t-gzip/ { add_trailer X-Sum 1; proxy_pass http://127.0.0.1:%d/; proxy_http_version 1.1; }
'''


def test_trailers(start, nginx_program, origin):
    more = TRAILERS % (origin.port, origin.port)
    pair = [start(more=more), start(nginx_program, more=more)]
    targets = ['/t/page.html', '/t/small.html', '/t/empty.html', '/t/noise.html', '/t/missing', '/t-text', '/t-gone', '/t-always', '/t-none',
               *('/t-origin' + path for path in ORIGIN), *('/t-gzip' + path for path in ORIGIN)]
    for target in targets:
        for fields in ([], ['Accept-Encoding: gzip']):
            for method, version in (('GET', '1.1'), ('HEAD', '1.1'), ('GET', '1.0')):
                if method == 'HEAD' and target.startswith(('/t-origin', '/t-gzip')):
                    continue  # the origin of these tests answers HEAD with a body
                ours, theirs = (peers.ask(each.port, method, target, fields, version=version) for each in pair)
                assert seen(ours) == seen(theirs), (target, fields, method)
                assert ours.trailer == theirs.trailer, (target, fields)
                if ours.status == 200:
                    assert plain(ours) == plain(theirs), target


@pytest.mark.parametrize('directive, said', [
    ('gzip maybe;', 'invalid value "maybe" in "gzip" directive'),
    ('gzip_comp_level 10;', 'value must be between 1 and 9'),
    ('gzip_comp_level 0;', 'value must be between 1 and 9'),
    ('gzip_http_version 2;', 'invalid value "2"'),
    ('gzip_proxied off some;', 'invalid value "some"'),
    ('gzip_types;', 'invalid number of arguments in "gzip_types" directive'),
    ('gzip_types text/html; bad;', 'duplicate MIME type "text/html"'),
    ('gzip_min_length x;', '"gzip_min_length" directive invalid value'),
    ('gzip_disable "(";', 'missing closing parenthesis'),
    ('add_trailer X;', 'invalid number of arguments in "add_trailer" directive'),
])
def test_refusals_are_nginxs(refusals, directive, said):
    ours, theirs = refusals(directive)
    assert said in ours and said in theirs, theirs
