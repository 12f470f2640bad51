"""Random requests to a configuration in which all that changes a request's way works together."""
import contextlib
import gzip
import random
import time

import peers
import pytest
from test_siege_chaos import descriptors, settled

SECONDS = 8

HTTP = """
    upstream hashed { hash $uri$is_args$args consistent; server 127.0.0.1:%(origin)d; server localhost:%(origin)d; keepalive 4; }
    upstream least { least_conn; server 127.0.0.1:%(origin)d weight=3; server 127.0.0.1:1 max_fails=0; }
    upstream plain_hash { hash $arg_k; server 127.0.0.1:%(origin)d; server 127.0.0.1:%(origin)d; }
    map $uri $mapped { default none; /f/a.html exact; ~^/(?<one>[a-z]+)/(?<two>.*)$ $one-$two; }
    map $arg_m$mapped $again { volatile; default "$mapped:$arg_m"; "" empty; ~*loop $again; }
    geo $arg_from $place { default far; 127.0.0.0/8 near; ::1/128 six; }
    split_clients $request_uri$arg_k $half { 50%% first; * second; }
    log_format all '"$uri" "$args" $mapped $again $place $half "$sent_http_location" $upstream_addr';
    access_log logs/all.log all;
    gzip on; gzip_min_length 0; gzip_types *; gzip_vary on; gzip_proxied any; gzip_http_version 1.0;
    add_header X-Mapped $mapped always; add_header X-Again "$again $arg_m $uri" always; add_trailer X-Place $place$uri always;
    lingering_timeout 300ms; lingering_time 1s; large_client_header_buffers 4 16k;
"""

SERVER = """
    root files; error_page 404 /pages/404.html; error_page 403 =200 @refuge; error_page 502 504 = @refuge;
    error_page 410 $arg_to; error_page 416 /pages/416.html; recursive_error_pages on; client_max_body_size 100k;
    set $kept "$arg_s$half"; if ($arg_s ~ "^(.*)x(?<tail>.*)$") { set $kept "$1-$tail"; }
    rewrite ^/old/(.*)$ /$1?was=$1 last; rewrite ^/away/(.*)$ http://other/$1 redirect;
    location /f/ { alias files/; expires $arg_e; try_files $uri $uri/ /pages/404.html; }
    location ~ ^/d/(.*)$ { alias files/$1; try_files "" /n/ @refuge; }
    location /i { alias files/; index a.html /f/a.html; }
    location /loop/ { rewrite ^/loop/(.*)$ /loop/$1$1 last; }
    location /set/ { set $args $arg_s$uri; set $kept $kept$kept$kept; rewrite ^/set/(.*)$ /p/$kept/$1?a=$1 last; }
    location /deny/ { deny all; }
    location /allow/ { allow 127.0.0.1; deny all; expires 1h; return 200 "$kept $again $uri"; }
    location /go/ { return 302 $uri?$args; }
    location /gone/ { return 410; }
    location /secret/ { internal; }
    location /if/ { if ($arg_k) { add_header X-If $arg_k; return 404; } if (-f $request_filename) { rewrite ^ /f/a.html break; } proxy_pass http://plain_hash; }
    location /b/ { proxy_pass http://hashed; add_header ETag '"$arg_k"'; }
    location /chunked/ { proxy_pass http://least; proxy_pass_trailers on; gzip off; }
    location /status/ { proxy_pass http://hashed; proxy_intercept_errors on; expires -1; }
    location /p/ { proxy_pass http://hashed/echo/; proxy_set_header X-Kept "$kept$uri"; }
    location /slow/ { proxy_pass http://least; }
    location /cut/ { proxy_pass http://least; }
    location /plain/ { gzip off; add_trailer X-T $kept; expires epoch; try_files /a.html =404; }
    location @refuge { add_header X-Refuge $uri always; try_files $arg_to /pages/404.html /b/30; }
    location /pages/ { internal; add_trailer_inherit off; }
"""

PLACES = ['/f/a.html', '/f/inner/', '/f/inner', '/f/none', '/d/a.html', '/d/inner', '/i/', '/i../secret/key', '/loop/a', '/set/b',
          '/deny/x', '/allow/y', '/go/z', '/gone/', '/secret/key', '/if/a', '/b/0', '/b/1', '/b/5000', '/b/300000',
          '/chunked/0', '/chunked/70000', '/status/404', '/status/204', '/status/304', '/status/403', '/p/x', '/slow/20',
          '/cut/', '/plain/x', '/old/b/40', '/old/f/a.html', '/away/q', '/pages/404.html', '/n', '/', '/a.html']
BYTES = ['%0d%0aInjected:%20x', '%0a', '%00', '%25', '%3f', '+', '..%2f..%2fsecret%2fkey', '%ff', 'a' * 3000, '//', '$uri', '"', '%22', ';']
FIELDS = ['Accept-Encoding: gzip', 'Accept-Encoding: gzip;q=0', 'Accept-Encoding: br, gzip;q=0.5', 'Range: bytes=0-10',
          'Range: bytes=1-2,5-9', 'Range: bytes=9999999-', 'If-None-Match: *', 'If-Match: "x"', 'Via: 1.1 x', 'If-Range: "x"',
          'Cookie: a=%0d%0a; b=2', 'User-Agent: MSIE 6.0 Chrome/', 'Connection: close', 'Expect: 100-continue']


