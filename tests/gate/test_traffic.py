"""Real clients and real origins through gate, in clear and over TLS on either side."""
import asyncio
import hashlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import peers
import pytest

SIDES = [('clear', 'clear'), ('tls', 'clear'), ('clear', 'tls'), ('tls', 'tls')]
UPLOAD = 100 << 20


@pytest.fixture(scope='session')
def authority(tmp_path_factory):
    """A certificate for localhost that signs itself, and its key: (certificate, key)."""
    folder = tmp_path_factory.mktemp('tls')
    certificate, key = folder / 'cert.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                    '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost',
                    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
                   check=True, capture_output=True)
    return certificate, key


class Sink:
    """An origin that keeps nothing of a body but its digest, and can speak TLS. One request a connection."""

    def __init__(self, authority=None):
        self.context = None
        if authority:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*authority)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(connection,), daemon=True))
            self.threads[-1].start()

    def serve(self, connection):
        connection.settimeout(60)
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile('rb') as stream:
            head = b''
            while not head.endswith(b'\r\n\r\n'):
                line = stream.readline()
                if not line:
                    return
                head += line
            digest, count = self.read_body(stream, head.lower())
            body = f'{digest} {count} {head.split(b" ")[0].decode()}\n'.encode()
            connection.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s'
                               % (len(body), body))
            if self.context:
                connection.unwrap()

    @staticmethod
    def read_body(stream, head):
        digest, count = hashlib.sha256(), 0
        length = re.search(rb'content-length: (\d+)', head)
        if b'transfer-encoding: chunked' in head:
            while size := int(stream.readline(), 16):
                digest.update(stream.read(size))
                count += size
                assert stream.readline() == b'\r\n'
            assert stream.readline() == b'\r\n'
        elif length:
            while count < int(length[1]):
                piece = stream.read(min(1 << 20, int(length[1]) - count))
                digest.update(piece)
                count += len(piece)
        return digest.hexdigest(), count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def front(side, authority):
    """What the server block says of its own side, and curl of the way there."""
    if side == 'clear':
        return '', 'http', []
    certificate, key = authority
    return (f'ssl_certificate {certificate}; ssl_certificate_key {key};', 'https',
            ['--cacert', str(certificate)])


def back(side, port, authority):
    if side == 'clear':
        return f'proxy_pass http://127.0.0.1:{port};'
    return (f'proxy_pass https://127.0.0.1:{port}; proxy_ssl_verify on; proxy_ssl_name localhost;'
            f'proxy_ssl_server_name on; proxy_ssl_trusted_certificate {authority[0]};')


@pytest.fixture
def through(gate, authority):
    """through(front side, back side, origin's port): (running gate, base URL, curl's words)."""
    def start(client_side, origin_side, port, extra=''):
        words, scheme, options = front(client_side, authority)
        proxy = gate(f'{words} client_max_body_size 0; {extra}'
                     f'location / {{ {back(origin_side, port, authority)} {extra} }}',
                     listen='ssl' if client_side == 'tls' else '')
        return proxy, f'{scheme}://localhost:{proxy.port}', options
    return start


def curl(*words, **more):
    done = subprocess.run(['curl', '-sS', '--max-time', '120', *words], capture_output=True, **more)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize('sides', SIDES, ids='-'.join)
def test_curl_uploads_and_downloads(sides, through, authority, tmp_path):
    upload = tmp_path / 'upload'
    with open(upload, 'wb') as file:
        subprocess.run(['openssl', 'enc', '-aes-128-ctr', '-pass', 'pass:x', '-nosalt', '-pbkdf2', '-in',
                        '/dev/stdin'], input=bytes(UPLOAD), stdout=file, check=True, stderr=subprocess.DEVNULL)
    digest = hashlib.sha256(upload.read_bytes()).hexdigest()
    with Sink(authority if sides[1] == 'tls' else None) as sink:
        _, url, options = through(*sides, sink.port)
        chunked = curl(*options, '--http1.1', '-H', 'Transfer-Encoding: chunked', '-T', upload, f'{url}/up')
        assert chunked.decode() == f'{digest} {UPLOAD} PUT\n'
        known = curl(*options, '--http1.1', '-T', upload, f'{url}/up')
        assert known.decode() == f'{digest} {UPLOAD} PUT\n'
        old = curl(*options, '--http1.0', '--data-binary', 'x' * 1000, f'{url}/up')
        assert old.decode().split()[1:] == ['1000', 'POST']


