"""What an origin's answer changes on its way: cookies, redirects, X-Accel-..., beside nginx."""
import os

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
COOKIES = '''
    location /off { proxy_pass http://127.0.0.1:%(origin)d/c; }
    location /domain { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_domain localhost example.org; proxy_cookie_domain www.$host $host; }
    location /domain-regex { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_domain ~\\.?([a-z]+\\.org)$ $1; }
    location /domain-dot { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_domain .LOCALHOST example.net; }
    location /path { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_path /two/ /; proxy_cookie_path / /x$uri/; }
    location /path-regex { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_path ~*^/USER/(.+) /u/$1; }
    location /flags { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_flags one nosecure samesite=strict; proxy_cookie_flags ~^t httponly secure; }
    location /flags-made { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_flags one $arg_a samesite=$arg_b; proxy_cookie_flags ~^t $arg_a secure; }
    location /flags-off { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_flags one nohttponly nosamesite; proxy_cookie_flags ~. samesite=none; }
    location /all { proxy_pass http://127.0.0.1:%(origin)d/c; proxy_cookie_domain localhost a.b; proxy_cookie_path / /y/; proxy_cookie_flags ~. secure; }
    location /outer/ { proxy_cookie_path / /z/; location /outer/in { proxy_cookie_path off; proxy_pass http://127.0.0.1:%(origin)d/c; } }
'''
SET = ['one=1; Domain=localhost; Path=/two/three; Secure; HttpOnly', 'two=2; domain=.localhost;path=/; SameSite=Lax', 'three',
       'four=a=b; Path=/user/me; Domain=www.localhost', 'five="x;y"; Path=; Domain=', 'six=6; Expires=Wed, 01 Jan 2020 00:00:00 GMT; PATH=/two/',
       'seven=7;  HTTPONLY ;secure', 'eight=8; Domain=.x.org', '=9', '']


@pytest.fixture
def both(gate, nginx_program):
    def start(server, http=''):
        return beside.Both(gate, nginx_program, server, http, MAIN)
    return start


def script(*fields, status='200 OK', body=b'body'):
    return ['\r\n'.join([f'HTTP/1.1 {status}', *fields, f'Content-Length: {len(body)}', '', '']).encode() + body]


@pytest.mark.parametrize('name', ['off', 'domain', 'domain-regex', 'domain-dot', 'path', 'path-regex', 'flags', 'flags-off', 'flags-made?a=secure&b=lax', 'flags-made?a=x&b=strict', 'flags-made?a=NoHttpOnly', 'all', 'outer/in'])
def test_cookies(both, origin, name):
    pair = both(COOKIES % {'origin': origin.port})
    for value in SET:
        origin.scripts['/c'] = script(f'Set-Cookie: {value}')
        pair.ask('/' + name)
    origin.scripts['/c'] = script(*(f'Set-Cookie: {value}' for value in SET))
    pair.ask('/' + name)


REDIRECTS = '''
    location /a/ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect ~^http://other/(.*)$ /got/$1; proxy_redirect default; }
    location /b/ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect default; proxy_redirect / /slash/; }
    location /c/ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect / /slash/; proxy_redirect default; }
    location /d/ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect http://$arg_h/ /; }
    location /e/ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect ~*^HTTP://([^/]*)/(.*) https://$1.new/$2; }
    location /f/ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect off; }
    location ~ ^/g/(.*)$ { proxy_pass http://127.0.0.1:%(origin)d/r/; proxy_redirect ~^/(?<rest>.*)$ /$rest/$1; proxy_redirect ~x /no; }
'''.replace('location ~ ^/g/(.*)$ { proxy_pass http://127.0.0.1:%(origin)d/r/;', 'location ~ ^/g/(.*)$ { proxy_pass http://127.0.0.1:%(origin)d;')


@pytest.mark.parametrize('to', ['http://other/x?y', 'http://127.0.0.1:%d/r/z', '/here', '//there/', 'relative', 'HTTP://Other/x', 'http://one/',
                                'https://else/'])
