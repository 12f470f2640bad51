"""The verdict on a configuration is nginx's, and so is the text of the first error: gate, called by its name, beside it."""
import concurrent.futures
import re
import subprocess

import conf_cases
import pytest

MAIN = [
    'events {}', '', 'events {} events {}', 'events {} http {} http {}', 'events { worker_connections 10; }',
    'events { worker_connections 10k; }', 'events { use epoll; }', 'events { use kqueue2; }', 'events { multi_accept on; }',
    'events {} foo;', 'events {} foo bar { }', 'events', 'events;', 'events {', 'events {} }', '}', ';', '{ }', 'events {};',
    'events {} daemon off;', 'events {} daemon ON;', 'events {} daemon yes;', 'events {} daemon;', 'events {} daemon on off;',
    'events {} daemon off; daemon off;', 'events {} daemon off { }', 'events {} worker_processes 2;',
    'events {} worker_processes auto;', 'events {} worker_processes x;', 'events {} listen 80;', 'events {} server { }',
    'events {} user nosuchuser;', 'events {} user root;', 'events {} worker_shutdown_timeout 5s;',
    'events {} worker_shutdown_timeout 5x;', 'events {} include nosuch.conf;', 'events {} include nosuch*.conf;',
    'events {} include;', 'events {} "daemon" "off";', "events {} 'daemon' off;", 'events {} "daemon"off;',
    'events {} daemon "off"x;', 'events {} daemon off}', 'events {} daemon off};', 'events {} # comment',
    'events {} daemon o\\ff;', 'events {} pid ${x}.pid;', 'events {} error_log stderr;', 'events {} error_log stderr loud;',
    'events {} error_log stderr info;', '\ufeffevents {}', 'events {} worker_rlimit_nofile 100;',
    'events {} worker_rlimit_nofile -1;', 'events {} worker_cpu_affinity 01 10;', 'events {} worker_cpu_affinity 0x;',
    'events {} pcre_jit on;', 'events {} lock_file x;', 'events {} ' + '# ' + 'x' * 5000,
    'events {} # ' + 'x' * 5000 + '\n', 'events {} env ' + 'x' * 4000 + ';', 'events {} env ' + 'x' * 4096 + ';',
    'events {} env "' + 'x' * 4096 + '";',
]
HTTP = [
    'sendfile on;', 'sendfile yes;', 'sendfile on; sendfile on;', 'client_max_body_size 1g;', 'client_max_body_size 1.5m;',
    'client_body_buffer_size 1g;', 'client_body_buffer_size 16K;', 'send_timeout 1m30s;', 'send_timeout 30s1m;',
    'send_timeout 1y;', 'send_timeout 1M;', 'send_timeout "1m 30s";', 'send_timeout "1 2";', 'send_timeout 5s5;',
    'send_timeout "";', 'send_timeout -1;', 'send_timeout 500ms;', 'keepalive_timeout 10 20;', 'keepalive_timeout 10 20ms;',
    'keepalive_timeout 10 1y;', 'keepalive_timeout;', 'keepalive_requests x;', 'lingering_close always;',
    'lingering_close maybe;', 'large_client_header_buffers 4 8k;', 'large_client_header_buffers 4;',
    'large_client_header_buffers 0 8k;', 'large_client_header_buffers 4 100; server { }', 'client_header_buffer_size 1;',
    'log_format a "$remote_addr";', 'log_format a "x"; log_format a "y";', 'log_format a escape=json x;',
    'log_format a escape=xml x;', 'access_log off;', 'access_log off x;', 'access_log l nosuch;', 'access_log l combined;',
    'access_log l combined buffer=32k flush=5s;', 'access_log l combined buffer=x;', 'access_log l combined flush=x;',
    'access_log l combined nosuch;', 'log_format m x; access_log l m;', 'error_log stderr warn;',
    'error_log stderr nosuch;', 'default_type text/html;', 'types { text/html html; }', 'types { text/html html }',
    'types { text/html { } }', 'index a b;', 'index;', 'root x;', 'root x; root y;', 'alias x;', 'proxy_pass http://127.0.0.1;',
    'proxy_set_header A b;', 'proxy_set_header A;', 'proxy_http_version 1.1;', 'proxy_http_version 3;',
    'proxy_next_upstream error timeout;', 'proxy_next_upstream nosuch;', 'proxy_next_upstream error error;',
    'proxy_redirect off;', 'proxy_redirect x;', 'proxy_redirect a b;', 'proxy_buffers 1 4k; server { }',
    'proxy_buffers 8;', 'proxy_buffer_size 4k;', 'proxy_busy_buffers_size 1k; server { }',
    'proxy_busy_buffers_size 1m; server { }', 'proxy_max_temp_file_size 1g;', 'proxy_max_temp_file_size 1k; server { }',
    'proxy_temp_file_write_size 1k; server { }', 'client_body_temp_path /proc/none;',
    'client_body_temp_path x 1 2 3;', 'client_body_temp_path x 0;', 'client_body_temp_path x 1 2 3 4;', 'proxy_temp_path x a;',
    'proxy_hide_header X;', 'proxy_pass_header Server;', 'proxy_ssl_verify_depth x;',
    'ssl_protocols TLSv1.2 TLSv1.3;', 'ssl_protocols TLSv9;', 'ssl_session_cache shared:a:1m;',
    'ssl_session_cache shared:a:1k;', 'ssl_session_cache shared:a;', 'ssl_session_cache off;', 'ssl_session_cache x;',
    'ssl_session_timeout 1h;', 'ssl_session_timeout 1ms;', 'upstream u { server 127.0.0.1; }', 'upstream u { }',
    'upstream { }', 'upstream u { server 127.0.0.1; } upstream u { server 127.0.0.1; }', 'upstream u { server 127.0.0.1:x; }',
    'upstream u { server 127.0.0.1:0; }', 'upstream u { server 127.0.0.1:65536; }', 'upstream u { server :80; }',
    'upstream u { server 127.0.0.1/x; }', 'upstream u { server unix:; }', 'upstream u { server unix:/x; }',
    'upstream u { server nosuch.invalid; }', 'upstream u { server 127.0.0.1 weight=0; }',
    'upstream u { server 127.0.0.1 weight=2 max_fails=0 fail_timeout=5s down; }', 'upstream u { server 127.0.0.1 x; }',
    'upstream u { server 127.0.0.1 fail_timeout=5ms; }', 'upstream u { server 127.0.0.1 max_conns=x; }',
    'upstream u { server 127.0.0.1; keepalive x; }', 'upstream u { server 127.0.0.1; keepalive 5; }',
    'upstream u { server 127.0.0.1; server_name x; }', 'upstream u { server [::1]:80; }', 'upstream u { server [::1; }',
    'upstream u { least_conn; server 127.0.0.1 backup; server 127.0.0.1; }', 'upstream u { least_conn x; server 127.0.0.1; }',
    'upstream u { least_conn; least_conn; server 127.0.0.1; }', 'upstream u { server 127.0.0.1; least_conn; keepalive 1; }',
    'upstream u { hash; server 127.0.0.1; }', 'upstream u { hash $uri; server 127.0.0.1; }', 'upstream u { hash $uri x; server 127.0.0.1; }',
    'upstream u { hash a$uri$args consistent; server 127.0.0.1; }', 'upstream u { hash $uri consistent x; server 127.0.0.1; }',
    'upstream u { hash $nosuch; server 127.0.0.1; }', 'upstream u { hash $uri; server 127.0.0.1 backup; }',
    'upstream u { server 127.0.0.1 backup; server 127.0.0.1; hash $uri; }', 'upstream u { hash "" consistent; least_conn; server 127.0.0.1; }',
    'upstream u { ip_hash; server 127.0.0.1; }', 'upstream u { ip_hash x; server 127.0.0.1; }', 'upstream u { ip_hash; }',
    'upstream u { ip_hash; server 127.0.0.1 weight=2 max_conns=3 down backup; }', 'ip_hash;',
    'upstream u { random; server 127.0.0.1; }', 'upstream u { random two; server 127.0.0.1; }', 'upstream u { random one; server 127.0.0.1; }',
    'upstream u { random two least_conn; server 127.0.0.1; }', 'upstream u { random two x; server 127.0.0.1; }',
    'upstream u { random two least_conn x; server 127.0.0.1; }', 'upstream u { random; server 127.0.0.1 backup; }',
    'upstream u { least_conn; }', 'upstream u { least_conn { } server 127.0.0.1; }', 'upstream u { least_con; }', 'least_conn;',
    'server { listen 80; }', 'server { listen *:80; }', 'server { listen 127.0.0.1; }', 'server { listen [::]:80; }',
    'server { listen [::]:80 ipv6only=off; }', 'server { listen 80 ipv6only=off; }', 'server { listen 0; }',
    'server { listen 65536; }', 'server { listen 127.0.0.1:x; }', 'server { listen 127.0.0.1:; }', 'server { listen nosuch.invalid:80; }',
    'server { listen unix:/x; }', 'server { listen unix:; }', 'server { listen 80 backlog=x; }', 'server { listen 80 backlog=5; }',
    'server { listen 80 rcvbuf=x; }', 'server { listen 80 rcvbuf=8k; }', 'server { listen 80 nosuch; }', 'server { listen; }',
    'server { listen 80; listen 80; }', 'server { listen 80; listen *:80; }', 'server { listen 80 default; }',
    'server { listen 80 default_server; } server { listen 80 default_server; }', 'server { listen 80 ssl; }',
    'server { listen 80 reuseport; } server { listen 80 deferred; }', 'server { listen 80 so_keepalive=on; }',
    'server { server_name a b *.c .d e.*; }', 'server { server_name *; }', 'server { server_name .; }', 'server { server_name ~; }',
    'server { server_name ~(; }', 'server { server_name ""; }', 'server { server_name; }',
    'server { server_name *.a.*; } server { server_name b; }', 'server { server_name a..b; } server { server_name c; }',
    'server { ssl_certificate nosuch.pem; }', 'server { return; }', 'server { return 200; }', 'server { events { } }',
]
LOCATION = [
    'location / { }', 'location { }', 'location = / { }', 'location =/ { }', 'location ^~ / { }', 'location ^~/ { }',
    'location ~ x { }', 'location ~* x { }', 'location ~*x { }', 'location ! / { }', 'location = / / { }', 'location @a { }',
    'location / { } location / { }', 'location / { } location ^~ / { }', 'location / { } location = / { }',
    'location ~ x { } location ~ x { }', 'location @a { } location @a { }', 'location = /a { location /a { } }',
    'location /a { location /b { } }', 'location /a { location /ab { } }', 'location @a { location /a { } }',
    'location /a { location @b { } }', 'location ~ a { location ~ b { } }', 'location ~ a { location /a { } }',
    'location /a { location ~ b { } }', 'location ~ ( { }', 'location ~ [ { }', 'location ~ *x { }', r'location ~ \.php$ { }',
    'location ~ ^/(?<n>.)$ { return 200 $n; }', 'location ~ a{2} { }', 'location ~ "a{2}" { }', 'location / { internal; }',
    'location / { internal on; }', 'location / { return 200 x; }', 'location / { return x; }', 'location / { return 1000; }',
    'location / { return 999; }', 'location / { return 44; }', 'location / { return http://x; }', 'location / { return /x; }',
    'location / { return 301 $scheme://x; }', 'location / { return 200 "$"; }', 'location / { return 200 "${host"; }',
    'location / { return 200 "${}"; }', 'location / { return 200 a b; }', 'location / { root a; alias b; }',
    'location / { alias b; root a; }', 'location @a { alias b; }', 'location / { alias b; }', 'location / { listen 80; }',
    'location / { proxy_pass; }', 'location / { proxy_pass http://127.0.0.1:1; }', 'location / { proxy_pass 127.0.0.1:1; }',
    'location / { proxy_pass http://; }', 'location / { proxy_pass http:///; }', 'location / { proxy_pass http://127.0.0.1:0; }',
    'location / { proxy_pass http://127.0.0.1:x; }', 'location / { proxy_pass http://127.0.0.1/a; }',
    'location / { proxy_pass http://nosuch.invalid; }', 'location / { proxy_pass http://unix:/x; }',
    'location / { proxy_pass http://unix:/x:/y; }', 'location / { proxy_pass http://unix:; }',
    'location / { proxy_pass http://[::1]:80/; }', 'location / { proxy_pass http://$host; }',
    'location ~ x { proxy_pass http://127.0.0.1; }', 'location ~ x { proxy_pass http://127.0.0.1/; }',
    'location @x { proxy_pass http://127.0.0.1/; }', 'location ~ x { proxy_pass http://$host/; }',
    'location / { proxy_pass http://127.0.0.1; proxy_pass http://127.0.0.1; }', 'location / { proxy_pass https://127.0.0.1; }',
    'location / { proxy_pass http://127.0.0.1; location /a { } }', 'location / { types { } default_type x/y; }',
    'error_page 404 /x;', 'error_page 404 500 =200 /x;', 'error_page 404 = @x;', 'error_page 404;', 'error_page = /x;',
    'error_page 299 /x;', 'error_page 600 /x;', 'error_page 499 /x;', 'error_page x /x;', 'error_page 404 =x /x;',
    'error_page 404 =-1 /x;', 'error_page 404 =200 x /x;', 'error_page 404 /x; error_page 404 /y;', 'error_page 404 "";',
    'location / { error_page 404 $nosuch; }', 'location / { recursive_error_pages maybe; }',
    'location / { proxy_intercept_errors on; recursive_error_pages on; }',
    'try_files $uri =404;', 'location / { try_files a b; try_files a b; }', 'location / { try_files a; }',
    'location / { try_files a =x; }', 'location / { try_files a =1000; }', 'location / { try_files a =; }',
    'location / { try_files =404 =404; }', 'location / { try_files $nosuch b; }', 'location / { try_files "" @x; }',
    'set $v x;', 'set v x;', 'set $ x;', 'set $v;', 'set $host x;', 'set $args x;', 'set $v $nosuch;', 'rewrite a b;',
    'rewrite a b last;', 'rewrite a b nosuch;', 'rewrite a;', 'rewrite ( b;', 'rewrite a "";', 'rewrite a $nosuch;',
    'rewrite a b last x;', 'rewrite a http://b break;', 'break;', 'break x;', 'location / { break; break; }',
    'rewrite_log on; uninitialized_variable_warn off;', 'rewrite_log x;', 'location / { set $v x; return 200 $v$V; }',
    'return 200 $late; location / { set $late x; }', 'location / { return 200; return 300; return x; }',
    'if ($host) { }', 'if { }', 'if () { }', 'if ( ) { }', 'if $host { }', 'if ($host { }', 'if ($host = a) { }', 'if ($host == a) { }',
    'if ($host =) { }', 'if ($host = ) { }', 'if ($host = a b) { }', 'if ($host=a) { }', 'if (host) { }', 'if ( $host ) { }',
    'if ($host ~ a) { }', 'if ($host ~ "a") { }', 'if ($host ~ ( ) { }', 'if ($host !~* a) { }', 'if ($host !a b) { }', 'if (-f x) { }',
    'if (!-f x) { }', 'if (-z x) { }', 'if (-f) { }', 'if (-f x y) { }', 'if ($nosuch) { }', 'if ($1) { }', 'if ("$host") { }', 'if ($host);',
    'if ($host) { if ($host) { } }', 'if ($host) { root x; }', 'if ($host) { return 403; }', 'if ($host) { location / { } }',
    'location / { if ($host) { root x; } }', 'location / { if ($host) { proxy_pass http://127.0.0.1; } }',
    'location / { if ($host) { proxy_pass http://127.0.0.1/; } }', 'location / { if ($host) { index x; } }',
    'location / { if ($host) { location /a { } } }', 'location / { if ($host) { proxy_set_header A b; } }',
    'location / { if ($host) { if ($host) { } } }', 'location / { if ($host) { alias x; } }', 'location / { if ($host) { try_files a b; } }',
    'location / { root x; if ($host) { root y; root z; } }', 'location / { proxy_pass http://127.0.0.1/a; if ($host) { set $v x; } }',
    'location / { if ($host) { access_log off; expires 1h; add_header A b; error_page 404 /x; sendfile on; } }',
    'location / { index ""; }', 'location / { sendfile on; tcp_nopush on; }', 'location / { client_header_timeout 1s; }',
]


