"""Small configurations for each rule of nginx's language: what is a word, a value, a context, a listener, a location.

test_conf.py asks gate and nginx for their verdict on every one, and for the text of the first error.
"""

# ---- words ----

INCLUDED = {'events.conf': 'events {}\n', 'bad.conf': '\nnosuch;\n', 'deep.conf': '\n\ninclude inc/bad.conf;\n', 'empty.conf': '', 'server.conf': 'server { }\n', 'half.conf': 'server {', 'brace.conf': '}', 'open.conf': 'http {\n',
            'types.conf': 'a b;', 'map.conf': 'a b;', 'geo.conf': '10.0.0.0/8 a;'}

WORDS = {
    'blanks between words': ['events{}', 'events\t{\t}', 'events\r\n{\r\n}\r\n', 'events {}\rdaemon off;', 'events\v{}', 'events\f{}', 'events {}\0', 'events\xa0{}',
                             '\n\n\nevents {}\n\n'],
    'a brace ends a block only where a word begins': ['events {} env a};', 'events {} env a}b;', 'events {} env }a;', 'events {} env };', 'events {} env a }', 'events { worker_connections 10 }',
                                                      'events { worker_connections 10} ;', 'http { } }', 'events {} http { server { server_name a}; } }', 'events {}}'],
    'nothing in front': [';', '{', 'events {} ;;', 'events {} {}', 'events {} env a;;', 'events { ; }', 'events { { } }', '\n\n;'],
    'comments': ['#\nevents {}', 'events {}#x', 'events {} env a#b;', 'events {} env a #b;\n;', 'events {} env #b\n a;', 'events # {\n{ # }\n}', 'events {} # no line feed', '# a\r# b\nevents {}',
                 'events {} #' + 'x' * 4094 + '\n', 'events {} #' + 'x' * 4095 + '\n', 'events {} #' + 'x' * 4096 + '\n', '#' + 'x' * 5000 + '\nevents {}', '#"\nevents {}', "events {} #'{;"],
    'quotes': ['events {} env "a";', "events {} env 'a';", 'events {} env a"b;', 'events {} env a"b";', 'events {} env "a\'b";', "events {} env 'a\"b';", 'events {} env "a\nb";', 'events {} env "a"b;',
               'events {} env "a"\'b\';', 'events {} env "a"{', 'events {} env "a"}', 'events {} env "a"#b\n;', 'events {} env "a")', 'events {} env "a" );', 'events {} env "a\\"b";', 'events {} env "a', "events {} env 'a",
               'events {} env "a;\n', 'events {} env ";";', 'events {} env "{";', 'events {} env "}";', 'events {} "env" "a";', '"events" {}', '"events"{}', "'events' 'x' {}", 'events {} env "\\\\";', 'events {} env "\\";'],
    'what a backslash does': ['events {} env a\\ b;', 'events {} env a\\;b;', 'events {} env a\\{b;', 'events {} env a\\}b;', 'events {} env \\"a;', 'events {} env \\;', 'events {} env a\\', 'events {} \\env a;',
                              'events {} no\\tsuch a;', 'events {} no\\rsuch a;', 'events {} no\\\\such a;', 'events {} no\\"such a;', "events {} no\\'such a;", 'events {} no\\dsuch a;',
                              'events {} no\\;such a;', 'events {} "no\\;such" a;', 'events {} "no\\tsuch" a;', "events {} 'no\\'such' a;", 'events {} \\#no a;', 'events {} daemon o\\tn;', 'events {} daemon "o\\.n";'],
    'a brace behind a dollar': ['events {} env ${a};', 'events {} env a${b}c;', 'events {} env "${a}";', 'events {} env $ {a};', 'events {} env ${a', 'events {} env ${a{b};', 'events {} env \\${a};', 'events {} ${env} a;',
                                'events {} env $${a};', 'events {} env a$'],
    'an empty word': ['events {} env "";', "events {} env '';", 'events {} "" a;', '"" {}', 'events "" {}', 'events {} daemon "";', 'events {} worker_processes "";', 'events {} include "";', 'events {} user "";', '"";'],
    'how long a word may be': [f'events {{}} env {"x" * n};' for n in (4094, 4095, 4096, 4097)] + [f'events {{}} env "{"x" * n}";' for n in (4093, 4094, 4095, 4096)] + [
        f"events {{}} env '{'x' * 5000}';", f'events {{}} {"x" * 4096} a;', f'events {{}} env {"x " * 3000};', f'events {{}} env "{"x" * 5000}', f'events {{}} env {"x" * 5000}', 'events {}' + ' ' * 9000 + 'env a;',
        'events {} env \n\n"' + 'x\n' * 3000 + '";'],
    'where a file ends': ['events {', 'events', 'events {} env', 'events {} env a', 'events { worker_connections', 'events { worker_connections 10', 'http { server {', 'http { server { }', 'events {} env "', 'events {} http {\n\n\n',
                          'events {} # x', '', '\n', '#', ' '],
    'whose line an error has': ['events {}\nenv\na\nb\n;', 'events {}\n\nnosuch\n\na;', 'events {}\nhttp {\n server {\n  nosuch;\n }\n}', 'events {}\nhttp\n{\nserver\n{\nlisten\nx:y\n;\n}\n}', 'events {}\ndaemon\nmaybe\n;\nnosuch;',
                                'events {}\ninclude inc/bad.conf;', 'events {}\ninclude inc/deep.conf;'],
    'which name, and where': ['Events {}', 'events {} Daemon on;', 'events {} HTTP {}', 'events {} proxy_pass x;', 'events {} nosuch a b c {', 'events {} nosuch', 'events {} server_name a', 'events {} listen {}',
                              'events {} daemon', 'events {} daemon {}', 'events {} daemon a b {', 'events {} http;', 'events {} http a;', 'events {} http a {}', 'events x {}', 'events {} daemon on; daemon a b;', 'events {} daemon on; daemon maybe;',
                              'events {} http { daemon on; }', 'events { http {} }', 'events { daemon on; }', 'events {} server {}', 'events {} location / {}', 'events {} upstream a {}', 'events {} if (a) {}', 'events {} types {}',
                              'events {} http { events {} }', 'events {} http { location / {} }', 'events {} http { if ($host) {} }', 'events {} http { worker_connections 1; }', 'events {} http { server; }', 'events {} http { server a {} }'],
    'how many words': ['events {} env a b c d e f g h i;', 'events {} daemon a b c d e f g h i j k l m n o p;', 'events {} http { large_client_header_buffers 1 2 3 4 5 6 7 8; }',
                       'events {} http { proxy_set_header 1 2 3 4 5 6 7 8; }', 'events {} http { index 1 2 3 4 5 6 7 8 9 10 11 12; }', 'events {} http { server_name a; }', 'events {} error_log;'],
    'include': ['include inc/events.conf;', 'include inc/[e]vents.conf;', 'include inc/e?ents.conf;', 'include inc/e*.conf;', 'include nosuch/*;', 'include [;', 'include inc/nosuch.conf;', 'include inc;', 'include inc/empty.conf; events {}',
                'events { include inc/empty.conf; }', 'events {} http { include inc/server.conf; }', 'events {} http { server { include inc/server.conf; } }', 'events {} http { include inc/half.conf; }', 'events {} http { include inc/half.conf }',
                'events {} include inc/brace.conf;', 'events {} include inc/open.conf;', 'events {} include a b;', 'events {} include inc/events.conf;', 'events {} http { include inc/*.none; server { } }',
                'events {} http { types { include inc/types.conf; } }', 'events {} http { map $uri $m { include inc/map.conf; } }', 'events {} http { geo $g { include inc/geo.conf; } }',
                'events {} http { types { include nosuch; } }', 'events {} http { map $uri $m { include nosuch; } }', 'events {} http { geo $g { include nosuch; } }'],
    'blocks of their own': ['events {} http { types { a { } } }', 'events {} http { map $uri $m { a { } } }', 'events {} http { geo $g { 10.0.0.0/8 { } } }', 'events {} http { split_clients $uri $s { 5% { } } }',
                            'events {} http { types { ; } }', 'events {} http { types { a; } }', 'events {} http { map $uri $m { a; } }', 'events {} http { map $uri $m { a b c; } }', 'events {} http { map $uri $m { a b',
                            'events {} http { split_clients $uri $s { 50% a; 60% b; } }', 'events {} http { split_clients $uri $s { 5 a; } }', 'events {} http { split_clients $uri $s { 0.005% a; } }', 'events {} http { types { a b; a b; } }',
                            'events {} http { map $uri m { } }', 'events {} http { map uri $m { } }', 'events {} http { map $uri $m { default a; default b; } }', 'events {} http { map $uri $m { a b; a c; } }', 'events {} http { geo g { } }',
                            'events {} http { geo $g { x y; } }', 'events {} http { geo $g { default a; default b; } }', 'events {} http { charset_map a b { 80; } }', 'events {} http { types }', 'events {} http { types a { } }'],
}

