"""add_header and expires beside nginx, answer for answer, over files, texts, pages and an origin's answers."""
import os
import re
import time

import peers
import pytest

MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
DATES = re.compile(r'\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT')

LOCATIONS = {
    'none': '',
    'one': 'add_header X-One 1;',
    'several': 'add_header X-One 1; add_header X-One 2; add_header x-two "a b";',
    'always': 'add_header X-One 1; add_header X-Two 2 always;',
    'empty': 'add_header X-One ""; add_header X-Two $arg_none; add_header X-Three "$arg_none-";',
    'variables': 'add_header X-Uri "$uri $request_method $status" always;',
    'control': 'add_header Cache-Control public; add_header Cache-Control no-transform;',
    'link': 'add_header Link "</a>; rel=preload";',
    'etag': 'add_header ETag "\\"mine\\"";',
    'noetag': 'add_header ETag ""; add_header Last-Modified "";',
    'modified': 'add_header Last-Modified "Sun, 06 Nov 1994 08:49:37 GMT";',
    'type': 'add_header X-Type "$sent_http_content_type";',
    'expires-1h': 'expires 1h;',
    'expires-minus': 'expires -1;',
    'expires-zero': 'expires 0;',
    'expires-epoch': 'expires epoch;',
    'expires-max': 'expires max;',
    'expires-off': 'expires off;',
    'expires-modified': 'expires modified +100000d;',
    'expires-modified-past': 'expires modified 1d;',
    'expires-modified-minus': 'expires modified -1d;',
    'expires-daily': 'expires @13h7m;',
    'expires-variable': 'expires $arg_e;',
    'expires-modified-variable': 'expires modified $arg_e;',
    'expires-and-control': 'expires 1d; add_header Cache-Control public;',
    'expires-plus': 'expires +2M;',
}
SERVER = 'add_header X-Server s; add_header X-Always sa always; expires 5m;\n'


def location(name, inside, upstream):
    return f'''
    location /file/{name}/ {{ alias files/; {inside} }}
    location /text/{name} {{ return 200 "text"; {inside} }}
    location /made/{name} {{ return 201 "text"; {inside} }}
    location /gone/{name} {{ return 404; {inside} }}
    location /moved/{name} {{ return 301 /else; {inside} }}
    location /proxy/{name}/ {{ proxy_pass http://127.0.0.1:{upstream}/; {inside} }}
    '''


