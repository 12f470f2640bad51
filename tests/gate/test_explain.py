"""gate explain: what it says is what gate does, and nothing is sent."""
import re
import subprocess

import peers
import pytest

SITE = '''
    add_header X-Frame-Options DENY;
    rewrite ^/old/(.*)$ /api/$1 last;
    location / { root /nonexistent; }
    location /api/ {
        deny 192.0.2.1;
        allow all;
        if ($request_method = DELETE) { return 405; }
        proxy_set_header X-Asked $request_uri;
        proxy_pass http://127.0.0.1:ORIGIN/v1/;
    }
    location /raw/ { proxy_pass http://127.0.0.1:ORIGIN; }
    location = /go { return 301 /gone?x; }
    location /t/ { try_files $uri /api/fallback; root /nonexistent; }
    location /v/ { proxy_pass http://127.0.0.1:ORIGIN/$arg_to$is_args$args; }
'''


@pytest.fixture
def explain(gate_program):
    def explain(text, folder, *words):
        file = folder / 'explained.conf'
        file.write_text(text)
        done = subprocess.run([gate_program, 'explain', '-c', file, *words], capture_output=True, text=True,
                              timeout=peers.PATIENCE_S)
        return done.returncode, done.stdout.replace(f'{file}:', 'site:'), done.stderr
    return explain


def head_in(said, title):
    """The lines of a head that it shows."""
    lines = said.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == title) + 1
    head = []
    for line in lines[start:]:
        if not line.startswith(' ' * 32):
            break
        head.append(line.strip())
    return head


def lines_of(head):
    return head.decode().strip().split('\r\n')


def without_date(head):
    return [line for line in head if not line.startswith('Date: ')]


def request(method, path, port, fields=''):
    """The bytes that explain stands for."""
    return f'{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{fields}Connection: close\r\n\r\n'.encode()


def site(origin, port):
    return peers.configuration(port, SITE.replace('ORIGIN', str(origin.port)))


@pytest.mark.parametrize('path', ['/old/x?y=1', '/api/%41/b%20c', '/raw/a%2fb?z', '/t/none', '/v/?to=b/10'])
def test_the_origin_gets_what_it_says(gate, explain, origin, tmp_path, free_port, path):
    port = free_port()
    code, said, wrong = explain(site(origin, port), tmp_path, '-H', 'Accept: text/x', f'http://localhost:{port}{path}')
    assert code == 0, wrong
    assert origin.connections == 0 and not origin.requests, 'nothing was sent'
    told = head_in(said, 'the origin would get')

    running = gate(SITE.replace('ORIGIN', str(origin.port)))
    peers.exchange(running.port, request('GET', path, port, 'Accept: text/x\r\n'))
    assert told == lines_of(origin.requests[-1].head)
    assert 'add_header X-Frame-Options DENY -- the answer gets X-Frame-Options: DENY' in said


@pytest.mark.parametrize('words, path, status', [
    ([], '/go', 301), ([], '/none', 404), (['-X', 'DELETE'], '/api/x', 405), (['--from', '192.0.2.1'], '/api/x', 403),
    ([], '/%zz', 400)])
def test_own_answers_are_shown_whole(gate, explain, origin, tmp_path, words, path, status):
    running = gate(SITE.replace('ORIGIN', str(origin.port)))
    port = running.port
    code, said, wrong = explain(site(origin, port), tmp_path, *words, f'http://localhost:{port}{path}')
    assert code == 0, wrong
    told = head_in(said, "the answer is gate's own")
    assert told[0].startswith(f'HTTP/1.1 {status} ')
    if '--from' in words:
        return
    got = peers.exchange(running.port, request(words[1] if words else 'GET', path, port))
    assert without_date(told) == without_date(lines_of(got.split(b'\r\n\r\n')[0]))


