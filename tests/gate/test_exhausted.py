"""What runs out: descriptors, room on the disk for logs and bodies, patience. Gate says so, goes on, and recovers."""
import contextlib
import os
import socket
import subprocess
import time

import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
GET = b'GET / HTTP/1.1\r\nHost: a\r\n\r\n'


def ask_all(connections):
    for each in connections:
        each.send(GET)
    return [peers.read_response(each).status for each in connections]


def forget_alerts(proxy):
    """What was provoked is no trouble at the end."""
    (proxy.folder / 'logs/error.log').write_text('')


@pytest.mark.parametrize('inside, when_full', [('return 200 ok;', 200), ('root html;', 500), ('proxy_pass http://group; proxy_set_header Connection close;', 500)])
def test_no_descriptor_is_left(gate, origin, inside, when_full):
    """Who is connected is answered with what needs none, who comes later waits; and all are served when there is room again."""
    origin.scripts['/'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']
    proxy = gate('location / { ' + inside + ' }', main=MAIN + 'worker_rlimit_nofile 40;',
                 http=f'upstream group {{ server 127.0.0.1:{origin.port} max_fails=1 fail_timeout=1h; server localhost:{origin.port} max_fails=1 fail_timeout=1h; }}')
    (proxy.folder / 'html').mkdir()
    (proxy.folder / 'html/index.html').write_text('ok')
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(peers.Wire(proxy.port)) for _ in range(60)]
        peers.wait_for(lambda: 'accept4() failed' in proxy.told)
        peers.wait_for(lambda: ask_all(many[:1]) == [when_full], f'a {when_full}')
        for each in many[:30]:
            each.__exit__()
        assert ask_all(many[30:31]) == [200]
    assert peers.ask(proxy.port, 'GET', '/').status == 200
    assert proxy.told.count('accept4() failed') < 50 and 'disabled' not in proxy.told  # which no server is for our want
    forget_alerts(proxy)


@pytest.mark.parametrize('log', ['access_log /dev/full;', 'access_log /dev/full combined buffer=4k flush=100ms;', 'error_log /dev/full debug;'])
def test_no_room_for_logs(gate, log):
    """Lines are lost and answers are not."""
    proxy = gate(log + 'location / { return 200 ok; }', main=MAIN)
    for _ in range(2):
        with peers.Wire(proxy.port) as wire:
            wire.send(GET * 100)
            assert all(peers.read_response(wire).body == b'ok' for _ in range(100))
    if 'access' in log:
        peers.wait_for(lambda: 'No space left' in proxy.told)
        assert proxy.told.count('No space left') < 5
    forget_alerts(proxy)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB."""
    if os.geteuid() != 0:
        pytest.skip('only root mounts')
    folder = tmp_path / 'small'
    folder.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=777', 'none', folder], check=False, capture_output=True).returncode:
        pytest.skip('nothing can be mounted here')
    yield folder
    subprocess.run(['umount', '-l', folder], check=True)


def test_no_room_for_bodies(gate, origin, small_disk):
    """A request's body that finds no room is refused, an answer's does not look whole; and what fits passes before and after."""
    origin.scripts['/big'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n' + b'x' * 30000000]
    proxy = gate(f'client_body_temp_path {small_disk}/in; proxy_temp_path {small_disk}/out; client_body_buffer_size 1k; client_max_body_size 1m;'
                 f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}', main=MAIN)
    for size, status in ((20_000, 200), (500_000, 500), (20_000, 200), (500_000, 500), (40_000, 200)):
        assert peers.ask(proxy.port, 'POST', '/echo', body=b'x' * size).status == status
    before = proxy.told.count('No space left')
    with peers.Wire(proxy.port) as wire:
        wire.send(GET.replace(b'/', b'/big', 1))
        peers.wait_for(lambda: proxy.told.count('No space left') > before)
        assert len(wire.take_rest()) < 30_000_000
    assert peers.ask(proxy.port, 'POST', '/echo', body=b'x' * 20_000).status == 200
    assert list(small_disk.glob('*/*')) == []
    forget_alerts(proxy)


def test_many_small_requests_at_once(gate, origin):
    """Ten thousand behind each other, of our own answers and of an origin's."""
    origin.scripts['/'] = [b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']
    proxy = gate(f'keepalive_requests 100000; location / {{ return 200 ok; }} location /o {{ proxy_pass http://127.0.0.1:{origin.port}/; }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(GET * 10_000 + GET.replace(b'/', b'/o', 1) * 100)
        assert [peers.read_response(wire).body for _ in range(10_100)] == [b'ok'] * 10_100


@pytest.mark.parametrize('drip', [b'GET / HTTP/1.1\r\nHost: a\r\nX: ' + b'y' * 200, b'G' * 200, b'\r\n' * 100], ids=['field', 'method', 'empty lines'])
def test_a_head_that_drips_is_not_awaited_for_ever(gate, drip):
    """client_header_timeout is for the whole head, however busy its sender looks."""
    proxy = gate('location / { return 200 ok; }', http='client_header_timeout 400ms;')
    with peers.Wire(proxy.port) as wire:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for i in range(len(drip)):
                wire.send(drip[i:i + 1])
                time.sleep(0.02)
