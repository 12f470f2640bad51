"""More cases for differential.py: the corners of sections that its own tables only cross (servers, heads, phases, locations, paths, origins)."""
import itertools

from differential import Case, Request, gets

CLOSE = b'Connection: close\r\n'


def raw(line, *fields, body=b''):
    return Request(raw=b'\r\n'.join([line, *fields, b'', b'']) + body)


def get(*fields, target=b'/', method=b'GET', version=b'1.1', body=b''):
    return raw(method + b' ' + target + b' HTTP/' + version, b'Host: NAME.test', b'Connection: close', *fields, body=body)


# ---- which server has which Host ----

HOSTS = [b'NAME.test', b'NAME.test:80', b'NAME.test:', b'NAME.test:x', b'NAME.test.', b'NAME.test.:80', b'NAME.test..', b'.NAME.test', b'NAME..test', b'NAME.TEST', b'  NAME.test  ', b'[::1]', b'[::1]:80', b'[::1', b'::1', b'127.0.0.1', b'127.0.0.1:1',
         b'a_b.NAME.test', b'-', b'a@NAME.test', b'NAME.test/a', b'NAME.test?a', b'NAME.test#a', b'NAME.test\\a', b'a,b', b'a b', b'\xc3\xa9.test', b'', b'.', b'..', b'a%41b', b'NAME.test\x00', b'a\tb', b'*.NAME.test', b'x.NAME.test.', b'NAME.test:80:80']
ABSOLUTE = [b'http://NAME.test/', b'http://NAME.test', b'http://NAME.test:80/', b'http://NAME.test./', b'http://NAME.TEST/x', b'http://x.NAME.test/', b'https://NAME.test/', b'ftp://NAME.test/', b'http://', b'http:///', b'http:/a', b'http://NAME.test?x', b'http://NAME.test:/',
            b'http://NAME.test:x/', b'http://[::1]/', b'http://a@NAME.test/', b'a+b.c-d://NAME.test/', b'1http://NAME.test/', b'http//NAME.test/', b'://NAME.test/', b'http://NAME.test#a', b'http://NAME.test/#a', b'http://NAME.test//a/../b']
ORDERS = [['NAME.test', '*.NAME.test', 'NAME.*', '~NAME'], ['~NAME', 'NAME.*', '.NAME.test'], ['*.NAME.test', '*.x.NAME.test', 'x.NAME.test'], ['NAME.*', 'x.NAME.*', 'x.NAME.test.*'], ['""', 'NAME.test'], ['.NAME.test', 'NAME.test.*', 'x.NAME.test'],
          ['~^(?<w>[a-z]+)\\.NAME', '~^(.+)\\.NAME\\.test$'], ['*.NAME.test NAME.test', 'x.NAME.*']]


def servers():
    which = '"$server_name|$host|$http_host|$request_uri|$uri|$scheme"'
    requests = [raw(b'GET / HTTP/1.1', b'Host: ' + each, b'Connection: close') for each in HOSTS]
    requests += [raw(b'GET ' + each + b' HTTP/1.1', b'Host: ' + host, b'Connection: close') for each in ABSOLUTE for host in (b'NAME.test',)]
    requests += [raw(b'GET http://NAME.test/ HTTP/1.0'), raw(b'GET / HTTP/1.0', b'Host: NAME.test'), raw(b'GET /'), raw(b'GET /x'), raw(b'GET / HTTP/1.1', b'Connection: close'), raw(b'GET / HTTP/1.1', b'Host: NAME.test', b'Host: other', b'Connection: close')]
    for number, names in enumerate(ORDERS):
        http = ''.join(f'server {{ listen PORT; server_name {name}; return 200 "{i} "{which}; }}\n'.replace(f'"{i} ""', f'"{i} ') for i, name in enumerate(names) if name != '""')
        more = [raw(b'GET / HTTP/1.1', b'Host: ' + each, b'Connection: close') for each in (b'NAME.test', b'x.NAME.test', b'y.x.NAME.test', b'NAME.org', b'x.NAME.org', b'x.NAME.test.org', b'xNAME.test', b'12.NAME.test', b'ab.NAME.test')]
        yield Case('hosts', '', more, http, f'o{number}')
    yield Case('hosts', f'return 200 {which};', requests, name='h0')
    yield Case('hosts', f'error_page 400 404 /e; location = /e {{ internal; return 400 {which}; }} location / {{ return 200 {which}; }}', requests[:40], name='h1')
    for number, settings in enumerate(['server_name_in_redirect on;', 'port_in_redirect off;', 'absolute_redirect off;', '']):
        yield Case('hosts', f'server_name first.NAME.test; {settings} root FILES; location = /r {{ return 301 /there; }}', gets('/sub', '/r', '/sub?a=b') + [Request('/sub', host='NAME.test:99'), Request('/r', host='NAME.TEST:99')], name=f'r{number}')


# ---- lines and fields ----

METHODS = [b'GET', b'HEAD', b'POST', b'PUT', b'DELETE', b'MKCOL', b'COPY', b'MOVE', b'OPTIONS', b'PROPFIND', b'PROPPATCH', b'LOCK', b'UNLOCK', b'PATCH', b'TRACE', b'CONNECT', b'A', b'A_B', b'A-B', b'-', b'_', b'GETT', b'GE', b'get', b'Get', b'G1', b'G T', b'', b'GET\t',
           b'VERYLONGMETHOD' * 5]