@pytest.mark.parametrize('side', ['clear', 'tls'])
@pytest.mark.parametrize('version', ['--http1.0', '--http1.1'])
def test_curl_reads_every_framing(side, version, through, origin):
    _, url, options = through(side, 'clear', origin.port)
    for path in ['b/0', 'b/1', 'b/200000', 'chunked/200000', 'close/200000']:
        assert curl(*options, version, f'{url}/{path}') == peers.pattern(int(path.split('/')[1])), path


def wrk(url, seconds, connections=32):
    """(requests, what wrk says) of some seconds of load."""
    said = subprocess.run(['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '30s', url], capture_output=True, text=True,
                          check=True).stdout
    return int(re.search(r'(\d+) requests in', said)[1]), said


@pytest.mark.parametrize('side', ['clear', 'tls'])
def test_wrk_sends_100000_requests(side, gate, through, gate_program):
    origin = gate('location / { return 200 "hello\\n"; }')
    proxy, url, _ = through(side, 'clear', origin.port)
    done = 0
    for _ in range(60):
        count, said = wrk(url.replace('localhost', '127.0.0.1') + '/x', 3)
        assert 'Non-2xx' not in said and 'Socket errors' not in said, said
        done += count
        if done >= 100000:
            break
    assert done >= 100000
    assert 'error]' not in proxy.told


WEBSOCKETS = ['proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";', 'proxy_websocket on;']


@pytest.mark.parametrize('sides', SIDES, ids='-'.join)
@pytest.mark.parametrize('how', WEBSOCKETS, ids=['headers', 'directive'])
def test_a_websocket_echoes(sides, how, through, authority):
    websockets = pytest.importorskip('websockets')

    async def echo(socket_):
        async for message in socket_:
            await socket_.send(message)

    async def talk():
        server_tls = client_tls = None
        if sides[1] == 'tls':
            server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server_tls.load_cert_chain(*authority)
        if sides[0] == 'tls':
            client_tls = ssl.create_default_context(cafile=authority[0])
        async with websockets.serve(echo, '127.0.0.1', 0, ssl=server_tls, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            _, url, _ = await loop.run_in_executor(None, lambda: through(*sides, port, how))
            async with websockets.connect(url.replace('http', 'ws', 1) + '/chat', ssl=client_tls,
                                          max_size=None) as client:
                for message in ['hello', b'\0' * 100000, 'x' * 3000000, '']:
                    await client.send(message)
                    assert await asyncio.wait_for(client.recv(), 20) == message

    asyncio.run(talk())


def test_an_origin_dies_and_comes_back(gate, free_port, tmp_path):
    port = free_port()
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{port}; }}')

    def origin():
        (tmp_path / 'page').write_text('here')
        started = subprocess.Popen([sys.executable, '-m', 'http.server', '--bind', '127.0.0.1', str(port)],
                                   cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while peers.Proxy.refuses(port):
            time.sleep(0.02)
        return started

    for _ in range(2):
        running = origin()
        assert peers.ask(proxy.port, 'GET', '/page').body == b'here'
        running.kill()
        running.wait()
        answer = peers.ask(proxy.port, 'GET', '/page')
        assert answer.status == 502
        assert b'502 Bad Gateway' in answer.body
    assert 'Connection refused' in proxy.told


def chromium(folder, url):
    """(the page as it stands when its scripts have run, what the console said)."""
    program = shutil.which('chromium')
    if not program:
        pytest.skip('chromium is not installed')
    done = subprocess.run([program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                           '--disable-background-networking', '--disable-component-update', '--disable-sync',
                           f'--user-data-dir={folder}', '--enable-logging=stderr', '--virtual-time-budget=8000',
                           '--dump-dom', url], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, [line for line in done.stderr.splitlines() if 'CONSOLE' in line]


def test_a_page_in_chromium_calls_its_api(gate, free_port, tmp_path, source):
    ports = {'frontend': free_port(), 'backend': free_port()}
    words = {'frontend': [str(source / 'examples/site'), str(ports['frontend'])],
             'backend': [str(ports['backend'])]}
    servers = [subprocess.Popen([sys.executable, source / f'examples/{name}.py', *words[name]],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for name in ports]
    try:
        for port in ports.values():
            while peers.Proxy.refuses(port):
                time.sleep(0.02)
        proxy = gate(f'''location / {{ proxy_pass http://localhost:{ports['frontend']}; }}
                         location /api/ {{ proxy_pass http://localhost:{ports['backend']}; }}''')
        page, console = chromium(tmp_path / 'chromium', f'http://127.0.0.1:{proxy.port}/')
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    assert console == []
    answer = re.search(r'id="answer"[^>]*>([^<]*)<', page)
    assert answer and 'hello' in answer[1].lower(), page
