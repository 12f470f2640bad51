"""proxy_store: what stays of an answer, by gate and by nginx, side by side; and nothing of what is not whole."""
import os
import subprocess
import time

import peers
import pytest

MIRROR = '''
    location /fetch/ { internal; alias %(folder)s/fetched/; proxy_pass http://127.0.0.1:%(origin)d/; proxy_store on; proxy_store_access user:rw group:rw all:r;
                       proxy_set_header Accept-Encoding ""; proxy_temp_path %(folder)s/temp; }
    location /named/ { root %(folder)s; error_page 404 = @fetch; log_not_found off; }
    location @fetch { root %(folder)s; proxy_pass http://127.0.0.1:%(origin)d; proxy_store %(folder)s/${uri}; proxy_temp_path %(folder)s/temp; }
    location /tried/ { root %(folder)s; try_files $uri @fetch; }
    location /plain/ { root %(folder)s; proxy_pass http://127.0.0.1:%(origin)d/; proxy_store on; proxy_store_access all:r; proxy_temp_path %(folder)s/temp;
                       sub_filter a b; sub_filter_types *; gzip on; gzip_types *; }
    location /off/ { root %(folder)s; proxy_pass http://127.0.0.1:%(origin)d/; proxy_store on; proxy_buffering off; proxy_temp_path %(folder)s/temp; }
    location /ranges/ { root %(folder)s; proxy_pass http://127.0.0.1:%(origin)d/; proxy_store on; proxy_force_ranges on; proxy_temp_path %(folder)s/temp; }
    location / { root %(folder)s/fetched; error_page 404 = /fetch$uri; log_not_found off; }
'''


