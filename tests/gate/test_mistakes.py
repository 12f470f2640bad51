"""Broken configurations as people write them: each mistake is shown at its place, with what to do."""
import re
import subprocess

import peers
import pytest

# (what somebody wrote, a part of the answer's last line); a line of the file ends behind each ';'
MISTAKES = [
    ('server { listen 80 server_name a.com; }', 'is a \';\' missing in front of "server_name"?'),
    ('server { listen 80; server_name a.com }', "is a ';' missing in front of it?"),
    ('server { listen 80; location / { proxy_pass localhost:8080; } }', 'http://HOST:PORT or https://HOST:PORT'),
    ('server { listen 80; location / { proxy_pass http://localhost:8080 } }', "is a ';' missing in front of it?"),
    ('server { listen 80; location / { proxypass http://localhost:8080; } }', 'did you mean "proxy_pass"?'),
    ('server { listen 80; location / { root /var/www; }', 'the block "server" of line 1 has no \'}\''),
    ('server { listen 80; } }', "there is one '}' more than there are '{'"),
    ('server { listen 80; location / { try_files $uri; } }', 'it takes at least 2, not 1: Goes on with the fir'),
    ('server { listen 80; location / { if ($host == "a") { return 301 http://b; } } }', 'one of: =, !=, ~, ~*, !~, !~*'),
    ('server { listen 80; location / { if($host = a) { return 301 http://b; } } }', 'a blank stands behind "if"'),
    ('server { listen 80; if ($host = a) return 301 http://b; }', "what it is about stands between '{' and '}'"),
    ('server { listen 80; location / { if ($a = 1 && $b = 2) { return 403; } } }', 'a condition is $name, -f PATH and its like, or t'),
    ('server { listen 80; location / { return 301 https://$hsot$request_uri; } }', 'did you mean "$host"?'),
    ('server { listen 80; location ~ \\.(jpg|png { root /x; } }', "a sign that stands for itself has a '\\' in front"),
    ('server { listen 80; location ~ ^/a{2}$ { root /x; } }', 'the block "server" of line 1 has no \'}\''),
    ('server { listen 80; location / { alias /x; root /y; } }', 'a location has one of them'),
    ('server { listen 80; root /x; root /y; }', 'it stands once in a block: take one of them out'),
    ('server { listen 443 ssl; server_name a; }', 'ssl_certificate and ssl_certificate_key name its'),
    ('server { listen 443 ssl; ssl on; }', 'nginx has it no more: write "listen 443 ssl;"'),
    ('server { listen 80; ssl_certificate /nope.pem; ssl_certificate_key /nope.key; }', 'the file must be there, readable, and in PEM for'),
    ('server { listen 80; client_max_body_size 10MB; }', 'bytes, or with k, m or g behind the number: 512k'),
    ('server { listen 80; proxy_read_timeout 30sec; }', 'a time such as 500ms, 30s, 5m or "1h 30m"'),
    ('server { listen 80; gzip yes; }', 'gzip: Compresses answers for clients that take g'),
    ('server { listen 80; autoindex true; }', 'autoindex: Shows what is in a folder that has no'),
    ('server { listen 80; error_page 404 = 200 /x; }', 'error_page 404 =200 /path; with no blank behind'),
    ('server { listen 80; error_page /404.html; }', 'it takes at least 2, not 1: What stands in for t'),
    ('server { listen 80; rewrite ^/a$ /b permanant; }', 'one of: last, break, redirect, permanent'),
    ('server { listen 80; rewrite ^/a$; }', 'it takes 2 to 3, not 1: Changes the path where t'),
    ('upstream backend { server 127.0.0.1:80; server 127.0.0.1:81 weight=x; } server { listen 80; }', 'server: A server of the group, with weight=, max'),
    ('upstream backend { server http://127.0.0.1:80; } server { listen 80; }', 'HOST:PORT, with nothing in front and nothing beh'),
    ('upstream backend { least_con; server 127.0.0.1:80; } server { listen 80; }', 'did you mean "least_conn"?'),
    ('upstream backend { } server { listen 80; }', 'server HOST:PORT;'),
    ('server { upstream b { server 127.0.0.1; } listen 80; }', 'it belongs in: http'),
    ('server { listen 80; location / { server_name x; } }', 'it belongs in: server'),
    ('location / { return 200; }', 'it belongs in: server, location'),
    ('server { listen 80; location / { proxy_set_header Host; proxy_pass http://127.0.0.1; } }', 'it takes 2, not 1: A header field of the request'),
    ('server { listen 80; location / { proxy_set_header X-Forwarded-For: $remote_addr; proxy_pass http://127.0.0.1; } }', "leave the ':' out"),
    ('server { listen 80; location / { add_header X-A a b; } }', 'a value of several words stands in quotes'),
    ('server { listen 80; location / { add_header Access-Control-Allow-Methods GET, POST; } }', 'a value of several words stands in quotes'),
    ('server { listen 80; return 301 https://a.com$request_uri }', "is a ';' missing in front of it?"),
    ('server { listen 80; log_format main "$remote_addr"; }', 'it belongs in: http'),
    ('access_log /nonexistent/a.log main; server { listen 80; }', 'a log_format stands before its first use'),
    ('server { listen 80; access_log on; }', 'name the file, or leave the line out'),
    ('server { listen 80; error_log off; error_log /nonexistent/e.log loud; }', 'one of: debug, info, notice, warn, error, crit,'),
    ('server { listen 80; allow 10.0.0.0/33; deny all; }', 'an address, a block such as 192.0.2.0/24, unix:'),
    ('server { listen 80; allow 10.0.0.0-10.0.0.9; }', 'an address, a block such as 192.0.2.0/24, unix:'),
    ('server { listen 80; limit_req zone=a burst=5; }', 'a zone is defined by limit_req_zone or limit_con'),
    ('limit_req_zone $binary_remote_addr zone=a:10m rate=10; server { listen 80; }', 'rate=10r/s or rate=30r/m'),
    ('limit_req_zone $binary_remote_addr zone=a rate=10r/s; server { listen 80; }', 'NAME:SIZE, such as one:10m'),
    ('map $host { a b; } server { listen 80; }', 'it takes 2, not 1: Defines a variable by another'),
    ('map $host $x { default a; default b; } server { listen 80; }', 'one default is enough'),
    ('map $host x { default a; } server { listen 80; }', "it begins with '$'"),
    ('geo $x { 10.0.0.0/8 1 2; } server { listen 80; }', 'NETWORK VALUE;'),
    ('server { listen 80; set x 1; }', "it begins with '$'"),
    ('server { listen 80; set $host 1; }', 'gate itself has one of that name'),
    ('server { listen 80; listen 80; }', 'an address stands once in a server'),
    ('server { listen 127.0.0.1:99999; }', 'a port, ADDRESS:PORT or unix:PATH, and behind a'),
    ('server { listen 80; location /a { } location /a { } }', 'both answer for the same paths: join them'),
    ('server { listen 80; location /a { location /b { } } }', 'the path of an inner location begins with the ou'),
    ('server { listen 80; location api { return 200; } }', "paths begin with a '/'"),
    ('server { listen 80; location = /a /b { return 200; } }', 'it takes 1 to 2, not 3: Holds what is done with'),
    ('server { listen 80; location ~ /a { proxy_pass http://127.0.0.1/b/; } }', 'leave out what follows the host'),
    ('server { listen 80; expires 30days; }', 'expires: Sets Expires and Cache-Control: epoch,'),
    ('server { listen 80; index: index.html; }', 'did you mean "index"?'),
    ('server { listen 80; return 200 "unclosed; }', 'the quote that opens in line 2 is not closed'),
    ('server { listen 80; root "/var/www"/html; }', 'quotes stand around a whole word'),
    ('server { listen 80; ssl_protocols TLSv1.2 TLS1.3; }', 'one of: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, SSLv2,'),
    ('server { listen 80; http2 true; }', 'http2: Accepted with a warning: HTTP/2 is not of'),
    ('server { listen 80; proxy_buffers 4k; }', 'it takes 2, not 1: How much of an answer is kept'),
    ('server { listen 80; keepalive_timeout 65 seconds; }', 'keepalive_timeout: How long an idle connection i'),
    ('server { listen 80; proxy_cache_valid 200 10m; proxy_cache my_cache; }', 'gate keeps no answers yet: leave it out, or let'),
    ('server { listen 80; fastcgi_pass unix:/run/php.sock; }', 'gate asks origins by HTTP: let the application l'),
    ('server { listen 80; location / { deny; } }', 'it takes 1, not 0: Answers clients of an address'),
    ('server { listen 80; resolver; }', 'it takes at least 1, not 0: The name servers tha'),
    ('server { listen 80; server_name ~^(www\\.)?(.+$; }', "a sign that stands for itself has a '\\' in front"),
    ('server { listen 80; location / { proxy_pass http://127.0.0.1:8080/$1; rewrite (.*) $2 break; } }', '"$is_args$args" at its end passes them on'),
    ('ServerName a.com; server { listen 80; }', 'did you mean "server_name"?'),
    ('<VirtualHost *:80>', "what begins in line 1 has no ';'"),
    ('server { listen: 80; }', 'did you mean "listen"?'),
    ('server: { listen 80; }', 'did you mean "server"?'),
    ('server { listen 80; location / { internal; allow all;; } }', 'there is nothing for it to end: take it out'),
    ('server { listen 80; server_name a.com, b.com; }', 'names stand apart by blanks alone'),
    ('events { worker_connections lots; } http { server { listen 80; } }', 'worker_connections: How many connections, to cli'),
    ('http { server { listen 80; } } http { }', 'it stands once in a block: take one of them out'),
    ('worker_processes four; server { listen 80; }', 'worker_processes: How many event loops serve cli'),
]