LINES = [b'GET /  HTTP/1.1', b'GET / HTTP/1.1  ', b'GET / HTTP/1.10', b'GET / HTTP/1.9', b'GET / HTTP/1.99', b'GET / HTTP/1.100', b'GET / HTTP/0.9', b'GET / HTTP/3.0', b'GET / HTTP/11.1', b'GET / HTTP/1', b'GET / HTTP/', b'GET / http/1.1', b'GET / HTTP/1.1x', b'GET / HTTP /1.1',
         b'GET /HTTP/1.1', b' GET / HTTP/1.1', b'GET', b'GET ', b'GET  ', b'/', b'GET\t/ HTTP/1.1', b'GET /\tHTTP/1.1', b'\x16\x03\x01', b'PRI * HTTP/2.0', b'GET /a\x7fb HTTP/1.1', b'GET /a\x80b HTTP/1.1', b'GET /a\x1fb HTTP/1.1', b'GET /a\x00b HTTP/1.1', b'GET / HTTP/1.01']
PATHS = [f'/{a}/{b}' for a, b in itertools.product(('a', '.', '..', '%2e', '%2E%2e', '%2f', '', 'x%2f..', '...', '%2525', 'a%2f%2e%2e', '..%2f', '%5c..'), ('..', '.', '', 'b', '../..', '%2e.', '../../../c', './', '?../x', '#/../x', '%23', '%3f..', '/'))]
FIELDS = [b'X-A: 1', b'x-a: 1', b'X-A:1', b'X-A:   1   ', b'X-A: \t1\t', b'X-A:', b'X-A: ', b'X-A', b'X A: 1', b'X-A : 1', b': 1', b' X-A: 1', b'X_A: 1', b'_X: 1', b'X.A: 1', b'X/A: 1', b'X(A): 1', b'X\x80: 1', b'1X: 1', b'-X: 1', b'X-A: a\x80b', b'X-A: a\x00b', b'X-A: "a, b"', b'X-A: a:b: c',
          b'X-A: 1\r\n 2', b'X-A: 1\r\n\t2', b'X-A: 1\r', b'X-A: 1\rX-B: 2', b'X-A: 1\nX-B: 2', b'\x00: 1', b'X-A\x00: 1', b'X-A: ' + b'y' * 900]
TWICE = [b'Host', b'Content-Length', b'Transfer-Encoding', b'Expect', b'Authorization', b'Proxy-Authorization', b'If-Modified-Since', b'If-Unmodified-Since', b'If-Match', b'If-None-Match', b'If-Range', b'Content-Range', b'Range', b'User-Agent', b'Content-Type', b'Upgrade', b'Referer', b'Cookie', b'Connection',
         b'Accept', b'Accept-Encoding', b'Via', b'X-Forwarded-For', b'Date', b'Keep-Alive', b'TE', b'X-Real-IP', b'Accept-Language']
BODIES = [(b'Content-Length: 3', b'abc'), (b'Content-Length: 03', b'abc'), (b'Content-Length: 3 ', b'abc'), (b'Content-Length: 0', b''), (b'Content-Length:', b''), (b'Content-Length: 3x', b'abc'), (b'Content-Length: 99999999999999999999', b''), (b'Transfer-Encoding: chunked', b'3\r\nabc\r\n0\r\n\r\n'),
          (b'Transfer-Encoding: Chunked', b'3\r\nabc\r\n0\r\n\r\n'), (b'Transfer-Encoding: CHUNKED ', b'0\r\n\r\n'), (b'Transfer-Encoding: gzip', b''), (b'Transfer-Encoding: identity', b''), (b'Transfer-Encoding: gzip, chunked', b''), (b'Transfer-Encoding:', b''),
          (b'Transfer-Encoding: chunked', b'3;a=b\r\nabc\r\n0;c\r\nX: y\r\n\r\n'), (b'Transfer-Encoding: chunked', b'003\r\nabc\r\n000\r\n\r\n'), (b'Transfer-Encoding: chunked', b'A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n'), (b'Transfer-Encoding: chunked', b'3\r\nabcd\r\n0\r\n\r\n'),
          (b'Transfer-Encoding: chunked', b'g\r\n'), (b'Transfer-Encoding: chunked', b'-1\r\n'), (b'Transfer-Encoding: chunked', b'\r\n'), (b'Transfer-Encoding: chunked', b'fffffffffffffffff\r\n'), (b'Transfer-Encoding: chunked', b'0\r\nX\r\n\r\n')]


