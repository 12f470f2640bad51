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
    with peers.Wire(server.port) as wire:  # all at once, since each second allows for more
        wire.send(b'GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n' * 200)
        codes = {peers.read_response(wire).status for _ in range(200)}
    assert codes == ({200, 502} if way == 'gate' else {200})
    (server.folder / 'logs/error.log').write_text('')


@pytest.mark.parametrize('method, again', [('GET', WAYS), ('POST', []), ('PATCH', []), ('FROB', ['strict', 'nginx'])])
def test_methods_that_are_sent_once(gate, two, way, program, main, method, again):
    """A method that nobody knows may change something: nginx sends it again."""
    server = gate('location / { proxy_pass http://two; }', peers.group(two), main, program=program)
    assert peers.ask(server.port, method, '/reset', body=b'x').status == 502
    assert sum(len(each.requests) for each in two) == (2 if way in again else 1)
    (server.folder / 'logs/error.log').write_text('')


# (since when, what it is before, and what since then)
CHANGES = {
    'the version that an origin is spoken to in': ((1, 29, 7), 'HTTP/1.0', 'HTTP/1.1'),
    'what an origin is told of the connection': ((1, 29, 7), 'close', None),
    'connections of four requests': ((1, 29, 7), 4, 1),
    'several fields of a request': ((1, 23, 0), 'a', 'a, b'),
    'several fields of an origin': ((1, 23, 0), '1|1', '1, 2|1, 2'),
}


@pytest.mark.parametrize('version', ['', '1.22', '1.22.1', '1.22.999', '1.23', '1.23.0', '1.24', '1.26', '1.26.3', '1.28', '1.29.6', '1.29.7', '1.31.5'])
def test_each_version_has_the_defaults_of_its_time(gate, origin, version):
    origin.scripts['/v'] = [b'HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n']
    server = gate('add_header X-Said "$http_x_b|$upstream_http_x_a|$sent_http_x_a"; location / { proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; }}',
                  f'compat_version {version};' if version else '')
    said = [peers.ask(server.port, 'GET', '/v', ('X-B: a', 'X-B: b')).one('X-Said') for _ in range(4)][0].split('|', 1)
    request = origin.requests[0]
    seen = [request.line.split()[-1], request.one('Connection'), origin.connections, *said]
    numbers = tuple(int(number) for number in f'{version}.0'.split('.')[:3]) if version else (9,)
    assert dict(zip(CHANGES, seen)) == {what: before if numbers < since else then for what, (since, before, then) in CHANGES.items()}


def test_what_is_said_holds_whatever_the_version(gate, origin):
    server = gate('location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 4; }}', 'compat_version 1.22;')
    for _ in range(3):
        assert peers.ask(server.port, 'GET', '/b/1').status == 200
    assert origin.connections == 1 and origin.requests[0].line.endswith('HTTP/1.1') and origin.requests[0].one('Connection') is None
    server = gate('location / { proxy_http_version 1.0; proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 0; }}')
    for _ in range(3):
        assert peers.ask(server.port, 'GET', '/b/1').status == 200
    assert origin.connections == 4 and origin.requests[-1].line.endswith('HTTP/1.0')


@pytest.mark.parametrize('shared, connections', [('', 2), ('keepalive 8 local;', 2), ('keepalive 8;', 1)])
def test_which_locations_share_connections(gate, origin, shared, connections):
    """Without a word on it, each location has its own since 1.29.7."""
    server = gate('location /b/1 { proxy_pass http://u; } location /b/2 { proxy_pass http://u; }', f'upstream u {{ server 127.0.0.1:{origin.port}; {shared} }}')
    for path in ('/b/1', '/b/2', '/b/1', '/b/2'):
        assert peers.ask(server.port, 'GET', path).status == 200
    assert origin.connections == connections


@pytest.mark.parametrize('version', ['1', '1.', '1.26.', '1.26.3.1', 'x', '""', '-1.26', '1.x', '1.31.6', '1.32', '2.0', '1.26 1.28', '01.26x'])
def test_versions_that_are_none(gate_program, tmp_path, version):
    (tmp_path / 'a.conf').write_text(f'pid pid; compat_version {version}; events {{}}\n')
    tested = subprocess.run([gate_program, '-t', '-p', tmp_path, '-c', tmp_path / 'a.conf', '-e', 'stderr'], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert tested.returncode == 1 and 'compat_version' in tested.stderr and ('up to 1.31.5' in tested.stderr or 'number of arguments' in tested.stderr), tested.stderr