# ---- values ----

FLAGS = ['sendfile ON;', 'sendfile Off;', 'sendfile yes;', 'sendfile 1;', 'sendfile "";', 'sendfile on off;', 'sendfile on; sendfile off;', 'proxy_buffering true;']
SIZES = [f'{name} {value};' for name in ('client_body_buffer_size', 'proxy_max_temp_file_size', 'sendfile_max_chunk', 'client_max_body_size', 'directio', 'limit_rate')
         for value in ('0', '1', '1k', '1K', '2m', '2M', '1g', '1G', '1kb', 'k', '1.5k', '-1', '+1', '1 k', '""', '99999999999999999999', '9223372036854775807', '0x10', '1kk')]
TIMES = [f'{name} {value};' for name in ('send_timeout', 'keepalive_timeout', 'proxy_read_timeout', 'open_file_cache_valid', 'client_body_timeout')
         for value in ('0', '5', '5s', '5ms', '1m', '1h', '1d', '1w', '1M', '1y', '1y1M', '1m30s', '30s1m', '1m1m', '"1m 30s"', '"1m  30"', '5s5', '1h30', '1.5s', '-1', '""', 's', '5x', '5S', '9999999999999999999', '1w1d1h1m1s', '1s500ms', '500ms1s', '1ms1')]
