"""Many small configurations for gate and nginx, and the requests that tell whether both mean the same by them.

A case is one server block, reached by a name of its own; what stands in http for it uses NAME for whatever must be
its alone. ORIGIN is the origin's port, FILES the folder of conftest's site. All cases of one group are served by one
process of each, which makes thousands of requests a matter of seconds.
"""
import dataclasses
import itertools


@dataclasses.dataclass
class Case:
    group: str
    server: str
    requests: list
    http: str = ''
    name: str = ''

    @property
    def host(self):
        return f'{self.name}.test'


@dataclasses.dataclass
class Request:
    target: str = '/'
    method: str = 'GET'
    fields: tuple = ()
    body: bytes = b''
    version: str = '1.1'
    host: str = 'NAME.test'
    raw: bytes = b''  # instead of all the others

    def bytes(self, name):
        if self.raw:
            return self.raw.replace(b'NAME', name.encode())
        lines = [f'{self.method} {self.target} HTTP/{self.version}', f'Host: {self.host}', *self.fields, 'Connection: close']
        if self.body or self.method in ('POST', 'PUT'):
            lines.append(f'Content-Length: {len(self.body)}')
        text = '\r\n'.join([*lines, '', ''])
        return text.replace('NAME', name).replace(': DATE', ': Tue, 14 Nov 2023 22:13:20 GMT').encode('latin-1') + self.body


def gets(*targets, **rest):
    return [Request(target, **rest) for target in targets]


SHOW = 'return 200 "$uri|$args|$is_args|$request_uri|$document_uri|$1|$2\\n";'

# ---- 1.4: which server ----

NAMES = ['a.NAME.test', 'b.NAME.test', 'x.a.NAME.test', 'NAME.test', 'www.NAME.test', 'NAME.test.', 'NAME.test:99', 'WWW.name.TEST',
         'NAME.example', 'NAME.example.org', '1.2.NAME.test', 'other.invalid']
NAMING = [
    ['a.NAME.test', 'b.NAME.test'], ['*.NAME.test', 'a.NAME.test'], ['.NAME.test', 'a.NAME.test'], ['NAME.*', 'NAME.example'],
    ['*.a.NAME.test', '*.NAME.test'], ['NAME.test', 'www.NAME.test'], ['~^(?<part>.+)\\.NAME\\.test$', 'a.NAME.test'],
    ['~^.\\.NAME\\.test$', '~^a\\.NAME\\.test$'], ['NAME.example.*', 'NAME.*', '*.NAME.test'], ['"~^\\d{1}\\..*NAME"', '*.NAME.test'],
]


def servers():
    for number, names in enumerate(NAMING):
        shown = '$part' if '?<part>' in ' '.join(names) else ''
        http = ''.join(f'server {{ listen PORT; server_name {name}; return 200 "{i} $server_name $host {shown}"; }}\n'
                       for i, name in enumerate(names))
        requests = [Request('/', host=host) for host in NAMES]
        requests.append(Request(raw=b'GET http://a.NAME.test/x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n'))
        requests.append(Request(raw=b'GET / HTTP/1.0\r\n\r\n'))
        yield Case('servers', '', requests, http, f'n{number}')


# ---- 1.5: request line, URI and header ----

