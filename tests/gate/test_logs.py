"""access_log with if= and with variables in its path, line for line beside nginx."""
import contextlib
import gzip
import os
import re
import signal
import socket
import time

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
HTTP = '''
    map $status $loud { ~^[23] 0; default 1; }
    map $arg_x $named { "" ""; default $arg_x; }
    log_format short "$uri $status $arg_x";
    log_format j escape=json '{"uri":"$uri","x":"$arg_x","who":"$remote_user"}';
'''
SERVER = '''
    access_log logs/all.log short; access_log logs/loud.log short if=$loud; access_log logs/named.log short if=$named;
    access_log logs/json.log j if=$arg_j; access_log logs/host-$host.log short; access_log logs/in/$arg_x/x.log short if=$arg_dir;
    location / { return 200 ok; }
    location /bad { return 404; }
    location /off { access_log off; return 200 ok; }
    location /buffered { access_log logs/buffered.log short buffer=4k flush=1s; return 200 ok; }
'''
TARGETS = ['/', '/bad', '/?x=1', '/?x=0', '/bad?x=a%20b', '/off', '/buffered', '/?j=1&x="\\', '/?dir=1&x=made', '/?dir=1&x=none']


def test_lines(gate, nginx_program):
    pair = beside.Both(gate, nginx_program, SERVER, HTTP, MAIN)
    for each in (pair.gate, pair.nginx):
        (each.folder / 'logs/in/made').mkdir(parents=True)
        (each.folder / 'html').mkdir()  # without it nginx writes no log whose path has variables
        for target in TARGETS:
            for host in ('localhost', 'Other.org:81'):
                peers.exchange(each.port, f'GET {target} HTTP/1.0\r\nHost: {host}\r\n\r\n'.encode())
    peers.wait_for(lambda: all((each.folder / 'logs/buffered.log').read_bytes().count(b'\n') == 2 for each in (pair.gate, pair.nginx)), 'the flushes')
    for name in ('all', 'loud', 'named', 'json', 'host-localhost', 'host-other.org', 'in/made/x', 'buffered'):
        lines = [(each.folder / f'logs/{name}.log').read_text().splitlines() for each in (pair.gate, pair.nginx)]
        assert lines[0] == lines[1] and lines[0], name
    assert sorted(os.listdir(pair.gate.folder / 'logs')) == sorted(os.listdir(pair.nginx.folder / 'logs'))
    for each in (pair.gate, pair.nginx):
        (each.folder / 'logs/error.log').write_text('')


def test_a_variable_leads_out_of_no_folder(gate):
    server = gate('access_log logs/$arg_x.log; location / { return 200 ok; }', main=MAIN)
    assert peers.ask(server.port, 'GET', '/?x=../outside').status == 200
    assert peers.ask(server.port, 'GET', '/?x=inside').status == 200
    deadline = time.monotonic() + peers.PATIENCE_S
    while not (server.folder / 'logs/inside.log').exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (server.folder / 'logs/inside.log').exists() and not (server.folder / 'outside.log').exists()


@pytest.mark.parametrize('directive', [
    'access_log logs/x.log nosuch;', 'access_log logs/x.log combined buffer=x;', 'access_log logs/x.log combined if=$nosuch;',
    'access_log logs/x.log combined gzip=0;', 'access_log logs/x.log combined gzip=10;', 'access_log logs/x.log combined flush=1s;',
    'access_log logs/$host.log combined buffer=1k;', 'access_log syslog:server=127.0.0.1 combined buffer=1k;',
    'access_log logs/x.log combined buffer=1k; access_log logs/x.log combined buffer=2k;', 'open_log_file_cache inactive=1s;',
    'open_log_file_cache max=x;', 'open_log_file_cache max=1 nosuch=2;',
])
def test_refusals(refusals, directive):
    ours, theirs = refusals(directive)
    text = theirs.split('[emerg] ')[1].split(': ', 1)[1].split(' in /')[0].splitlines()[0]
    assert text in ours, (ours, theirs)


# ---- lines that are kept together ----

def wait_for(holds, seconds=peers.PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds()


def lines(path, unpack=False):
    text = path.read_bytes()
    return (gzip.decompress(text) if unpack else text).decode().splitlines()


BUFFERED = '''access_log logs/x.log short buffer=1k; location / { return 200 ok; }
    location /long { access_log logs/x.log long buffer=1k; return 200 ok; }
    location /flush { access_log logs/flush.log short buffer=1k flush=300ms; return 200 ok; }
    location /gzip { access_log logs/x.gz short gzip=5 buffer=1k; return 200 ok; }'''
FORMATS = f'log_format short "$uri"; log_format long "${{uri}}{"x" * 2000}";'


def buffered(gate, main=''):
    server = gate(BUFFERED, FORMATS, MAIN + main)
    return server, server.folder / 'logs/x.log'


def test_lines_wait_for_company(gate):
    server, log = buffered(gate)
    for number in range(100):
        peers.ask(server.port, 'GET', f'/n{number:07}')  # ten bytes a line
    assert len(log.read_bytes()) == 0
    for number in range(100, 103):
        peers.ask(server.port, 'GET', f'/n{number:07}')
    wait_for(lambda: lines(log) == [f'/n{number:07}' for number in range(102)])
    peers.ask(server.port, 'GET', '/long')
    wait_for(lambda: lines(log)[102:] == ['/n0000102', '/long' + 'x' * 2000])


def test_no_line_waits_longer_than_it_may(gate):
    server, _ = buffered(gate)
    log = server.folder / 'logs/flush.log'
    for _ in range(2):  # the time runs anew
        before = len(lines(log))
        asked = time.monotonic()
        peers.ask(server.port, 'GET', '/flush')
        wait_for(lambda: len(lines(log)) == before + 1)
        assert time.monotonic() - asked >= 0.25


@pytest.mark.parametrize('number', [signal.SIGQUIT, signal.SIGTERM])
@pytest.mark.parametrize('main', ['', 'worker_processes 2;', 'master_process off;'])
def test_nothing_is_lost_at_the_end(gate, number, main):
    server, log = buffered(gate, main)
    for _ in range(3):
        peers.ask(server.port, 'GET', '/x')
        peers.ask(server.port, 'GET', '/gzip')
    wait_for(lambda: log.exists())
    server.process.send_signal(number)
    server.process.wait(peers.PATIENCE_S)
    assert lines(log) == ['/x'] * 3 and lines(server.folder / 'logs/x.gz', unpack=True) == ['/gzip'] * 3


def test_nothing_is_lost_at_a_reload(gate):
    server, log = buffered(gate)
    peers.ask(server.port, 'GET', '/before')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: lines(log) == ['/before'])
    peers.ask(server.port, 'GET', '/after')
    assert lines(log) == ['/before']