def kept(folder):
    """All files below, with their bits, dates and bodies."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            about = os.stat(f'{path}/{name}')
            with open(f'{path}/{name}', 'rb') as file:
                old = int(about.st_mtime) if about.st_mtime < time.time() - 3600 else 'now'
                found[f'{path}/{name}'.removeprefix(f'{folder}/')] = oct(about.st_mode & 0o7777), old, file.read()
    return found


@pytest.fixture
def pair(gate, gate_program, nginx_program, tmp_path):
    def start(origin, server=MIRROR):
        made = []
        for name, program in (('gate', gate_program), ('nginx', nginx_program)):
            folder = tmp_path / f'of-{name}'
            folder.mkdir(mode=0o777)
            made.append((gate(server % {'folder': folder, 'origin': origin.port}, main='user root;', program=program), folder))
        return made
    return start


def answer(*lines, body=b'', status='200 OK'):
    return '\r\n'.join([f'HTTP/1.1 {status}', *lines, '', '']).encode() + body


SCRIPTS = {
    '/dated': answer('Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT', 'Content-Length: 7', body=b'aaaaaaa'),
    '/baddate': answer('Last-Modified: yesterday', 'Content-Length: 1', body=b'a'),
    '/empty': answer('Content-Length: 0'),
    '/chunks': answer('Transfer-Encoding: chunked', body=b'3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'),
    '/closed': answer('Connection: close', body=b'up to the end'),
    '/short': answer('Content-Length: 10', 'Connection: close', body=b'short'),
    '/cutchunk': answer('Transfer-Encoding: chunked', 'Connection: close', body=b'5\r\nab'),
    '/created': answer('Content-Length: 1', body=b'c', status='201 Created'),
    '/part': answer('Content-Length: 1', 'Content-Range: bytes 0-0/9', body=b'p', status='206 Partial Content'),
    '/gone': answer('Content-Length: 1', body=b'g', status='410 Gone'),
    '/unbuffered': answer('Content-Length: 1', 'X-Accel-Buffering: no', body=b'u'),
    '/deep/er/still.txt': answer('Content-Length: 4', body=b'deep'),
}


@pytest.fixture
def scripted(origin):
    origin.scripts = {f'{prefix}{path}': [text, b'' if b'close' not in text else None] for prefix in ('', '/named', '/tried') for path, text in SCRIPTS.items()}
    return origin


def test_mirrors(pair, scripted):
    pairs = pair(scripted)
    for prefix in ('', '/named', '/tried', '/plain', '/off', '/ranges'):
        for path in SCRIPTS:
            said = []
            for proxy, _ in pairs:
                try:
                    first, second = (peers.ask(proxy.port, 'GET', prefix + path) for _ in range(2))
                    said.append((first.status, first.body, second.status, second.body, second.one('Last-Modified') if 'dated' in path else None))
                except (EOFError, AssertionError, OSError):
                    said.append('cut')
            assert said[0] == said[1], prefix + path
    peers.wait_for(lambda: kept(pairs[0][1]) == kept(pairs[1][1]))  # nginx puts a file in its place after the answer
    ours = kept(pairs[0][1])
    assert ours['fetched/dated'] == ('0o664', 1700000000, b'aaaaaaa')
    assert ours['named/chunks'] == ('0o600', 'now', b'abcde')
    assert ours['plain/dated'][2] == b'aaaaaaa'
    assert not any(name.endswith(('short', 'cutchunk', 'part', 'created', 'gone', 'unbuffered')) or '.gate-' in name for name in ours)


def test_ranges_and_heads(pair, scripted):
    for proxy, folder in pair(scripted):
        part = peers.ask(proxy.port, 'GET', '/ranges/dated', ['Range: bytes=1-2'])
        assert (part.status, part.body) == (206, b'aa')
        peers.wait_for(lambda at=folder: (at / 'ranges/dated').exists())
        assert (folder / 'ranges/dated').read_bytes() == b'aaaaaaa'
        peers.ask(proxy.port, 'HEAD', '/plain/dated')
        assert not (folder / 'plain/dated').exists()


def test_client_that_leaves(pair, origin):
    size = 3_000_000
    for proxy, folder in pair(origin):
        with peers.Wire(proxy.port) as wire:
            wire.send(f'GET /plain/b/{size} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
            wire.take(1000)
        peers.wait_for(lambda at=folder: (at / f'plain/b/{size}').exists())
        assert (folder / f'plain/b/{size}').read_bytes() == peers.pattern(size)


def test_what_cannot_be_stored(gate, scripted, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / 'file').write_text('')
    proxy = gate(f"""location /up {{ proxy_pass http://127.0.0.1:{scripted.port}/dated; proxy_store {tmp_path}/x/$arg_to; }}
                     location /under {{ proxy_pass http://127.0.0.1:{scripted.port}/dated; proxy_store {tmp_path}/file/$arg_to; }}""", main='user root;')
    for target in ('/up?to=../../y', '/up?to=', '/up?to=a/', '/under?to=a'):
        assert peers.ask(proxy.port, 'GET', target).body == b'aaaaaaa'
    told = (proxy.folder / 'logs/error.log').read_text()
    assert told.count('no file can have such a path') == 3
    assert f'open() "{tmp_path}/file/a" failed (20: Not a directory) while storing the answer' in told
    assert sorted(os.listdir(tmp_path)) == sorted(set(os.listdir(tmp_path)) - {'x', 'y'})


def test_explained(gate_program, tmp_path):
    (tmp_path / 'a.conf').write_text('''events {} http { server { listen 127.0.0.1:8099;
        location /a/ { root /data; proxy_pass http://127.0.0.1:1; proxy_store on; }
        location /b/ { proxy_pass http://127.0.0.1:1; proxy_store /data/b$uri; } } }''')
    for target, place in (('/a/x', 'below root or alias'), ('/b/x', '/data/b/b/x')):
        done = subprocess.run([gate_program, 'explain', '-c', tmp_path / 'a.conf', f'http://127.0.0.1:8099{target}'],
                              capture_output=True, text=True, timeout=peers.PATIENCE_S)
        assert f'an answer of 200 would stay as a file: {place}\n' in done.stdout
