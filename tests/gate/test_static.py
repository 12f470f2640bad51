"""Files as gate serves them: beside nginx with the same folder, and with curl as a client."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import time

import beside
import peers
import pytest

TIME = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
DATE = 'Sun, 06 Nov 1994 08:49:37 GMT'
EARLIER = 'Sun, 06 Nov 1994 08:49:36 GMT'
LATER = 'Sun, 06 Nov 1994 08:49:38 GMT'
TAG = '"2ebc98a1-a"'  # 784111777 and 10 in hex
FILES = {
    'index.html': b'<p>home</p>\n',
    'ten.txt': b'0123456789',
    'empty.txt': b'',
    'page.HTML': b'upper',
    'none': b'no extension',
    '.hidden': b'dot',
    'archive.tar.gz': b'gz',
    'with space.txt': b'space',
    'h\u00f6he.txt': b'umlaut',
    'sub/index.html': b'sub',
    'sub/deeper/x.css': b'x{}',
    'other/main.htm': b'main',
    'bare/x': b'x',
    'data/a.json': b'[]',
    'big.bin': peers.pattern(3_000_001),
}
MAIN = 'user root;' if os.geteuid() == 0 else ''
HTTP = 'types { text/html html; text/plain txt; text/css css; application/gzip gz; application/json json; }'


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('site')
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (TIME, TIME))
    (folder / 'link.txt').symlink_to('ten.txt')
    (folder / 'dangling').symlink_to('nowhere')
    (folder / 'loop').symlink_to('loop')
    (folder / 'long').mkdir()
    return folder


def server(site):
    return f'''
    root {site};
    index index.html main.htm;
    location /alias/ {{ alias {site}/sub/; }}
    location /one {{ alias {site}/ten.txt; }}
    location /trap {{ alias {site}/sub/; }}
    location /plain/ {{ default_type application/x-plain; alias {site}/; }}
    location /noetag/ {{ etag off; alias {site}/; }}
    location /elsewhere/ {{ index nothing.html /ten.txt; root {site}; alias {site}/bare/; }}
    location /variable/ {{ root {site}$arg_in; }}
    location = /other/main.htm {{ default_type text/x-exact; root {site}; }}
    '''.replace(f'root {site}; alias', 'alias')


@pytest.fixture
def both(gate, nginx_program, site):
    """gate and the nginx that is installed, with the same configuration and folder."""
    return [gate(server(site), HTTP, MAIN), gate(server(site), HTTP, MAIN, program=nginx_program)]


BOUNDARY = re.compile(r'[0-9]{20}')


def seen(message, port):
    fields = [(name, BOUNDARY.sub('BOUNDARY', value.replace(f':{port}', ':PORT')))
              for name, value in message.fields if name not in ('date', 'server', 'content-length')]
    body = re.sub(rb'\r\n--[0-9]{20}', b'\r\n--BOUNDARY', message.body)
    return message.line, fields, re.sub(rb'(?:nginx|gate)/[0-9.]+', b'NAME', body)


def compare(both, method, target, fields=()):
    answers = [peers.ask(each.port, method, target, fields) for each in both]
    ours, theirs = (seen(answer, each.port) for answer, each in zip(answers, both))
    assert ours == theirs
    if answers[0].status in (200, 206, 304):  # pages have their own name in them
        assert answers[0].one('Content-Length') == answers[1].one('Content-Length')
    return answers[0]


TARGETS = [
    '/', '/index.html', '/ten.txt', '/ten.txt?x=y', '/empty.txt', '/page.HTML', '/none', '/.hidden',
    '/archive.tar.gz', '/with%20space.txt', '/h%C3%B6he.txt', '/sub/', '/sub/deeper/x.css', '/sub',
    '/sub?a=%20b', '/sub/deeper', '/other/', '/bare/', '/bare', '/long/', '/none/', '/ten.txt/',
    '/ten.txt/x', '/absent', '/absent/', '/absent/x', '/link.txt', '/dangling', '/loop', '/data/a.json',
    '/big.bin', '//sub//index.html', '/sub/../ten.txt', '/sub/./deeper/../index.html', '/' + 'a' * 300,
    '/' + 'a/' * 1500, '/a%0Ab', '/alias/', '/alias/index.html', '/alias/deeper', '/alias', '/one',
    '/plain/none', '/noetag/ten.txt', '/elsewhere/', '/variable/ten.txt?in=/absent',
]


@pytest.mark.parametrize('target', TARGETS, ids=lambda target: target[:40])
def test_get_is_as_nginx_answers(both, target):
    compare(both, 'GET', target)


@pytest.mark.parametrize('method', ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'BREW'])
@pytest.mark.parametrize('target', ['/ten.txt', '/', '/absent', '/sub', '/bare/'])
def test_methods(both, method, target):
    compare(both, method, target)


def test_names_as_long_as_the_system_has_them(both, site):
    path = site / 'long' / ('n' * 255)
    path.write_bytes(b'long')
    assert compare(both, 'GET', f'/long/{path.name}').body == b'long'
    path.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason='nothing is forbidden to root')
def test_what_may_not_be_read_is_forbidden(both, site):
    path = site / 'secret'
    path.write_bytes(b'x')
    path.chmod(0)
    assert compare(both, 'GET', '/secret').status == 403
    path.unlink()


def test_no_way_out_of_an_alias(both, site):
    """nginx joins the rest of the path to the alias as it is: this one escapes there, and not here."""
    answer = peers.ask(both[0].port, 'GET', '/trap../ten.txt')
    assert answer.status == 404
    assert peers.ask(both[0].port, 'GET', '/trap/../ten.txt').body == FILES['ten.txt']


CONDITIONS = [
    [f'If-Modified-Since: {DATE}'], [f'If-Modified-Since: {EARLIER}'], [f'If-Modified-Since: {LATER}'],
    ['If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT'], ['If-Modified-Since: Sun Nov  6 08:49:37 1994'],
    ['If-Modified-Since: never'], ['If-Modified-Since;'], [f'If-None-Match: {TAG}'],
    [f'If-None-Match: W/{TAG}'], ['If-None-Match: "x"'], [f'If-None-Match: "x", {TAG}'], ['If-None-Match: *'],
    ['If-None-Match: x'], [f'If-None-Match: {TAG}', f'If-Modified-Since: {DATE}'],
    [f'If-None-Match: {TAG}', f'If-Modified-Since: {EARLIER}'],
    ['If-None-Match: "x"', f'If-Modified-Since: {DATE}'], [f'If-Match: {TAG}'], ['If-Match: "x"'], ['If-Match: *'],
    [f'If-Match: W/{TAG}'], [f'If-Match: "x" ,{TAG}'], [f'If-Unmodified-Since: {DATE}'],
    [f'If-Unmodified-Since: {EARLIER}'], [f'If-Unmodified-Since: {LATER}'], ['If-Unmodified-Since: never'],
    [f'If-Match: {TAG}', f'If-None-Match: {TAG}'], [f'If-Match: {TAG}', 'Range: bytes=0-0'],
    [f'If-None-Match: {TAG}', 'Range: bytes=0-0'], ['If-Match: "x"', 'Range: bytes=0-0'],
]


@pytest.mark.parametrize('fields', CONDITIONS, ids=', '.join)
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_conditions(both, method, fields):
    if method == 'HEAD' and fields[-1].startswith('Range'):
        pytest.skip('RFC 9110, section 14.2: Range is for GET alone; nginx obeys it with HEAD too')
    compare(both, method, '/ten.txt', [each for each in fields if ':' in each])


@pytest.mark.parametrize('fields', [[f'If-None-Match: {TAG}'], ['If-Match: *'], [f'If-Match: {TAG}']], ids=', '.join)
def test_conditions_without_etag(both, fields):
    compare(both, 'GET', '/noetag/ten.txt', fields)


RANGES = [
    'bytes=0-0', 'bytes=0-9', 'bytes=0-', 'bytes=5-', 'bytes=-1', 'bytes=-10', 'bytes=-100', 'bytes=9-20', 'bytes=10-',
    'bytes=20-30', 'bytes=5-4', 'bytes=-0', 'bytes=', 'bytes=x', 'bytes=1', 'bytes=0-0,2-3', 'bytes=2-3,0-0',
    'bytes=0-0, 5-5 ,-1', 'bytes=0-9,0-0', 'bytes=0-0,20-', 'bytes=20-,30-', 'bytes=0-0,x', 'Bytes=0-0', 'lines=0-0',
    'bytes= 0 - 1', 'bytes=0-18446744073709551616', 'bytes=9223372036854775807-', 'bytes=0-0,', 'bytes=,0-0',
]


@pytest.mark.parametrize('value', RANGES)
@pytest.mark.parametrize('target', ['/ten.txt', '/empty.txt', '/none'])
def test_ranges(both, target, value):
    compare(both, 'GET', target, [f'Range: {value}'])


@pytest.mark.parametrize('value', [TAG, '"x"', f'W/{TAG}', DATE, EARLIER, LATER, 'x', '""'])
def test_if_range(both, value):
    compare(both, 'GET', '/ten.txt', ['Range: bytes=1-2', f'If-Range: {value}'])


@pytest.mark.parametrize('value', ['bytes=1000000-', 'bytes=-2500000', 'bytes=100-1999999,2000005-2999999'])
def test_ranges_of_a_large_file(both, value):
    compare(both, 'GET', '/big.bin', [f'Range: {value}'])


def test_a_connection_serves_one_file_after_the_other(both):
    for each in both:
        with peers.Wire(each.port) as wire:
            request = b'GET /%s HTTP/1.1\r\nHost: a\r\n\r\n'
            wire.send(request % b'big.bin' + request % b'absent' + request % b'sub/' + request % b'empty.txt')
            assert [peers.read_response(wire).status for _ in range(4)] == [200, 404, 200, 200]
            wire.send(b'HEAD /big.bin HTTP/1.1\r\nHost: a\r\n\r\n' + request % b'ten.txt')
            assert peers.read_response(wire, True).one('Content-Length') == '3000001'
            assert peers.read_response(wire).body == FILES['ten.txt']


def test_http_10_and_09(both):
    for line in (b'GET /ten.txt HTTP/1.0\r\n\r\n', b'GET /ten.txt\r\n'):
        ours, theirs = (peers.exchange(each.port, line) for each in both)
        strip = re.compile(rb'(?:Date|Server): .*\r\n')
        assert strip.sub(b'', ours) == strip.sub(b'', theirs)


def said(proxy, folder):
    """Its error log from the first request on, without what differs from process to process."""
    lines = (proxy.folder / 'logs/error.log').read_text().splitlines()
    places = re.compile(r'^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: \*\d+ ')
    return [places.sub(r'\1 ', line).replace(str(folder), 'SITE').replace(f':{proxy.port}', ':PORT')
            for line in lines if 'request:' in line]


def test_the_error_log_has_nginxs_words(both, site):
    for each in both:
        for target in ('/absent', '/absent/', '/bare/', '/ten.txt/x', '/ten.txt/', '/loop'):
            peers.ask(each.port, 'GET', target)
    ours, theirs = (said(each, site) for each in both)
    assert ours == theirs
    assert ours[0] == ('[error] open() "SITE/absent" failed (2: No such file or directory), client: 127.0.0.1, '
                       'server: , request: "GET /absent HTTP/1.1", host: "localhost"')


def test_the_access_log_has_nginxs_words(both):
    for each in both:
        peers.ask(each.port, 'GET', '/ten.txt', ['Referer: http://x/"y', 'User-Agent: a\u00e4\\b'])
        peers.ask(each.port, 'GET', '/absent?x=1')
        peers.ask(each.port, 'HEAD', '/ten.txt')
        peers.ask(each.port, 'GET', '/ten.txt', ['Range: bytes=0-0'])
        peers.exchange(each.port, b'GET / HTTP/1.1\r\n\r\n')
    ours, theirs = ((each.folder / 'logs/access.log').read_text().splitlines() for each in both)
    place = re.compile(r'\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]')
    assert len(ours) == 5
    for mine, other in zip(ours, theirs):
        assert place.search(mine)
        if '" 200 ' in mine or '" 206 ' in mine:  # pages have their own name in them
            assert place.sub('', mine) == place.sub('', other)
        else:
            assert re.sub(r' \d+ "', ' N "', place.sub('', mine)) == re.sub(r' \d+ "', ' N "', place.sub('', other))


def curl(*arguments):
    done = subprocess.run(['curl', '-sS', '--max-time', '20', *map(str, arguments)], capture_output=True, check=True)
    return done.stdout


def test_curl(both, site, tmp_path):
    url = f'http://127.0.0.1:{both[0].port}'
    copy = tmp_path / 'copy'
    curl('-R', '-o', copy, f'{url}/big.bin')
    assert copy.read_bytes() == FILES['big.bin']
    assert int(copy.stat().st_mtime) == TIME
    code = ('-o', '/dev/null', '-w', '%{http_code}')
    assert curl(*code, '-z', copy, f'{url}/big.bin') == b'304'
    copy.write_bytes(FILES['big.bin'][:1234567])
    curl('-C', '-', '-o', copy, f'{url}/big.bin')
    assert copy.read_bytes() == FILES['big.bin']
    tag = pathlib.Path(tmp_path / 'tag')
    curl('--etag-save', tag, '-o', '/dev/null', f'{url}/ten.txt')
    assert curl(*code, '--etag-compare', tag, f'{url}/ten.txt') == b'304'
    assert curl('-r', '2-4', f'{url}/ten.txt') == b'234'
    assert curl('-L', f'{url}/sub') == b'sub'
    assert curl('-I', '-0', f'{url}/ten.txt').startswith(b'HTTP/1.1 200 OK')


# ---- links, and what is remembered of files ----

def test_links_of_another_owner_are_refused(gate, nginx_program, tmp_path):
    files = tmp_path / 'files'
    for folder in ('open/inner', 'other'):
        (files / folder).mkdir(parents=True)
    for name in ('open/own.txt', 'open/inner/x.txt', 'other/index.html', 'other/y.txt', 'open/z.txt.gz'):
        (files / name).write_text(name)
    (files / 'open/own').symlink_to('own.txt')
    (files / 'open/folder').symlink_to('../other')
    (files / 'open/foreign').symlink_to('/etc/passwd')
    (files / 'open/index.html').symlink_to('own.txt')
    (files / 'open/dangling').symlink_to('nowhere')
    (files / 'way').symlink_to('open')
    if os.geteuid() == 0:
        os.lchown(files / 'open/foreign', 1, 1)
    locations = '\n'.join(f'''
        location /{name}/ {{ alias {files}/open/; disable_symlinks {rule}; gzip_static on; autoindex on; }}
        location /way-{name}/ {{ alias {files}/way/; disable_symlinks {rule}; }}
        location /try-{name}/ {{ root {files}/open; disable_symlinks {rule}; rewrite ^/[^/]*(/.*)$ $1 break; try_files $uri =418; }}
        location /if-{name}/ {{ disable_symlinks {rule}; set $f {files}/open/$arg_f; if (-e $f) {{ return 200 there; }} if (-d $f) {{ return 200 folder; }} return 200 none; }}
    ''' for name, rule in (('on', 'on'), ('owner', 'if_not_owner'), ('from', f'on from={files}/way'), ('slash', f'on from={files}/way/'),
                           ('root', 'on from=$document_root'), ('off', 'off'), ('late', f'if_not_owner from={files}/open/fo')))
    names = ['own.txt', 'own', 'inner/x.txt', 'folder/y.txt', 'folder/', 'folder', 'foreign', 'dangling', 'none', '', 'z.txt', 'inner/', 'inner']
    pair = beside.Both(gate, nginx_program, locations, main='user root;' if os.geteuid() == 0 else '')
    for rule in ('on', 'owner', 'from', 'slash', 'root', 'off', 'late'):
        for kind in ('', 'way-', 'try-'):
            for name in names:
                pair.ask(f'/{kind}{rule}/{name}')
        for name in names:
            pair.ask(f'/if-{rule}/?f={name}')
    for each in (pair.gate, pair.nginx):  # try_files calls a link critical
        log = each.folder / 'logs/error.log'
        assert 'openat()' in log.read_text()
        log.write_text('')


@pytest.mark.parametrize('directive', [
    'disable_symlinks nosuch;', 'disable_symlinks off from=/x;', 'disable_symlinks on off;', 'disable_symlinks from=/x;', 'disable_symlinks on from=$nosuch;',
    'open_file_cache inactive=1s;', 'open_file_cache max=0;', 'open_file_cache max=x;', 'open_file_cache nosuch;', 'open_file_cache max=1 inactive=x;',
])
def test_refusals_of_file_settings(refusals, directive):
    ours, theirs = refusals(directive)
    assert theirs.split('[emerg] ')[1].split(': ', 1)[1].split(' in /')[0].splitlines()[0] in ours, (ours, theirs)


def test_files_are_remembered_as_nginx_does(gate, nginx_program, tmp_path):
    """Each with files of its own that change beneath it."""
    server = '''root FILES; open_file_cache max=100 inactive=20s; open_file_cache_min_uses 1;
        location / { open_file_cache_valid 30s; open_file_cache_errors on; }
        location /short/ { open_file_cache_valid 3s; }
        location /off/ { open_file_cache off; }
        location /try/ { open_file_cache_errors on; try_files $uri =418; }'''
    names, sides = ['a', 'short/a', 'off/a', 'try/a'], []
    for number, program in enumerate((None, nginx_program)):
        files = tmp_path / f'files{number}'
        for folder in ('short', 'off', 'try', 'dir'):
            (files / folder).mkdir(parents=True)
        started = gate(server.replace('FILES', str(files)), main='user root;' if os.geteuid() == 0 else '', program=program)

        def ask(*names, port=started.port):
            return [(answer.status, answer.body if answer.status == 200 else b'') for answer in (peers.ask(port, 'GET', f'/{name}') for name in names)]

        for name in names:
            (files / name).write_text('one')
        told = ask(*names, 'b', 'short/b', 'off/b', 'try/b', 'dir/')
        for name in names:
            (files / name).with_suffix('.new').write_text('another')
            os.rename((files / name).with_suffix('.new'), files / name)
            (files / name.replace('a', 'b')).write_text('new')
        told += ask(*names, 'b', 'short/b', 'off/b', 'try/b')
        sides.append((files, ask, told))
    time.sleep(4.1)
    for files, ask, told in sides:
        told += ask(*names, 'b', 'short/b')
        (files / 'a').unlink()
        told += ask('a', 'a')
    assert sides[0][2] == sides[1][2]


def test_a_cache_for_two_loops_under_fire(gate, tmp_path):
    files = tmp_path / 'files'
    files.mkdir()
    for number in range(20):
        (files / f'{number}').write_text(f'{number}' * 50000)
    server = gate(f'root {files}; open_file_cache max=5 inactive=1s; open_file_cache_valid 1s;', main=('user root;' if os.geteuid() == 0 else '') + 'worker_processes 2;')

    def fetch(start):
        for turn in range(60):
            number = (start * 7 + turn * 3) % 20
            assert peers.ask(server.port, 'GET', f'/{number}').body == f'{number}'.encode() * 50000

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, range(8)))
