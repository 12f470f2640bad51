"""What every test of gate needs; the classes are in peers.py."""
import contextlib
import os
import pathlib
import shutil
import socket
import ssl
import subprocess

import peers
import pytest


@pytest.fixture
def origin():
    with peers.Origin() as origin:
        yield origin


@pytest.fixture
def two():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(peers.Patient()) for _ in range(2)]


@pytest.fixture
def file(tmp_path):
    """A page that workers may read, alone in its folder."""
    path = tmp_path / 'file.html'
    path.write_text('<p>file</p>\n')
    tmp_path.chmod(0o755)
    return path


@pytest.fixture
def gate(tmp_path, request, free_port):
    """Call it with the text of a server block, and perhaps of the http and main ones: a running peers.Proxy.

    It is stopped behind the test, which fails where gate ends badly or has logged an alert.
    """
    with contextlib.ExitStack() as stack:
        started = []

        def start(server, http='', main='', program=None, listen=''):
            program = program or request.getfixturevalue('gate_program')
            port = free_port()
            if program.name == 'nginx':
                http = peers.NGINX_HTTP + http
                main = main if 'user ' in main else peers.NGINX_MAIN + main
            text = peers.configuration(port, server, http, main, listen)
            folder = tmp_path / f'gate{len(started)}'
            started.append(folder)
            return stack.enter_context(peers.Proxy(program, folder, text, [port]))

        yield start


@pytest.fixture
def refusals(tmp_path, gate_program, nginx_program, free_port):
    """Call it with directives of a server: what gate and nginx say of the file, which both must refuse."""
    def refuse(server, http=''):
        said = []
        for program in (gate_program, nginx_program):
            file = tmp_path / f'{program.name}.conf'
            file.write_text(peers.configuration(free_port(), server, http))
            (tmp_path / 'logs').mkdir(exist_ok=True)
            test = subprocess.run([program, '-t', '-p', f'{tmp_path}/', '-c', file], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=peers.PATIENCE_S)
            assert test.returncode == 1, test
            said.append(test.stdout + test.stderr)
        return said

    return refuse


@pytest.fixture(scope='session')
def nginx_program():
    """The program whose behaviour is the measure; without one the test is skipped."""
    path = shutil.which('nginx', path=os.environ.get('PATH', '') + ':/usr/sbin')
    if not path:
        pytest.skip('nginx is not installed')
    return pathlib.Path(path)


@pytest.fixture(scope='session')
def certificate(tmp_path_factory):
    """One file with a key and a certificate for localhost."""
    path = tmp_path_factory.mktemp('tls') / 'both.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-days', '2', '-subj', '/CN=localhost', '-keyout', path, '-out', f'{path}.crt'],
                   check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix('.pem.crt').read_text())
    return path


@pytest.fixture
def gate_tls(gate, certificate):
    """As gate, with TLS: the proxy, and what makes a peers.Wire to it."""
    def start(server, main='', http=''):
        proxy = gate(server, http + f'ssl_certificate {certificate}; ssl_certificate_key {certificate};', main, listen='ssl')
        context = ssl.create_default_context(cafile=certificate)

        def connect():
            plain = socket.create_connection(('127.0.0.1', proxy.port), peers.PATIENCE_S)
            return peers.Wire(connection=context.wrap_socket(plain, server_hostname='localhost'))

        return proxy, connect

    return start