def parsing():
    shown = 'location / { return 200 "$request_method|$uri|$args|$request_uri|$request|$server_protocol|$http_x_a|$http_x_b|$host\\n"; }'
    requests = [get(method=each) for each in METHODS] + [raw(each, b'Host: NAME.test', b'Connection: close') for each in LINES] + gets(*PATHS) + [get(each) for each in FIELDS]
    yield Case('lines', shown, requests, name='l0')
    yield Case('lines', 'root FILES;', [get(method=each, target=target) for each in METHODS for target in (b'/a.txt', b'/sub', b'/none')], name='l1')
    yield Case('lines', 'location / { proxy_pass http://127.0.0.1:ORIGIN/echo; }', [get(method=each) for each in METHODS if each not in (b'HEAD', b'CONNECT')] + [get(each) for each in FIELDS], name='l2')
    yield Case('lines', 'location / { return 200 "$http_x_a|$content_length|$http_range|$http_user_agent|$content_type\\n"; }', [get(*([each + b': ' + value] * 2)) for each in TWICE for value in (b'1', b'bytes=0-1')], name='l3')
    yield Case('lines', 'location / { proxy_pass http://127.0.0.1:ORIGIN/echo; }', [get(each, method=method, body=body) for each, body in BODIES for method in (b'POST', b'GET')], name='l4')
    yield Case('lines', 'client_max_body_size 5; location / { proxy_pass http://127.0.0.1:ORIGIN/echo; } location /off { client_max_body_size 0; proxy_pass http://127.0.0.1:ORIGIN/echo; } location /file { root FILES; } location /said { return 200 x; }',
               [get(b'Content-Length: %d' % size, method=b'POST', target=target, body=b'x' * size) for size in (0, 4, 5, 6, 100) for target in (b'/', b'/off', b'/file', b'/said')] +
               [get(b'Transfer-Encoding: chunked', method=b'PUT', target=target, body=body) for body in (b'5\r\nabcde\r\n0\r\n\r\n', b'6\r\nabcdef\r\n0\r\n\r\n', b'3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n') for target in (b'/', b'/off')], name='l5')
    yield Case('lines', 'error_page 400 413 414 494 501 405 /e; location = /e { return 200 "said $status"; } location / { return 200 x; }',
               [get(*fields, method=b'POST', body=body) for fields, body in (((b'Transfer-Encoding: gzip',), b''), ((b'Content-Length: x',), b''))] + [get(b'X-A: ' + b'y' * 9000), get(target=b'/' + b'y' * 9000), get(target=b'/%zz'), get(method=b'TRACE')], name='l6')
    yield Case('lines', 'root FILES;', [get(b'Expect: 100-continue', target=b'/a.txt'), get(b'Expect: 100-Continue', target=b'/a.txt'), get(b'Expect: x', target=b'/a.txt'), get(b'Expect: 100-continue', b'Content-Length: 3', method=b'POST', target=b'/a.txt', body=b'abc')], name='l7')
    yield Case('lines', 'location / { proxy_pass http://127.0.0.1:ORIGIN/echo; }', [get(b'Expect: 100-continue', b'Content-Length: 3', method=b'POST', body=b'abc'), get(b'Expect: 100-continue', b'Content-Length: 3', method=b'POST', version=b'1.0', body=b'abc'),
                                                                                   get(b'Expect: 100-continue', b'Transfer-Encoding: chunked', method=b'POST', body=b'3\r\nabc\r\n0\r\n\r\n')], name='l8')


def keeping():
    """What is said of the connection, and whether it goes on: two requests in a row."""
    second = b'GET /2 HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n'
    firsts = [b'GET / HTTP/1.1\r\nHost: NAME.test\r\n%b\r\n' % each for each in (b'', b'Connection: keep-alive\r\n', b'Connection: close\r\n', b'Connection: Close\r\n', b'Connection: x, close\r\n', b'Connection: closed\r\n', b'Connection: upgrade\r\n', b'Keep-Alive: 5\r\n')]
    firsts += [b'GET / HTTP/1.0\r\nHost: NAME.test\r\n%b\r\n' % each for each in (b'', b'Connection: keep-alive\r\n', b'Connection: Keep-Alive\r\n', b'Connection: close\r\n')]
    firsts += [b'GET %b HTTP/1.1\r\nHost: NAME.test\r\n\r\n' % each for each in (b'/400', b'/403', b'/404', b'/405', b'/408', b'/411', b'/413', b'/414', b'/500', b'/501', b'/502', b'/503', b'/504', b'/507', b'/204', b'/304', b'/301', b'/444', b'/499', b'/up', b'/up404', b'/file')]
    firsts += [b'GET / HTTP/1.1\r\nHost: NAME.test\r\nUser-Agent: %b\r\n\r\n' % each for each in (b'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)', b'Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/525 (KHTML, like Gecko) Version/3.1 Safari/525', b'Mozilla/5.0 (Windows) Chrome/1 Safari/525')]
    firsts += [b'POST / HTTP/1.1\r\nHost: NAME.test\r\nContent-Length: 3\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n\r\nabc', b'POST / HTTP/1.1\r\nHost: NAME.test\r\nContent-Length: 3\r\nUser-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X) Safari/525\r\n\r\nabc',
               b'POST / HTTP/1.1\r\nHost: NAME.test\r\nContent-Length: 3\r\n\r\nabc', b'POST /file HTTP/1.1\r\nHost: NAME.test\r\nContent-Length: 3\r\n\r\nabc']
    codes = ''.join(f'location = /{code} {{ return {code}; }} ' for code in (400, 403, 404, 405, 408, 411, 413, 414, 500, 501, 502, 503, 504, 507, 204, 304, 301, 444, 499))
    for number, settings in enumerate(['', 'keepalive_timeout 0;', 'keepalive_timeout 75 20;', 'keepalive_requests 1;', 'keepalive_requests 2;', 'keepalive_disable none;', 'keepalive_disable safari;', 'keepalive_disable msie6 safari;', 'lingering_close always;', 'lingering_close off;',
                                       'chunked_transfer_encoding off;']):
        yield Case('keeping', f'{settings} {codes} location / {{ return 200 "$connection_requests $http_connection"; }} location = /up {{ proxy_pass http://127.0.0.1:ORIGIN/v1/plain; }} '
                   'location = /up404 { proxy_pass http://127.0.0.1:ORIGIN/v1/missing; } location = /file { alias FILES/a.txt; }', [Request(raw=first + second) for first in firsts], name=f'k{number}')


# ---- phases ----

