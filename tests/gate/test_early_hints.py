"""early_hints: answers of 103 in front of the answer itself, to whom they are passed on and what is in them."""
import subprocess

import peers

HINTS = (b'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nDate: x\r\nServer: y\r\nX-Accel-Redirect: /z\r\nX-Hidden: 1\r\n'
         b'X-One: 1\r\nConnection: X-One\r\nContent-Length: 5\r\n\r\n')
FINAL = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal'
SITE = '''
    proxy_hide_header X-Hidden;
    location / { early_hints $http_x_first $http_x_want; add_header X-Sent "$bytes_sent"; proxy_pass http://127.0.0.1:ORIGIN/; }
    location /always/ { early_hints 1; proxy_pass http://127.0.0.1:ORIGIN/; }
    location /never/ { early_hints 0 ""; proxy_pass http://127.0.0.1:ORIGIN/; }
    location /outer/ { early_hints 1; location /outer/inner/ { proxy_pass http://127.0.0.1:ORIGIN/; } }
    location /without/ { proxy_pass http://127.0.0.1:ORIGIN/; }
    location /asks/ { auth_request /always/one; proxy_pass http://127.0.0.1:ORIGIN/; }
    location /retried/ { early_hints 1; proxy_pass http://127.0.0.1:ORIGIN/; proxy_intercept_errors on; error_page 503 /always/one; }
'''
PASSED = b'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'


def talk(port, target, *fields, version='1.1'):
    lines = [f'GET {target} HTTP/{version}', 'Host: a', 'Connection: close', *fields, '', '']
    return peers.exchange(port, '\r\n'.join(lines).encode())


def test_who_gets_them(gate, origin):
    origin.scripts = {'/one': [HINTS + FINAL], '/apart': [HINTS[:20], HINTS[20:], FINAL], '/two': [HINTS + b'HTTP/1.1 102 Processing\r\n\r\n' + HINTS + FINAL],
                      '/bad': [HINTS + b'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'], '/late': [HINTS, FINAL]}
    proxy = gate(SITE.replace('ORIGIN', str(origin.port)))
    for path, count in (('one', 1), ('apart', 1), ('two', 2)):
        for prefix in ('/always/', '/outer/inner/'):
            said = talk(proxy.port, prefix + path)
            assert said.startswith(PASSED * count + b'HTTP/1.1 200 OK\r\n'), said
            assert said.endswith(b'\r\n\r\nfinal')
        for prefix in ('/', '/never/', '/without/'):
            assert talk(proxy.port, prefix + path).startswith(b'HTTP/1.1 200 OK\r\n')
        assert talk(proxy.port, f'/always/{path}', version='1.0').startswith(b'HTTP/1.1 200 OK\r\n')
    assert talk(proxy.port, '/one', 'X-Want: yes').startswith(PASSED)
    assert talk(proxy.port, '/one', 'X-First: 1', 'X-Want: 0').startswith(PASSED)
    assert not talk(proxy.port, '/one', 'X-Want: 0').startswith(PASSED)
    assert talk(proxy.port, '/asks/one').startswith(b'HTTP/1.1 200 OK\r\n')
    assert talk(proxy.port, '/retried/bad').startswith(PASSED * 2 + b'HTTP/1.1 503 ')


def test_it_comes_before_the_answer(gate, origin):
    origin.scripts = {'/held': [HINTS]}
    proxy = gate(SITE.replace('ORIGIN', str(origin.port)))
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /always/held HTTP/1.1\r\nHost: a\r\n\r\n')
        assert wire.take_until(b'\r\n\r\n') == PASSED


def test_counted_and_understood(gate, origin):
    origin.scripts = {'/one': [HINTS + FINAL]}
    proxy = gate(SITE.replace('ORIGIN', str(origin.port)) + 'access_log logs/h.log h;', "log_format h '$status $body_bytes_sent $bytes_sent';")
    curl = subprocess.run(['curl', '-si', f'http://127.0.0.1:{proxy.port}/always/one'], capture_output=True, timeout=peers.PATIENCE_S)
    assert curl.returncode == 0 and curl.stdout.count(b'HTTP/1.1 ') == 2 and curl.stdout.endswith(b'\r\n\r\nfinal')
    log = proxy.folder / 'logs/h.log'
    peers.wait_for(lambda: log.exists() and log.read_text())
    assert log.read_text() == f'200 5 {len(curl.stdout)}\n'