class LooseOrigin(peers.Origin):
    """Hangs up on a path that it does not know."""

    def answer(self, wire, number):
        try:
            return super().answer(wire, number)
        except ValueError:
            return False


def random_request(dice):
    target = dice.choice(PLACES) + (dice.choice(BYTES) if dice.random() < 0.3 else '')
    if dice.random() < 0.7:
        names = dice.choices(['s', 'm', 'k', 'to', 'from', 'e'], k=dice.randrange(1, 5))
        values = ['1', 'x', 'loop', '/gone/', '/loop/', '/b/7', '@refuge', '127.0.0.1', '::1', '+1h', '@3h', 'max', '../secret/key', *BYTES]
        target += '?' + '&'.join(f'{name}={dice.choice(values)}' for name in names)
    method = dice.choice(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT'])
    version = dice.choice(['1.1', '1.1', '1.1', '1.0'])
    body = b'b' * dice.choice([0, 3, 5000, 150000]) if method[0] == 'P' else b''
    fields = dice.sample(FIELDS, dice.randrange(4))
    if body and version == '1.1' and dice.random() < 0.3:
        fields.append('Transfer-Encoding: chunked')
        body = b'%x\r\n%s\r\n0\r\n\r\n' % (len(body), body)
    elif method[0] == 'P':
        fields.append(f'Content-Length: {len(body)}')
    lines = [f'{method} {target} HTTP/{version}', 'Host: a', *fields, '', '']
    return method, version, '\r\n'.join(lines).encode('latin-1') + body


def take_answer(wire, method, version, sent):
    """Reads one answer and checks its frame; whether another may come."""
    answer = peers.read_response(wire, method == 'HEAD')
    while answer.status == 100:
        answer = peers.read_response(wire, method == 'HEAD')
    what = (sent[:400], answer.head)
    length, coding = answer.one('Content-Length'), answer.one('Transfer-Encoding')
    assert length is None or coding is None, what
    assert coding is None or version == '1.1', what
    assert answer.status not in (204, 304) or (coding is None and answer.one('Content-Encoding') is None), what
    assert answer.all('Injected') == [] and b'KEY' not in answer.body, what
    if answer.one('Content-Encoding') == 'gzip':
        assert b'gzip' in sent and answer.status in (200, 403, 404) and answer.one('Accept-Ranges') is None, what
        assert not (answer.one('ETag') or 'W/').startswith('"'), what
        assert method == 'HEAD' or gzip.decompress(answer.body) is not None, what
    return answer.one('Connection') != 'close', answer.status


def talk(dice, port, seen):
    with contextlib.suppress(EOFError, ConnectionResetError, BrokenPipeError), peers.Wire(port) as wire:
        for _ in range(dice.randrange(1, 6)):
            method, version, sent = random_request(dice)
            fate = dice.random()
            wire.send(sent[:dice.randrange(len(sent))] if fate < 0.04 else sent)
            if fate < 0.08:
                time.sleep(dice.choice([0, 0.002]))
                wire.reset()
                return
            goes_on, status = take_answer(wire, method, version, sent)
            seen[status] = seen.get(status, 0) + 1
            if not goes_on:
                return


@pytest.fixture
def loose():
    with LooseOrigin() as origin:
        yield origin


def test_all_that_changes_a_request_at_once(gate, loose):
    proxy = gate(SERVER, HTTP % {'origin': loose.port}, main='worker_shutdown_timeout 2s;' + peers.NGINX_MAIN)
    files = {'files/a.html': b'<p>a</p>' * 3000, 'files/inner/a.html': b'inner', 'secret/key': b'KEY',
             'files/pages/404.html': b'none ' * 100, 'files/pages/416.html': b'range'}
    for name, data in files.items():
        (proxy.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (proxy.folder / name).write_bytes(data)
    seed = random.randrange(1 << 32)
    dice, seen, workers = random.Random(seed), {}, None
    print('seed', seed)
    began, wanted = time.monotonic(), {200, 206, 301, 302, 304, 400, 404, 412, 413, 416, 500}
    while time.monotonic() < began + SECONDS or (not wanted <= set(seen) and time.monotonic() < began + 10 * SECONDS):
        talk(dice, proxy.port, seen)
        if workers is None:
            workers = descriptors(proxy)
    print(seen)
    assert wanted <= set(seen), seen
    assert settled(proxy, workers + 16) <= workers + 16  # idle connections to the origin
    assert 'exited with code' not in proxy.told and 'exited on signal' not in proxy.told
    assert all(request.all('Injected') == [] and request.line.count(' ') == 2 for request in loose.requests)
