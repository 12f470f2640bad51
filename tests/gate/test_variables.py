"""Variables of the machine and of the answer, beside nginx where its 1.22 has them; what "set $limit_rate" does."""
import contextlib
import os
import re
import struct
import time

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''


def test_values_are_nginxs(gate, nginx_program, tmp_path):
    folder = tmp_path / 'files'
    folder.mkdir()
    (folder / 'real').mkdir()
    (folder / 'link').symlink_to('real')
    server = f'''root {folder}/link/; add_header X-Root "$realpath_root|$document_root" always;
        location / {{ return 200 ok; }}
        location /none {{ root /nowhere/at/all; return 200 ok; }}
        location /rate {{ limit_rate 1m; if ($arg_r) {{ set $limit_rate $arg_r; }} add_header X-Rate $limit_rate; return 200 ok; }}
        location /no-rate {{ add_header X-Rate $limit_rate; return 200 ok; }}'''
    pair = beside.Both(gate, nginx_program, server, main=MAIN)
    for target in ('/', '/none', '/rate', '/rate?r=4k', '/rate?r=x', '/rate?r=100', '/no-rate'):
        pair.ask(target)
    for each in (pair.gate, pair.nginx):
        log = each.folder / 'logs/error.log'
        assert 'realpath() "/nowhere/at/all" failed' in log.read_text() and 'invalid $limit_rate "x"' in log.read_text()
        log.write_text('')


def test_the_kernel_and_gate_are_asked(gate):
    server = gate('location / { return 200 "$tcpinfo_rtt $tcpinfo_rttvar $tcpinfo_snd_cwnd $tcpinfo_rcv_space '
                  '$connections_active $connections_reading $connections_writing $connections_waiting"; }')
    with peers.Wire(server.port):
        with peers.Wire(server.port) as wire:
            server.rest()
            wire.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
            numbers = [int(each) for each in peers.read_response(wire).body.split()]
    assert numbers[0] > 0 and numbers[2] > 0 and numbers[3] > 0
    assert numbers[4:] == [2, 0, 1, 1]


def test_how_much_gzip_saves(gate, nginx_program):
    """The same number from nginx's zlib is near."""
    said = []
    for program in (None, nginx_program):
        server = gate(f'gzip on; gzip_types *; gzip_min_length 1; access_log logs/g.log g; location / {{ return 200 "{"a lot of text " * 200}"; }}',
                      'log_format g "$gzip_ratio";', MAIN, program=program)
        for fields in ((), ('Accept-Encoding: gzip',)):
            peers.ask(server.port, 'GET', '/', fields)
        end = time.monotonic() + peers.PATIENCE_S
        while len((server.folder / 'logs/g.log').read_text().splitlines()) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        said.append((server.folder / 'logs/g.log').read_text().splitlines())
    for plain, packed in said:
        assert plain == '-' and float(packed) > 15 and len(packed.split('.')[1]) == 2


@pytest.mark.parametrize('line, host, said', [
    ('/', 'a', '|'), ('/', 'a:81', '81|:'), ('/', '[::1]:82', '82|:'), ('/', '[::1]', '|'), ('http://a:83/', 'a:83', '83|:'), ('http://a/', 'a', '|'),
])
def test_the_port_that_was_asked_for(gate, line, host, said):
    server = gate('location / { return 200 "$request_port|$is_request_port"; }')
    answer = peers.exchange(server.port, f'GET {line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'.encode())
    assert answer.endswith(f'\r\n\r\n{said}'.encode())


def test_a_rate_that_is_set_holds(gate):
    server = gate(f'location / {{ set $limit_rate 10k; return 200 "{"x" * 1000}"; }} location /big {{ set $limit_rate 16k; alias /bin/sh; }}')
    began = time.monotonic()
    with peers.Wire(server.port) as wire:
        wire.send(b'GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
        got, seconds = 0, 0
        while got < 16384 or seconds < 1.5:
            wire.socket.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                got += len(wire.socket.recv(65536))
            seconds = time.monotonic() - began
            assert got <= (seconds + 1.5) * 16384 and seconds < peers.PATIENCE_S


def test_what_stands_behind_the_addresses(gate):
    def piece(kind, value):
        return bytes([kind]) + struct.pack('>H', len(value)) + value

    pieces = piece(1, b'h2') + piece(2, b'shop.example') + piece(0x20, b'\x07\0\0\0\0' + piece(0x21, b'TLSv1.3') + piece(0x22, b'joe')) + piece(0xea, b'vpce-1')
    header = b'\r\n\r\n\0\r\nQUIT\n\x21\x11' + struct.pack('>H', 12 + len(pieces)) + bytes(12) + pieces
    server = gate('location / { return 200 "$proxy_protocol_tlv_alpn|$proxy_protocol_tlv_authority|$proxy_protocol_tlv_ssl_version|$proxy_protocol_tlv_ssl_cn|'
                  '$proxy_protocol_tlv_ssl_verify|$proxy_protocol_tlv_0xea|$proxy_protocol_tlv_0x05|$proxy_protocol_tlv_netns"; }', listen='proxy_protocol')
    with peers.Wire(server.port) as wire:
        wire.send(header)
        for _ in range(2):
            wire.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
            assert peers.read_response(wire).body == b'h2|shop.example|TLSv1.3|joe|0|vpce-1||'


def test_dates_in_words_are_nginxs(gate, nginx_program):
    pair = beside.Both(gate, nginx_program, 'location / { return 200 "$date_local|$date_gmt"; }')
    said = []
    for each in (pair.gate, pair.nginx):
        said.append(peers.ask(each.port, 'GET', '/').body.decode().split('|'))
    for forms in zip(*said):
        assert len({re.sub('[0-9]+:[0-9]+:[0-9]+', 'TIME', form) for form in forms}) == 1, forms
    assert time.strftime('%A, %d-%b-%Y') in said[0][0] or time.strftime('%H:%M') < '00:02'


def test_trailers_that_were_sent_and_that_came(gate, origin):
    server = gate('''access_log logs/t.log t;
        location /own { add_trailer X-A "a $uri"; add_trailer X-B b; return 200 body; }
        location / { proxy_pass_trailers on; add_trailer X-A mine; proxy_pass http://127.0.0.1:ORIGIN; }'''.replace('ORIGIN', str(origin.port)),
                  'log_format t "$uri|$sent_trailer_x_a|$sent_trailer_x_b$sent_trailer_x_sum|$upstream_trailer_x_sum|$upstream_cache_status";')
    for path in ('/own', '/trailer', '/chunked/10'):
        peers.ask(server.port, 'GET', path)
    end = time.monotonic() + peers.PATIENCE_S
    log = server.folder / 'logs/t.log'
    while len(log.read_text().splitlines()) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    own, passed, none = log.read_text().splitlines()
    assert own == '/own|a /own|b-|-|-' and none.endswith('|mine|--|-|-')
    came = passed.split('|')[3]
    assert came != '-' and passed == f'/trailer|mine|-{came}|{came}|-'