PHASES = ['set_real_ip_from 127.0.0.1; if ($remote_addr = 1.2.3.4) { return 200 "real $realip_remote_addr"; } location / { deny all; }', 'if ($uri = /a.txt) { return 403; } location / { allow all; root FILES; }', 'rewrite ^/a /b.html; location = /b.html { root FILES; deny all; }',
          'location / { rewrite ^ /b.html break; deny all; }', 'location / { deny all; return 200 first; }', 'location / { deny all; try_files /a.txt =404; root FILES; }', 'location / { auth_basic x; auth_basic_user_file FILES/users; return 204; }',
          'location / { auth_basic x; auth_basic_user_file FILES/users; deny all; root FILES; }', 'location / { satisfy any; auth_basic x; auth_basic_user_file FILES/users; deny all; root FILES; }', 'location / { satisfy any; auth_basic x; auth_basic_user_file FILES/users; allow all; root FILES; }',
          'location / { satisfy any; deny all; root FILES; }', 'location / { satisfy any; deny all; auth_request /auth401; root FILES; }', 'location / { satisfy any; deny all; auth_request /auth403; root FILES; }', 'location / { satisfy any; auth_request /auth200; deny all; root FILES; }',
          'location / { satisfy any; auth_basic x; auth_basic_user_file FILES/users; auth_request /auth403; root FILES; }', 'location / { satisfy any; auth_basic x; auth_basic_user_file FILES/users; auth_request /auth401; root FILES; }',
          'location / { satisfy all; auth_basic x; auth_basic_user_file FILES/users; auth_request /auth403; root FILES; }', 'location / { auth_request /auth500; root FILES; }', 'location / { auth_request /auth401; auth_basic x; auth_basic_user_file FILES/users; root FILES; }',
          'limit_req zone=z_NAME burst=9 nodelay; location / { deny all; }', 'location / { limit_conn c_NAME 1; deny all; }', 'location / { try_files /none /a.txt; deny 10.0.0.1; root FILES; }', 'location / { root FILES; try_files $uri /b.html; proxy_pass http://127.0.0.1:ORIGIN; }',
          'location / { root FILES; index a.txt; autoindex on; }', 'location / { root FILES; index none.txt; autoindex on; }', 'location / { root FILES; random_index on; index a.txt; }', 'location / { root FILES; gzip_static on; index c.txt; }', 'location / { root FILES; mirror /auth200; try_files $uri =404; }',
          'location / { satisfy any; allow 1.2.3.4; deny all; set_real_ip_from 127.0.0.1; root FILES; auth_basic x; auth_basic_user_file FILES/users; }', 'location / { add_header A b; deny all; expires 1h; }', 'location / { error_page 403 = /b.html; deny all; } location = /b.html { root FILES; }',
          'location / { error_page 403 = /b.html; deny all; } location = /b.html { root FILES; deny all; }', 'location / { error_page 401 =200 /b.html; auth_basic x; auth_basic_user_file FILES/users; } location = /b.html { root FILES; }',
          'location / { root FILES; sub_filter hello X; sub_filter_types *; sub_filter_once off; gzip on; gzip_types *; gzip_min_length 1; }', 'location / { root FILES; gunzip on; gzip_static always; sub_filter packed X; sub_filter_types *; }',
          'location / { root FILES; sub_filter hello X; sub_filter_types *; charset utf-8; add_after_body /after; addition_types *; }', 'location / { root FILES; gzip on; gzip_types *; gzip_min_length 1; expires 1h; add_header X-E $sent_http_etag; }', 'location / { root FILES; sub_filter nothing X; sub_filter_types *; }']
ASKING = [(), ('Authorization: Basic dXNlcjpzZWNyZXQ=',), ('X-Real-IP: 1.2.3.4',), ('Accept-Encoding: gzip',), ('Range: bytes=0-3',), ('If-None-Match: *',), ('If-Modified-Since: DATE',)]


def phases():
    common = ''.join(f'location = /auth{code} {{ internal; return {code}; }} ' for code in (200, 401, 403, 500)) + 'location = /after { return 200 "hello after"; } '
    for number, text in enumerate(PHASES):
        requests = [Request(path, fields=fields) for path in ('/a.txt', '/', '/none') for fields in ASKING] + [Request('/a.txt', 'POST', body=b'x'), Request('/a.txt', 'HEAD'), Request('/sub'), Request('/a.txt/'), Request('/c.txt', fields=('Accept-Encoding: gzip',))]
        yield Case('phases', common + text, [each for each in requests if 'random_index' not in text or each.target not in ('/',)], 'limit_req_zone $request_uri zone=z_NAME:1m rate=1000r/s; limit_conn_zone $request_uri zone=c_NAME:1m;', f'p{number}')


# ---- what a level takes from the one above ----

INHERIT = ['add_header A 1; location / { return 200 x; location /in { return 200 y; } }', 'add_header A 1; location / { add_header B 2; return 200 x; location /in { return 200 y; } }', 'add_header A 1; location / { add_header B 2; location /in { add_header C 3; return 200 y; } return 200 x; }',
           'proxy_set_header A 1; location / { proxy_pass http://127.0.0.1:ORIGIN/echo; location /in { proxy_set_header B 2; proxy_pass http://127.0.0.1:ORIGIN/echo; } }', 'proxy_set_header A 1; location / { proxy_set_header Host h; proxy_pass http://127.0.0.1:ORIGIN/echo; }',
           'proxy_hide_header X-One; location / { proxy_pass http://127.0.0.1:ORIGIN/v1/plain; } location /in { proxy_hide_header X-Powered-By; proxy_pass http://127.0.0.1:ORIGIN/v1/plain; }',
           'proxy_hide_header X-One; location / { proxy_pass_header X-One; proxy_pass_header Server; proxy_pass http://127.0.0.1:ORIGIN/v1/plain; } location /in { proxy_pass_header Date; proxy_pass http://127.0.0.1:ORIGIN/v1/plain; }',
           'error_page 404 /e; location = /e { return 200 e; } location = /f { return 200 f; } location / { return 404; location /in { error_page 403 /f; return 404; } }', 'error_page 404 /e; location = /e { return 200 e; } location / { error_page 404 =410 /e; return 404; }',
           'deny all; location / { root FILES; } location /in { allow all; root FILES; } location /none { deny 10.0.0.1; root FILES; }', 'auth_basic x; auth_basic_user_file FILES/users; location / { root FILES; } location /in { auth_basic off; root FILES; }', 'root FILES; location / { } location /in { root FILES/sub; } location /none { alias FILES/a.txt; }',
           'location / { proxy_pass http://127.0.0.1:ORIGIN/echo; location /in { root FILES; } }', 'location / { proxy_pass http://127.0.0.1:ORIGIN/echo; if ($arg_x) { set $a b; } }', 'location / { proxy_pass http://127.0.0.1:ORIGIN; limit_except GET { deny all; } }',
           'location / { proxy_pass http://127.0.0.1:ORIGIN/echo; limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } }', 'root FILES; try_files /b.html =404; location /in { }', 'root FILES; try_files /b.html =404;', 'try_files /none @n; location @n { return 200 named; } location /in { return 200 in; }',
           'rewrite ^/in(.*) /a$1; location / { return 200 "$uri"; location /a { return 200 "a $uri"; } }', 'set $v one; location / { set $v "$v two"; location /in { return 200 "in $v"; } return 200 "$v"; }', 'return 200 server; location / { return 200 location; }', 'if ($arg_x) { return 200 if; } location / { return 200 "no"; }',
           'expires 1h; location / { root FILES; } location /in { expires off; return 200 x; }', 'types { text/one txt; } location / { root FILES; } location /in { types { text/two txt; } alias FILES/; }', 'default_type a/b; location / { return 200 x; } location /in { default_type c/d; return 200 y; }',
           'charset utf-8; location / { return 200 x; } location /in { charset off; return 200 y; }', 'etag off; root FILES; location /in { etag on; alias FILES/; }', 'limit_rate 0; root FILES;', 'index b.html; root FILES; location /in/ { index a.txt; alias FILES/; }',
           'sub_filter a b; sub_filter_types *; location / { return 200 aaa; } location /in { sub_filter c d; return 200 aacc; }', 'log_not_found off; root FILES; location /in { return 200 x; }', 'proxy_redirect off; location / { proxy_pass http://127.0.0.1:ORIGIN/v1/location; } location /in { return 200 x; }']