EXPIRES = [f'expires {value};' for value in ('1h', '-1h', '@5h', '@24h', '@25h', 'max', 'off', 'epoch', 'modified', 'modified 1h', 'modified +1h', '+1h', '1y', '1M', '1ms', '""', 'x', 'modified x', 'max x')]
VALUES = {
    'flags': FLAGS, 'sizes': SIZES, 'times': TIMES + EXPIRES,
    'only once': ['root a; root b;', 'send_timeout 1; send_timeout 2;', 'client_max_body_size 1; client_max_body_size 2;', 'proxy_buffers 8 4k; proxy_buffers 8 4k;', 'default_type a; default_type b;', 'index a; index b;',
                  'keepalive_timeout 1; keepalive_timeout 2;', 'keepalive_requests 1; keepalive_requests 2;', 'satisfy any; satisfy any;', 'log_format a a; log_format a b;', 'expires 1; expires 2;', 'limit_rate 1; limit_rate 2;',
                  'proxy_bind 127.0.0.1; proxy_bind 127.0.0.2;', 'proxy_bind off; proxy_bind off;', 'lingering_close on; lingering_close off;', 'proxy_next_upstream error; proxy_next_upstream timeout;', 'proxy_redirect off; proxy_redirect off;',
                  'proxy_redirect off; proxy_redirect a b;', 'access_log off; access_log a;', 'access_log a; access_log off;', 'proxy_http_version 1.1; proxy_http_version 1.0;', 'gzip_types a b; gzip_types c;',
                  'open_file_cache off; open_file_cache max=1;', 'types { a b; } types { c d; }', 'try_files a b;', 'proxy_method A; proxy_method B;', 'client_body_temp_path temp; client_body_temp_path b;', 'resolver 127.0.0.1; resolver 127.0.0.1;'],
    'lists grow': ['add_header A b; add_header A b;', 'proxy_set_header A b; proxy_set_header A b;', 'allow all; allow all; deny all;', 'error_page 404 /a; error_page 404 /b;', 'proxy_hide_header A; proxy_hide_header A;',
                   'proxy_cookie_path a b; proxy_cookie_path c d;', 'proxy_redirect a b; proxy_redirect c d;', 'sub_filter a b; sub_filter a c;', 'access_log a; access_log b;', 'set_real_ip_from 10.0.0.0/8; set_real_ip_from 10.0.0.0/8;',
                   'error_log a; error_log b;', 'proxy_ignore_headers Expires; proxy_ignore_headers Vary;', 'proxy_pass_header A; proxy_pass_header a;', 'proxy_cookie_flags a secure; proxy_cookie_flags b secure;', 'mirror /a; mirror /b;'],
    'sets of words': ['proxy_next_upstream error error timeout;', 'proxy_next_upstream off error;', 'proxy_next_upstream http_500 http_429 non_idempotent;', 'proxy_next_upstream http_501;', 'ssl_protocols TLSv1.2 TLSv1.2;', 'ssl_protocols tlsv1.2;',
                      'proxy_ignore_headers Expires Expires;', 'proxy_ignore_headers Nosuch;', 'gzip_proxied any off;', 'gzip_proxied nosuch;', 'proxy_cache_methods GET PUT;', 'proxy_next_upstream;', 'satisfy both;', 'satisfy ALL;',
                      'proxy_ssl_protocols SSLv2 TLSv1.3;', 'gzip_disable msie6;', 'keepalive_disable msie6 safari;', 'keepalive_disable none;', 'keepalive_disable chrome;', 'keepalive_disable msie6 msie6;', 'disable_symlinks maybe;',
                      'if_modified_since never;', 'client_body_in_file_only maybe;', 'real_ip_header X;', 'aio on;', 'aio maybe;', 'autoindex_format text;', 'underscores_in_headers maybe;', 'server_tokens build;', 'server_tokens maybe;'],
    'numbers': [f'keepalive_requests {value};' for value in ('0', '1', '-1', 'x', '1k', '1.0', '""', '99999999999999999999')] + ['proxy_next_upstream_tries 2;', 'proxy_next_upstream_tries 2x;', 'gzip_comp_level 9;', 'gzip_comp_level 10;', 'gzip_comp_level 0;',
                'gzip_http_version 2.0;', 'max_ranges x;', 'limit_req_status 600;', 'limit_req_status 399;', 'limit_conn_status 429;', 'postpone_output 1460;', 'postpone_output x;', 'read_ahead 1k;', 'send_lowat 0;', 'keepalive_requests;'],
    'buffers and what they fit in': [text + ' server { }' for text in (
        'proxy_buffers 0 4k;', 'proxy_buffers 1 4k;', 'proxy_buffers 2 4k;', 'proxy_buffers x 4k;', 'proxy_buffers 2 x;', 'proxy_buffers 2 0;', 'proxy_buffers 2 1g;', 'proxy_buffer_size 64k;', 'proxy_buffer_size 0;',
        'proxy_busy_buffers_size 4k; proxy_buffers 2 4k;', 'proxy_busy_buffers_size 8k;', 'proxy_busy_buffers_size 32k;', 'proxy_busy_buffers_size 28k;', 'proxy_busy_buffers_size 28673;', 'proxy_busy_buffers_size 2k;',
        'proxy_temp_file_write_size 2k;', 'proxy_temp_file_write_size 8k;', 'proxy_max_temp_file_size 0;', 'proxy_max_temp_file_size 2k;', 'proxy_max_temp_file_size 8k;', 'proxy_buffer_size 16k; proxy_busy_buffers_size 8k;',
        'proxy_buffer_size 16k; proxy_temp_file_write_size 8k;', 'proxy_buffer_size 16k; proxy_max_temp_file_size 8k;', 'proxy_buffers 4 16k; proxy_busy_buffers_size 8k;', 'output_buffers 0 1k;', 'output_buffers 1 1k;', 'output_buffers 1;',
        'gzip_buffers 16 8k;', 'gzip_buffers 0 8k;', 'large_client_header_buffers 4 512;', 'large_client_header_buffers 4 512; client_header_buffer_size 600;', 'connection_pool_size 511;', 'connection_pool_size 8;', 'request_pool_size 4k;')] + [
        'server { location / { proxy_buffers 1 4k; } }', 'server { location / { proxy_busy_buffers_size 1k; } }'],
    'temporary folders': ['client_body_temp_path temp;', 'client_body_temp_path temp 1;', 'client_body_temp_path temp 1 2 3;', 'client_body_temp_path temp 1 2 3 4;', 'client_body_temp_path temp 4;', 'client_body_temp_path temp 0;', 'client_body_temp_path temp x;',
                          'client_body_temp_path temp -1;', 'proxy_temp_path temp 1 2;', 'proxy_temp_path temp 3 3 3;', 'proxy_temp_path temp 9;', 'proxy_temp_path;'],
}

