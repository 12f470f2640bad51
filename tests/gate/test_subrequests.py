"""auth_request, mirror, add_before_body and add_after_body beside nginx, and what the origins of requests inside get."""
import contextlib
import time
import zlib

import beside
import peers
import pytest

HTTP = 'proxy_http_version 1.1; proxy_set_header Connection ""; log_subrequest on; log_format s "$request_method $uri $status"; access_log logs/s.log s;'
AUTH = '''
    location / { auth_request /auth; auth_request_set $who $upstream_http_x_who; auth_request_set $code $upstream_status;
                 add_header X-Seen "$who $code" always; proxy_pass http://127.0.0.1:%(origin)d; proxy_set_header X-Who $who; }
    location = /auth { internal; proxy_pass http://127.0.0.1:%(origin)d/status/$http_x_status; proxy_pass_request_body off;
                       proxy_set_header Content-Length ""; proxy_set_header X-Method "$request_method $request_uri $uri"; }
    location /file { auth_request /allow; alias %(file)s; }
    location = /allow { return 204; }
    location = /deny { return 403; }
    location = /ask { add_header WWW-Authenticate 'Bearer realm="x"' always; return 401; }
    location = /broken { return 500; }
    location = /nowhere { proxy_pass http://127.0.0.1:1; }
    location = /moved { return 302 /else; }
    location /denied { auth_request /deny; return 200 "return comes first"; }
    location /deny-file { auth_request /deny; alias %(file)s; }
    location /ask-file { auth_request /ask; alias %(file)s; error_page 401 = @login; }
    location /asks-file { auth_request /ask; alias %(file)s; }
    location /broken-file { auth_request /broken; alias %(file)s; }
    location /nowhere-file { auth_request /nowhere; alias %(file)s; }
    location /moved-file { auth_request /moved; alias %(file)s; }
    location /missing-file { auth_request /no/such; alias %(file)s; }
    location @login { return 302 /login?from=$request_uri; }
    location /any { satisfy any; deny all; auth_request /allow; alias %(file)s; }
    location /any-not { satisfy any; deny all; auth_request /deny; alias %(file)s; }
    location /outer/ { auth_request /deny; location /outer/off { auth_request off; alias %(file)s; } alias %(file)s; }
    location /rewritten { auth_request /rewrites; alias %(file)s; }
    location = /rewrites { rewrite ^ /allow last; }
    location /variable { set $x before; auth_request /sets; auth_request_set $y "$x-$uri"; add_header X-Y "$x $y"; alias %(file)s; }
    location = /sets { set $x inside; return 200; }
'''


@pytest.fixture
def both(gate, nginx_program, origin, file):
    def start(server):
        return beside.Both(gate, nginx_program, server % {'origin': origin.port, 'file': file}, HTTP, 'user root;')
    return start


TARGETS = ['/file', '/denied', '/deny-file', '/ask-file', '/asks-file', '/broken-file', '/nowhere-file', '/moved-file', '/missing-file',
           '/any', '/any-not', '/outer/', '/outer/off', '/rewritten', '/variable', '/auth']


def test_who_is_let_in(both):
    pair = both(AUTH)
    for target in TARGETS:
        for method in ('GET', 'HEAD', 'POST'):
            pair.ask(target, method)
    for status in (200, 201, 204, 301, 400, 401, 403, 404, 500, 503):
        for method in ('GET', 'HEAD', 'POST'):
            pair.ask('/b/10', method, [f'X-Status: {status}'], b'body' if method == 'POST' else b'')


def test_what_the_origins_are_asked(both, origin):
    pair = both(AUTH)
    for method, body in (('GET', b''), ('POST', b'hello'), ('POST', b'x' * 100000), ('HEAD', b'')):
        seen = []
        for each in (pair.gate, pair.nginx):
            peers.ask(each.port, method, '/echo?a=b', ['X-Status: 200', 'X-Own: 1'], body)
            seen.append([(r.line, sorted(f for f in r.fields if f[0] not in ('host', 'connection')), r.body) for r in origin.requests])
            origin.requests.clear()
        assert seen[0] == seen[1]
        assert len(seen[0]) == 2