def inheritance():
    for number, text in enumerate(INHERIT):
        yield Case('inherit', text, gets('/', '/in', '/in/', '/in/x', '/in/a.txt', '/a.txt', '/none', '/?x=1', '/sub/') + [Request('/in', 'POST', body=b'x'), Request('/', 'PUT', body=b'y')], name=f'i{number}')


# ---- locations ----

CORNERS = ['location = / { S0 } location / { S1 }', 'location = /a { S0 } location /a { S1 } location ^~ /a/ { S2 } location ~ a { S3 }', 'location ^~ /a { S0 location /a/b { S1 } } location ~ b { S2 }', 'location /a { S0 location ^~ /a/b { S1 } } location ~ b { S2 }',
           'location /a { location ~ b$ { S0 } S1 } location ~ a { S2 }', 'location ~ a { location ~ b { S0 } location ~ . { S1 } S2 } location /a { S3 }', 'location "/a b" { S0 } location / { S1 }', 'location /a%20b { S0 } location / { S1 }', 'location /é { S0 } location / { S1 }', 'location "~ ^/a" { S0 } location / { S1 }',
           'location ~ ^/(?<first>[^/]+)/(?<second>.*)$ { return 200 "$first $second $1 $2"; }', 'location ~ ^/(a)(b)?(c)? { return 200 "[$1][$2][$3][$4]"; }', 'location ~ ^/(.) { if ($args ~ (.)=(.)) { return 200 "$1 $2"; } return 200 "loc $1"; }',
           'location ~ ^/(.)(.) { rewrite ^/.(.) /x break; return 200 "$1 $2"; }', 'location ~ ^/(.)(.) { set $c $1; rewrite ^/nope /x; return 200 "$1 $c"; }', 'location ~ ^/(a) { return 200 "$1 $m_NAME $1"; } location / { return 200 "$m_NAME $1"; }',
           'location /x/ { proxy_pass http://127.0.0.1:ORIGIN/echo/; } location / { S1 }', 'location /x/ { proxy_pass http://127.0.0.1:ORIGIN/echo/; } location = /x { S1 }', 'location /x/ { proxy_pass http://127.0.0.1:ORIGIN/echo/; } location /x { S1 }', 'location /x/ { root FILES; } location / { S1 }',
           'location ^~ /x/ { proxy_pass http://127.0.0.1:ORIGIN/echo/; } location ~ x { S1 }', 'location /x/ { proxy_pass http://127.0.0.1:ORIGIN/echo/; absolute_redirect off; }', 'location /x { S0 location /x/y/ { proxy_pass http://127.0.0.1:ORIGIN/echo/; } }', 'location /x/ { if ($arg_q) { proxy_pass http://127.0.0.1:ORIGIN; } S1 }',
           'location /a { internal; S0 } location / { error_page 404 /a; return 404; }', 'location /a { internal; S0 } location / { rewrite ^ /a; }', 'location = /a { internal; S0 } rewrite ^/b /a; location / { try_files /none /a; }', 'location ~ a { internal; S0 } location / { S1 }', 'location @n { S0 } location / { try_files /none @n; }',
           'location @n { internal; S0 } location / { error_page 404 = @n; return 404; }', 'location /A { S0 } location /a { S1 }', 'location ~* ^/a { S0 } location ~ ^/A { S1 }', 'location ~ ^/a$ { S0 } location /a { S1 location ~ /b { S2 } }', 'location / { S0 location ~ a { S1 location ~ b { S2 location ~ c { S3 } } } }',
           'location ~ \\.(?:php|jpg)$ { S0 } location ~ "^/a{1,2}/" { S1 } location / { S2 }', 'location /a/ { S0 } location /a { S1 } location /a/b/ { S2 } location /ab { S3 }', 'location /index.html { S0 } location / { root FILES/sub; }', 'location = /index.html { S0 } location / { root FILES/sub; }',
           'location /sub/ { S0 } location / { root FILES; }', 'location ~ ^/(?<uri_part>.*) { return 200 "$uri_part"; }', 'location ~ (?<n>a)|(?<m>b) { return 200 "[$n][$m]"; }', 'root FILES; location ~ ^/(.+)\\.none$ { try_files /$1.txt =404; }', 'merge_slashes off; location //a { S0 } location /a { S1 } location ~ // { S2 }']
