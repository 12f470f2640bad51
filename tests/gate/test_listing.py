"""Folders as pages, one of their files by chance, compressed files, and what limits ranges and dates, beside nginx."""
import gzip
import os
import re

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
DATE = 'Sun, 06 Nov 1994 08:49:37 GMT'
NAMES = ['a b&<c>".txt', 'big', 'x' * 60 + '.txt', 'x' * 50, 'x' * 49 + '&', 'ünï' * 20, 'ünï.txt', 'percent%41', 'plus+', 'q?#;', "'", 'back\\slash',
         'tab\tname', 'sub dir/.keep', 'folder/.keep', 'y' * 60 + '/.keep', 'y' * 50 + '/.keep', 'y' * 49 + '/.keep', '.hidden', 'Z', 'bad\udcff']
SERVER = '''
    root %(site)s; autoindex on;
    location /off/ { autoindex off; alias %(site)s/many/; }
    location /xml/ { autoindex_format xml; alias %(site)s/many/; }
    location /json/ { autoindex_format json; alias %(site)s/many/; }
    location /jsonp/ { autoindex_format jsonp; alias %(site)s/many/; }
    location /rounded/ { autoindex_exact_size off; autoindex_localtime on; alias %(site)s/many/; }
    location /utf8/ { charset utf-8; alias %(site)s/many/; }
    location /zip/ { gzip on; gzip_types *; alias %(site)s/many/; }
    location /chance/ { random_index on; alias %(site)s/one/; }
    location /chance-none/ { random_index on; alias %(site)s/empty/; }
    location /gif { empty_gif; }
    location /static/ { gzip_static on; alias %(site)s/gz/; }
    location /always/ { gzip_static always; alias %(site)s/gz/; }
    location /vary/ { gzip_static on; gzip_vary on; alias %(site)s/gz/; }
    location /before/ { if_modified_since before; alias %(site)s/one/; }
    location /never/ { if_modified_since off; alias %(site)s/one/; }
    location /ranges0/ { max_ranges 0; alias %(site)s/one/; }
    location /ranges2/ { max_ranges 2; alias %(site)s/one/; }
'''


@pytest.fixture
def both(gate, nginx_program, tmp_path):
    site = tmp_path / 'site'
    tmp_path.chmod(0o755)
    for name in NAMES:
        path = site / 'many' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x' * (123456 if name == 'big' else 3))
    os.mkfifo(site / 'many/pipe')
    os.symlink('nowhere', site / 'many/dangling')
    with open(site / 'many/sparse', 'wb') as file:
        file.truncate(3 << 30)
    for folder in ('one', 'empty', 'gz'):
        (site / folder).mkdir()
    (site / 'one/only.txt').write_text('only\n')
    (site / 'one/nested').mkdir()
    for name in ('both.txt', 'packed.txt.gz', 'plain.txt', 'both.txt.gz'):
        data = b'compressed' * 100
        (site / 'gz' / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith('.gz') else data)
    for folder, folders, files in os.walk(site, topdown=False):
        for name in folders + files:
            os.utime(os.path.join(folder, name), (784111777, 784111777), follow_symlinks=False)
    return beside.Both(gate, nginx_program, SERVER % {'site': site}, main=MAIN)


def test_folders(both):
    for target in ('/many/', '/', '/empty/', '/off/', '/xml/', '/json/', '/jsonp/', '/jsonp/?callback=f', '/jsonp/?callback=a.b_1', '/jsonp/?callback=a-b',
                   '/jsonp/?callback=', '/jsonp/?callback=' + 'x' * 200, '/rounded/', '/utf8/', '/none/', '/many', '/zip/', '/one/only.txt/'):
        for method in ('GET', 'HEAD', 'POST', 'PUT'):
            both.ask(target, method)
        both.ask(target, version='1.0')


def test_a_file_by_chance(both):
    for target in ('/chance/', '/chance-none/', '/chance/only.txt', '/chance'):
        both.ask(target)
        both.ask(target, 'HEAD')


def test_the_empty_picture(both):
    for method in ('GET', 'HEAD', 'POST'):
        both.ask('/gif', method)
    both.ask('/gif', fields=['If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT'])


def test_compressed_files(both):
    for folder in ('static', 'always', 'vary'):
        for name in ('both.txt', 'packed.txt', 'plain.txt', 'none.txt', 'packed.txt.gz', ''):
            for accept in ('gzip', 'gzip;q=0', 'br, gzip', ''):
                for method in ('GET', 'HEAD'):
                    both.ask(f'/{folder}/{name}', method, [f'Accept-Encoding: {accept}'] if accept else [])
            both.ask(f'/{folder}/{name}', fields=['Accept-Encoding: gzip', 'Range: bytes=2-5'])
            both.ask(f'/{folder}/{name}', fields=['Accept-Encoding: gzip', f'If-Modified-Since: {DATE}'])
            both.ask(f'/{folder}/{name}', fields=['Accept-Encoding: gzip', 'Via: x'])


def test_dates_and_ranges(both):
    for folder in ('one', 'before', 'never', 'ranges0', 'ranges2'):
        for date in (DATE, 'Sun, 06 Nov 1994 08:49:38 GMT', 'Sun, 06 Nov 1994 08:49:36 GMT', 'nonsense'):
            both.ask(f'/{folder}/only.txt', fields=[f'If-Modified-Since: {date}'])
            both.ask(f'/{folder}/only.txt', fields=[f'If-Modified-Since: {date}', 'If-None-Match: "x"'])
        for ranges in ('0-1', '0-0,2-2', '0-0,2-2,4-4', '9-'):
            pair = [peers.ask(each.port, 'GET', f'/{folder}/only.txt', [f'Range: bytes={ranges}']) for each in (both.gate, both.nginx)]
            seen = [(a.status, a.one('Accept-Ranges'), a.one('Content-Range'), re.sub(rb'--\d+', b'', a.body) if a.status != 416 else b'') for a in pair]
            assert seen[0] == seen[1], (folder, ranges)


def test_counts(gate, origin):
    server = gate(f'location /s {{ stub_status; }} location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}')
    pattern = re.compile(rb'Active connections: (\d+) \nserver accepts handled requests\n (\d+) \2 (\d+) \nReading: 0 Writing: (\d+) Waiting: (\d+) \n')
    with peers.Wire(server.port) as idle, peers.Wire(server.port) as busy:
        for _ in range(3):
            idle.send(b'GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.read_response(idle)
        busy.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        while not origin.requests or origin.requests[-1].target != '/hold':
            pass
        active, accepted, requests, writing, waiting = map(int, pattern.fullmatch(peers.ask(server.port, 'GET', '/s').body).groups())
        assert (active, requests, writing, waiting) == (3, 5, 2, 1) and accepted >= 3
        origin.release.set()


@pytest.mark.parametrize('directive, said', [
    ('autoindex_format yaml;', 'invalid value "yaml"'), ('gzip_static sometimes;', 'invalid value "sometimes"'),
    ('max_ranges x;', 'invalid number'), ('if_modified_since after;', 'invalid value "after"'), ('empty_gif;', 'not allowed here')])
def test_refusals_are_nginxs(refusals, directive, said):
    ours, theirs = refusals(directive)
    assert said in ours and said in theirs