def answers_of(origin):
    fields = (b'Cache-Control: private\r\nCache-Control: s-maxage=4\r\nExpires: Thu, 01 Jan 1970 00:00:09 GMT\r\n'
              b'ETag: "theirs"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-One: theirs\r\n')
    for status in (200, 404, 301, 500):
        origin.scripts[f'/{status}'] = [b'HTTP/1.1 %d S\r\nContent-Length: 2\r\n' % status + fields + b'\r\nhi']
    origin.scripts['/bare'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi']


@pytest.fixture
def both(gate, nginx_program, origin):
    """Call it with the server's directives and the locations': gate, and nginx, which read the same."""
    answers_of(origin)

    def start(server, locations, http=''):
        text = server + ''.join(location(name, inside, origin.port) for name, inside in locations.items())
        pair = [gate(text, http, peers.NGINX_MAIN), gate(text, http, program=nginx_program)]
        for each in pair:
            (each.folder / 'files').mkdir()
            (each.folder / 'files/a.html').write_text('<p>')
            os.utime(each.folder / 'files/a.html', (MODIFIED, MODIFIED))
        return pair

    return start


def seen(message, port):
    """What both have in common. Times that depend on the second are taken from the answer's own Date."""
    fields = []
    for name, value in message.fields:
        if name in ('date', 'server', 'content-length'):
            continue
        value = value.replace(f':{port}', ':PORT')
        if name == 'expires' and (age := re.search(r'max-age=(\d+)', ' '.join(message.all('Cache-Control')))):
            if 0 < int(age[1]) < 315360000:
                value = 'in time'
        if name == 'cache-control':
            value = re.sub(r'=(\d{5,})', lambda m: f'={(int(m[1]) + 30) // 60}m', value)
        if name == 'expires' and DATES.fullmatch(value) and value.endswith(time.strftime('%H:%M:%S GMT', time.gmtime())):
            value = 'about now'
        fields.append((name, value))
    return message.status, sorted(fields)


def compare(pair, target, fields=(), method='GET'):
    for _ in range(5):  # a second, or a minute, may end between the two
        ours, theirs = (seen(peers.ask(each.port, method, target, fields), each.port) for each in pair)
        if ours == theirs:
            return
        time.sleep(0.3)
    assert ours == theirs, target


TARGETS = ['file/{}/a.html', 'file/{}/none', 'text/{}', 'made/{}', 'gone/{}', 'moved/{}', 'proxy/{}/200',
           'proxy/{}/404', 'proxy/{}/301', 'proxy/{}/500', 'proxy/{}/bare']


@pytest.mark.parametrize('server', ['', SERVER])
def test_every_form_on_every_kind_of_answer(both, server):
    pair = both(server, LOCATIONS)
    for name in LOCATIONS:
        values = ['?e=1h', '?e=max', '?e=off', '?e=nonsense', '?e=', '?e=-5'] if 'variable' in name else ['']
        for target in TARGETS:
            for value in values:
                compare(pair, '/' + target.format(name) + value)


def test_conditions_and_ranges(both):
    pair = both(SERVER, LOCATIONS)
    for name in ('none', 'several', 'etag', 'noetag', 'expires-max'):
        for field in ('If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT', 'Range: bytes=0-0', 'If-Match: "x"'):
            compare(pair, f'/file/{name}/a.html', [field])
        compare(pair, f'/file/{name}/a.html', method='HEAD')


def test_inheritance(both):
    pair = both('add_header X-Server 1; location /in { add_header X-Outer 1; location /in/a { return 200; } '
                'location /in/b { add_header X-Inner 1; return 200; } } '
                'location /out { return 200; } location /off { expires off; return 200; }', {},
                'add_header X-Http 1; expires 1h;')
    for target in ('/in/a', '/in/b', '/out', '/off', '/in', '/none'):
        compare(pair, target)


@pytest.mark.parametrize('inherit, names', [
    ('', {'/a': 'a', '/b': 's'}),
    ('add_header_inherit on;', {'/a': 'a', '/b': 's'}),
    ('add_header_inherit off;', {'/a': 'a', '/b': ''}),
    ('add_header_inherit merge;', {'/a': 'a s h', '/b': 's h'}),
])
def test_add_header_inherit(gate, inherit, names):
    """Newer than the nginx of Debian 12: what its documentation says."""
    server = gate(inherit + 'add_header X-S s; location /a { add_header X-A a; return 200; } location /b { return 200; }',
                  'add_header X-H h;')
    for target, wanted in names.items():
        if inherit == 'add_header_inherit off;' and target == '/b':
            wanted = ''
        answer = peers.ask(server.port, 'GET', target)
        assert [value for name, value in answer.fields if name.startswith('x-')] == wanted.split()


def test_no_variable_begins_a_line(gate, origin):
    answers_of(origin)
    server = gate(f'add_header X-Uri "$uri" always; location /p/ {{ proxy_pass http://127.0.0.1:{origin.port}/200; }}'
                  'location /r/ { return 200; } location /m/ { return 302 $uri; }')
    for target in ('/p/%0d%0aSet-Cookie:%20a=b', '/r/%0aSet-Cookie:%20a=b', '/none/%0d%0a%0d%0a<p>'):
        answer = peers.ask(server.port, 'GET', target)
        assert answer.one('Set-Cookie') is None
        assert answer.one('X-Uri')
        assert b'\n\n' not in answer.head


@pytest.mark.parametrize('directive, said', [
    ('expires;', 'invalid number of arguments in "expires" directive'),
    ('expires soon;', '"expires" directive invalid value'),
    ('expires @25h;', '"expires" directive daily time value must be less than 24 hours'),
    ('expires modified @1h;', '"expires" directive daily time cannot be used with "modified" parameter'),
    ('expires changed 1h;', '"expires" directive invalid value'),
    ('expires 1h; expires 2h;', '"expires" directive is duplicate'),
    ('add_header X;', 'invalid number of arguments in "add_header" directive'),
    ('add_header X y maybe;', 'invalid parameter "maybe"'),
    ('add_header X $nosuch;', 'unknown "nosuch" variable'),
])
def test_refusals_are_nginxs(refusals, directive, said):
    ours, theirs = refusals(directive)
    assert said in ours and said in theirs