PLACES = ['/', '/a', '/a/', '/a/b', '/a/b/', '/a/b/c', '/ab', '/abc', '/aa/b', '/A', '/a%20b', '/%61', '/a%2fb', '//a', '/a//b', '/x', '/x/', '/x?q=1', '/x/?q=1', '/x/y', '/x/y/', '/b', '/c.php', '/a.none', '/a/b?c=d', '/%c3%a9', '/index.html', '/sub', '/sub/', '/X', '/.', '/a/./b', '/a/../x', '/~ ^/a'.replace(' ', '%20')]


def locations():
    for number, text in enumerate(CORNERS):
        for i in range(5):
            text = text.replace(f'S{i}', f'return 200 "{i} $uri $1\\n";')
        yield Case('places', text, gets(*PLACES) + [Request('/x', 'POST', body=b'abc'), Request('/x', host='NAME.test:99'), Request('/a', 'HEAD')], 'map $uri $m_NAME { ~(.)$ "map $1"; }', f'c{number}')


# ---- paths for an origin ----

MAPPED = ['/s/', '/s', '/s/a%2fb//c?x=1', '/s/a%3fb', '/s/a%23b', '/s/a%25b', '/s/%e4%ff', '/s/a;b,c:d@e&f=g+h$i!j*k(l)', "/s/a'b", '/s/~a', '/s/%7ea', '/s/a%5cb', '/s/a\\b', '/s/%22%3c%3e', '/s/{a}|^`', '/s/%7b%7d', '/s/a%0ab', '/s/%09', '/s/%7f', '/s/x/../y', '/s/./x', '/s//x', '/s/x?', '/s/x??', '/s/x?a?b', '/s/x?a#b', '/s/x#b',
          '/s/x?a=%20+%2B', '/s/x?"<>', '/sfoo/bar', '/s?a', '/s/?a', '/%73/x', '/s%2fx', '/s/\xc3\xa9', '/s/%E2%82%ac', '/s/%2525', '/s/x%20y']
PASSING = ['location /s/ { proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/; }', 'location /s { proxy_pass http://127.0.0.1:ORIGIN/x; }', 'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/z/?a=1; }', 'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/%20/; }', 'location /s/ { proxy_pass "http://127.0.0.1:ORIGIN/a b/"; }',
           'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/a/../b/; }', 'location = /s { proxy_pass http://127.0.0.1:ORIGIN/one; }', 'location /s/ { rewrite ^/s/(.*)$ /r/$1 break; proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s/ { rewrite ^/s/(.*)$ /r/$1 break; proxy_pass http://127.0.0.1:ORIGIN/ignored/; }',
           'location /s/ { rewrite ^/s/(.*)$ /r/$1? break; proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s/ { rewrite ^/s/(.*)$ /r/$1?n=1 break; proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s/ { rewrite ^/s/(.*)$ /r?q=$1 break; proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s/ { rewrite ^(.*)$ $1 break; proxy_pass http://127.0.0.1:ORIGIN/x; }',
           'rewrite ^/s/(.*)$ /t/$1; location /t/ { proxy_pass http://127.0.0.1:ORIGIN/u/; }', 'rewrite ^/s/(.*)$ /t/$1 last; location /t/ { proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s { error_page 404 = /t/x; return 404; } location /t/ { proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s { error_page 404 = @t; return 404; } location @t { proxy_pass http://127.0.0.1:ORIGIN; }',
           'location /s { try_files /none @t; } location @t { proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s { try_files /none /t/x?$args; } location /t/ { proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s { try_files /none $uri/; root FILES; } location /s/ { proxy_pass http://127.0.0.1:ORIGIN/y/; }', 'location ~ ^/s(.*) { proxy_pass http://127.0.0.1:ORIGIN; }',
           'location ~ ^/s/(.*) { proxy_pass http://127.0.0.1:ORIGIN/cap/$1; }', 'location /s/ { set $b 127.0.0.1:ORIGIN; proxy_pass http://$b; }', 'location /s/ { set $b 127.0.0.1:ORIGIN; proxy_pass http://$b/fixed; }', 'location /s/ { set $b 127.0.0.1:ORIGIN; proxy_pass http://$b/; }', 'location /s/ { set $b up_NAME; proxy_pass http://$b; }',
           'location /s/ { set $b up_NAME; proxy_pass http://$b$request_uri; }', 'location /s/ { set $b http; proxy_pass $b://up_NAME$uri?$args; }', 'location /s/ { set $b up_NAME:80; proxy_pass http://$b/x; }', 'location /s/ { set $b ""; proxy_pass http://$b; }', 'location /s/ { set $b "ftp://x"; proxy_pass $b; }', 'location /s/ { set $b nosuch.invalid; proxy_pass http://$b; }',
           'location /s/ { set $b 127.0.0.1:ORIGIN; rewrite ^/s/(.*)$ /r/$1 break; proxy_pass http://$b; }', 'location /s/ { set $b 127.0.0.1:ORIGIN; rewrite ^/s/(.*)$ /r/$1 break; proxy_pass http://$b/f; }', 'location /s/ { set $b 127.0.0.1:ORIGIN; proxy_pass http://$b?only=args; }', 'location /s/ { proxy_pass http://up_NAME; }', 'location /s/ { proxy_pass http://up_NAME/y; }',
           'location /s/ { set $args new=1; proxy_pass http://127.0.0.1:ORIGIN; }', 'location /s/ { set $args new=1; proxy_pass http://127.0.0.1:ORIGIN/x/; }', 'location /s/ { if ($args) { set $args "$args&m=1"; } proxy_pass http://127.0.0.1:ORIGIN/x/; }', 'location /s/ { if ($args) { proxy_pass http://127.0.0.1:ORIGIN; } proxy_pass http://127.0.0.1:ORIGIN/no/; }',
           'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/a/; location /s/x/ { proxy_pass http://127.0.0.1:ORIGIN/b/; } }', 'location /s/ { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } proxy_pass http://127.0.0.1:ORIGIN/a/; }', 'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/$arg_x; }', 'location /s/ { proxy_pass http://127.0.0.1:ORIGIN/x$is_args$args; }',
           'merge_slashes off; location /s/ { proxy_pass http://127.0.0.1:ORIGIN/y/; }', 'location /s/ { proxy_pass http://127.0.0.1:ORIGIN?q=1; }']