def configurations():
    yield from MAIN
    yield from (f'events {{}}\nhttp {{\n{text}\n}}\n' for text in HTTP)
    yield from (f'events {{}}\nhttp {{ server {{\n{text}\n}} }}\n' for text in LOCATION)


def verdict(program, folder, text):
    """None where the configuration is accepted, else what follows "[emerg]"; the line is left out where servers are merged."""
    (folder / 'logs').mkdir(exist_ok=True)
    (folder / 'test.conf').write_text('pid logs/pid;\n' + text)
    done = subprocess.run([program, '-t', '-p', f'{folder}/', '-c', 'test.conf', '-e', 'stderr'], capture_output=True,
                          text=True, timeout=30)
    if done.returncode == 0:
        return None
    found = re.search(r'\[emerg\] (?:\d+#\d+: )?(.*)', done.stderr)
    assert found, done.stderr
    message = found[1].replace(str(folder), '')
    # what nginx finds when it joins servers has the last line of http, and no line at all where a variable is unknown
    return re.sub(r' in /test.conf:\d+$', '', message) if 'buffers' in message or 'variable' in message else message


@pytest.mark.parametrize('text', [pytest.param(text, id=' '.join(text.split())[:70]) for text in configurations()])
def test_verdict(text, gate_program, nginx_program, tmp_path):
    as_nginx = tmp_path / 'nginx'
    as_nginx.symlink_to(gate_program.resolve())
    assert verdict(as_nginx, tmp_path, text) == verdict(nginx_program, tmp_path, text)