def test_redirects(both, origin, to):
    pair = both(REDIRECTS % {'origin': origin.port})
    to = to.replace('%d', str(origin.port))
    for path in ('/r/p', '/g/p'):
        origin.scripts[path] = script(f'Location: {to}', f'Refresh: 3; url={to}', status='302 Found')
    for name in 'abcdefg':
        pair.ask(f'/{name}/p?h=one')


ACCEL = '''
    root %(site)s;
    location / { proxy_pass http://127.0.0.1:%(origin)d; }
    location /ignored { proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate; proxy_pass http://127.0.0.1:%(origin)d/x; }
    location /shown { proxy_pass_header X-Accel-Redirect; proxy_pass_header X-Accel-Limit-Rate; proxy_ignore_headers X-Accel-Redirect;
                      proxy_pass http://127.0.0.1:%(origin)d/x; }
    location /hidden { proxy_hide_header Set-Cookie; proxy_pass http://127.0.0.1:%(origin)d/x; }
    location /files/ { internal; }
    location /text { internal; default_type text/css; return 200 "$uri?$args $request_method"; }
    location /again { proxy_pass http://127.0.0.1:%(origin)d/second; }
    location @named { return 200 "named $uri $args $request_method"; }
'''
FIELDS = ['Content-Type: image/x-own', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Content-Disposition: attachment; filename=x', 'X-Other: lost',
          'ETag: "origin"', 'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT', 'Cache-Control: private', 'Expires: Sun, 06 Nov 1994 08:49:37 GMT',
          'Server: mine', 'X-Accel-Limit-Rate: 100000']
TO = ['/files/a.txt', '/files/a%20b.txt', '/files/none.txt', '/files/../secret', '/files/%2e%2e/secret', '/text?x=%20y', '/text/a/./b?q', '/again', '@named',
      '@nowhere', 'relative', '/files/', '/loop', '/text#x', '/te%00xt', '/files/%zz']


@pytest.mark.parametrize('to', TO)
def test_answers_from_elsewhere(both, origin, tmp_path, to):
    site = tmp_path / 'site'
    (site / 'files').mkdir(parents=True)
    tmp_path.chmod(0o755)
    (site / 'files/a.txt').write_text('a file\n')
    (site / 'files/a b.txt').write_text('with a blank\n')
    for each in site.rglob('*'):
        os.utime(each, (784111777, 784111777))
    origin.scripts['/x'] = script(f'X-Accel-Redirect: {to}', *FIELDS)
    origin.scripts['/loop'] = script('X-Accel-Redirect: /loop')
    origin.scripts['/second'] = script('Content-Type: text/x-second', 'Set-Cookie: c=3', 'Cache-Control: public')
    pair = both(ACCEL % {'origin': origin.port, 'site': site})
    for target in ('/x', '/ignored', '/shown', '/hidden'):
        for method in ('GET', 'POST'):
            pair.ask(target, method)
    pair.ask('/x', fields=['Range: bytes=2-3'])
    pair.ask('/x?a=b', fields=['If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT'])


def test_a_rate_that_the_origin_sets(gate, origin):
    origin.scripts['/x'] = script('X-Accel-Limit-Rate: 1000', body=b'x' * 2500)
    server = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}')
    with peers.Wire(server.port) as wire:
        wire.send(b'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        wire.more()
        assert len(wire.received) <= 1000
        assert wire.take_rest().endswith(b'x' * 2500)


@pytest.mark.parametrize('directive, said', [
    ('proxy_cookie_domain on;', 'invalid parameter "on"'), ('proxy_cookie_path ~( /;', 'pcre2_compile'),
    ('proxy_ignore_headers Date;', 'invalid value "Date"'), ('proxy_redirect ~( /;', 'pcre2_compile')])
def test_refusals_are_nginxs(refusals, directive, said):
    ours, theirs = refusals(f'location / {{ proxy_pass http://127.0.0.1:1; {directive} }}')
    assert said in ours and said in theirs