def test_each_step_has_its_place(explain, origin, tmp_path, free_port):
    port = free_port()
    text = site(origin, port)
    said = explain(text, tmp_path, f'http://localhost:{port}/old/x')[1]
    line = {word: text[:text.index(word)].count('\n') + 1 for word in ('rewrite', 'location /api/', 'allow all', 'if (')}
    assert re.search(rf'^site:{line["rewrite"]} +rewrite .* matches: the path is now "/api/x"$', said, re.M)
    assert re.search(rf'^site:{line["location /api/"]} +location /api/ -- the location of "/api/x"$', said, re.M)
    assert re.search(rf'^site:{line["if ("]} +if .* -- does not hold$', said, re.M)
    assert re.search(rf'^site:{line["allow all"]} +allow all -- fits the client$', said, re.M)


def test_files_and_what_stands_in_for_them(explain, tmp_path, free_port):
    port = free_port()
    (tmp_path / 'index.html').write_text('here')
    text = peers.configuration(port, f'root {tmp_path}; error_page 404 /index.html; location / {{ try_files $uri $uri/ @none; }}\n'
                               'location @none { return 404; } location = /page { try_files $uri =410; }')

    def steps(path):
        return [line.split(None, 1)[1] if line.startswith('site:') else line.strip()
                for line in explain(text, tmp_path, f'http://localhost:{port}{path}')[1].splitlines()]
    said = steps('/')
    assert 'try_files $uri $uri/ @none -- "/" is there' in said and 'the index is "/index.html"' in said
    assert f'the file is "{tmp_path}/index.html"' in said and 'HTTP/1.1 200 OK' in said
    said = steps('/no')
    assert 'try_files $uri $uri/ @none -- none is there: goes on with "@none"' in said
    assert 'error_page 404 /index.html -- "/index.html" stands in for 404' in said and 'HTTP/1.1 404 Not Found' in said
    assert 'try_files $uri =410 -- none is there: answers 410' in steps('/page')


@pytest.mark.parametrize('more, told', [
    ('', 'over TLS, as 127.0.0.1, which is not told to it; its certificate is not verified'),
    ('proxy_ssl_name $host; proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_trusted_certificate CA;',
     'over TLS, as localhost; its certificate is verified')])
def test_tls_and_slices_of_an_origin(explain, certificate, tmp_path, free_port, more, told):
    port = free_port()
    text = peers.configuration(port, 'location / { slice 1m; proxy_set_header Range $slice_range; proxy_pass https://127.0.0.1:1; '
                               f"{more.replace('CA', str(certificate))} }}")
    code, said, wrong = explain(text, tmp_path, '-H', 'Range: bytes=5-2000000', f'http://localhost:{port}/x')
    assert code == 0, wrong
    assert f' {told}\n' in said
    assert 'Range: bytes=0-1048575' in head_in(said, 'the origin would get')
    assert ' and one request more for each piece of 1048576 bytes behind it\n' in said


def test_what_is_shared_is_there_as_in_a_gate_that_runs(explain, tmp_path, free_port):
    port = free_port()
    text = peers.configuration(port, 'location / { limit_req zone=r burst=1; limit_conn c 1; if ($arg_x = "") { set $y "a b"; } proxy_pass http://u; }', """
        limit_req_zone $uri zone=r:1m rate=1r/m; limit_conn_zone $uri zone=c:1m;
        upstream u { zone z 64k; sticky learn create=$upstream_cookie_a lookup=$cookie_a zone=s:1m; server 127.0.0.1:1; server 127.0.0.1:2; }""")
    code, said, wrong = explain(text, tmp_path, '-H', 'Cookie: a=1', f'http://localhost:{port}/x')
    assert code == 0 and 'GET /x HTTP/1.1' in head_in(said, 'the origin would get'), wrong
    assert 'if ($arg_x = "") -- holds' in said.replace(' )', ')')


@pytest.mark.parametrize('words, wrong', [
    (['http://localhost:1/'], 'no server listens on port 1'), (['nonsense/ /'], 'is no URL'), ([], 'one URL is wanted'),
    (['-H', 'x', 'http://localhost/'], '"x" is no field'), (['--from', 'me', 'http://localhost/'], '"me" is no address'),
    (['-X', 'G T', 'http://localhost/'], '"G T" is no method')])
def test_what_cannot_be_asked(explain, origin, tmp_path, free_port, words, wrong):
    code, said, told = explain(site(origin, free_port()), tmp_path, *words)
    assert code == 1 and not said
    assert wrong in told and told.startswith('gate: ') and told.count('\n') == 1
