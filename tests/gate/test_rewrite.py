"""The rewrite module, answer for answer beside nginx: set, rewrite, break, return, in servers and in locations."""
import os

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
SHOW = 'return 200 "$uri|$args|$is_args|$request_uri|$1|$2|$v|$w\\n";'
START = 'default_type text/plain; set $v ""; set $w "";'
# (the server block, the targets to ask it for); SHOW shows what came of a request
LOCATIONS = [
    ('rewrite ^/a(.*) /b$1; location /b { %s }', ['/a', '/ax?c=d', '/b', '/a%20b', '/a%3fb']),
    ('rewrite ^/a(.*) /b$1 last; rewrite ^/b /c; location / { %s }', ['/ax', '/bx', '/cx']),
    ('rewrite ^/a /b break; rewrite ^/b /c; location / { %s }', ['/a', '/b']),
    ('rewrite ^/a /b; break; rewrite ^/b /c; location / { %s }', ['/a', '/b']),
    ('rewrite ^/a /b?x=y; location / { %s }', ['/a', '/a?', '/a?c=d', '/a?c=d&e']),
    ('rewrite ^/a /b?; location / { %s }', ['/a', '/a?c=d']),
    ('rewrite ^/a /b?x=y?; location / { %s }', ['/a?c=d']),
    ('rewrite ^/(.*)/(.*)$ /s?first=$1&second=$2; location / { %s }', ['/a/b', '/a%26b/c%2bd', '/a+b/c', '/a%20b/c?d=e', '/a&b/c']),
    ('rewrite ^/(.*) /s?$args&x=$1; location / { %s }', ['/a?b=c', '/a']),
    ('rewrite ^/x(?<name>.*)$ /named/$name; location / { return 200 "$uri|$name"; }', ['/xyz', '/x%20y', '/other']),
    ('rewrite "^/a{2}$" /two; location / { %s }', ['/aa', '/a']),
    ('rewrite (?i)^/ABC /abc-any; location / { %s }', ['/AbC', '/abd']),
    ('rewrite ^/a b; location / { %s }', ['/x']),
    ('rewrite ^/r http://other.example/x$uri; location / { %s }', ['/r', '/r?a=b', '/r%20s']),
    ('rewrite ^/r(.*) https://other.example/$1 permanent; location / { %s }', ['/rx', '/rx%20y?a=b', '/rx%3fy', '/r%26']),
    ('rewrite ^/r(.*) /x$1 redirect; location / { %s }', ['/ry', '/ry?a=b', '/r%0d%0aX:%20y', '/r%c3%a9']),
    ('rewrite ^/r(.*) /x?y=$1 redirect; location / { %s }', ['/rz', '/rz?a=b', '/r%26?a']),
    ('rewrite ^/r(.*) /x?y=$1? permanent; location / { %s }', ['/rz?a=b']),
    ('rewrite ^/r $scheme://other.example/; location / { %s }', ['/r?x']),
    ('rewrite ^/r http://other.example/ last; location / { %s }', ['/r']),
    ('rewrite ^/r http://other.example/%%41%%2f%%20%%3f%%42; location / { %s }', ['/r']),
    ('location /a { rewrite ^/a(.*) /b$1 last; return 200 "not here"; } location /b { %s }', ['/a', '/ax?y']),
    ('location /a { rewrite ^/a(.*) /b$1 break; return 200 "not here"; } location /b { return 200 "nor here"; }', ['/ax']),
    ('location /a { rewrite ^/a(.*) /b$1; set $v after; } location /b { %s }', ['/ax']),
    ('location /a { rewrite ^/a /b; rewrite ^/b /c; return 200 "$uri"; } location /c { %s }', ['/a']),
    ('location /a { rewrite ^/a /a last; }', ['/a']),
    ('location /a { rewrite ^/a(.*) /a$1x last; }', ['/a']),
    ('location /a { rewrite ^(.*)$ $1x; } location / { %s }', ['/a', '/b']),
    ('location /a { rewrite ^/a/1+$ /b last; rewrite ^(.*)$ $11 last; } location /b { %s }', ['/a/']),
    ('rewrite ^/in /hidden; location /hidden { internal; %s } location /x { rewrite ^ /hidden last; }', ['/in', '/hidden', '/x']),
    ('location /a { error_page 404 @b; rewrite ^/a /none break; } location @b { rewrite ^ /c last; } location /c { %s }', ['/a']),
    ('error_page 404 /nope; location /nope { rewrite ^ /c last; } location /c { %s }', ['/x']),
    ('set $v server; location / { set $w location; %s }', ['/']),
    ('set $v a; set $v $v$v; set $w "${v}b"; location / { %s }', ['/']),
    ('set $V a; location / { %s }', ['/']),
    ('location / { set $w $arg_x; set $v $w; %s }', ['/?x=1', '/']),
    ('location ~ ^/(.*)$ { set $v $1; %s }', ['/a', '/a%20b', '/a%26b', '/a+b']),
    ('location ~ ^/(.*)$ { rewrite ^ /x break; set $v $1; %s }', ['/a%20b']),
    ('location ~ ^/(.)(.) { rewrite ^/.(.) /x; set $v "$1-$2"; } location /x { %s }', ['/ab', '/a%20']),
    ('location / { set $args x=y; %s }', ['/', '/?a=b']),
    ('location / { set $v $uninitialized; return 200 "[$uninitialized][$v]"; } location /n { set $uninitialized x; }', ['/', '/n']),
    ('return 404; location / { %s }', ['/']),
    ('return 301 /x; rewrite ^ /y; location / { %s }', ['/']),
    ('rewrite ^ /y; return 200 "$uri"; location / { %s }', ['/']),
    ('location / { return 201 "first"; return 202 "second"; }', ['/']),
    ('location / { break; return 200 x; }', ['/']),
    ('location / { return 200 "$1"; } location ~ ^/x(.*) { return 200 "$1"; }', ['/xy%20z', '/a']),
    ('error_page 404 = @n; location / { return 404; } location @n { rewrite ^/(.*) /m/$1 break; %s }', ['/a?b']),
    ('error_page 404 = @n; location / { return 404; } location @n { rewrite ^/(.*) /m/$1 last; } location /m { %s }', ['/a?b']),
]