TARGETS = [
    '/', '/a', '/a/', '//a', '/a//b', '/a/./b', '/a/../b', '/a/b/../../c', '/..', '/../a', '/a/..', '/a/.', '/a/.../b', '/%41', '/%2e',
    '/%2e%2e/a', '/a%2fb', '/a%2Fb', '/a%5cb', '/a\\b', '/%00', '/%zz', '/%2', '/%', '/a%20b', '/a+b', '/a?b', '/a?b=c&d=e', '/a??b', '/a?b?c',
    '/?', '?x', '/a#f', '/a#f?x', '/a?x#f', '/%23', '/%3f', '/%3Fx', '/a%3fb?c', '/a;b', '/a,b', '/a:b', '/a@b', '/a=b', '/a&b', "/a'b", '/a"b',
    '/a<b>', '/a|b', '/a^b', '/a`b', '/a{b}', '/a[b]', '/~a', '/%7ea', '/a%c3%a9', '/a\xc3\xa9', '/a%ff', '/a%e2%82%ac', '/%25', '/%2541',
    '/a%0ab', '/a%0d%0ab', '/a%09b', '/a/%2e/b', '/a/%2e%2e/b', '/a/.%2e/b', '/a/..b', '/a/b..', '/.a', '/a./b', '/..a', '/a//', '///', '/./',
    '/.//', '/a///../b', '/a//../b', 'http://NAME.test/a?b', 'http://NAME.test', 'http://NAME.test?x', 'HTTP://NAME.test/a', '*', 'a', '/a b',
    '/a?b c', '/a\tb', '/' + 'x' * 2000, '/a?' + 'y' * 2000,
]
HEADS = [
    ('Accept: x',), ('accept: x', 'ACCEPT: y'), ('X_under: 1', 'X-Dash: 2'), ('Bad Name: 1',), ('Bad : 1',), ('Bad: 1', ' folded'), (': none',),
    ('Empty:',), ('Space:   x   ',), ('Tab:\tx\t',), ('X:y:z',), ('Cookie: a=b', 'Cookie: c=d'), ('Cookie: a=b; c=d',), ('Range: bytes=0-1', 'Range: bytes=1-2'),
    ('Expect: nonsense',), ('Authorization: a', 'Authorization: b'), ('If-Match: a', 'If-Match: b'), ('User-Agent: a', 'User-Agent: b'),
    ('Content-Length: 0',), ('Content-Length: x',), ('Content-Length: -1',), ('Content-Length: 0', 'Content-Length: 0'), ('Transfer-Encoding: gzip',),
    ('Transfer-Encoding: chunked', 'Content-Length: 0'), ('Upgrade: websocket',), ('TE: trailers',), ('X-Bin: \x80\xff',), ('X-Ctl: a\x01b',),
    ('X-Nul: a\x00b',), ('Referer: http://a/',), ('X-Forwarded-For: 1.2.3.4', 'X-Forwarded-For: 5.6.7.8'), ('X-Long: ' + 'z' * 3000,),
]
VARIABLES = ('$uri|$args|$is_args|$query_string|$request_uri|$document_uri|$host|$http_host|$request_method|$request|$scheme|$server_protocol|'
             '$server_name|$arg_b|$arg_B|$http_accept|$http_cookie|$cookie_a|$cookie_c|$http_x_under|$http_x_dash|$http_x|$http_empty|$http_space|'
             '$http_tab|$http_x_forwarded_for|$http_user_agent|$http_referer|$content_length|$content_type|$remote_user|$https|$request_length|'
             '$http_x_bin|$http_range')
RAW = [
    b'GET / HTTP/1.1\nHost: NAME.test\nConnection: close\n\n', b'\r\n\r\nGET / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n',
    b'get / HTTP/1.1\r\nHost: NAME.test\r\n\r\n', b'GET  / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n',
    b'GET / HTTP/1.1 \r\nHost: NAME.test\r\nConnection: close\r\n\r\n', b'GET / HTTP/1.2\r\nHost: NAME.test\r\nConnection: close\r\n\r\n',
    b'GET / HTTP/2.0\r\nHost: NAME.test\r\n\r\n', b'GET / HTTP/x\r\nHost: NAME.test\r\n\r\n', b'GET /\r\n', b'GET / HTTP/1.1\r\n\r\n',
    b'GET / HTTP/1.0\r\n\r\n', b'GET / HTTP/1.1\r\nHost: NAME.test\r\nHost: NAME.test\r\n\r\n', b'GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', b'GET / HTTP/1.1\r\nHost: NAME.test/x\r\n\r\n', b'GE\tT / HTTP/1.1\r\nHost: NAME.test\r\n\r\n',
    b'FOO / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n', b'M-SEARCH / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n',
    b'TRACE / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n', b'HEAD / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n',
    b'OPTIONS * HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n', b'GET / HTTP/1.0\r\nHost: NAME.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    b'POST / HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\n\r\n',
]


def parsing():
    requests = gets(*TARGETS) + [Request('/a?b=1&B=2', fields=fields) for fields in HEADS] + [Request(raw=raw) for raw in RAW]
    whole = f'location / {{ return 200 "{VARIABLES}\\n"; }}'
    for number, settings in enumerate(['', 'merge_slashes off;', 'underscores_in_headers on;', 'ignore_invalid_headers off;',
                                       'client_header_buffer_size 512; large_client_header_buffers 2 1k;', 'default_type text/plain;',
                                       'server_tokens on;']):
        yield Case('parsing', settings + whole, requests, name=f'p{number}')
    for number, name in enumerate(VARIABLES.split('|')):
        yield Case('parsing', f'location / {{ add_header X-Value "<{name}>" always; return 204; }}',
                   gets('/a?b=1&B=2', '/a%20b') + [Request('/?b', fields=fields) for fields in HEADS[:12]], name=f'v{number}')


# ---- 1.7: locations ----

PATHS = ['/', '/a', '/a/', '/a/b', '/a/b/', '/a/b.php', '/a/b.PHP', '/ab', '/abc', '/b', '/b/', '/b/a', '/b.php', '/B.php', '/a/b/c.jpg', '/c.jpg',
         '/A', '/a%2fb', '/a//b', '/x', '/x/', '/x/y', '/%61', '/a?b.php', '/images/1.gif', '/documents/1.jpg', '/index.html']
