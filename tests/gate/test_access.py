"""allow, deny and satisfy beside nginx, and over every kind of socket."""
import socket

import peers
import pytest

SERVER = '''
    deny 127.0.0.2;
    location = /server { proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /all { deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /me { allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /others { allow 127.0.0.2/31; deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /net { allow 127.0.0.0/8; deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /first { deny 127.0.0.1; allow all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /six { deny ::1; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /unix { allow unix:; deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /return { deny all; return 200 "before access\\n"; }
    location = /file { deny all; }
    location = /any { satisfy any; allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location = /any-not { satisfy any; deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    location /outer/ {
        deny all;
        location = /outer/inherits { proxy_pass http://127.0.0.1:%(origin)d/b/3; }
        location = /outer/hides { allow all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
    }
    location /slash/ { deny all; proxy_pass http://127.0.0.1:%(origin)d/b/3; }
'''
TARGETS = ['/server', '/all', '/me', '/others', '/net', '/first', '/six', '/unix', '/return', '/file', '/any',
           '/any-not', '/outer/inherits', '/outer/hides', '/outer/', '/slash', '/slash/']


@pytest.mark.parametrize('source', ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
def test_every_rule_for_every_client(gate, nginx_program, origin, source):
    text = SERVER % {'origin': origin.port}
    pair = [gate(text), gate(text, program=nginx_program)]
    for target in TARGETS:
        statuses = []
        for each in pair:
            connection = socket.create_connection(('127.0.0.1', each.port), peers.PATIENCE_S, (source, 0))
            with peers.Wire(connection=connection) as wire:
                wire.send(f'GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
                statuses.append(peers.read_response(wire).status)
        assert statuses[0] == statuses[1], target


def test_a_refusal_is_logged_and_reaches_no_origin(gate, origin):
    server = gate(SERVER % {'origin': origin.port})
    assert peers.ask(server.port, 'GET', '/all').status == 403
    assert not origin.requests
    assert 'access forbidden by rule' in server.told


def test_other_sockets(gate, tmp_path, origin):
    path = tmp_path / 's'
    server = gate(SERVER % {'origin': origin.port} + f'listen unix:{path};', main=peers.NGINX_MAIN)
    for target, status in (('/unix', 200), ('/me', 403), ('/six', 200), ('/all', 403)):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(f'GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
            assert connection.recv(4096).startswith(f'HTTP/1.1 {status} '.encode()), target
    assert peers.ask(server.port, 'GET', '/unix').status == 403


def test_the_client_over_ipv6(gate, origin, free_port):
    port = free_port()
    gate(SERVER % {'origin': origin.port} + f'listen [::1]:{port};')
    for target, status in (('/six', 403), ('/me', 403), ('/server', 200)):
        connection = socket.create_connection(('::1', port), peers.PATIENCE_S)
        with peers.Wire(connection=connection) as wire:
            wire.send(f'GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
            assert peers.read_response(wire).status == status, target


@pytest.mark.parametrize('directive, said', [
    ('allow;', 'invalid number of arguments in "allow" directive'),
    ('deny nobody;', 'invalid parameter "nobody"'),
    ('deny 10.0.0.0/33;', 'invalid parameter "10.0.0.0/33"'),
    ('deny 10.0.0.1/8; bad;', 'low address bits of 10.0.0.1/8 are meaningless'),
    ('satisfy some;', 'invalid value "some"'),
])
def test_refusals_are_nginxs(refusals, directive, said):
    ours, theirs = refusals(directive)
    assert said in ours and said in theirs