def test_a_rotation_writes_to_the_old_file_first(gate):
    server, log = buffered(gate)
    peers.ask(server.port, 'GET', '/before')
    log.rename(log.with_suffix('.old'))
    server.process.send_signal(signal.SIGUSR1)
    wait_for(log.exists)
    wait_for(lambda: lines(log.with_suffix('.old')) == ['/before'])
    peers.ask(server.port, 'GET', '/after')
    server.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: lines(log) == ['/after'])


def test_each_write_is_a_member_of_gzip(gate):
    server, _ = buffered(gate)
    log = server.folder / 'logs/x.gz'
    for number in range(400):
        peers.ask(server.port, 'GET', f'/gzip/{number:020}')
    assert log.read_bytes().count(b'\x1f\x8b\x08') > 1
    server.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: len(lines(log, unpack=True)) == 400)
    assert lines(log, unpack=True) == [f'/gzip/{number:020}' for number in range(400)]


def test_files_with_variables_stay_open(gate):
    server = gate('access_log logs/$arg_x.log short; open_log_file_cache max=2 inactive=20s valid=1m min_uses=2; location / { return 200 ok; }',
                  FORMATS, MAIN + 'master_process off;')

    def opened():
        links = []
        for fd in os.listdir(f'/proc/{server.process.pid}/fd'):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                links.append(os.readlink(f'/proc/{server.process.pid}/fd/{fd}'))
        return sorted(link.rsplit('/', 1)[1] for link in links if '/logs/' in link and not link.endswith(('error.log', 'access.log')))

    def ask(name, count):
        for _ in range(count):
            peers.ask(server.port, 'GET', f'/?x={name}')

    ask('a', 1)
    wait_for((server.folder / 'logs/a.log').exists)
    assert opened() == []
    ask('a', 1)
    wait_for(lambda: opened() == ['a.log'])
    ask('b', 2)
    wait_for(lambda: opened() == ['a.log', 'b.log'])
    ask('c', 2)
    wait_for(lambda: opened() == ['b.log', 'c.log'])
    (server.folder / 'logs/c.log').rename(server.folder / 'logs/c.old')
    server.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: opened() == [])
    ask('c', 1)
    wait_for(lambda: (server.folder / 'logs/c.log').exists())


# ---- syslog ----

@pytest.mark.parametrize('where', ['udp', 'unix'])
@pytest.mark.parametrize('more,front', [
    ('', r'<190>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \S+ gate: '),
    (',facility=local3,severity=warn,tag=shop', r'<156>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \S+ shop: '),
    (',nohostname,facility=kern,severity=emerg', r'<0>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d gate: '),
])
def test_lines_go_to_syslog(gate, tmp_path, where, more, front):
    listener = socket.socket(socket.AF_UNIX if where == 'unix' else socket.AF_INET, socket.SOCK_DGRAM)
    with listener:
        listener.settimeout(peers.PATIENCE_S)
        listener.bind(str(tmp_path / 'log.sock') if where == 'unix' else ('127.0.0.1', 0))
        address = f'unix:{tmp_path}/log.sock' if where == 'unix' else '127.0.0.1:%d' % listener.getsockname()[1]
        if where == 'unix':
            (tmp_path / 'log.sock').chmod(0o777)
        server = gate(f'access_log syslog:server={address}{more} short; location / {{ return 200 ok; }}', FORMATS, MAIN)
        peers.ask(server.port, 'GET', '/x')
        assert re.fullmatch(front + '/x', listener.recv(8192).decode())


def test_errors_go_to_syslog_at_their_own_level(gate):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.settimeout(peers.PATIENCE_S)
        listener.bind(('127.0.0.1', 0))
        target = 'syslog:server=127.0.0.1:%d,facility=daemon,tag=e' % listener.getsockname()[1]
        server = gate(f'error_log {target} error; error_log logs/all.log info; error_log logs/none.log crit; location / {{ root /nowhere; }}', main=MAIN)
        assert peers.ask(server.port, 'GET', '/x').status == 404
        assert re.match(r'<27>\S+ +\d+ \S+ \S+ e: .* \[error\] .*"/nowhere/x" failed', listener.recv(8192).decode())
        wait_for(lambda: '"/nowhere/x" failed' in (server.folder / 'logs/all.log').read_text())
        assert (server.folder / 'logs/none.log').read_text() == ''