LOCATING = [
    '/', '= /|/', '/a', '/a/', '/a|/ab|/abc', '= /a|/a', '^~ /a|~ \\.php$', '/a|~ \\.php$', '~ \\.php$|~ ^/b', '~* \\.php$|~ \\.php$', '=/a|^~/b|~*\\.jpg$',
    '/|= /|/documents/|^~ /images/|~* \\.(gif|jpg|jpeg)$', '~ ^/(a|b)/|/a/b', '/a/b|/a/|/a', '~ .|/', '"/a"|~ "^/b{1}"', '/%61|/a', '~ ^/a/(.+)\\.(php)$|/',
    '/x/|= /x', '/a/b/|~ ^/a/b/.*\\.jpg$|/a/', '~ (?<rest>b.*)|/', '^~ /a/b|/a|~ b', '= /a/|= /a/b|/', '/A|/a', '~* ^/A$|/',
]
NESTED = [
    'location /a { SHOW1 location /a/b { SHOW2 } location ~ php$ { SHOW3 } } location ~ jpg$ { SHOW4 }',
    'location ^~ /a { SHOW1 location ~ php$ { SHOW2 } } location ~ php$ { SHOW3 }',
    'location /a { SHOW1 location ^~ /a/b { SHOW2 location ~ jpg$ { SHOW3 } } location ~ jpg$ { SHOW4 } } location ~ jpg$ { SHOW5 }',
    'location / { SHOW1 location = /a { SHOW2 } location /a { SHOW3 location ~ ^/a/ { SHOW4 } } }',
    'location ~ ^/a { SHOW1 location ~ php$ { SHOW2 } } location ~ php$ { SHOW3 }',
    'location ~ ^/a { location ~ ^/a/b { location ~ jpg$ { SHOW1 } SHOW2 } SHOW3 } location / { SHOW4 }',
    'location /a/ { SHOW1 location ~ ^/a/(?<file>.*)$ { return 200 "$file"; } }',
]


def show(number):
    return f'return 200 "{number} $uri $1\\n";'


def locations():
    for number, names in enumerate(LOCATING):
        blocks = ''.join(f'location {name} {{ {show(i)} }}\n' for i, name in enumerate(names.replace('|jpg|', '\0jpg\0').replace('(a|b)', '(a\0b)')
                                                                                   .split('|')))
        yield Case('locations', blocks.replace('\0', '|'), gets(*PATHS), name=f'l{number}')
    for number, text in enumerate(NESTED):
        for i in range(1, 6):
            text = text.replace(f'SHOW{i}', show(i))
        yield Case('locations', text, gets(*PATHS), name=f'm{number}')
    for number, modes in enumerate(['internal;', 'internal; error_page 404 = /b;']):
        yield Case('locations', f'location /a {{ {modes} return 200 in; }} location /b {{ error_page 404 = /a; return 404; }} rewrite ^/x /a;',
                   gets(*PATHS), name=f'i{number}')


# ---- 1.8: proxy_pass and paths ----

MAPPED = ['/s/', '/s/x', '/s/x/y?z=1', '/s/a%2fb//c/../d?x=%20', '/s/%41%20b', '/s/%3f%23%25', '/s/a+b', '/s?q', '/s', '/sx/y', '/s/\xc3\xa9', '/s/%c3%a9', '/s/"<>']
ADDRESSES = ['http://127.0.0.1:ORIGIN', 'http://127.0.0.1:ORIGIN/', 'http://127.0.0.1:ORIGIN/x', 'http://127.0.0.1:ORIGIN/x/', 'http://127.0.0.1:ORIGIN/z/?a=1',
             'http://127.0.0.1:ORIGIN?a', 'http://up_NAME', 'http://up_NAME/y/', 'http://127.0.0.1:ORIGIN/$arg_q', 'http://127.0.0.1:ORIGIN$request_uri',
             'http://$up', 'http://127.0.0.1:ORIGIN/v$uri$is_args$args']
PLACES = ['location /s { PASS }', 'location /s/ { PASS }', 'location = /s/x { PASS }', 'location /s/ { rewrite ^/s/(.*) /r/$1 break; PASS }',
          'location /s/ { set $a b; PASS proxy_set_header X-A $a; }', 'location ^~ /s/ { PASS }']