# ---- contexts ----

CONTEXTS = {
    'there is one of each': ['http {}', 'events {} events {}', 'events {} http {} http {}', 'http {} http {}', 'events { } events', 'events {} stream {} stream {}', 'http { server { } }', 'daemon off;'],
    'main': ['events {} sendfile on;', 'events {} root a;', 'events {} access_log off;', 'events {} add_header A b;', 'events {} return 200;', 'events {} set $a b;', 'events {} keepalive 5;', 'events {} allow all;'],
}
IN_HTTP = ['server { upstream a { server 127.0.0.1; } }', 'location / { }', 'return 200;', 'set $a b;', 'rewrite a b;', 'if ($host) { }', 'listen 80;', 'server_name a;', 'alias a;', 'internal;', 'try_files a b;', 'proxy_pass http://127.0.0.1;',
           'limit_except GET { }', 'break;', 'http { }', 'keepalive 5;', 'upstream a { server 127.0.0.1; root a; }', 'upstream a { server 127.0.0.1; upstream b { } }', 'upstream a { server 127.0.0.1 { } }', 'upstream a { location / { } }',
           'server { log_format a b; }', 'server { map $uri $a { } }', 'server { geo $a { } }', 'server { limit_req_zone $uri zone=a:1m rate=1r/s; }', 'server { proxy_cache_path a keys_zone=a:1m; }', 'server { server_names_hash_max_size 1; }', 'server { server { } }']
