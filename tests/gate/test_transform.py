"""sub_filter, charset and gunzip beside nginx, over files, texts, pages and an origin's answers."""
import gzip
import os

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
PAGE = b'<html><HEAD>one</HEAD><body>one two ONE two one</body></html>\n'
SUBS = {
    'one': 'sub_filter one 1;', 'all': 'sub_filter one 1; sub_filter_once off;', 'two': 'sub_filter one 1; sub_filter two 2;',
    'both': 'sub_filter one 1; sub_filter two 2; sub_filter_once off;', 'variable': 'sub_filter $arg_from "<$uri>"; sub_filter_once off;',
    'nothing': 'sub_filter </head> "";', 'modified': 'sub_filter one 1; sub_filter_last_modified on;',
    'types': 'sub_filter one 1; sub_filter_types text/plain application/octet-stream;', 'any': 'sub_filter \\x00 "\\0"; sub_filter a b; sub_filter_types *;',
    'body': 'sub_filter </body> "<p>added $host</p></body>";', 'long': 'sub_filter "two one</body></html>" end;',
    'zip': 'sub_filter one 1; sub_filter_once off; gzip on; gzip_min_length 1;',
    'charset': 'charset utf-8;', 'charset-variable': 'charset $arg_c;', 'charset-override': 'charset koi8-r; override_charset on;',
    'charset-types': 'charset utf-8; charset_types text/css;', 'charset-gzip': 'charset utf-8; gzip on; gzip_min_length 1;',
    'added': 'sub_filter one 1; sub_filter_once off; add_before_body /text; add_after_body /text;', 'none': '',
}


@pytest.fixture
def both(gate, nginx_program, origin, tmp_path):
    site = tmp_path / 'site'
    site.mkdir()
    tmp_path.chmod(0o755)
    (site / 'page.html').write_bytes(PAGE)
    (site / 'page.txt').write_bytes(PAGE)
    (site / 'large.html').write_bytes(PAGE * 5000)
    (site / 'empty.html').write_bytes(b'')
    for each in site.iterdir():
        os.utime(each, (784111777, 784111777))
    chunks = b''.join(b'%x\r\n%b\r\n' % (len(PAGE[at:at + 7]), PAGE[at:at + 7]) for at in range(0, len(PAGE), 7)) + b'0\r\n\r\n'
    html = b'HTTP/1.1 200 OK\r\nContent-Type: text/html%b\r\nETag: "x"\r\nAccept-Ranges: bytes\r\n'
    modified = b'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n'
    origin.scripts.update({
        '/length': [html % b'' + modified + b'Content-Length: %d\r\n\r\n' % len(PAGE) + PAGE],
        '/chunks': [html % b'; charset=latin-1' + b'Transfer-Encoding: chunked\r\n\r\n' + chunks],
        '/close': [html % b'' + b'Connection: close\r\n\r\n' + PAGE, None],
        '/pieces': [html % b'' + b'Content-Length: %d\r\n\r\n' % len(PAGE), *(PAGE[at:at + 1] for at in range(len(PAGE)))],
        '/gone': [b'HTTP/1.1 404 Gone\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\none'],
        '/zipped': [html % b'' + b'Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n' % len(gzip.compress(PAGE)) + gzip.compress(PAGE)],
    })
    server = f'root {site}; location = /text {{ return 200 "one"; }}'
    for name, inside in SUBS.items():
        server += f'''
            location /file/{name}/ {{ alias {site}/; {inside} }}
            location /return/{name}/ {{ default_type text/html; return 200 "one two"; {inside} }}
            location /error/{name}/ {{ return 404; {inside} }}
            location /proxy/{name}/ {{ proxy_pass http://127.0.0.1:{origin.port}/; {inside} }}'''
    server += f'''
        location /unpack/ {{ gunzip on; gzip_vary on; gzip_types *; proxy_pass http://127.0.0.1:{origin.port}/; }}
        location /unpack-sub/ {{ gunzip on; sub_filter one 1; proxy_pass http://127.0.0.1:{origin.port}/; }}'''
    return beside.Both(gate, nginx_program, server, main=MAIN)