# ---- the cases of conf_cases.py, many in one test ----

# what nginx 1.22 refuses or takes otherwise, and why that stays
KNOWN = [
    (r'proxy_buffer_size 0;', 'a buffer of nothing is refused'),
    (r'connection_pool_size', 'sizes of pools have no effect'),
    (r'proxy_set_header A \$nosuch|proxy_set_body \$nosuch', 'unknown variables are told also where no location uses them'),
    (r'aio (on|maybe)', 'aio has no effect'),
    (r'proxy_cache_|stream ', 'not there yet'),
    (r'setfib=|accept_filter=', 'told as what other systems have'),
    (r'transparent', 'a worker has no right to other hosts\' addresses'),
    (r'proxy_bind (off x|unix:)', 'other words'),
    (r'proxy_redirect default;( proxy_redirect default;)?\n', 'also where no proxy_pass stands in front of it'),
    (r'listen \[::1;', 'other words'),
    (r'server_tokens maybe', 'other words'),
]


def told(text):
    """As gate shows it: control bytes escaped."""
    return text and re.sub(r'[\0-\x1f]', lambda byte: f'\\x{ord(byte[0]):02X}', text)


def first_error(program, folder, text):
    (folder / 'test.conf').write_bytes(('pid logs/pid;\n' + text).encode())
    done = subprocess.run([program, '-t', '-p', f'{folder}/', '-c', 'test.conf', '-e', 'stderr'], capture_output=True, timeout=30)
    if done.returncode == 0:
        return None
    found = re.search(r'\[(?:emerg|crit)\] (?:\d+#\d+: )?(.*?)(?: in (?:/test.conf|/inc/\w+\.conf):\d+)?(?:\n(?!\w* a;)|$)', done.stderr.decode(errors='replace').replace(str(folder), ''), re.S)
    place = re.search(r' in (\S+\.conf:\d+)\n', done.stderr.decode(errors='replace').replace(str(folder), ''))
    # what nginx finds when it joins servers has the last line of http, and no line at all where a variable is unknown or a file is none
    moves = not found or any(word in found[1] for word in ('buffers', 'variable', 'pread()', 'temp_file'))
    return told(found[1]) if found else done.stderr, None if moves or not place else place[1]


@pytest.mark.parametrize('part', range(8))
def test_first_errors(part, gate_program, nginx_program, tmp_path):
    as_nginx = tmp_path / 'nginx'
    as_nginx.symlink_to(gate_program.resolve())
    folders = []
    for name in ('gate', 'theirs'):
        for below in ('logs', 'inc'):
            (tmp_path / name / below).mkdir(parents=True)
        for file, text in conf_cases.INCLUDED.items():
            (tmp_path / name / 'inc' / file).write_text(text)
        folders.append(tmp_path / name)
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for text in list(dict.fromkeys(conf_cases.configurations()))[part::8]:
            ours, theirs = pool.map(first_error, (as_nginx, nginx_program), folders, (text, text))
            if ours != theirs and not any(re.search(pattern, text) for pattern, _ in KNOWN):
                wrong.append((text[:200], ours, theirs))
    assert not wrong, '\n'.join(map(str, wrong))
