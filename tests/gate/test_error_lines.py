"""error.log beside nginx's: level, words, and what was going on, for what goes wrong with requests."""
import os
import re
import socket

import beside
import differences
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
HTTP = '''
    limit_req_zone $uri zone=rate:1m rate=1r/m; limit_conn_zone $uri zone=conn:1m;
    upstream dead { server 127.0.0.1:1 max_fails=0; }
'''
# (the directives of a server, its requests)
GET = b'GET %b HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'
CASES = {
    'no file': ('root FILES;', ['/none', '/sub/none?x=y', '/a.txt/', '/with%20blank']),
    'no file, with a referrer': ('root FILES;', [b'GET /none HTTP/1.0\r\nReferer: http://b.example/"x\r\n\r\n']),
    'no such alias': ('location /x/ { alias FILES/none/; }', ['/x/y']),
    'not told': ('root FILES; log_not_found off;', ['/none', '/sub/']),
    'no index': ('root FILES;', ['/sub/', '/']),
    'refused': ('deny all; root FILES;', ['/a.txt']),
    'no password': ('auth_basic x; auth_basic_user_file FILES/users; root FILES;',
                    ['/a.txt', b'GET /a.txt HTTP/1.0\r\nAuthorization: Basic dXNlcjp3cm9uZw==\r\n\r\n', b'GET /a.txt HTTP/1.0\r\nAuthorization: Basic bm9ib2R5OngK\r\n\r\n',
                     b'GET /a.txt HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n']),
    'no file of passwords': ('auth_basic x; auth_basic_user_file FILES/nousers; root FILES;', [b'GET /a.txt HTTP/1.0\r\nAuthorization: Basic dXNlcjp3cm9uZw==\r\n\r\n']),
    'a circle': ('location / { rewrite ^(.*)$ $1 last; }', ['/x']),
    'a circle of errors': ('error_page 404 /none; recursive_error_pages on; root FILES;', ['/none']),
    'try_files': ('location / { root FILES; try_files $uri =404; }', ['/none']),
    'no index, but try_files': ('location / { root FILES; try_files $uri/ /none; }', ['/x']),
    'too much': ('client_max_body_size 3; location / { proxy_pass http://127.0.0.1:ORIGIN; }',
                 [b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
                  b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n']),
    'a dead server': ('location / { proxy_pass http://127.0.0.1:1; }', ['/x?y']),
    'a dead server with a path': ('location /a/ { proxy_pass http://127.0.0.1:1/b/; }', ['/a/x?y']),
    'a dead group': ('location / { proxy_pass http://dead; }', ['/x']),
    'an origin that says nothing': ('location / { proxy_pass http://127.0.0.1:ORIGIN/say/nothing; }', ['/x']),
    'an origin that is cut': ('location / { proxy_pass http://127.0.0.1:ORIGIN/say/cut; }', ['/x']),
    'an origin that speaks nonsense': ('location / { proxy_pass http://127.0.0.1:ORIGIN/say/nonsense; }', ['/x']),
    'an origin with too much head': ('location / { proxy_buffer_size 1k; proxy_pass http://127.0.0.1:ORIGIN/say/head; }', ['/x']),
    'an origin with a bad field': ('location / { proxy_pass http://127.0.0.1:ORIGIN/say/field; }', ['/x']),
    'an origin that waits': ('location / { proxy_read_timeout 300ms; proxy_pass http://127.0.0.1:ORIGIN/wait; }', ['/x']),
    'no such request': ('return 200 x;', [b'NONSENSE\r\n\r\n', b'GET / HTTP/9.9x\r\n\r\n', b'GET / HTTP/1.1\r\n\r\n', b'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', b'GET /%zz HTTP/1.0\r\n\r\n', b'GET x HTTP/1.0\r\n\r\n',
                                           b'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', b'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n',
                                           b'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', b'GET /../x HTTP/1.0\r\n\r\n', b'GET /' + b'x' * 40000 + b' HTTP/1.0\r\n\r\n',
                                           b'GET / HTTP/1.0\r\nX: ' + b'x' * 40000 + b'\r\n\r\n', b'GET / HTTP/1.0\r\nBad Name: x\r\n\r\n', b'TRACE / HTTP/1.0\r\n\r\n']),
    'too often': ('location / { limit_req zone=rate burst=1 nodelay; return 200 x; } location /f { root FILES; limit_req zone=rate; } location /d/ { root FILES; limit_req zone=rate; limit_req_dry_run on; } '
                  'location /e { root FILES; limit_req zone=rate burst=1; limit_req_log_level notice; }', ['/f', '/f', '/d/x', '/d/x', '/e1', ]),
    'a variable that nobody set': ('location / { if ($arg_x) { set $v 1; } return 200 "$v"; }', ['/', '/?x=1']),
    'rewriting is told': ('rewrite_log on; rewrite ^/a(.*)$ /b$1?x=y; if ($arg_x = y) { rewrite ^/none /c; } location / { if (-f /none) { return 403; } return 200 x; }', ['/ab?c', '/c']),
    'own levels': ('error_log logs/error.log crit; root FILES;', ['/none']),
    'a body of a method that files lack': ('root FILES;', [b'POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx']),
    'auth_request': ('location / { auth_request /auth; root FILES; } location = /auth { return 500; }', ['/a.txt']),
    'symbolic links': ('disable_symlinks on; root FILES;', ['/link.txt']),
    'no right to read': ('location / { root FILES; index loop; }', ['/loop', '/sub/']),
}
SAYS = {'nothing': b'', 'cut': b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'nonsense': b'nonsense\r\n\r\n',
        'head': b'HTTP/1.1 200 OK\r\nX: ' + b'x' * 3000 + b'\r\n\r\n', 'field': b'HTTP/1.1 200 OK\r\nBad Field\x01: x\r\nContent-Length: 0\r\n\r\n'}


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / 'files'
    (folder / 'sub').mkdir(parents=True)
    (folder / 'a.txt').write_text('a')
    (folder / 'users').write_text('user:{PLAIN}right\n')
    (folder / 'link.txt').symlink_to('a.txt')
    (folder / 'loop').symlink_to('loop')
    return folder


def lines(proxy, requests):
    """What its log got of so many requests, without what is each side's own."""
    peers.wait_for(lambda: len((proxy.folder / 'logs/access.log').read_bytes().splitlines()) >= requests, 'the lines of the requests')
    proxy.rest()
    found = (proxy.folder / 'logs/error.log').read_text(errors='replace')
    kept = [line for line in found.splitlines() if re.match(r'\S+ \S+ \[\w+\] \d+#\d+: \*\d+ ', line)]
    kept = [re.sub(r'^\S+ \S+ (\[\w+\]) \d+#\d+: \*\d+ ', r'\1 ', line).replace(f':{proxy.port}', ':PORT') for line in kept]
    kept = [line for line in kept if 'client closed connection' not in line and 'closed keepalive connection' not in line and ' is buffered to a temporary file' not in line]
    for both, theirs, _ in differences.ERROR_LINES:
        kept = [re.sub(theirs, both, line) if both else line for line in kept if both or not re.search(theirs, line)]
    return [re.sub(r'(excess: \d+\.)\d+', r'\1N', line)[:500] for line in kept]


@pytest.mark.parametrize('name', CASES)
def test_errors_are_told_as_by_nginx(name, gate, nginx_program, origin, files):
    server, requests = CASES[name]
    for path, text in SAYS.items():
        origin.scripts[f'/say/{path}'] = [text, None] if path != 'head' else [text]
    server = server.replace('FILES', str(files)).replace('ORIGIN', str(origin.port))
    if not re.search('error_log', server):
        server = 'error_log logs/error.log info; ' + server
    both = beside.Both(gate, nginx_program, server, HTTP, MAIN)
    said = []
    for proxy in (both.gate, both.nginx):
        for request in requests:
            with socket.create_connection(('127.0.0.1', proxy.port)) as s:
                s.settimeout(peers.PATIENCE_S)
                s.sendall(request if isinstance(request, bytes) else GET % request.encode())
                try:
                    while s.recv(65536):
                        pass
                except ConnectionError:
                    pass
        said.append(lines(proxy, len(requests)))
        (proxy.folder / 'logs/error.log').write_text('')
    assert said[0] == said[1], "\n".join(["", *said[0], "", *said[1]])