@pytest.mark.parametrize('name', SUBS)
def test_bodies_are_changed(both, name):
    targets = [f'/file/{name}/{each}' for each in ('page.html', 'page.txt', 'large.html', 'empty.html')] + [f'/return/{name}/', f'/error/{name}/']
    targets += [f'/proxy/{name}/{each}' for each in ('length', 'chunks', 'close', 'pieces', 'gone', 'b/300')]
    for target in targets:
        for method, fields, version in (('GET', [], '1.1'), ('GET', [], '1.0'), ('HEAD', [], '1.1'), ('GET', ['Range: bytes=3-9'], '1.1'),
                                        ('GET', ['If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT'], '1.1')):
            if name == 'added' and (method == 'HEAD' or fields) and 'proxy' in target:
                continue
            if method == 'HEAD' and 'proxy' in target and 'b/' not in target:
                continue  # the scripts know no HEAD
            both.ask(target + '?from=two&c=utf-8', method, fields, version=version)


def test_compressed_behind(both):
    for target in ('/file/zip/large.html', '/proxy/zip/chunks', '/proxy/zip/pieces', '/file/charset-gzip/page.html'):
        bodies = []
        for each in (both.gate, both.nginx):
            answer = peers.ask(each.port, 'GET', target, ['Accept-Encoding: gzip'])
            assert answer.one('Content-Encoding') == 'gzip'
            bodies.append((gzip.decompress(answer.body), answer.one('Content-Type')))
        assert bodies[0] == bodies[1]


