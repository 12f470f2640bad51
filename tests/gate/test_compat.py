"""Where gate differs from nginx on purpose: by default, with "compat strict", and called as nginx."""
import socket
import subprocess

import peers
import pytest

WAYS = ['gate', 'strict', 'nginx']
LONG = '# ' + 'x' * 5000 + '\n'


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def program(way, gate_program, tmp_path):
    link = tmp_path / ('nginx' if way == 'nginx' else 'gate')
    link.symlink_to(gate_program.resolve())
    return link


@pytest.fixture
def main(way):
    return 'compat strict;' if way == 'strict' else ''


def test_what_connection_names_stays_here(gate, origin, way, program, main):
    origin.scripts['/'] = [b'HTTP/1.1 200 OK\r\nConnection: x-own\r\nX-Own: 1\r\nContent-Length: 0\r\n\r\n']
    server = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}', main=main, program=program)
    answer = peers.ask(server.port, 'GET', '/', ['Connection: X-Hop', 'X-Hop: secret'])
    passed = way != 'gate'
    assert bool(origin.requests.pop().one('X-Hop')) == passed
    assert bool(answer.one('X-Own')) == passed


@pytest.mark.parametrize('text, taken', [
    ('events {} http { server { location / { proxy_pass http://nosuch.invalid; } } }', ['gate']),
    ('events {} http { upstream u { server nosuch.invalid; } }', ['gate']),
    (LONG + 'events {}', ['gate', 'strict']),  # the words are read before what they say
])
def test_what_a_configuration_may_have(way, program, main, tmp_path, text, taken):
    (tmp_path / 'logs').mkdir()
    (tmp_path / 'a.conf').write_text(f'pid logs/pid; {main} {text}\n')
    tested = subprocess.run([program, '-t', '-p', tmp_path, '-c', tmp_path / 'a.conf', '-e', 'stderr'], capture_output=True,
                            text=True, timeout=peers.PATIENCE_S)
    assert (tested.returncode == 0) == (way in taken), tested.stderr


def nobody_listens(free_port):
    port = free_port()
    with socket.socket() as s:
        assert s.connect_ex(('127.0.0.1', port)) != 0
    return port


def test_tries_have_a_budget(gate, origin, way, program, main, free_port):
    """Half the requests find nobody first; a fifth may be tried again, with a floor of 10 a second."""
    server = gate('location / { proxy_pass http://two; }', program=program, main=main, http=f'''upstream two {{
        server 127.0.0.1:{nobody_listens(free_port)} max_fails=0; server 127.0.0.1:{origin.port}; }}''')
    codes = {peers.ask(server.port, 'GET', '/b/1').status for _ in range(200)}
    assert codes == ({200, 502} if way == 'gate' else {200})
    (server.folder / 'logs/error.log').write_text('')


@pytest.mark.parametrize('method, again', [('GET', WAYS), ('POST', []), ('PATCH', []), ('FROB', ['strict', 'nginx'])])
def test_methods_that_are_sent_once(gate, two, way, program, main, method, again):
    """A method that nobody knows may change something: nginx sends it again."""
    server = gate('location / { proxy_pass http://two; }', peers.group(two), main, program=program)
    assert peers.ask(server.port, method, '/reset', body=b'x').status == 502
    assert sum(len(each.requests) for each in two) == (2 if way in again else 1)
    (server.folder / 'logs/error.log').write_text('')