@pytest.mark.parametrize('answer', ['status/204', 'b/10', 'chunked/10'])
def test_connections_go_on(gate, origin, answer):
    server = gate(f'''location / {{ auth_request /auth; proxy_pass http://127.0.0.1:{origin.port}; }}
                      location = /auth {{ proxy_pass http://127.0.0.1:{origin.port}/{answer}; }}''')
    with peers.Wire(server.port) as wire:
        for _ in range(20):
            wire.send(b'POST /b/3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab')
            assert peers.read_response(wire).body == peers.pattern(3)
    assert len(origin.requests) == 40
    assert origin.connections <= 2 or answer.startswith('chunked')  # whose end may come later


def test_a_client_leaves_while_permission_is_asked_for(gate, origin):
    server = gate(f'''location / {{ auth_request /auth; proxy_pass http://127.0.0.1:{origin.port}; }}
                      location /auth {{ proxy_pass http://127.0.0.1:{origin.port}/hold; }}''')
    for count in range(1, 6):
        with peers.Wire(server.port) as wire:
            wire.send(b'GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.wait_for(lambda count=count: len(origin.requests) == count)
            wire.reset()
    server.rest()
    origin.release.set()
    assert peers.ask(server.port, 'GET', '/b/1').status == 200


MIRROR = '''
    location / { mirror /copy; mirror /second; proxy_pass http://127.0.0.1:%(origin)d; }
    location /bare/ { mirror /copy; mirror_request_body off; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /off/ { mirror off; proxy_pass http://127.0.0.1:%(origin)d/; }
    location /file { mirror /copy; alias %(file)s; }
    location /stream/ { mirror /copy; proxy_request_buffering off; proxy_pass http://127.0.0.1:%(origin)d/; }
    location = /copy { internal; proxy_pass http://127.0.0.1:%(origin)d/status/200?from=$request_uri; }
    location = /second { internal; proxy_pass http://127.0.0.1:%(origin)d/b/100000?$args; }
'''


def test_copies(both, origin):
    pair = both(MIRROR)
    for target, asked in (('/b/5?x=1', 3), ('/bare/b/5', 2), ('/off/b/5', 1), ('/file', 1), ('/stream/b/5', 2)):
        for method, body in (('GET', b''), ('POST', b'hello'), ('PUT', b'x' * 100000)):
            if target.startswith('/bare') and body:
                continue  # nginx announces a body there that never comes
            seen = []
            for each in (pair.gate, pair.nginx):
                answer = peers.ask(each.port, method, target, ['X-Own: 1'], body)
                peers.wait_for(lambda asked=asked: len(origin.whole) >= asked, target)
                each.rest()
                seen.append((answer.status, answer.body if answer.status == 200 else b'',
                             sorted((r.line, sorted(f for f in r.fields if f[0] not in ('host', 'connection')), r.body)
                                    for r in origin.requests)))
                origin.requests.clear()
            assert seen[0] == seen[1], (target, method)


def test_the_answer_does_not_wait_for_copies(gate, origin):
    server = gate(f'''location / {{ mirror /copy; proxy_pass http://127.0.0.1:{origin.port}; }}
                      location = /copy {{ proxy_pass http://127.0.0.1:{origin.port}/hold; }}''')
    with peers.Wire(server.port) as wire:
        wire.send(b'GET /b/5 HTTP/1.1\r\nHost: a\r\n\r\n')
        assert peers.read_response(wire).body == peers.pattern(5)
        assert not origin.release.is_set()
        origin.release.set()
        wire.send(b'GET /b/6 HTTP/1.1\r\nHost: a\r\n\r\n')
        assert peers.read_response(wire).body == peers.pattern(6)


ADD = '''
    addition_types text/plain application/octet-stream;
    location / { %(add)s proxy_pass http://127.0.0.1:%(origin)d; }
    location /file { %(add)s alias %(file)s; }
    location /text { %(add)s return 200 "text"; }
    location /empty { %(add)s return 200 ""; }
    location /gone { %(add)s return 404; }
    location /made { %(add)s return 201 made; }
    location /gzip/ { gzip on; gzip_types *; gzip_min_length 1; %(add)s proxy_pass http://127.0.0.1:%(origin)d/; }
    location /gzip-file { gzip on; gzip_types *; gzip_min_length 1; %(add)s alias %(file)s; }
    location /type { default_type image/png; %(add)s return 200 png; }
    location = /front { return 200 "front:"; }
    location = /back { proxy_pass http://127.0.0.1:%(origin)d/b/100000; }
    location = /none { return 404; }
    location = /slow { proxy_pass http://127.0.0.1:%(origin)d/slow/3; }
    location = /page { alias %(file)s; }
'''
ADDED = ['add_before_body /front;', 'add_after_body /back;', 'add_before_body /front; add_after_body /back;',
         'add_before_body /slow; add_after_body /slow;', 'add_before_body /none; add_after_body /page;', 'add_before_body /page;']


@pytest.mark.parametrize('add', ADDED)
def test_what_stands_around_a_body(both, add):
    pair = both(ADD.replace('%(add)s', add))
    for target in ('/file', '/text', '/empty', '/gone', '/made', '/type', '/b/10', '/b/200000', '/chunked/100000', '/close/5000', '/slow/3',
                   '/b/0'):
        for version in ('1.1', '1.0'):
            pair.ask(target, version=version)
        if not target.startswith('/slow'):  # which does not know it
            pair.ask(target, 'HEAD')
        pair.ask(target, fields=['Range: bytes=1-3'])
    for target in ('/gzip/b/1000', '/gzip-file', '/gzip/chunked/300000'):
        answers = [peers.ask(each.port, 'GET', target, ['Accept-Encoding: gzip']) for each in (pair.gate, pair.nginx)]
        bodies = [beside.NAMES.sub(b'NAME', zlib.decompress(answer.body, 31)) for answer in answers
                  if answer.one('Content-Encoding') == 'gzip']
        assert len(bodies) == 2 and bodies[0] == bodies[1], [answer.head for answer in answers]


def test_slow_clients_get_all_of_it(both):
    pair = both(ADD.replace('%(add)s', 'add_before_body /back; add_after_body /back;'))
    with peers.Wire(pair.gate.port) as wire:
        for _ in range(2):
            wire.send(b'GET /b/5000000 HTTP/1.1\r\nHost: a\r\n\r\n')
            time.sleep(0.3)
            assert peers.read_response(wire).body == peers.pattern(100000) + peers.pattern(5000000) + peers.pattern(100000)


def test_a_broken_part_does_not_look_whole(gate, origin):
    server = gate(f'''location / {{ add_after_body /cut; addition_types *; proxy_pass http://127.0.0.1:{origin.port}; }}
                      location = /cut {{ proxy_pass http://127.0.0.1:{origin.port}/cut; }}''')
    with contextlib.suppress(ConnectionResetError), peers.Wire(server.port) as wire:
        wire.send(b'GET /b/5 HTTP/1.1\r\nHost: a\r\n\r\n')
        assert not wire.take_rest().endswith(b'0\r\n\r\n')


def test_requests_inside_are_logged_on_demand(both):
    pair = both(AUTH)
    for each in (pair.gate, pair.nginx):
        peers.ask(each.port, 'GET', '/any')
        each.rest()
    lines = [sorted((each.folder / 'logs/s.log').read_text().splitlines()) for each in (pair.gate, pair.nginx)]
    assert lines[0] == lines[1]
