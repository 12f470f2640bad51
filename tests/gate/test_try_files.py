"""try_files, answer for answer beside nginx: roots and aliases, files and directories, every kind of fallback."""
import os

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
FILES = {'index.html': b'home\n', 'a.txt': b'a\n', 'page.html': b'page\n', 'sub/index.html': b'sub\n', 'sub/b.txt': b'b\n',
         'app/index.php': b'app\n', 'other/c.txt': b'c\n', 'other/deep/d.txt': b'd\n', '404.html': b'not here\n',
         'with space.txt': b'space\n', 'bare/x': b'x\n'}
SERVER = '''
    root %(site)s;
    error_page 404 /404.html;
    location /files/ { root %(site)s; try_files /sub$uri $uri $uri/ =404; }
    location / { try_files $uri $uri/ =404; }
    location /html { try_files $uri.html /page.html =404; }
    location /only { try_files /a.txt =403; }
    location /directory/ { try_files /sub/ =404; }
    location /directory-last/ { try_files /none /sub/; }
    location /to/named { try_files $uri @named; }
    location /to/path { try_files $uri /shown?x=$request_uri&$args; }
    location /to/nothing { try_files $uri @nowhere; }
    location /to/file { try_files $uri /sub/b.txt; }
    location /to/itself { try_files $uri /to/itself; }
    location /to/204 { try_files $uri =204; }
    location /to/444 { try_files $uri =444; }
    location /to/503 { error_page 503 =200 /a.txt; try_files $uri =503; }
    location /to/301 { try_files $uri =301; }
    location /named-in-the-middle { try_files @named /a.txt =404; }
    location /argument { try_files /other/$arg_f =404; }
    location /alias/ { alias %(site)s/other/; try_files $uri $uri/ /alias/c.txt; }
    location /alias-constant/ { alias %(site)s/other/; try_files c.txt =404; }
    location /alias-whole/ { alias %(site)s/other/; try_files /alias-whole/c.txt =404; }
    location /alias-up/ { alias %(site)s/other/deep/; try_files $uri =404; }
    location ~ ^/regex/(.*)$ { alias %(site)s/other/$1; try_files "" =404; }
    location ~ ^/regexfolder/ { alias %(site)s/other/; try_files c.txt =404; }
    location /nested/ {
        alias %(site)s/other/;
        location ~ txt$ { try_files $uri =404; }
        location /nested/deep/ { }
    }
    location /proxied/ { try_files /none /sub/b.txt =404; proxy_pass http://127.0.0.1:%(port)d; }
    location /moved/ { try_files /none /other/c.txt =404; proxy_pass http://127.0.0.1:%(port)d/unknown/; }
    location /front/ { try_files /none @origin; }
    location /returned/ { return 200 "first"; try_files /a.txt =404; }
    location /shown { default_type text/plain; return 200 "$uri $args $request_filename $document_root\\n"; }
    location @named { default_type text/plain; return 200 "named $uri $args\\n"; }
    location @origin { proxy_pass http://127.0.0.1:%(port)d; }
'''
TARGETS = [
    '/', '/a.txt', '/sub', '/sub/', '/sub/b.txt', '/none', '/none/', '/bare', '/bare/', '/with%20space.txt', '/a.txt/', '/a.txt?x=y',
    '/files/', '/files/a.txt', '/html', '/html/x', '/only', '/directory/', '/directory/x', '/directory-last/', '/to/named',
    '/to/named?a=b', '/to/path', '/to/path?a=b%20c', '/to/nothing', '/to/file', '/to/itself', '/to/204', '/to/503', '/to/301',
    '/named-in-the-middle', '/argument', '/argument?f=c.txt', '/argument?f=deep', '/argument?f=', '/alias/', '/alias/c.txt',
    '/alias/deep', '/alias/deep/', '/alias/deep/d.txt', '/alias/none', '/alias-constant/', '/alias-constant/x',
    '/alias-whole/c.txt', '/alias-up/d.txt', '/alias-up/../a.txt', '/regex/c.txt', '/regex/none', '/regexfolder/x',
    '/nested/c.txt', '/nested/none.txt', '/nested/deep/d.txt', '/nested/deep/none', '/returned/', '/shown?a=b', '/../../etc/passwd',
]


@pytest.fixture
def site(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / 'site' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / 'secret').write_bytes(b'secret')
    return tmp_path / 'site'


@pytest.fixture
def both(gate, nginx_program, origin, site):
    return beside.Both(gate, nginx_program, SERVER % {'site': site, 'port': origin.port}, 'types { text/html html; }',
                       MAIN)


def test_what_is_found(both):
    for target in TARGETS:
        both.ask(target)


@pytest.mark.parametrize('method', ['HEAD', 'POST', 'DELETE'])
def test_methods(both, method):
    for target in ('/a.txt', '/none', '/sub/', '/to/named', '/to/path?a=b', '/front/x'):
        both.ask(target, method)


def test_what_an_origin_gets(both, origin):
    for target in ('/proxied/x', '/proxied/a%20b?c=d', '/moved/x', '/front/a%20b?c=d', '/front/../front//x'):
        both.ask(target)
        ours, theirs = (request.line.split(' HTTP')[0] for request in origin.requests[-2:])
        assert ours == theirs, target


@pytest.mark.parametrize('name', ['/../secret', '../secret', '..%2fsecret', '../../secret', './../secret'])
def test_no_name_leads_out_of_the_root(gate, site, name):
    proxy = gate(f'root {site}; location / {{ try_files /other/$arg_f $arg_f =404; }}', main=MAIN)
    assert peers.ask(proxy.port, 'GET', f'/?f={name}').status == 404