def mapping():
    numbers = itertools.count()
    for place, address in itertools.product(PLACES, ADDRESSES):
        variables = '$' in address
        start = 'set $up up_NAME; ' if '$up' in address else ''
        yield Case('mapping', start + place.replace('PASS', f'proxy_pass {address};'),
                   gets(*(each for each in MAPPED if not variables or '%20' not in each)),
                   'upstream up_NAME { server 127.0.0.1:ORIGIN; }', f'a{next(numbers)}')
    for place in ('location ~ ^/s/(.*)$ { proxy_pass http://127.0.0.1:ORIGIN; }', 'location / { error_page 404 = @up; return 404; } '
                  'location @up { proxy_pass http://127.0.0.1:ORIGIN; }', 'location / { if ($arg_q) { proxy_pass http://127.0.0.1:ORIGIN; } return 200 own; }',
                  'rewrite ^/s/(.*) /t/$1; location /t/ { proxy_pass http://127.0.0.1:ORIGIN; }',
                  'location /s/ { proxy_pass http://127.0.0.1:ORIGIN; location /s/x { proxy_set_header A b; return 200 inner; } }'):
        yield Case('mapping', place, gets(*MAPPED), name=f'b{next(numbers)}')


# ---- 1.9: heads, up and down ----

SENT = [(), ('X-A: 1', 'x-b: 2', 'X-A: 3'), ('Accept-Encoding: gzip', 'User-Agent: me'), ('X-Forwarded-For: 1.1.1.1',), ('Expect: 100-continue',),
        ('TE: trailers', 'Keep-Alive: 5', 'Proxy-Connection: x'), ('Range: bytes=0-3',), ('If-None-Match: "x"',), ('Cookie: a=b',), ('Content-Type: text/x',)]
UP = ['', 'proxy_set_header Host $host;', 'proxy_set_header Host $http_host; proxy_set_header X-A "";', 'proxy_set_header x-a new;', 'proxy_set_header X-New "$uri $args";',
      'proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;',
      'proxy_set_header Accept-Encoding "";', 'proxy_set_header Connection keep-alive;', 'proxy_pass_request_headers off;', 'proxy_pass_request_headers off; proxy_set_header A b;',
      'proxy_pass_request_body off; proxy_set_header Content-Length "";', 'proxy_method PUT;', 'proxy_set_body "made of $uri";',
      'proxy_method POST; proxy_set_body x; proxy_set_header Content-Type text/y;', 'proxy_set_header Host "";', 'proxy_set_header X-Proxy "$proxy_host:$proxy_port";',
      'proxy_set_header Range $http_range; proxy_set_header If-None-Match "";', 'proxy_request_buffering off;', 'proxy_buffering off;', 'proxy_http_version 1.0;',
      'proxy_set_header Content-Type "";', 'proxy_set_header X-A $http_x_a; proxy_set_header X-A second;']

DOWN = {
    'plain': b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX-One: 1\r\nX-Powered-By: p\r\nServer: theirs\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nplain',
    'text': b'HTTP/1.1 200 Fine, thanks\r\nContent-Length: 4\r\n\r\ntext',
    'cookies': b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=b; path=/v1/; domain=origin.example\r\nSet-Cookie: c=d; Path=/; Domain=.Origin.example; HttpOnly\r\nSet-Cookie: e\r\n\r\n',
    'location': b'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:ORIGIN/v1/x?y\r\n\r\n',
    'location2': b'HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /v1/x\r\nRefresh: 5; url=http://127.0.0.1:ORIGIN/v1/z\r\n\r\n',
    'location3': b'HTTP/1.1 201 Created\r\nContent-Length: 0\r\nLocation: https://elsewhere.example/v1/\r\n\r\n',
    'cached': b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: max-age=5\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: "x"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nVary: X\r\n\r\nok',
    'accel': b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Accel-Expires: 5\r\nX-Accel-Buffering: no\r\nX-Accel-Limit-Rate: 1000000\r\nX-Pad: x\r\n\r\nacc',
    'error': b'HTTP/1.1 500 Broken\r\nContent-Length: 3\r\n\r\nbad', 'missing': b'HTTP/1.1 404 Nothing\r\nContent-Length: 2\r\nContent-Type: text/x\r\n\r\nno',
    'auth': b'HTTP/1.1 401 Who\r\nContent-Length: 1\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n?', 'teapot': b'HTTP/1.1 418 Teapot\r\nContent-Length: 1\r\n\r\nt',
    'nobody': b'HTTP/1.1 204 None\r\n\r\n', 'unchanged': b'HTTP/1.1 304 Same\r\nETag: "x"\r\n\r\n', 'chunked': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'twice': b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-One: 1\r\nX-One: 2\r\nContent-Type: text/a\r\n\r\nx', 'hop': b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: X-Hop\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nTrailer: y\r\n\r\nx',
    'link': b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nLink: </a>; rel=preload\r\nContent-Disposition: inline\r\nAccept-Ranges: bytes\r\n\r\nx',
    'json': b'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}',
}
BACK = ['', 'proxy_hide_header X-One; proxy_hide_header x-powered-by;', 'proxy_pass_header Server; proxy_pass_header Date; proxy_pass_header X-Pad;', 'proxy_pass_header X-Accel-Expires;',
        'proxy_redirect off;', 'proxy_redirect http://127.0.0.1:ORIGIN/v1/ /here/;', 'proxy_redirect / /there/;', 'proxy_redirect ~^http://[^/]+(/.*)$ $1;', 'proxy_redirect http:// https://;',
        'proxy_redirect default; proxy_redirect ~*ELSEWHERE http://$host;', 'proxy_redirect https://elsewhere.example/ $scheme://$http_host/e/;', 'absolute_redirect off;',
        'server_name_in_redirect on;', 'port_in_redirect off;', 'proxy_cookie_path /v1/ /;', 'proxy_cookie_path ~^/(.*)$ /p/$1;', 'proxy_cookie_domain origin.example $host;',
        'proxy_cookie_domain ~\\.?origin\\.example$ new.example; proxy_cookie_path / /all/;', 'proxy_cookie_flags a secure samesite=strict; proxy_cookie_flags ~. nohttponly;',
        'proxy_ignore_headers X-Accel-Buffering X-Accel-Limit-Rate Cache-Control Expires;', 'proxy_intercept_errors on;', 'proxy_intercept_errors on; error_page 404 500 /oops; error_page 401 =200 /oops;',
        'add_header X-Added "$upstream_http_x_one-$sent_http_content_type";', 'add_header X-Added yes always;', 'expires 1h;', 'expires -1;', 'expires epoch; add_header Cache-Control public;',
        'expires max;', 'add_header X-Status "$status $upstream_status" always;', 'etag off;', 'default_type text/html;', 'charset utf-8;', 'proxy_buffering off;', 'server_tokens on;']