def paths():
    for number, text in enumerate(PASSING):
        spaced = '$1;' in text or '$uri?' in text
        yield Case('paths', text, [Request(each) for each in MAPPED if not (spaced and ('%0a' in each or '%20' in each or '%09' in each or '%7f' in each))] + [Request('/s/p', 'POST', body=b'abc'), raw(b'GET http://NAME.test/s/abs?x HTTP/1.1', b'Host: NAME.test', b'Connection: close')],
                   'upstream up_NAME { server 127.0.0.1:ORIGIN; }', f'p{number}')


# ---- what goes up and comes back ----

UP = ['proxy_set_header X-A "";', 'proxy_set_header x-A v;', 'proxy_set_header X-A 1; proxy_set_header X-B "$http_x_a$http_x_b"; proxy_set_header Host a.b:1;', 'proxy_set_header X-F $proxy_add_x_forwarded_for;', 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;', 'proxy_set_header Connection $http_connection;',
      'proxy_set_header TE $http_te;', 'proxy_set_header Keep-Alive x;', 'proxy_set_header Content-Length 0;', 'proxy_set_header Transfer-Encoding "";', 'proxy_set_header Cookie "$http_cookie; more=1";', 'proxy_set_header X-P "$proxy_host|$proxy_port";', 'proxy_set_header If-None-Match ""; proxy_set_header Range "";',
      'proxy_http_version 1.1; proxy_set_header Connection "";', 'proxy_http_version 1.0; proxy_set_header Connection "";', 'proxy_set_body $request_uri;', 'proxy_set_header Host "";', 'proxy_set_header A "a  b"; proxy_set_header B "é";']
CLIENT = [(), ('X-A: 1', 'X-B: 2', 'X-C: 3', 'X-a: 4'), ('Connection: X-A', 'X-A: 1'), ('Upgrade: x', 'TE: trailers', 'Keep-Alive: 1'), ('Expect: 100-continue',), ('X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2'), ('Cookie: a=1', 'Cookie: b=2'), ('Range: bytes=0-1', 'If-Range: "x"', 'If-None-Match: "y"', 'If-Match: "z"', 'If-Modified-Since: DATE'),
          ('Authorization: x', 'Proxy-Authorization: y', 'Via: 1.1 z', 'Date: DATE', 'Server: s', 'X-Accel-Redirect: /x')]