IN_SERVER = ['alias a;', 'internal;', 'proxy_pass http://127.0.0.1;', 'limit_except GET { }', 'location / { server_name a; }', 'location / { listen 80; }', 'location / { merge_slashes on; }', 'location / { client_header_buffer_size 1k; }',
             'location / { large_client_header_buffers 4 8k; }', 'location / { ignore_invalid_headers on; }', 'location / { underscores_in_headers on; }', 'location / { client_header_timeout 1; }', 'location / { limit_except GET { allow all; } }',
             'location / { limit_except GET { root a; } }', 'location / { limit_except GET { proxy_pass http://127.0.0.1; } }', 'location / { limit_except GET { proxy_pass http://127.0.0.1/; } }', 'location / { limit_except GET { auth_basic a; } }',
             'location / { limit_except GET { return 200; } }', 'location / { limit_except GET { location /a { } } }', 'location / { limit_except NOSUCH { } }', 'location / { limit_except get HEAD { } }', 'location / { limit_except { } }',
             'location / { limit_except GET { } limit_except PUT { } }', 'location / { limit_except GET { access_log off; } }', 'location / { limit_except GET { add_header A b; } }', 'if ($host) { root a; }', 'if ($host) { proxy_pass http://127.0.0.1; }',
             'if ($host) { add_header A b; }', 'if ($host) { set $a b; rewrite a b; break; return 200; rewrite_log on; }', 'location / { if ($host) { root a; limit_rate 1; gzip on; charset utf-8; } }', 'location / { if ($host) { internal; } }',
             'location / { if ($host) { auth_basic a; } }', 'location / { if ($host) { allow all; } }', 'location / { if ($host) { client_max_body_size 1; } }', 'location / { if ($host) { limit_except GET { } } }',
             'location / { auth_basic off; access_log off; limit_rate 0; proxy_redirect off; proxy_bind off; satisfy any; gzip_disable x; error_log e; }', 'location / { gzip_disable "("; }', 'satisfy any; location / { satisfy all; }',
             'root a; location / { alias b; }', 'location / { root a; location /a { alias b; } }', 'location / { alias a; location /a { root b; } }', 'location / { proxy_pass http://127.0.0.1; location /a { proxy_pass http://127.0.0.1; } }',
             'location / { proxy_pass http://127.0.0.1; return 200; }', 'location / { try_files a b; try_files a b; }', 'try_files a b; try_files a b;', 'location / { stub_status; proxy_pass http://127.0.0.1; }']

# ---- listeners and names ----

