"""What a hostile or clumsy client, or origin, may do to the way of a request; most of it went wrong once."""
import contextlib
import ssl
import subprocess
import threading
import time

import peers
import pytest
from test_siege_chaos import descriptors, settled

PASS = 'location / { proxy_pass http://127.0.0.1:%d; }'


def answers(port, target='/ok'):
    """Is it still there?"""
    return peers.ask(port, 'GET', target).status == 200


# ---- a client that leaves

@pytest.mark.parametrize('head', [b'Content-Length: 100', b'Transfer-Encoding: chunked', b'Expect: 100-continue\r\nContent-Length: 5'])
@pytest.mark.parametrize('sent', [b'', b'3\r\n'])
@pytest.mark.parametrize('target', [b'/ok', b'/proxied/b/3', b'/file'])
def test_a_client_leaves_before_its_body(gate, origin, head, sent, target):
    proxy = gate(f'location /ok {{ return 200 ok; }} location /proxied/ {{ proxy_pass http://127.0.0.1:{origin.port}/; }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST ' + target + b' HTTP/1.1\r\nHost: a\r\n' + head + b'\r\n\r\n' + sent)
        wire.socket.shutdown(1)
        wire.take_rest()
    assert answers(proxy.port)


def test_a_body_that_nobody_reads_is_not_awaited_for_ever(gate):
    proxy = gate('location / { return 200 ok; } lingering_time 1s; lingering_timeout 400ms;')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(20):
                wire.send(b'x')
                time.sleep(0.2)


def test_a_head_that_stops_in_a_large_buffer(gate):
    """What came of it is in the log's line, though its bytes have moved."""
    proxy = gate('location / { return 200 ok; }', http='client_header_timeout 1s; large_client_header_buffers 8 8k;')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /long HTTP/1.1\r\nHost: a\r\n')
        for size in (4096 - 29, 4096, 8192):  # fill the buffer to its brim each time
            line = b'X-A: ' + b'a' * (size // 2 - 7) + b'\r\n'
            wire.send(line + b'X-A: ' + b'b' * (size - len(line) - 7) + b'\r\n')
            proxy.rest()
        wire.take_rest()
    peers.wait_for(lambda: 'GET /long' in (proxy.folder / 'logs/error.log').read_text())


# ---- response splitting

SPLIT = '/x%0d%0aInjected:%20yes%0d%0a%0d%0abody'


@pytest.mark.parametrize('server', [
    'location / { return 302 $uri; }',
    'location / { return 302 http://other$uri; }',
    'location / { return 200 ok; } location ~ ^/(x.*)$ { return 301 /$1; }',
    'location ~ ^/(?<all>(.|\\n)*)$ { return 307 https://h/$all; }',
    'return 301 https://$host$document_uri;',
])
def test_no_redirect_splits_the_answer(gate, server):
    proxy = gate(server)
    for target in (SPLIT, '/x%0a%0aInjected:%20yes', '/x%0dInjected:%20yes'):
        head = peers.ask(proxy.port, 'GET', target).head
        assert b'\r\nInjected' not in head and b'\nInjected' not in head and b'\rInjected' not in head


def test_no_rewritten_location_splits_the_answer(gate, origin):
    origin.scripts[SPLIT] = [b'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://old/x\r\n'
                             b'Refresh: 1; url=http://old/y\r\n\r\n']
    proxy = gate(f'''location / {{ proxy_pass http://127.0.0.1:{origin.port};
                     proxy_redirect http://old/ http://new$uri/; }}''')
    answer = peers.exchange(proxy.port, f'GET {SPLIT} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
    assert b'Location: http://new' in answer and b'Refresh: 1; url=http://new' in answer
    assert b'\nInjected' not in answer and b'\rInjected' not in answer


def test_no_field_splits_the_request(gate, origin):
    proxy = gate(f'''location ~ ^/(?<rest>(.|\\n)*) {{ proxy_set_header X-Uri $uri; proxy_set_header X-Rest $rest; proxy_set_header X-One "$1";
                     proxy_pass http://127.0.0.1:{origin.port}/echo?$uri; }}''')
    assert peers.ask(proxy.port, 'GET', SPLIT).status == 200
    assert len(origin.requests) == 1
    assert origin.requests[0].all('Injected') == []


def test_no_host_of_a_variable_splits_the_request(gate, origin):
    proxy = gate('location ~ ^/(?<to>(.|\\n)*)$ { proxy_pass http://$to; }')
    assert peers.ask(proxy.port, 'GET', f'/127.0.0.1:{origin.port}%0d%0aInjected:%20yes').status in (400, 500, 502)
    assert peers.ask(proxy.port, 'GET', f'/127.0.0.1%0d%0a:{origin.port}').status in (400, 500, 502)
    assert origin.requests == []


# ---- framing

def test_a_body_that_is_not_passed_on_leaves_no_frames(gate, origin):
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_pass_request_body off; }}')
    with peers.Wire(proxy.port) as wire:
        for _ in range(2):
            wire.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n')
            assert peers.read_response(wire).status == 200
            wire.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
            assert peers.read_response(wire).status == 200
    assert [each.body for each in origin.requests] == [b''] * 4