@pytest.fixture(scope='module')
def answer(gate_program, tmp_path_factory):
    folder = tmp_path_factory.mktemp('broken')

    def answer(text):
        file = folder / 'broken.conf'
        file.write_text(text.replace('; ', ';\n    ') + '\n')
        return subprocess.run([gate_program, '-t', '-p', folder, '-c', file], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    return answer


@pytest.mark.parametrize('text, hint', MISTAKES, ids=[text[:60] for text, _ in MISTAKES])
def test_each_mistake_has_an_answer(text, hint, answer):
    said = answer(text)
    places = re.findall(r'broken\.conf:(\d+):(\d+): (error|warning): (.*)\n', said.stderr)
    assert places, said.stderr
    assert said.returncode == any(kind == 'error' for *_, kind, _ in places)
    assert hint in said.stderr, said.stderr
    lines = text.replace('; ', ';\n    ').split('\n')
    for line, column, *_ in places:
        assert int(line) <= len(lines) + 1 and (int(line) > len(lines) or int(column) <= len(lines[int(line) - 1]) + 1)


def test_all_of_them_are_told_in_one_run(answer):
    """What is wrong in one block does not hide what is wrong in the next."""
    wrong = [text for text, _ in MISTAKES if text.startswith('server { listen 80; ') and text.count('{') == text.count('}') and '"unclosed' not in text
             and '"/html' not in text and ';;' not in text and not re.search(r'[^;} ] *}', text)]
    said = answer('\n'.join(wrong))
    count = len(re.findall(r'broken\.conf:\d+:\d+: error: ', said.stderr))
    assert len(wrong) > 30 and count >= len(wrong) - 6, (count, len(wrong), said.stderr[-3000:])


def test_a_file_that_is_not_there_is_told_once(gate_program, tmp_path):
    said = subprocess.run([gate_program, '-t', '-p', tmp_path, '-c', 'none.conf'], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert said.returncode == 1 and said.stderr.count('No such file') == 1, said.stderr
