"""The rewrite module beside nginx: what an origin gets, files, what is logged. Answers: differential_rules.py."""
import os

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
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