@pytest.mark.parametrize('status', ['204 No Content', '304 Not Modified'])
def test_a_status_without_body_announces_none(gate, origin, status):
    origin.scripts['/x'] = [f'HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n'.encode()]
    proxy = gate(PASS % origin.port)
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
        answer = peers.read_response(wire)
        assert status.startswith('304') or answer.one('Content-Length') is None
        wire.send(b'GET /b/3 HTTP/1.1\r\nHost: a\r\n\r\n')
        assert peers.read_response(wire).body == peers.pattern(3)


@pytest.mark.parametrize('upgrade, switched', [('websocket', True), ('WebSocket', True), ('h2c', False), ('websocket, h2c', False)])
def test_only_websockets_are_passed_on_by_themselves(gate, origin, upgrade, switched):
    origin.scripts['/'] = [b'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n']
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_websocket on; }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(f'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n'.encode())
        assert peers.read_response(wire).status == (101 if switched else 502)
    assert bool(origin.requests[0].one('Upgrade')) == switched


def test_no_protocol_is_switched_in_the_middle_of_a_body(gate, origin):
    origin.scripts['/'] = [b'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n']
    proxy = gate(f'''location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header Upgrade $http_upgrade;
                     proxy_set_header Connection upgrade; }}''')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\nbody')
        proxy.rest()
        wire.send(b'rest!')
        assert peers.read_response(wire).status in (101, 502)