def heads():
    for number, settings in enumerate(UP):
        requests = [Request('/echo?x=1', fields=fields) for fields in SENT]
        requests += [Request('/echo', 'POST', ('Content-Type: text/z',), b'the body'), Request('/echo', 'PUT', body=b''), Request('/echo', 'HEAD'),
                     Request(raw=b'POST /echo HTTP/1.1\r\nHost: NAME.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
                     Request('/echo', 'DELETE'), Request('/echo', version='1.0')]
        yield Case('up', f'location / {{ {settings} proxy_pass http://127.0.0.1:ORIGIN; }}', requests, name=f'u{number}')
    for number, settings in enumerate(BACK):
        requests = [Request(f'/here/{name}', method) for name in DOWN for method in ('GET', 'HEAD')]
        requests += [Request(f'/here/{name}', version='1.0') for name in ('plain', 'chunked', 'location')]
        yield Case('down', f'location = /oops {{ return 200 oops; }} location /here/ {{ proxy_pass http://127.0.0.1:ORIGIN/v1/; {settings} }}', requests, name=f'd{number}')


# ---- 1.11, 1.12: rewriting, try_files, error_page ----

CODES = ['400', '403', '404', '405', '410', '414', '500', '502', '503', '504']
ERRORS = ['error_page 404 /oops;', 'error_page 404 =200 /oops;', 'error_page 404 = /oops;', 'error_page 404 =410 /oops;', 'error_page 404 @oops;', 'error_page 404 = @oops;',
          'error_page 404 http://other.example/$uri;', 'error_page 404 =301 http://other.example/;', 'error_page 500 502 503 504 /oops; error_page 403 404 =200 /oops;',
          'error_page 404 /missing;', 'error_page 404 /missing; recursive_error_pages on;', 'error_page 404 /again; recursive_error_pages on;', 'error_page 404 "/oops?code=$status";', 'error_page 405 =200 /oops;']
TRYING = ['$uri =404', '$uri $uri/ /oops', '$uri /oops?u=$uri&$args', '/a.txt =404', '$uri @oops', '/none /none2 =403', '$uri.txt $uri =410', '$uri/ =404', '/none $uri', '=404']


def answers():
    common = ('root FILES; location = /oops { return 200 "oops $uri $args $request_method $status"; } location @oops { return 203 "named $uri $args"; } '
              'location = /again { return 404; } location /code/ { return 200 unused; } ')
    for number, settings in enumerate(ERRORS):
        codes = ''.join(f'location = /code/{code} {{ return {code}; }} ' for code in CODES)
        requests = [Request(f'/code/{code}', method) for code in CODES for method in ('GET', 'HEAD', 'POST')] + gets('/none', '/none?x=y', '/a.txt', '/sub')
        yield Case('answers', settings + common.replace('location /code/ { return 200 unused; } ', codes), requests, name=f'e{number}')
    for number, words in enumerate(TRYING):
        requests = gets('/a.txt', '/a', '/sub', '/sub/', '/none', '/none?x=y', '/', '/with%20space') + [Request('/none', 'POST'), Request('/a.txt', 'HEAD')]
        yield Case('answers', common + f'location / {{ try_files {words}; }}'.replace('try_files =404', 'try_files /x =404'), requests, name=f't{number}')
    for number, returned in enumerate(['200', '200 text', '204', '201 "a b"', '301 /x', '302 http://a/$uri', '303 x', '307 /y?$args', '308 https://h$request_uri', '400', '403 no', '404', '418 tea', '444',
                                       '499', '500', '503 "$uri"', 'http://a/', '200 ""', '600', '99 x', '301', '302 ""']):
        yield Case('answers', f'location / {{ default_type text/plain; return {returned}; }}',
                   gets('/', '/a%20b?c=d', '/a%0d%0ab') + [Request('/', 'HEAD'), Request('/', 'POST', body=b'x'), Request('/', version='1.0')], name=f'r{number}')


# ---- 1.13: map, geo, split_clients ----

MAPS = ['default none; a one; b two;', 'a one; *.example.org wild;', 'hostnames; default d; *.example.org wild; .example.com both; www.example.* tail; x exact;',
        '~^a(.*)$ "cap $1"; ~*^B "nocase"; default "";', '"" empty; default $uri;', 'volatile; default $arg_y; a $arg_z;', '\\default escaped; default d; \\~x tilde;', '~(?<mapped>[0-9]+) $mapped; default no;',
        'A upper; default low;', '"a b" blank; default x;']
GEOS = ['default d; 127.0.0.0/8 loop; 10.0.0.0/8 ten; 10.1.0.0/16 tenone;', 'ranges; default d; 127.0.0.0-127.0.0.255 loop; 10.0.0.1-10.0.0.5 few;', 'default d; 10.0.0.0/8 a; delete 10.0.0.0/8; 10.2.0.0/16 b;',
        '10.0.0.5 one; ::1 six; 2001:db8::/32 doc;']
SPLITS = ['50% a; * b;', '0.5% a; 33.3% b; * c;', '10% a; 20% b; 30% c;', '* all;']


def computed():
    values = ['', 'a', 'b', 'A', 'B', 'abc', 'www.example.org', 'example.org', 'example.com', 'sub.example.com', 'www.example.net', 'x', 'default', '~x', '12', 'Bx', 'a b'.replace(' ', '%20')]
    for number, body in enumerate(MAPS):
        yield Case('computed', 'return 200 "[$m_NAME]";', gets(*(f'/u?x={value}&y=why&z=zed' for value in values)), f'map $arg_x $m_NAME {{ {body} }}', f'm{number}')
    for number, body in enumerate(GEOS):
        yield Case('computed', 'return 200 "[$g_NAME]";', gets(*(f'/?x={value}' for value in ('10.0.0.5', '10.1.2.3', '10.2.0.1', '10.9.9.9', '127.0.0.1', '::1', '2001:db8::1', 'x', '', '10.0.0.1'))),
                   f'geo $arg_x $g_NAME {{ {body} }}', f'g{number}')
        yield Case('computed', 'return 200 "[$h_NAME]";', gets('/'), f'geo $h_NAME {{ {body} }}', f'h{number}')
    for number, body in enumerate(SPLITS):
        yield Case('computed', 'return 200 "[$s_NAME]";', gets(*(f'/?x={value}' for value in range(60))), f'split_clients "${{arg_x}}salt" $s_NAME {{ {body} }}', f's{number}')


# ---- 1.13: who may ask ----

ACCESS = ['allow all;', 'deny all;', 'allow 127.0.0.1; deny all;', 'deny 127.0.0.1; allow all;', 'allow 10.0.0.0/8; deny all;', 'satisfy any; deny all; auth_basic x; auth_basic_user_file FILES/users;',
          'satisfy all; allow all; auth_basic "a realm"; auth_basic_user_file FILES/users;', 'auth_basic x; auth_basic_user_file FILES/nousers;', 'auth_basic off; auth_basic_user_file FILES/users;',
          'auth_basic x; auth_basic_user_file FILES/users; limit_except GET { deny all; }', 'limit_except GET POST { deny all; }', 'set_real_ip_from 127.0.0.1; allow 1.2.3.4; deny all;',
          'set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; allow 1.2.3.4; deny all;', 'set_real_ip_from 127.0.0.0/8; set_real_ip_from 5.0.0.0/8; real_ip_recursive on; real_ip_header X-Forwarded-For; allow 1.2.3.4; deny all;',
          'valid_referers none blocked NAME.test *.good.example ~bad; if ($invalid_referer) { return 403; }', 'valid_referers server_names good.example/path; if ($invalid_referer) { return 403; }',
          'auth_request /auth;', 'auth_request /auth; auth_request_set $u $upstream_http_x_one; add_header X-U $u;', 'auth_request /auth; satisfy any; deny all;']
ASKING = [(), ('Authorization: Basic dXNlcjpzZWNyZXQ=',), ('Authorization: Basic dXNlcjp3cm9uZw==',), ('Authorization: Basic !!!',), ('Authorization: Bearer x',), ('X-Real-IP: 1.2.3.4',), ('X-Forwarded-For: 1.2.3.4',),
          ('X-Forwarded-For: 1.2.3.4, 5.6.7.8',), ('X-Forwarded-For: 9.9.9.9, 1.2.3.4',), ('Referer: http://NAME.test/x',), ('Referer: http://a.good.example/',), ('Referer: http://good.example/path/x',),
          ('Referer: nonsense',), ('Referer: https://x.bad.example/',), ('Referer: http://evil.example/',)]


def access():
    for number, settings in enumerate(ACCESS):
        for auth in (('plain', 'auth', 'missing') if 'auth_request' in settings else ('plain',)):
            server = (f'location = /auth {{ internal; proxy_pass http://127.0.0.1:ORIGIN/v1/{auth}; proxy_pass_request_body off; proxy_set_header Content-Length ""; }} '
                      f'location / {{ {settings} root FILES; }}')
            requests = [Request('/a.txt', fields=fields) for fields in ASKING] + [Request('/a.txt', 'HEAD'), Request('/none')]
            yield Case('access', server, requests, name=f'x{number}{auth}')


# ---- static files and filters ----

RANGES = ['bytes=0-0', 'bytes=0-3', 'bytes=2-', 'bytes=-3', 'bytes=0-1,3-4', 'bytes=9999-', 'bytes=3-1', 'bytes=x', 'bytes=-0', 'items=0-1', 'bytes=0-99999', 'bytes=0-1,1-2,2-3', 'bytes= 0-1', 'bytes=0-,0-,0-,0-']
CONDITIONS = ['If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT', 'If-Modified-Since: DATE', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', 'If-Modified-Since: nonsense', 'If-Unmodified-Since: DATE',
              'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT', 'If-None-Match: *', 'If-None-Match: "x"', 'If-Match: *', 'If-Match: "x"']
STATIC = ['', 'etag off;', 'if_modified_since before;', 'if_modified_since off;', 'max_ranges 1;', 'max_ranges 0;', 'default_type text/x;', 'types { text/special txt; }', 'index b.html a.txt;', 'index none;', 'autoindex on;',
          'autoindex on; autoindex_format json;', 'autoindex on; autoindex_format xml;', 'autoindex on; autoindex_exact_size off; autoindex_localtime on;', 'autoindex on; autoindex_format jsonp;',
          'expires 1d;', 'charset utf-8;', 'charset iso-8859-1; charset_types text/plain;', 'add_header X "$sent_http_etag$sent_http_last_modified";', 'gzip on; gzip_min_length 1; gzip_types text/plain; gzip_vary on;',
          'gzip on; gzip_min_length 1; gzip_types *; gzip_http_version 1.0; gzip_comp_level 9;', 'gzip_static on;', 'gzip_static always;', 'sendfile on; tcp_nopush on;', 'open_file_cache max=10; open_file_cache_errors on;',
          'directio 512;', 'disable_symlinks on;', 'sub_filter hello HELLO; sub_filter_types *;', 'sub_filter hello $uri; sub_filter_once off; sub_filter_types text/plain; sub_filter_last_modified on;',
          'add_before_body /before; add_after_body /after; addition_types *;', 'add_after_body /after; addition_types text/plain;', 'output_buffers 1 512;', 'log_not_found off;', 'chunked_transfer_encoding off; gzip on; gzip_types *; gzip_min_length 1;']


def files():
    for number, settings in enumerate(STATIC):
        paths = ['/a.txt', '/b.html', '/sub', '/sub/', '/', '/none', '/empty', '/with%20space', '/link.txt', '/big.txt', '/c.txt', '/a.txt/', '/run', '/unread', '/%2e%2e/x']
        requests = gets(*paths) + [Request(path, 'HEAD') for path in paths] + [Request('/a.txt', 'POST', body=b'x'), Request('/a.txt', 'PUT'), Request('/a.txt', 'FOO')]
        requests += [Request('/a.txt', fields=(f'Range: {each}',)) for each in RANGES] + [Request('/a.txt', fields=(each,)) for each in CONDITIONS]
        requests += [Request(path, fields=('Accept-Encoding: gzip',)) for path in paths] + [Request('/a.txt', version='1.0'), Request('/a.txt', fields=('Accept-Encoding: gzip;q=0',))]
        requests += [Request('/a.txt', fields=('Range: bytes=0-3', f'If-Range: {each}')) for each in ('"x"', 'DATE', 'Thu, 01 Jan 1970 00:00:00 GMT')]
        yield Case('files', f'location = /before {{ return 200 "before $uri"; }} location = /after {{ return 200 after; }} location / {{ root FILES; {settings} }}', requests, name=f'f{number}')
    for number, settings in enumerate(['location /al/ { alias FILES/; }', 'location /al { alias FILES; }', 'location = /al/one { alias FILES/a.txt; }', 'location ~ ^/al/(.*)$ { alias FILES/$1; }',
                                       'root FILES; location /sub { }', 'root FILES; location / { index index.html; error_page 403 =200 /a.txt; }', 'location / { root FILES/sub; } location /a { root FILES; }',
                                       'root FILES; location / { random_index on; }']):
        yield Case('files', settings, gets('/al/', '/al', '/al/a.txt', '/al/sub', '/al/one', '/al/../a.txt', '/sub', '/sub/', '/a.txt', '/al//a.txt', '/al/none'), name=f'g{number}')


FILTERS = ['gzip on; gzip_min_length 1; gzip_types *; gzip_proxied any;', 'gzip on; gzip_proxied expired no-cache; gzip_types *; gzip_min_length 1;', 'gunzip on;', 'sub_filter a AA; sub_filter_types *; sub_filter_once off;',
           'charset utf-8; override_charset on;', 'add_before_body /before; addition_types *;', 'mirror /mirror;', 'slice 2; proxy_set_header Range $slice_range;', 'proxy_force_ranges on;', 'proxy_buffering off; gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;',
           'limit_rate 100k;', 'proxy_buffers 4 4k; proxy_buffer_size 4k; proxy_busy_buffers_size 8k;', 'proxy_max_temp_file_size 0;', 'client_max_body_size 4;', 'client_body_buffer_size 2; client_body_in_file_only clean;', 'client_max_body_size 0;']


def filters():
    for number, settings in enumerate(FILTERS):
        server = (f'location = /before {{ return 200 before; }} location = /mirror {{ internal; proxy_pass http://127.0.0.1:ORIGIN/status/204; }} '
                  f'location / {{ {settings} proxy_pass http://127.0.0.1:ORIGIN/; }}')
        paths = ['/v1/plain', '/v1/json', '/v1/chunked', '/v1/missing', '/v1/nobody', '/v1/cached', '/b/10000', '/chunked/9000', '/close/500', '/v1/auth']
        requests = gets(*paths) + [Request(path, 'HEAD') for path in paths[:4]] + [Request(path, fields=('Accept-Encoding: gzip',)) for path in paths]
        requests += [Request('/b/100', fields=(f'Range: {each}',)) for each in RANGES[:6]] + [Request('/echo', 'POST', body=b'some body'), Request('/echo', 'POST', body=b'abc')]
        requests += [Request('/b/100', fields=('Via: 1.1 x', 'Accept-Encoding: gzip')), Request('/v1/plain', version='1.0')]
        yield Case('filters', server, requests, name=f'z{number}')


# ---- 1.15: logs ----

FORMATS = ['"$request" $status', 'escape=default "$http_user_agent|$http_referer|$http_none"', 'escape=json \'{"u":"$http_user_agent","n":"$http_none"}\'', 'escape=none "$http_user_agent"', '"$uri $args $body_bytes_sent $bytes_sent $request_length"',
           '"$upstream_status $upstream_addr $upstream_response_length $upstream_bytes_sent"', '"$sent_http_content_type $sent_http_x $request_completion $pipe"', '"$remote_addr - $remote_user $request_method $server_protocol $scheme $host"',
           '"$cookie_a $arg_b $http_cookie $status$status"', '"${uri}text 100% \\"q\\" \'x\'"']


def logs():
    agents = [('User-Agent: plain',), ('User-Agent: a"b\\c',), ('User-Agent: \xc3\xa9\x7f',), ('User-Agent: tab\there',), ('Cookie: a=1; b="2"', 'Referer: http://r/"')]
    for number, words in enumerate(FORMATS):
        yield Case('logs', 'access_log logs/NAME.log f_NAME; location /up { proxy_pass http://127.0.0.1:ORIGIN/v1/plain; } location / { root FILES; }',
                   [Request('/a.txt?b=%22&c', fields=fields) for fields in agents] + gets('/up', '/none', '/%22%5c') + [Request('/a.txt', 'POST', body=b'x'), Request(raw=b'NONSENSE\r\n\r\n')],
                   f'log_format f_NAME {words};', f'o{number}')


def cases():
    for make in (servers, parsing, locations, mapping, heads, answers, computed, access, files, filters, logs):
        yield from make()