CONDITIONS = [
    '$arg_a', '$arg_a = b', '$arg_a != b', '$arg_a = "b c"', '$arg_a = ""', '$arg_a = $arg_b', '$arg_a ~ ^b', '$arg_a ~ "^(b+)(.)"',
    '$arg_a !~ ^b', '$arg_a ~* ^B', '$arg_a !~* ^B', '$request_method = POST', '$uri ~ ^/(.*)$', '$arg_a ~ "(?<named>b.)"',
    '-f %(site)s/a.txt', '!-f %(site)s/a.txt', '-f %(site)s', '-d %(site)s', '!-d %(site)s/a.txt', '-e %(site)s$uri', '!-e %(site)s$uri',
    '-x %(site)s/run', '!-x %(site)s/a.txt', '-f "%(site)s/with space"', '-e /nonexistent/$arg_a',
]
# in a location, or a server
BLOCKS = [
    'if ($arg_a) { set $v yes; } %(show)s',
    'if ($arg_a) { %(show)s } return 200 "no";',
    'set $v 1; if ($arg_a) { set $v 2; } set $w $v; if ($arg_b) { set $v 3; } %(show)s',
    'if ($arg_a) { break; } return 200 "on"; ',
    'if ($arg_a ~ (.)(.)) { rewrite ^ /x?$1&$2? last; } return 200 "no $1";',
    'if ($arg_a = b) { return 403; } if ($arg_a = c) { return 301 /d; } return 200 "no";',
    'if ($arg_a) { rewrite ^/(.*) /y/$1 break; } set $v after; return 200 "$uri $v";',
    'set $v ""; if ($arg_a) { set $v "${v}a"; } if ($arg_b) { set $v "${v}b"; } if ($v = ab) { return 200 both; } return 200 "[$v]";',
]
# whose settings replace those of the location
SETTINGS = [
    'add_header X outer; if ($arg_a) { add_header X a; } if ($arg_b) { add_header X b; } return 200 x;',
    'add_header X outer; if ($arg_a) { expires 1h; } return 200 x;',
    'root %(site)s; if ($arg_a) { root %(site)s/sub; }',
    'error_page 404 /a.txt; if ($arg_a) { error_page 404 =200 /run; } return 404;',
    'proxy_pass http://127.0.0.1:%(port)d/seen; if ($arg_a) { set $v x; } if ($arg_b) { proxy_pass http://127.0.0.1:%(port)d; }',
    'root %(site)s; if ($arg_a) { proxy_pass http://127.0.0.1:%(port)d; }',
    'root %(site)s; if ($arg_a) { rewrite ^ /a.txt break; proxy_pass http://127.0.0.1:%(port)d; }',
    'root %(site)s; try_files /a.txt =404; if ($arg_a) { set $v x; }',
    'alias %(site)s/; if ($arg_a) { set $v x; }',
    'root %(site)s; location ~ txt$ { if ($arg_a) { add_header X inner; } } if ($arg_a) { add_header X outer; }',
    'if ($arg_a) { add_header X 1; rewrite ^ /x last; } return 200 x;',
]
TARGETS = ['/', '/a.txt', '/?a=b', '/?a=0', '/?a=00', '/?a=b%%20c', '/?a=bbc', '/?a=B', '/?a=c', '/?b=1', '/?a=b&b=b', '/?a=', '/a.txt?a=b',
           '/a.txt?a=b&b=1', '/none?a=1']