def test_what_is_behind_a_body_is_kept_when_the_origin_breaks(gate, origin):
    """The next request stands in the same packet as a body that no origin takes."""
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_next_upstream off; }} location /ok {{ return 200 ok; }}')
    body = b''.join(b'1\r\nx\r\n' + b'400\r\n' + b'y' * 1024 + b'\r\n' for _ in range(40)) + b'0\r\n\r\n'
    for _ in range(5):
        with peers.Wire(proxy.port) as wire:
            wire.send(b'POST /reset HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' + body +
                      b'GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
            assert peers.read_response(wire).status == 502
            rest = wire.take_rest()
            assert rest == b'' or rest.startswith(b'HTTP/1.1 200')


def test_a_body_is_the_same_at_every_try(gate, origin, free_port):
    """Small chunks that came with the head, to a server that breaks and to the next."""
    proxy = gate('location / { proxy_pass http://two; proxy_next_upstream error http_503 non_idempotent; }',
                 f'upstream two {{ server 127.0.0.1:{origin.port}; server localhost:{origin.port}; keepalive 4; }}')
    origin.scripts['/fail'] = [b'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n']
    body = b''.join(b'%x\r\n%s\r\n' % (n, b'abcdefghi'[:n]) for n in (1, 2, 3, 9, 5, 1)) + b'0\r\n\r\n'
    with peers.Wire(proxy.port) as wire:
        wire.send(b'POST /fail HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' + body +
                  b'GET /echo HTTP/1.1\r\nHost: a\r\n\r\n')
        assert peers.read_response(wire).status == 503
        assert peers.read_response(wire).status == 200
    assert [each.body for each in origin.requests] == [b'aababcabcdefghiabcdea'] * 2 + [b'']
    assert [each.target for each in origin.requests] == ['/fail', '/fail', '/echo']


def test_an_answer_cut_short_does_not_end_in_good_order(gate, origin):
    """Where only the end of the connection ends the body, the client must see that it broke."""
    origin.scripts['/x'] = [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', None]
    proxy = gate(PASS % origin.port)
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /x HTTP/1.0\r\n\r\n')
        with pytest.raises(ConnectionResetError):
            while wire.more():
                pass


def test_tls_says_no_goodbye_to_a_broken_answer(gate, origin, certificate):
    origin.scripts['/x'] = [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', None]
    origin.scripts['/y'] = [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', None]
    proxy = gate(PASS % origin.port, f'ssl_certificate {certificate}; ssl_certificate_key {certificate};', listen='ssl')
    context = ssl.create_default_context(cafile=certificate)
    context.options &= ~getattr(ssl, 'OP_IGNORE_UNEXPECTED_EOF', 0)
    for target, good in (('/y', True), ('/x', False)):
        with peers.Wire(proxy.port) as wire, context.wrap_socket(wire.socket, server_hostname='localhost',
                                                                suppress_ragged_eofs=False) as secure:
            secure.sendall(f'GET {target} HTTP/1.0\r\n\r\n'.encode())
            with contextlib.nullcontext() if good else pytest.raises((ssl.SSLError, ConnectionResetError)):
                while secure.recv(1000):
                    pass


# ---- the log

def test_the_log_shows_no_other_requests_answer(gate, origin, free_port):
    """The head of an answer that was not passed on is gone when the line is written."""
    origin.scripts['/fail'] = [b'HTTP/1.1 503 No\r\nX-Secret: first\r\nContent-Length: 0\r\n\r\n']
    proxy = gate('location / { proxy_pass http://two; proxy_next_upstream http_503 error; access_log logs/x.log x; }',
                 f'log_format x "[$upstream_http_x_secret|$sent_http_x_secret]"; '
                 f'upstream two {{ server 127.0.0.1:{origin.port}; server 127.0.0.1:{free_port()}; }}')
    for _ in range(4):
        assert peers.ask(proxy.port, 'GET', '/fail').status in (502, 503)
        peers.ask(proxy.port, 'GET', '/echo', ['X-Other: private-data-of-another'])
    proxy.stop()
    lines = (proxy.folder / 'logs/x.log').read_text()
    assert 'private' not in lines and set(lines.split()) <= {'[-|-]', '[first|first]'}


# ---- time

def test_a_request_behind_another_does_not_prolong_the_wait_for_the_origin(gate, origin):
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_read_timeout 700ms; }}')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        wire.socket.settimeout(0.2)
        for _ in range(20):
            with contextlib.suppress(TimeoutError):
                wire.more()
            if wire.received:
                break
            wire.send(b'G')
        assert wire.received.startswith(b'HTTP/1.1 504')


def test_an_answer_longer_than_the_timeout_for_heads(gate, origin):
    proxy = gate(PASS % origin.port, http='client_header_timeout 700ms; send_timeout 700ms; client_body_timeout 700ms;')
    assert peers.ask(proxy.port, 'GET', '/slow/60').body == peers.pattern(60)


def test_a_client_that_reads_nothing_is_left(gate, origin):
    proxy = gate(PASS % origin.port, http='send_timeout 500ms;')
    with peers.Wire(proxy.port) as wire:
        wire.send(b'GET /b/30000000 HTTP/1.1\r\nHost: a\r\n\r\n')
        log = proxy.folder / 'logs/access.log'

        def is_left():
            with contextlib.suppress(OSError):
                wire.send(b'G')
            time.sleep(0.1)
            return log.read_text()

        peers.wait_for(is_left, 'the line of the request')


def test_a_tls_client_that_has_just_come_is_served_while_draining(gate, certificate):
    proxy = gate('location / { return 200 ok; }', f'ssl_certificate {certificate}; ssl_certificate_key {certificate};', listen='ssl')
    context = ssl.create_default_context(cafile=certificate)
    with peers.Wire(proxy.port) as wire:
        proxy.rest()  # it is accepted
        proxy.signal(peers.signal.SIGHUP)
        peers.wait_for(lambda: 'gracefully shutting down' in proxy.told)
        proxy.rest()
        with context.wrap_socket(wire.socket, server_hostname='localhost') as secure:
            proxy.rest()
            secure.sendall(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
            answer = secure.recv(4000)
    assert answer.startswith(b'HTTP/1.1 200') and b'Connection: close' in answer


def test_no_request_is_lost_when_the_configuration_is_read_again(gate):
    """Not one that is on its way behind an answer that promised to keep the connection."""
    proxy = gate('location / { return 204; }', 'keepalive_requests 1000000;')
    lost, until = [], time.monotonic() + 2

    def ask_on():
        while time.monotonic() < until:
            with peers.Wire(proxy.port) as wire:
                answer = None
                while time.monotonic() < until and not (answer and answer.one('Connection') == 'close'):
                    try:
                        wire.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
                        answer = peers.read_response(wire)
                    except (OSError, EOFError) as error:
                        lost.append(repr(error))
                        break

    clients = [threading.Thread(target=ask_on) for _ in range(4)]
    for each in clients:
        each.start()
    for _ in range(3):
        time.sleep(0.4)
        proxy.signal(peers.signal.SIGHUP)
    for each in clients:
        each.join()
    assert lost == []


def test_one_client_does_not_stop_the_others(gate):
    """Tens of thousands of requests in one go, and another client in between."""
    proxy = gate('location / { return 204; }', 'keepalive_requests 1000000;')
    with peers.Wire(proxy.port) as greedy:
        burst = threading.Thread(target=lambda: [greedy.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n' * 1000)
                                                 for _ in range(30)])
        reader = threading.Thread(target=lambda: [greedy.take_until(b'\r\n\r\n') for _ in range(30000)])
        burst.start()
        reader.start()
        assert peers.ask(proxy.port, 'GET', '/').status == 204
        assert reader.is_alive()
        burst.join()
        reader.join()


# ---- rewrite, try_files, trailers

def test_no_argument_that_is_set_splits_the_request(gate, origin):
    proxy = gate(f'''location /path {{ set $args q=$uri; proxy_pass http://127.0.0.1:{origin.port}; }}
                     location /again {{ rewrite ^/again/((.|\\n)*)$ /echo; set $kept $1; rewrite ^ /echo?q=$kept break;
                                        proxy_pass http://127.0.0.1:{origin.port}; }}''')
    for target in ('/path', '/again'):
        peers.ask(proxy.port, 'GET', target + SPLIT)
        assert origin.requests[-1].all('Injected') == []
        assert origin.requests[-1].line.count(' ') == 2


@pytest.mark.parametrize('rule', [
    'location ~ ^/((.|\\n)*)[.]secret$ { return 403; }',
    'location ~ ^/(a+)+[.]secret$ { return 403; }',
    'if ($uri ~ "^/(a+)+[.]secret$") { return 403; }',
    'if ($hidden) { return 403; }',
])
@pytest.mark.parametrize('name', ['a' * 3000 + '.secret', 'a' * 60 + '!.secret', 'a' * 3000 + '!.secret'],
                         ids=['long', 'no match', 'long, no match'])
def test_no_path_is_too_hard_for_a_rule(gate, rule, name):
    """What an expression cannot decide in time is refused, not let through."""
    proxy = gate(f'{rule} location / {{ return 200 open; }}', 'map $uri $hidden { ~^/(a+)+[.]secret$ 1; }')
    assert peers.ask(proxy.port, 'GET', '/' + name).status in ((403, 500) if '!' not in name else (200, 403, 500))
    assert peers.ask(proxy.port, 'GET', '/aaa.secret').status == 403
    assert peers.ask(proxy.port, 'GET', '/aaa').status == 200


def test_a_page_of_416_has_one_frame(gate):
    proxy = gate('root .; add_trailer X-End yes always;', main=peers.NGINX_MAIN)
    (proxy.folder / 'file').write_bytes(peers.pattern(100))
    with peers.Wire(proxy.port) as wire:
        for _ in range(2):
            wire.send(b'GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=1000-\r\n\r\n')
            answer = peers.read_response(wire)
            assert answer.status == 416 and b'416' in answer.body
            assert (answer.one('Content-Length') is None) != (answer.one('Transfer-Encoding') is None)


def test_a_trailer_does_not_overwrite_a_large_head(gate):
    fields = ' '.join(f'add_header X-{i} $http_cookie always;' for i in range(8))
    proxy = gate(f'add_trailer X-End {"t" * 1000} always; {fields} location / {{ return 200 text; }}')
    for size in range(7000, 8100, 90):
        answer = peers.exchange(proxy.port, b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: '
                                + b'c' * size + b'\r\n\r\n')
        assert answer == b'' or answer.partition(b'\r\n\r\n')[2].startswith(b'4\r\ntext\r\n0\r\n')


@pytest.mark.parametrize('variable', ['$document_root', '${request_filename}'])
@pytest.mark.parametrize('directive', ['root', 'alias'])
def test_no_folder_is_made_of_itself(tmp_path, gate_program, variable, directive):
    file = tmp_path / 'gate.conf'
    file.write_text(peers.configuration(1, f'location /x {{ {directive} {variable}/x; }}'))
    (tmp_path / 'logs').mkdir()
    test = subprocess.run([gate_program, '-t', '-p', f'{tmp_path}/', '-c', file], capture_output=True, text=True,
                          check=False)
    assert test.returncode == 1 and f'variable cannot be used in the "{directive}" directive' in test.stderr


def test_an_error_page_of_a_file_leaves_no_file_open(gate):
    proxy = gate('root .; error_page 405 412 416 /page;',
                 main=peers.NGINX_MAIN)
    for name in ('file', 'page'):
        (proxy.folder / name).write_bytes(peers.pattern(100))
    assert peers.ask(proxy.port, 'GET', '/file').status == 200
    before = descriptors(proxy)
    for _ in range(20):
        assert peers.ask(proxy.port, 'GET', '/file', ['Range: bytes=1000-']).status == 416
        assert peers.ask(proxy.port, 'GET', '/file', ['If-Match: "x"']).status == 412
        assert peers.ask(proxy.port, 'POST', '/file', body=b'x').status == 405
    assert settled(proxy, before) <= before