ADDRESSES = ['80', '127.0.0.1', '127.0.0.1:80', '[::1]:80', '[::]:80', '[::1]', '::1', '*:80', '*', 'localhost:80', 'localhost', 'unix:/tmp/x', 'unix:x', 'unix:', ':80', '0', '65535', '65536', '-1', '1.2.3.4.5:80', '256.1.1.1:80', '127.0.0.1:80:80',
             '127.0.0.1:', '127.0.0.1:0', '[::1', '[::1]80', '[::1]:', '80-', '""', '127.0.0.1/80', 'nosuch.invalid:80', '080', '0x50', ' 80', '127.0.0.1:x']
PARAMETERS = ['default_server', 'default', 'bind', 'deferred', 'reuseport', 'proxy_protocol', 'ssl', 'http2', 'setfib=0', 'fastopen=5', 'fastopen=x', 'backlog=0', 'backlog=-1', 'backlog=5', 'backlog=', 'rcvbuf=1k', 'rcvbuf=x', 'rcvbuf=1g', 'sndbuf=1k', 'sndbuf=x',
              'accept_filter=x', 'ipv6only=on', 'so_keepalive=on', 'so_keepalive=off', 'so_keepalive=maybe', 'so_keepalive=1m:5:3', 'so_keepalive=::3', 'so_keepalive=1m', 'so_keepalive=:', 'so_keepalive=a:b:c', 'so_keepalive=1m:5:3:4', 'so_keepalive=::',
              'nosuch', 'default_server default_server', 'bind bind', 'DEFAULT', 'reuseport=on', 'backlog=5 backlog=6']
LISTENING = [f'server {{ listen {each}; }}' for each in ADDRESSES] + [f'server {{ listen 8081 {each}; }}' for each in PARAMETERS if each != 'ssl'] + [
    'server { listen [::]:80 ipv6only=on; }', 'server { listen [::]:80 ipv6only=maybe; }', 'server { listen unix:/tmp/x reuseport; }', 'server { listen unix:/tmp/x ipv6only=on; }', 'server { listen unix:/tmp/x so_keepalive=on; }',
    'server { listen 80; listen 80; }', 'server { listen 80; listen 0.0.0.0:80; }', 'server { listen 80; listen 127.0.0.1:80; }', 'server { listen 80; } server { listen 80; }', 'server { listen 80 backlog=5; } server { listen 80; }',
    'server { listen 80 backlog=5; } server { listen 80 backlog=5; }', 'server { listen 80 backlog=5; } server { listen 80 rcvbuf=1k; }', 'server { listen 80; } server { listen 80 backlog=5; }', 'server { listen 80 bind; } server { listen 80 bind; }',
    'server { listen 80 proxy_protocol; } server { listen 80; }', 'server { listen 80 http2; } server { listen 80; }', 'server { listen 80 default_server; } server { listen 80; }', 'server { listen 80 default_server; listen 81 default_server; }',
    'server { listen 80 default; } server { listen 80 default_server; }', 'server { listen 127.0.0.1:80 default_server; } server { listen 80 default_server; }', 'server { listen 80; server_name a; } server { listen 80; server_name a; }',
    'server { listen 80; server_name a a; }', 'server { listen 80; server_name a *.a; } server { listen 80; server_name .a; }', 'server { listen 80; server_name ~a; } server { listen 80; server_name ~a; }', 'server { server_name A; } server { server_name a; }']
NAMES = [f'server {{ server_name {each}; }} server {{ server_name other; }}' for each in (
    '*', '*.', '*.a', '*a', 'a*', 'a.*', '.a', '.', '..', '.a.*', '*.a.*', 'a.*.b', '""', '"" a', '~', '~a', '~(', '~[', '"~a{2}"', '~a{2}', '~^(?<n>.)', '~^(?<host>.)', '~(?<1a>.)', '/a', 'a/b', 'a:80', 'a.', '_', '$hostname', '$host', 'a$host', 'a\\ b',
    '"a b"', 'A.B', '-a', '1', '[::1]', '127.0.0.1', 'a b c *.d ~e', '*.a *.a', 'a..b', '.a..b', 'x.*. y')] + ['server { server_name; }', 'server { server_name a; server_name b; }']
NAMED = [f'{each}' for each in ('server_name_in_redirect on;', 'server_name_in_redirect maybe;', 'port_in_redirect off;', 'absolute_redirect off;', 'tunnel_pass;')][:4]

# ---- locations; where requests go on ----

