"""The PROXY protocol from whoever is in front, and to origins; where connections to these come from."""
import socket
import struct
import subprocess

import peers
import pytest

SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
V1 = b'PROXY TCP4 192.0.2.7 198.51.100.9 1234 443\r\n'
V2 = SIGNATURE + b'\x21\x11' + struct.pack('>H', 12) + socket.inet_aton('192.0.2.7') + socket.inet_aton('198.51.100.9') + struct.pack('>HH', 1234, 443)
SAYS = 'location / { return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port $remote_addr"; }'
ASK = b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'


@pytest.mark.parametrize('header', [V1, V2, V2[:14] + struct.pack('>H', 20) + V2[16:] + b'\x04\0\x05hello'])
def test_from_the_front_as_nginx(gate, nginx_program, header):
    for program in (None, nginx_program):
        proxy = gate(SAYS + 'set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;', program=program, listen='proxy_protocol')
        said = peers.exchange(proxy.port, header + ASK)
        assert said.endswith(b'192.0.2.7 1234 198.51.100.9 443 192.0.2.7'), said
        with peers.Wire(proxy.port) as wire:  # byte by byte, and kept alive behind it
            for at in range(0, len(header), 1 if program is None else len(header)):  # nginx wants it in one piece
                wire.send(header[at:at + 1] if program is None else header)
            for _ in range(3):
                wire.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
                assert peers.read_response(wire).body.startswith(b'192.0.2.7 1234 ')


@pytest.mark.parametrize('header', [b'PROXY UNKNOWN\r\n', SIGNATURE + b'\x20\0\0\0'])
def test_who_does_not_say(gate, header):
    proxy = gate(SAYS, listen='proxy_protocol')
    assert peers.exchange(proxy.port, header + ASK).endswith(b'    127.0.0.1')


@pytest.mark.parametrize('header', [b'', b'PROXY TCP4 x y 1 2\r\n', b'PROXY TCP4 ' + b'1' * 200, SIGNATURE + b'\x21\x11\xff\xff'])
def test_without_a_header_nobody_is_served(gate, header):
    proxy = gate(SAYS, listen='proxy_protocol')
    try:
        assert peers.exchange(proxy.port, header + ASK) == b''
    except ConnectionResetError:
        pass
    assert 'broken header while reading PROXY protocol' in proxy.told


@pytest.mark.parametrize('version', ['v1', 'v2'])
def test_to_the_origin_and_back(gate, version):
    """One gate tells another, over a connection for each request."""
    behind = gate(SAYS, listen='proxy_protocol')
    front = gate(f'location / {{ proxy_pass http://127.0.0.1:{behind.port}; proxy_protocol {version}; proxy_bind 127.0.0.3; }}')
    for source in ('127.0.0.1', '127.0.0.9'):
        with socket.create_connection(('127.0.0.1', front.port), source_address=(source, 0)) as connection:
            port = connection.getsockname()[1]
            with peers.Wire(connection=connection) as wire:
                for _ in range(2):
                    wire.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
                    assert peers.read_response(wire).body.decode() == f'{source} {port} 127.0.0.1 {front.port} 127.0.0.3'


def test_haproxy_in_front(gate, haproxy_conf, free_port):
    behind, port = gate(SAYS, listen='proxy_protocol'), free_port()
    for send in ('send-proxy', 'send-proxy-v2'):
        with haproxy_conf(port, f'server s 127.0.0.1:{behind.port} {send}'):
            said = peers.ask(port, 'GET', '/').body.decode()
            assert said.startswith('127.0.0.1 ') and said.split()[3] == str(port), said


@pytest.fixture
def haproxy_conf(tmp_path):
    import contextlib
    import shutil
    if not shutil.which('haproxy'):
        pytest.skip('haproxy is not installed')

    @contextlib.contextmanager
    def start(port, server):
        (tmp_path / 'haproxy.cfg').write_text(f'defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\nlisten l\n bind 127.0.0.1:{port}\n {server}\n')
        with subprocess.Popen(['haproxy', '-f', tmp_path / 'haproxy.cfg', '-db'], stderr=subprocess.DEVNULL) as process:
            try:
                peers.wait_for(lambda: not peers.Proxy.refuses(port))
                yield
            finally:
                process.terminate()

    return start


def test_bound_connections_are_kept_apart(gate, origin):
    proxy = gate('location /a { rewrite ^ /b/1 break; proxy_pass http://u; proxy_bind 127.0.0.5; } location /c { rewrite ^ /b/1 break; proxy_pass http://u; }',
                 f'upstream u {{ server 127.0.0.1:{origin.port}; }}')
    for target in ('/a', '/c', '/a', '/c'):
        assert peers.ask(proxy.port, 'GET', target).status == 200
    assert origin.connections == 2


def test_transparent_is_refused(refusals):
    assert '"transparent" of "proxy_bind" is something that gate does not do' in \
        refusals('location / { proxy_pass http://127.0.0.1:1; proxy_bind 127.0.0.1 transparant; } location /x { proxy_bind 127.0.0.1 transparent; }')[0]