def test_unpacking(both, origin):
    for target in ('/unpack/zipped', '/unpack-sub/zipped', '/unpack/length'):
        for fields in ([], ['Accept-Encoding: gzip'], ['Accept-Encoding: br']):
            both.ask(target, fields=fields)
    origin.scripts['/bad'] = [b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n' + b'x' * 30]
    origin.scripts['/cut'] = [b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n' + gzip.compress(PAGE)[:20]]
    for target in ('/unpack/bad', '/unpack/cut'):
        assert not peers.exchange(both.gate.port, f'GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode()).endswith(b'0\r\n\r\n')


def test_a_slow_body_comes_as_it_comes(gate, origin):
    server = gate(f'location / {{ sub_filter zz y; sub_filter_types *; proxy_pass http://127.0.0.1:{origin.port}; }}')
    with peers.Wire(server.port) as wire:
        wire.send(b'GET /pieces/30 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        wire.take_until(b'\r\n\r\n')
        first = wire.take(int(wire.take_until(b'\r\n'), 16) + 2)[:-2]
        assert first == peers.pattern(len(first))
        origin.release.set()
        assert first + wire.take_chunked()[1] == peers.pattern(30)


# ---- charset_map ----

MAPS = '''charset_map koi8-r utf-8 { 80 E282AC; C1 D0B0; C2 D0B1; E1 D090; ff D0AA; 41 D091; }
    charset_map koi8-r windows-1251 { C1 E0; C2 E1; E1 C0; FF DA; }'''
BODIES = {'koi.txt': b'plain \xc1\xc2 \xe1\xff \x80 \x90 A', 'utf.txt': 'plain а б А Ъ € Ж \u2603 \U0001f600 Б'.encode(), 'broken.txt': b'\xd0\xb0\xff\xd0 \xe2\x82 \xc0\x80 \xed\xa0\x80 \xd0',
          'win.txt': b'\xe0\xe1 \xc0\xda \x80', 'long.txt': 'аб€'.encode() * 20000, 'long-koi.txt': b'\x80\xc1\xc2 ' * 20000, 'page.html': '<p>аб</p>'.encode(), 'data.bin': b'\xc1\xc2'}


def test_characters_are_recoded_as_nginx_does(gate, nginx_program, tmp_path):
    site = tmp_path / 'site'
    site.mkdir()
    for name, body in BODIES.items():
        (site / name).write_bytes(body)
        os.utime(site / name, (1700000000, 1700000000))
    pairs = [('koi8-r', 'utf-8'), ('utf-8', 'koi8-r'), ('koi8-r', 'windows-1251'), ('windows-1251', 'koi8-r'), ('utf-8', 'utf-8'), ('koi8-r', 'off')]
    origin = ''.join(f"""location /own/{name}/ {{ default_type 'text/plain; charset={charset}'; types {{ }} alias {site}/; }}""" for name, charset in
                     (('koi', 'koi8-r'), ('utf', 'UTF-8'), ('other', 'nosuch'), ('quoted', '"koi8-r"')))
    server = ''.join(f'''location /{source}-{target}/ {{ alias {site}/; source_charset {source}; charset {target}; }}
        location /over-{source}-{target}/ {{ override_charset on; source_charset {source}; charset {target}; proxy_pass http://127.0.0.1:ORIGIN/own/; }}
        location /keep-{source}-{target}/ {{ source_charset {source}; charset {target}; proxy_pass http://127.0.0.1:ORIGIN/own/; }}
        ''' for source, target in pairs) + f'location /sub/ {{ alias {site}/; source_charset utf-8; charset koi8-r; sub_filter а б; sub_filter_once off; sub_filter_types *; }}'
    main = 'user root;' if os.geteuid() == 0 else ''
    behind = gate(origin, main=main)
    pair = [gate(server.replace('ORIGIN', str(behind.port)), MAPS, main, program=program) for program in (None, nginx_program)]
    # nginx leaves a buffer as it is that has no byte of more than one in UTF-8, unknown ones and all; of broken UTF-8 it takes good characters away.
    sound = {('koi8-r', 'utf-8'): ('koi.txt', 'long-koi.txt', 'data.bin'), ('utf-8', 'koi8-r'): ('utf.txt', 'long.txt', 'page.html')}
    targets = [f'/{source}-{target}/{name}' for source, target in pairs for name in sound.get((source, target), BODIES)]
    targets += [f'/{kind}-{source}-{target}/{own}/{name}' for kind in ('over', 'keep') for source, target in pairs for own in ('koi', 'utf', 'other', 'quoted') for name in ['utf.txt' if own == 'utf' else 'koi.txt']]
    for target in [*targets, '/sub/utf.txt']:
        ours, theirs = (peers.ask(each.port, 'GET', target) for each in pair)
        said = [(each.status, each.one('Content-Type'), each.body) for each in (ours, theirs)]
        assert said[0] == said[1], target
        ours, theirs = (peers.ask(each.port, 'HEAD', target) for each in pair)
        assert (ours.status, ours.one('Content-Type')) == (theirs.status, theirs.one('Content-Type')), target
    assert peers.ask(pair[0].port, 'GET', '/utf-8-koi8-r/broken.txt').body == b'\xc1?? ? ?? ? ?'
    assert peers.ask(pair[0].port, 'GET', '/koi8-r-utf-8/win.txt').body == b'?\xd0\x90 ?? \xe2\x82\xac'


@pytest.mark.parametrize('server, http', [
    ('', 'charset_map koi8-r KOI8-R { }'), ('', 'charset_map a b { } charset_map b a { }'), ('', 'charset_map a b { 80; }'), ('', 'charset_map a b { 1ff 80; }'),
    ('', 'charset_map a b { x 80; }'), ('', 'charset_map a b { 80 1ff; }'), ('', 'charset_map a utf-8 { 80 xx; }'), ('source_charset a; charset b;', ''),
    ('location / { source_charset a; charset b; }', 'charset_map a c { }'),
])
def test_refusals_of_maps_are_nginxs(refusals, server, http):
    ours, theirs = refusals(server, http)
    assert theirs.split('[emerg] ')[1].split(': ', 1)[1].split(' in /')[0].splitlines()[0] in ours, (ours, theirs)


def test_the_distribution_s_own_maps_are_read(gate, nginx_program):
    """All of Debian's three: every byte, there and back."""
    if not os.path.exists('/etc/nginx/koi-utf'):
        pytest.skip('no maps')
    maps = 'include /etc/nginx/koi-utf; include /etc/nginx/koi-win; include /etc/nginx/win-utf;'
    everything = ''.join(f'%{byte:02x}' for byte in range(128, 256))
    server = ''.join(f'location /{source}-{target} {{ source_charset {source}; charset {target}; return 200 $arg_x; }}'
                     for source, target in (('koi8-r', 'utf-8'), ('windows-1251', 'utf-8'), ('koi8-r', 'windows-1251'), ('windows-1251', 'koi8-r')))
    server += 'location ~ ^/raw-(?<from>[a-z0-9-]+?)_(?<to>[a-z0-9-]+)/(?<body>.*)$ { source_charset $from; charset $to; return 200 $body; }'
    pair = [gate(server, maps, program=program) for program in (None, nginx_program)]
    for names in ('koi8-r_utf-8', 'windows-1251_utf-8', 'koi8-r_windows-1251', 'windows-1251_koi8-r', 'utf-8_koi8-r', 'utf-8_windows-1251'):
        body = everything if not names.startswith('utf-8') else ''.join(f'%{byte:02x}' for code in range(0x400, 0x460) for byte in chr(code).encode())
        ours, theirs = (peers.ask(each.port, 'GET', f'/raw-{names}/{body}') for each in pair)
        assert (ours.status, ours.one('Content-Type'), ours.body) == (theirs.status, theirs.one('Content-Type'), theirs.body), names
