"""access_log with if= and with variables in its path, line for line beside nginx."""
import os
import subprocess
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
    time.sleep(1.2)  # nginx flushes
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


@pytest.mark.parametrize('directive', ['access_log logs/x.log nosuch;', 'access_log logs/x.log combined buffer=x;', 'access_log logs/x.log combined if=$nosuch;'])
def test_refusals(refusals, directive):
    ours, theirs = refusals(directive)
    assert 'emerg' in ours and 'emerg' in theirs


def test_gzip_is_refused_by_name(gate_program, tmp_path, free_port):
    file = tmp_path / 'gate.conf'
    file.write_text(peers.configuration(free_port(), 'access_log logs/x.log combined gzip;'))
    test = subprocess.run([gate_program, '-t', '-p', f'{tmp_path}/', '-c', file], capture_output=True, text=True, check=False)
    assert test.returncode == 1 and 'gate does not have yet' in test.stderr + test.stdout