LOCATIONS = [f'location {each} {{ }}' for each in ('/', '=/', '= /', '^~/', '^~ /', '~x', '~ x', '~*x', '~* x', '@', '@a', '= @a', '~ @a', '=', '~', '~*', '^~', '= ""', '""', '~ ""', 'a', '= a', '^~ a', '=~ a', '~~ a', '* a', '!~ a', '/a /b', '= /a /b', '~ a b c',
                                                   '"/a b"', '/a\\ b', '/%41', '/a?b', '/a#b', '//a', '/../a', '"~ a"', '"= /"', '=/a=', '~^/a$', '~*\\.x$', '~ \\', '~ "a{1,2}"', '~ a{1,2}', '~ (?<a>x)', '~ (?<1>x)', '~ (?P<a>x)', '~ (a', '~ a)', '~ [a', '~ a**', '~ \\1',
                                                   '~ (?i)a', '~* (?<host>a)', '~ (?<uri>a)')]
LOCATIONS += ['location /a { } location /a { }', 'location = /a { } location = /a { }', 'location = /a { } location /a { }', 'location ^~ /a { } location /a { }', 'location ^~ /a { } location = /a { }', 'location ^~ /a { } location ^~ /a { }',
              'location ~ a { } location ~ a { }', 'location ~ a { } location ~* a { }', 'location @a { } location @a { }', 'location @a { } location @A { }', 'location /a { } location /A { }', 'location a { } location /a { }',
              'location /a { location /a { } }', 'location /a { location /a/b { } }', 'location /a { location /ab { } }', 'location /a { location /b { } }', 'location /a { location / { } }', 'location /a { location = /a { } }', 'location /a { location = /b { } }',
              'location /a { location ^~ /a/ { } }', 'location /a { location ^~ /b { } }', 'location /a { location ~ b { } }', 'location /a { location @b { } }', 'location = /a { location /a { } }', 'location = /a { location = /a { } }',
              'location = /a { location ~ a { } }', 'location @a { location /b { } }', 'location @a { location ~ b { } }', 'location @a { location @b { } }', 'location ~ a { location /b { } }', 'location ~ a { location = /b { } }', 'location ~ a { location ~ b { } }',
              'location ~ a { location @b { } }', 'location /a { location /a { } location /a { } }', 'location /a { location ~ b { } location ~ b { } }', 'location ^~ /a { location ~ b { } location /a/ { location ~ c { } } }',
              'location /a { location /a/b { location /a/c { } } }', 'location /a { location /a/b { location /a/b/c { } } }', 'location / { internal; internal; }', 'location / { internal x; }', 'location { }', 'location / ;', 'location /', 'location / { }; ', 'location a b c d { }']
PASSES = ['http://127.0.0.1', 'http://127.0.0.1/', 'http://127.0.0.1:1/', 'https://127.0.0.1', 'HTTP://127.0.0.1', 'ftp://127.0.0.1', 'http:/127.0.0.1', 'http:', 'http://', 'http:///', 'http://?a', 'http://127.0.0.1?a', 'http://127.0.0.1:', 'http://127.0.0.1:0',
          'http://127.0.0.1:65536', 'http://127.0.0.1:1x', 'http://127.0.0.1:1:2', 'http://[::1]', 'http://[::1]:1/a', 'http://[::1', 'http://::1', 'http://unix:/a', 'http://unix:/a:', 'http://unix:/a:/b', 'http://unix:', 'http://localhost', 'http://localhost:1/x',
          'http://nosuch.invalid', 'http://nosuch.invalid/x', 'http://u', 'http://u/', 'http://u:1', 'http://u:80', 'https://u', 'http://late', 'http://late/x', 'http://$host', 'http://$nosuch', '$scheme://u', '$arg_x', 'http://u$uri', 'http://u/$1', '""', 'u', '/u',
          'http://a b', 'http://u#a', 'http://U', 'http://${host}/x', 'http://u/${arg_x}y', 'http://$', 'https://$host', 'http://user@u/']