BACK = {
    'accelpath': b'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /inner/a.txt\r\nContent-Type: text/theirs\r\nSet-Cookie: a=b\r\nContent-Disposition: attachment\r\nAccept-Ranges: none\r\nCache-Control: max-age=7\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Other: o\r\nETag: "t"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 4\r\n\r\nbody',
    'accelnamed': b'HTTP/1.1 404 No\r\nX-Accel-Redirect: @named\r\nContent-Length: 4\r\n\r\nbody', 'accelargs': b'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /inner/a.txt?x=1\r\nContent-Length: 0\r\n\r\n', 'accelescaped': b'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /inner/with%20space\r\nContent-Length: 0\r\n\r\n',
    'accelnone': b'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /inner/none\r\nContent-Length: 0\r\n\r\n', 'accelbad': b'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /../x\r\nContent-Length: 0\r\n\r\n', 'accelempty': b'HTTP/1.1 200 OK\r\nX-Accel-Redirect: \r\nContent-Length: 2\r\n\r\nok',
    'accelcharset': b'HTTP/1.1 200 OK\r\nX-Accel-Charset: koi8-r\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok', 'accelrest': b'HTTP/1.1 200 OK\r\nX-Accel-Expires: @1\r\nX-Accel-Limit-Rate: 1000000\r\nX-Accel-Buffering: yes\r\nContent-Length: 2\r\n\r\nok',
    'twolengths': b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok', 'lengthandcoding': b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 'badlength': b'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok', 'coding': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok',
    'twotypes': b'HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 2\r\n\r\nok', 'twolocations': b'HTTP/1.1 302 OK\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n', 'twoetags': b'HTTP/1.1 200 OK\r\nETag: "a"\r\nETag: "b"\r\nLast-Modified: x\r\nLast-Modified: y\r\nContent-Length: 0\r\n\r\n',
    'twodates': b'HTTP/1.1 200 OK\r\nDate: a\r\nDate: b\r\nServer: a\r\nServer: b\r\nContent-Length: 0\r\n\r\n', 'noreason': b'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'emptyreason': b'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', 'oddreason': b'HTTP/1.1 299 Some  odd \xe9 text\r\nContent-Length: 2\r\n\r\nok',
    'old': b'HTTP/1.0 200 Fine\r\n\r\nok to the end', 'older': b'just a body', 'status99': b'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', 'status999': b'HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\nok', 'badfield': b'HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 2\r\n\r\nok', 'nocolon': b'HTTP/1.1 200 OK\r\nNoColon\r\nContent-Length: 2\r\n\r\nok',
    'lf': b'HTTP/1.1 200 OK\nContent-Length: 2\nX-One: 1\n\nok', 'underscore': b'HTTP/1.1 200 OK\r\nX_Under: 1\r\nX.Dot: 2\r\nContent-Length: 2\r\n\r\nok', 'emptyfield': b'HTTP/1.1 200 OK\r\nX-One:\r\nX-Two: \r\nContent-Length: 2\r\n\r\nok', 'upgrade': b'HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok',
    'short': b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nok', 'link': b'HTTP/1.1 302 Found\r\nLocation: http://localhost:ORIGIN/v1/x\r\nContent-Length: 0\r\n\r\n', 'relative': b'HTTP/1.1 302 Found\r\nLocation: next\r\nContent-Length: 0\r\n\r\n', 'rooted': b'HTTP/1.1 302 Found\r\nLocation: /v1/next?a=b#c\r\nContent-Length: 0\r\n\r\n',
    'queried': b'HTTP/1.1 302 Found\r\nLocation: ?a=b\r\nContent-Length: 0\r\n\r\n', 'upper': b'HTTP/1.1 302 Found\r\nLocation: HTTP://127.0.0.1:ORIGIN/v1/X\r\nContent-Length: 0\r\n\r\n', 'refresh': b'HTTP/1.1 200 OK\r\nRefresh: 3; URL=http://127.0.0.1:ORIGIN/v1/z\r\nContent-Length: 0\r\n\r\n', 'created': b'HTTP/1.1 201 C\r\nLocation: http://127.0.0.1:ORIGIN/v1/new\r\nContent-Length: 0\r\n\r\n',
    'flags': b'HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/v1; Domain=.A.Example; Secure; SameSite=Lax\r\nSet-Cookie: b=2;path=/v1/x;httponly\r\nSet-Cookie: c\r\nSet-Cookie: =d; path=/\r\nSet-Cookie: e=5; domain=b.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n',
}
CLOSING = ('badlength', 'coding', 'old', 'older', 'short', 'status99', 'lengthandcoding', 'twolengths')  # what ends with the connection
SETTINGS = ['', 'proxy_ignore_headers X-Accel-Redirect X-Accel-Charset;', 'proxy_pass_header X-Accel-Redirect; proxy_pass_header X-Accel-Expires; proxy_pass_header Server; proxy_pass_header Date;', 'proxy_hide_header X-One; proxy_hide_header Content-Type; proxy_hide_header ETag; proxy_hide_header Set-Cookie; proxy_hide_header Location;', 'proxy_redirect off;',
            'proxy_redirect http://localhost:ORIGIN/v1/ /l/; proxy_redirect default;', 'proxy_redirect default; proxy_redirect /v1/ /w/; proxy_redirect next /never/;', 'proxy_redirect ~*^http://[^:]+:(\\d+)(/.*) /p$1$2;', 'proxy_redirect /v1/ $scheme://$host:$server_port/x/;', 'absolute_redirect off; proxy_redirect /v1/ /y/;',
            'proxy_cookie_path /v1 /new; proxy_cookie_path / /root;', 'proxy_cookie_domain a.example new.example; proxy_cookie_domain b.example "";', 'proxy_cookie_domain ~.*(example)$ x.$1; proxy_cookie_path ~*/V(.) /$1;', 'proxy_cookie_flags a nosecure httponly samesite=strict; proxy_cookie_flags b secure; proxy_cookie_flags ~ samesite=none;',
            'proxy_cookie_flags c secure httponly; proxy_cookie_flags off;'.replace(' proxy_cookie_flags off;', ''), 'proxy_intercept_errors on; error_page 302 404 /e;', 'proxy_intercept_errors on; error_page 299 =200 /e;'.replace('299 ', '404 '), 'proxy_buffering off;', 'proxy_http_version 1.0;', 'charset utf-8;', 'proxy_ignore_headers Set-Cookie Vary Expires Cache-Control;']


def origins():
    for number, settings in enumerate(UP):
        requests = [Request('/echo?x=1', fields=fields) for fields in CLIENT] + [Request('/echo', 'POST', fields, b'the body') for fields in CLIENT[:5]] + [Request('/echo', version='1.0', fields=('Connection: keep-alive',))]
        yield Case('upward', f'location / {{ {settings} proxy_pass http://127.0.0.1:ORIGIN; }}', requests, name=f'u{number}')
    for number, settings in enumerate(SETTINGS):
        requests = [Request(f'/here/l-{name}', method) for name in BACK for method in ('GET', 'HEAD')] + [Request(f'/here/l-{name}', version='1.0') for name in ('old', 'lengthandcoding', 'rooted', 'accelpath')] + [Request('/here/l-accelpath', 'POST', body=b'x'), Request('/here/l-accelnamed', 'POST', body=b'x')]
        yield Case('backward', f'location = /e {{ return 200 "e $upstream_status"; }} location /inner/ {{ internal; alias FILES/; }} location @named {{ return 200 "named $uri $request_method"; }} location /here/ {{ proxy_pass http://127.0.0.1:ORIGIN/v1/; {settings} }}', requests, name=f'b{number}')
    for number, server in enumerate(['127.0.0.1:1', '127.0.0.1:1 down', '127.0.0.1:1; server 127.0.0.1:2', '127.0.0.1:1; server 127.0.0.1:ORIGIN', '127.0.0.1:1 down; server 127.0.0.1:ORIGIN backup']):
        yield Case('upward', 'location / { proxy_pass http://bad_NAME/echo; } location /i { proxy_intercept_errors on; error_page 502 504 =200 /e; proxy_pass http://bad_NAME; } location = /e { return 200 "e $upstream_status"; }',
                   [Request('/'), Request('/i'), Request('/', 'POST', body=b'x')], f'upstream bad_NAME {{ server {server}; }}', f'f{number}')


def cases():
    for make in (servers, parsing, keeping, phases, inheritance, locations, paths, origins):
        yield from make()