@pytest.fixture
def site(tmp_path):
    (tmp_path / 'site/sub').mkdir(parents=True)
    for name in ('a.txt', 'run', 'with space', 'index.html', 'sub/a.txt', 'sub/index.html'):
        (tmp_path / 'site' / name).write_text(name)
    (tmp_path / 'site/run').chmod(0o755)
    return tmp_path / 'site'


def compare_blocks(gate, nginx_program, origin, site, blocks):
    """Each block in a location of a server of its own, and for those without settings in the server too."""
    for block in blocks:
        block = block % {'site': site, 'port': origin.port, 'show': SHOW}
        both = beside.Both(gate, nginx_program, START + f'location / {{ {block} }} location /x {{ {SHOW} }}', main=MAIN)
        for target in TARGETS:
            before = len(origin.requests)
            both.ask(target.replace('%%', '%'))
            lines = [request.line.split(' HTTP')[0] for request in origin.requests[before:]]
            assert lines in ([], lines[:1] * 2), (block, target)


@pytest.mark.parametrize('condition', CONDITIONS)
def test_conditions(gate, nginx_program, origin, site, condition):
    text = 'if (%s) { return 200 "true $1 $2"; } return 200 "false $1";' % condition
    text = text.replace('(named)', '').replace('$1 $2', '$1 $2 $named') if 'named' in condition else text
    compare_blocks(gate, nginx_program, origin, site, [text])
    both = beside.Both(gate, nginx_program, START + text % {'site': site}, main=MAIN)
    for target in TARGETS:
        both.ask(target.replace('%%', '%'))
        both.ask(target.replace('%%', '%'), 'POST')


@pytest.mark.parametrize('block', BLOCKS)
def test_instructions_of_if(gate, nginx_program, origin, site, block):
    compare_blocks(gate, nginx_program, origin, site, [block])
    block = block % {'show': SHOW}
    both = beside.Both(gate, nginx_program, START + f'{block} location / {{ return 200 location; }}', main=MAIN)
    for target in TARGETS:
        both.ask(target.replace('%%', '%'))


@pytest.mark.parametrize('block', SETTINGS)
def test_settings_of_if(gate, nginx_program, origin, site, block):
    compare_blocks(gate, nginx_program, origin, site, [block])


@pytest.mark.parametrize('number', range(len(LOCATIONS)))
def test_answers(gate, nginx_program, number):
    text, targets = LOCATIONS[number]
    both = beside.Both(gate, nginx_program, START + text % ((SHOW,) * text.count('%s')), main=MAIN)
    for target in targets:
        both.ask(target)