PASSING = [f'server {{ location / {{ proxy_pass {each}; }} }} upstream late {{ server 127.0.0.1; }}' for each in PASSES] + [
    f'server {{ {place} }}' for address in ('http://u', 'http://u/', 'http://u/x', 'http://u/$uri') for place in (
        f'location ~ a {{ proxy_pass {address}; }}', f'location @a {{ proxy_pass {address}; }}', f'location / {{ if ($host) {{ proxy_pass {address}; }} }}', f'location / {{ limit_except GET {{ proxy_pass {address}; }} }}',
        f'location = / {{ proxy_pass {address}; }}', f'location ^~ /a {{ proxy_pass {address}; }}', f'location ~ a {{ location /a {{ proxy_pass {address}; }} }}', f'location /a {{ location ~ b {{ proxy_pass {address}; }} }}')]
PASSING = ['upstream u { server 127.0.0.1; } ' + each for each in PASSING]

# ---- heads on their way ----

HEADS = ['proxy_set_header "" x;', 'proxy_set_header A "";', 'proxy_set_header A;', 'proxy_set_header A $nosuch;', 'proxy_set_header "A B" c;', 'proxy_set_header A: b;', 'proxy_set_header $a b;', 'proxy_hide_header "";', 'proxy_hide_header A b;', 'proxy_pass_header A b;',
         'proxy_method "";', 'proxy_method get;', 'proxy_method $arg_m;', 'proxy_set_body "";', 'proxy_set_body $nosuch;', 'proxy_http_version 1.0;', 'proxy_http_version 1.2;', 'proxy_http_version 2;', 'proxy_http_version x;',
         'proxy_redirect default;', 'proxy_redirect default x;', 'proxy_redirect off x;', 'proxy_redirect a;', 'proxy_redirect ~( a;', 'proxy_redirect ~a $1;', 'proxy_redirect ~*a $1;', 'proxy_redirect a $nosuch;', 'proxy_redirect $host a;', 'proxy_redirect default; proxy_redirect default;',
         'proxy_redirect a b c;', 'proxy_cookie_path off;', 'proxy_cookie_path a;', 'proxy_cookie_path ~( a;', 'proxy_cookie_path off; proxy_cookie_path a b;', 'proxy_cookie_path a b; proxy_cookie_path off;', 'proxy_cookie_path off; proxy_cookie_path off;',
         'proxy_cookie_domain off;', 'proxy_cookie_domain a;', 'proxy_cookie_domain .a b;', 'proxy_cookie_domain ~( b;', 'proxy_cookie_domain a $nosuch;', 'proxy_cookie_flags off;', 'proxy_cookie_flags a;', 'proxy_cookie_flags a secure httponly samesite=lax;',
         'proxy_cookie_flags a nosecure nohttponly nosamesite;', 'proxy_cookie_flags a samesite=x;', 'proxy_cookie_flags a samesite;', 'proxy_cookie_flags a x;', 'proxy_cookie_flags ~( secure;', 'proxy_cookie_flags a $nosuch;', 'proxy_cookie_flags a secure; proxy_cookie_flags off;',
         'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset Expires Cache-Control Set-Cookie Vary;', 'proxy_ignore_headers x-accel-expires;', 'proxy_ignore_headers;', 'proxy_bind off;', 'proxy_bind 127.0.0.1;',
         'proxy_bind 127.0.0.1 transparent;', 'proxy_bind 127.0.0.1 x;', 'proxy_bind x;', 'proxy_bind 127.0.0.1:1;', 'proxy_bind $remote_addr;', 'proxy_bind off x;', 'proxy_bind unix:/x;', 'proxy_intercept_errors maybe;', 'proxy_pass_request_headers maybe;',
         'proxy_connect_timeout 80s;', 'proxy_socket_keepalive on;', 'proxy_limit_rate 1k;', 'proxy_limit_rate 1g;', 'proxy_next_upstream_timeout 1x;', 'proxy_store on;', 'proxy_store off;', 'proxy_store_access user:rw;', 'proxy_force_ranges on;', 'proxy_headers_hash_max_size 1;']


def configurations():
    for group in WORDS, {key: CONTEXTS[key] for key in CONTEXTS}:
        for texts in group.values():
            yield from texts
    http = [text for texts in VALUES.values() for text in texts] + IN_HTTP + LISTENING + NAMES + NAMED + PASSING + HEADS
    yield from (f'events {{}}\nhttp {{\n{text}\n}}\n' for text in http)
    yield from (f'events {{}}\nhttp {{ server {{\n{text}\n}} }}\n' for text in IN_SERVER + LOCATIONS)
