"""post_action by gate and by nginx, side by side: what its origin is asked, and that clients see nothing of it."""
import re
import subprocess

import beside
import peers
import pytest

SITE = '''
    set $mark before;
    post_action /count;
    location /count { internal; post_action off; proxy_pass http://127.0.0.1:%(origin)d/echo?s=$status&b=$body_bytes_sent&c=$request_completion&u=$uri&r=$request_uri&m=$mark&x=$upstream_status&1=$1; }
    location /b/ { proxy_pass http://127.0.0.1:%(origin)d; }
    location /held/ { post_action @held; set $mark held; proxy_pass http://127.0.0.1:%(origin)d/b/; }
    location @held { post_action off; proxy_pass http://127.0.0.1:%(origin)d; proxy_set_header X-Of "$uri $args $request_method $status $mark"; }
    location /off { post_action off; return 200 off; }
    location /own { return 404 own; }
    location /quiet { post_action off; return 404 quiet; }
    location ~ ^/re/(.*) { return 302 /$1; }
    location /file { post_action off; alias %(file)s; }
    location /nowhere { post_action /off/such; return 200 text; }
    location /to-file { post_action /file; return 200 text; }
    location /to-return { post_action /quiet; return 200 text; }
    location /nested { post_action /again; return 200 text; }
    location /again { internal; post_action off; proxy_pass http://127.0.0.1:%(origin)d/echo?again; }
    location /round { post_action /round; proxy_pass http://127.0.0.1:%(origin)d/echo; }
'''
TARGETS = ['/b/10', '/b/0', '/b/100000', '/held/7?a=b', '/off', '/own', '/re/me', '/file', '/nowhere', '/to-file', '/to-return', '/nested', '/missing', '/count']


def asked(origin):
    """Lines and own fields of what came since, without what names the program's port."""
    seen = [(r.line, sorted(f for f in r.fields if f[0] in ('x-of', 'content-length') and f[1] != '0'), r.body) for r in origin.requests]
    origin.requests.clear()
    return seen


@pytest.fixture
def both(gate, nginx_program, origin, file):
    http = 'proxy_http_version 1.1; proxy_set_header Connection "";'
    return beside.Both(gate, nginx_program, SITE % {'origin': origin.port, 'file': file}, http, 'user root;')


def settle(origin, count):
    peers.wait_for(lambda: len(origin.whole) >= count)


def test_what_is_asked_afterwards(both, origin):
    for target in TARGETS:
        for method in ('GET', 'HEAD', 'POST'):
            both_seen = []
            for each in (both.gate, both.nginx):
                body = b'hello' if method == 'POST' else b''
                answer = peers.ask(each.port, method, target, body=body)
                settle(origin, (target not in ('/off', '/file', '/nowhere', '/to-file', '/to-return', '/count')) + target.startswith(('/b/', '/held')))
                seen = asked(origin)
                lines = [line if target.startswith('/b/') else re.sub(r'(?<=b=)\d+', 'N', line) for line, _, _ in seen]  # pages have lengths of their own
                both_seen.append((answer.status, lines, [rest for _, *rest in seen]))
            assert both_seen[0] == both_seen[1], (method, target)


def test_once_and_with_the_body(both, origin):
    """nginx goes round until there were ten redirects, closes the connection, and sends no body that was in a file."""
    with peers.Wire(both.gate.port) as wire:
        for _ in range(2):
            wire.send(b'POST /round HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n' + b'x' * 50000)
            assert peers.read_response(wire).status == 200
    settle(origin, 4)
    assert [(line.split('?')[0], body) for line, _, body in asked(origin)] == [('POST /echo HTTP/1.1', b'x' * 50000)] * 4


def test_client_that_leaves(both, origin):
    for each in (both.gate, both.nginx):
        with peers.Wire(each.port) as wire:
            wire.send(b'GET /b/30000000 HTTP/1.1\r\nHost: a\r\n\r\n')
            wire.take(1000)
            wire.reset()
        settle(origin, 2)
        (_, _, _), (line, _, _) = asked(origin)
        sent = int(re.search(r'&b=(\d+)', line)[1])
        assert line.startswith('GET /echo?s=200&') and '&c=&' in line and 0 < sent < 30000000


def test_explained(gate_program, tmp_path):
    (tmp_path / 'a.conf').write_text('''events {} http { server { listen 127.0.0.1:8099; post_action /count; early_hints $http_x;
        location / { proxy_pass http://127.0.0.1:1; } } }''')
    done = subprocess.run([gate_program, 'explain', '-c', tmp_path / 'a.conf', 'http://127.0.0.1:8099/'], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert 'behind the answer, /count would be asked\n' in done.stdout
    assert 'what comes with status 103 is passed on where "early_hints" says so\n' in done.stdout