PROXIED = '''
    location /plain/ { rewrite ^/plain/(.*) /new/$1 break; proxy_pass http://127.0.0.1:%(port)d; }
    location /replaced/ { rewrite ^/replaced/(.*) /new/$1 break; proxy_pass http://127.0.0.1:%(port)d/unseen/; }
    location /same/ { rewrite ^/none /x break; proxy_pass http://127.0.0.1:%(port)d/seen/; }
    location /left { rewrite ^ /x; break; proxy_pass http://127.0.0.1:%(port)d; }
    location /args { rewrite ^/args(.*) /x?y=$1 break; proxy_pass http://127.0.0.1:%(port)d; }
    location /last { rewrite ^ /plain/y last; }
    location /set { set $args a=b; proxy_pass http://127.0.0.1:%(port)d; }
    location /set-path { set $args a=b; proxy_pass http://127.0.0.1:%(port)d/x; }
'''


@pytest.mark.parametrize('target', [
    '/plain/a', '/plain/a%20b?c=d', '/plain/%3f%23', '/plain//a/../b', '/replaced/a?b', '/same/a%20b', '/left?x', '/args/a%20b%26?z',
    '/last?q', '/set', '/set?x', '/set-path?x', '/plain/%0d%0aX:%20y'])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_what_an_origin_gets(gate, nginx_program, origin, target, method):
    both = beside.Both(gate, nginx_program, PROXIED % {'port': origin.port}, main=MAIN)
    both.ask(target, method)
    ours, theirs = (request.line.split(' HTTP')[0] for request in origin.requests[-2:])
    assert ours == theirs


def test_files_behind_a_rewrite(gate, nginx_program, tmp_path):
    (tmp_path / 'site/sub').mkdir(parents=True)
    (tmp_path / 'site/sub/index.html').write_text('sub')
    (tmp_path / 'site/a.txt').write_text('a')
    server = f'''
        root {tmp_path}/site;
        rewrite ^/server$ /a.txt;
        location /x {{ rewrite ^ /a.txt break; }}
        location /i/ {{ rewrite ^/i/(.*) /$1 break; }}
        location /alias/ {{ alias {tmp_path}/site/; rewrite ^/none /x break; }}
        location /alias-last/ {{ alias {tmp_path}/site/; rewrite ^/alias-last/b /alias-last/a.txt last; }}
        location /try/ {{ rewrite ^/try/(.*) /$1 break; try_files $uri /a.txt; }}
        location /named/ {{ try_files $uri @n; }}
        location @n {{ rewrite ^ /a.txt break; }}
    '''
    both = beside.Both(gate, nginx_program, server, main=MAIN)
    for target in ('/server', '/x', '/i/a.txt', '/i/sub', '/i/sub/', '/i/none', '/alias/a.txt', '/alias-last/b',
                   '/alias-last/a.txt', '/try/a.txt', '/try/none', '/named/x'):
        both.ask(target)


def test_an_alias_does_not_hold_for_a_path_that_was_rewritten(gate, tmp_path):
    """As in nginx, which logs an alert."""
    (tmp_path / 'a.txt').write_text('a')
    proxy = gate(f'location /x/ {{ alias {tmp_path}/; rewrite ^/x/b /x/a.txt break; }}', main=MAIN)
    assert [peers.ask(proxy.port, 'GET', target).status for target in ('/x/a.txt', '/x/b')] == [200, 500]


def test_what_is_logged(gate):
    proxy = gate('rewrite_log on; set $v $u; location /a { rewrite ^/a(.) /b$1?c; rewrite ^/none /x; return 200 $u; }'
                 ' location /z { set $u x; }', main=MAIN)
    peers.ask(proxy.port, 'GET', '/ax')
    for text in ('"^/a(.)" matches "/ax"', 'rewritten data: "/bx", args: "c"', '"^/none" does not match "/bx"',
                 'using uninitialized "u" variable'):
        assert text in proxy.told


@pytest.mark.parametrize('text', [
    'rewrite ^/r(?<n>(?s).*)$ http://other.example/$n;', 'rewrite ^/r((?s).*)$ /x$1 redirect;', 'return 302 $uri;',
    'rewrite ^/r((?s).*)$ /x?y=$1 permanent;', 'set $v $uri; return 301 http://a/$v;', 'set $v $uri; error_page 404 http://a/$v; return 404;'])
def test_no_answer_is_split(gate, text):
    proxy = gate(text, main=MAIN)
    raw = peers.exchange(proxy.port, b'GET /r%0d%0aInjected:%20yes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert b'\nInjected' not in raw
