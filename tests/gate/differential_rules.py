"""Cases for differential.py, one topic for each sentence of what nginx does: rewriting, try_files, error_page, maps, access, compression, logs.

A topic is (what holds, server, requests, http). test_topics.py sees to it that each has a case, here or in another test.
"""
import itertools

from differential import Case, Request, gets

SHOW = 'return 200 "$uri|$args|$is_args|$request_uri|$1|$2";'
ORIGIN = 'http://127.0.0.1:ORIGIN'
TO = f'proxy_pass {ORIGIN}'
ODD = ('a', 'a%20b', 'a%25b', 'a%3fb', 'a%23b', 'a%26b', 'a+b', 'a%22b', 'a%3cb%3e', 'a%c3%a9', 'a%ff', 'a%7fb', 'a%09b', 'a%2fb', 'a%2520b', 'a:b@c;d', "a'b", 'a%5cb', 'a%7b%7c%7d', 'a=b&c')


def each(form, *values):
    return [form.replace('@', value) for value in values]


def chain(*counts):
    return [f'/{where}/{"1" * count}' for where in ('n', 's', 'e', 't') for count in counts]


REWRITE = [
    ('rewrite: the expression sees the decoded path without arguments', f'rewrite ^/x\\?a /no; rewrite "^/a b$" /blank; rewrite ^/x$ /yes; rewrite ^/%41 /raw; rewrite ^/A$ /decoded; rewrite ^/e\\.\\./ /dots; location / {{ {SHOW} }}',
     ['/x', '/x?a', '/x%3fa', '/a%20b', '/a%20b?c', '/%41', '/A', '/a', '/e../x', '/e/../x']),
    ('rewrite: http://, https:// and $scheme make a redirect, and nothing else does', 'rewrite ^/a HTTP://x/; rewrite ^/b ftp://x/; rewrite ^/c ${scheme}://x/; rewrite ^/d $SCHEME://x/; rewrite ^/e $schemes; rewrite ^/f http://x/ last; rewrite ^/g https://x/ break; '
     'rewrite ^/h https://x/ permanent; rewrite ^/i $scheme://x/ redirect; rewrite ^/j //x/ redirect; rewrite ^/k http:/x; rewrite ^/l $http_x; rewrite ^/m "http://x/ y"; rewrite ^/n http://; ' + f'set $schemes http://y/; location / {{ {SHOW} }}',
     ['/a', '/b', '/c', '/d', '/e', '/f?q', '/g?q', '/h?q', '/i?q', '/j?q', '/k', '/l', '/m', '/n', Request('/l', fields=('X: http://z/',))]),
    ('rewrite: arguments of the request follow those of the replacement, unless it ends with ?', f'rewrite ^/a /z; rewrite ^/b /z?; rewrite ^/c /z??; rewrite ^/d /z?n=1; rewrite ^/e /z?n=1?; rewrite ^/f /z?n=1&; rewrite ^/g ?; rewrite ^/h ?n=1; rewrite ^/i /z?$args; '
     f'rewrite ^/j /z?n=1 redirect; rewrite ^/k /z?n=1? redirect; rewrite ^/l /z redirect; rewrite ^/m /z? redirect; rewrite ^/n /z?$arg_q last; rewrite ^/o "/z?" last; location / {{ {SHOW} }}', [f'/{letter}{query}' for letter in 'abcdefghijklmno' for query in ('', '?', '?q=1')]),
    ('rewrite: last looks for a location again, break stays', f'location /a {{ rewrite ^ /b last; {SHOW} }} location /b {{ set $x b; return 200 "b $uri $x"; }} location /c {{ rewrite ^ /b break; {SHOW} }} location /d {{ rewrite ^ /b; set $x d; rewrite ^/b /bb; }} '
     f'location /e {{ rewrite ^ /a.txt break; root FILES; }} location /f {{ if ($arg_x) {{ rewrite ^ /b last; }} rewrite ^ /a.txt break; root FILES; }} location /g {{ rewrite ^ /echo break; {TO}; }}',
     ['/a', '/b', '/c', '/d', '/e', '/f', '/f?x=1', '/g?y']),
    ('rewrite: ten changes of the path are too many, with internal redirects among them', 'location /n/ { rewrite ^/n/1(.*)$ /n/$1 last; return 200 done; } rewrite ^/s/1(.*)$ /n/$1; location /e/ { recursive_error_pages on; error_page 404 /e/x; rewrite ^/e/1(.*)$ /e/$1 last; root FILES; } '
     'location /t/ { rewrite ^/t/1(.*)$ /t/$1 last; try_files /none /n/; } location /i/ { rewrite ^/i/1(.*)$ /i/$1 last; rewrite ^ /sub/ last; } location /sub/ { root FILES; index index.html; }', chain(1, 8, 9, 10, 11, 12) + each('/i/@', '1' * 7, '1' * 8, '1' * 9, '1' * 10)),
    ('rewrite: what is captured is encoded anew in arguments and redirects', f'rewrite ^/r/(.*)$ /t/$1 redirect; rewrite ^/q/(.*)$ /t?x=$1 redirect; rewrite ^/l/(.*)$ /t?x=$1 last; rewrite ^/n/(?<name>.*)$ /t?x=$name last; rewrite ^/m/(?<name>.*)$ /t/$name redirect; '
     f'rewrite ^/u/ /t$uri redirect; rewrite ^/v/(.*)$ http://h/$1?y=$1; location /t {{ {SHOW} }}', [f'/{letter}/{odd}' for letter in 'rqlnmuv' for odd in ODD] + ['/r/a?b=%20"', '/q/a?b="c', '/l/a?"']),
    ('return: codes with a Location, codes with a text, and codes alone', ''.join(f'location = /{code} {{ return {code}; }} location = /{code}t {{ return {code} "text $uri"; }} location = /{code}e {{ return {code} ""; }} '
                                                                            for code in (44, 100, 199, 200, 202, 204, 206, 301, 302, 303, 304, 305, 307, 308, 400, 401, 404, 408, 416, 494, 495, 497, 503, 600, 999)) + 'default_type a/b;',
     [f'/{code}{how}' for code in (44, 200, 202, 204, 206, 301, 302, 303, 304, 305, 307, 308, 400, 401, 404, 408, 416, 494, 495, 497, 503, 600, 999) for how in ('', 't', 'e')] + [Request('/404t', 'HEAD'), Request('/200', 'POST', body=b'abc')]),
    ('return: of a URL alone is a 302; a path is made absolute', 'location /a { return http://x/$uri; } location /b { return https://x; } location /c { return $scheme://$host/; } location /d { return 301 /x; } location /e { return 302 x; } location /f { return 308 $arg_u; } location /g { return 301 //x; } '
     'location /h { return 307 ?a; } location /i { return 303 "/a b"; } location /j { absolute_redirect off; return 301 /x; } location /k { return 302 $uri; }', ['/a', '/a%20b', '/b', '/c', '/d', '/e', '/f?u=/x', '/f?u=http://y', '/g', '/h', '/i', '/j', '/k', '/k%c3%a9%22']),
    ('return: a text goes past error_page, a code alone does not', 'error_page 404 403 =200 /e; location = /e { return 200 "e $status"; } location /a { return 404; } location /b { return 404 text; } location /c { return 403 ""; } location /d { error_page 200 302 /e; return 302 /x; }'.replace('error_page 200 302', 'error_page 302'),
     ['/a', '/b', '/c', '/d']),
    ('if: its body is a location of its own; the last true one holds', 'location /a { add_header X 0; if ($arg_a) { add_header X 1; } if ($arg_b) { add_header X 2; } return 200 x; } location /b { root FILES; if ($arg_a) { root FILES/sub; } if ($arg_b) { alias FILES/a.txt; } }'.replace('alias FILES/a.txt;', 'add_header Y 1;') +
     f' location /c {{ {TO}; if ($arg_a) {{ add_header X 1; }} if ($arg_b) {{ {TO}; }} }} location /d {{ {TO}/echo; limit_except GET {{ deny all; }} if ($arg_a) {{ set $b 1; }} }} location /e {{ if ($arg_a) {{ expires 1h; break; }} if ($arg_b) {{ expires 2h; }} return 200 x; }} '
     'location /f { gzip on; if ($arg_a) { gzip off; limit_rate 100k; } root FILES; }', [f'/{letter}{path}?{query}' for letter in 'abcdef' for path in ('', '/echo') for query in ('', 'a=1', 'b=1', 'a=1&b=1')] + [Request('/d?a=1', 'POST', body=b'x')]),
    ('set: a name is known everywhere, its value is that of one request', 'location /a { return 200 "[$set_in_b][$SET_IN_B][${set_in_b}x]"; } location /b { set $set_in_b 1; rewrite ^ /a last; } location /c { set $Set_In_B "a$set_in_b$arg_x"; rewrite ^ /a last; } location /d { set $v1_2 "x"; return 200 "$v1_2.${v1_2}_"; } '
     'uninitialized_variable_warn off;', ['/a', '/b', '/a', '/c?x=2', '/d']),
    ('set: what may be set of what is built in', 'location /a { set $args "x=1"; return 200 "$args|$query_string|$arg_x|$is_args"; } location /b { set $limit_rate 100k; root FILES; rewrite ^ /a.txt break; } location /c { set $args ""; ' + f'{TO}/echo; }} location /d {{ set $args $args&z; {TO}; }} location /e {{ rewrite ^ /echo break; set $args new; {TO}; }}',
     ['/a', '/a?y', '/b', '/c?x', '/d?y', '/e?y']),
    ('break: ends the codes of its level', f'set $a 1; break; set $a 2; location /x {{ set $b 1; break; set $b 2; return 200 no; }} location /y {{ return 200 "$a"; }} location /z {{ if ($arg_x) {{ break; }} return 200 "on"; }} location /w {{ rewrite ^ /y; break; rewrite ^ /x; {SHOW} }}', ['/x', '/y', '/z', '/z?x=1', '/w']),
    ('variables by prefix: arguments', 'return 200 "$arg_a|$arg_A|$arg_a_b|$arg_|${arg_a}b|$arg_ab";', [f'/?{query}' for query in (
        '', 'a=1', 'A=1', 'a=1&a=2', 'xa=1&a=2', 'a', 'a&a=2', 'a=', 'a==', '&a=1', 'a=1;a=2', 'b=1?a=2', 'a=%41+', 'a-b=1', 'a_b=1', 'A_B=2', '=x', 'ab=1&a=2', 'b=a=1', 'aa=1', 'a=1#x', 'a=b=c&d')]),
    ('variables by prefix: cookies and fields', 'location / { add_header X-Y "$sent_http_content_type" always; add_header X-Z "$sent_http_x_y|$sent_http_none"; return 200 "$cookie_a|$cookie_A|$cookie_a_b|$cookie_ab|$cookie_b|$http_x_y|$http_X_Y|$http_host|$http_cookie|$http_none"; }',
     [Request('/', fields=fields) for fields in ((), ('Cookie: a=1',), ('Cookie: A=1',), ('Cookie: a=1; a=2',), ('Cookie: ab=2; a=1',), ('Cookie: a = 1',), ('Cookie: a=1,b=2',), ('Cookie: a="1"',), ('Cookie: ;a=1',), ('Cookie: x;a=1',), ('Cookie: a',), ('Cookie: a=',), ('Cookie: a-b=1; a_b=2',),
                                                 ('Cookie: xa=1;a=2',), ('Cookie: b=a=1',), ('X-Y: 1',), ('x-y: 2',), ('X_Y: 3',))]),
    ('variables by prefix: of an origin', f'location / {{ {TO}/v1/; add_header X-U "$upstream_http_x_one|$upstream_http_x_powered_by|$upstream_http_none|$upstream_cookie_a|$upstream_cookie_c|$upstream_http_server|$upstream_http_content_length" always; add_header X-S "$sent_http_x_one|$sent_http_set_cookie|$sent_http_server" always; }}', ['/plain', '/twice', '/cookies', '/missing', '/chunked']),
]

TRYING = [
    ('try_files: a file is found below root or alias, a folder with a slash behind it', 'location / { root FILES; try_files $uri $uri/ $uri.txt =404; } location /al/ { alias FILES/; try_files $uri $uri/ a.txt =404; } location /als/ { alias FILES/; try_files /a.txt a.txt =404; } location ~ ^/re/(.*)$ { alias FILES/$1; try_files "" =410; } location = /one { root FILES; try_files /sub /sub/ /a.txt =404; }',
     ['/a.txt', '/a', '/sub', '/sub/', '/none', '/al/a.txt', '/al/sub', '/al/none', '/al/', '/als/x', '/re/a.txt', '/re/none', '/re/sub', '/one', '/with%20space', '/a.txt/']),
    ('try_files: behind what is found, the location goes on with $uri changed', f'location /p {{ root FILES; try_files /a.txt /none; {TO}; }} location /q {{ root FILES; try_files $uri /sub/ =404; }} location /r {{ root FILES; try_files /a.txt =404; add_header X-Uri "$uri|$request_uri|$request_filename|$args"; }}',
     ['/p', '/p?x=1', '/q', '/q?x', '/r', '/r?y', Request('/p', 'POST', body=b'abc')]),
    ('try_files: the last word is a code, a name or a path, whose arguments are its own', 'location /a { try_files /none =418; } location /b { try_files /none @n; } location /c { try_files /none /x?y=1; } location /d { try_files /none /x$is_args$args; } location /e { try_files /none /x; } location /f { try_files /none /x?$args&z; } location /g { try_files /none "/x y?z"; } '
     f'location /h {{ error_page 418 /x; try_files /none =418; }} location /i {{ try_files /none =200; }} location /j {{ try_files /none =302; }} location @n {{ return 200 "named $uri $args"; }} location /x {{ {SHOW} }}', [f'/{letter}{query}' for letter in 'abcdefghij' for query in ('', '?q=1')] + [Request('/c', 'POST', body=b'x')]),
    ('error_page: the status of the target, a said one, or the first', 'location = /t { return 202 "t $status $uri"; } location = /u { return 200; } ' + ''.join(f'location /{i} {{ {how} return 404; }} ' for i, how in enumerate(
        ['error_page 404 /t;', 'error_page 404 = /t;', 'error_page 404 =201 /t;', 'error_page 404 =500 /t;', 'error_page 404 = /none;', 'error_page 404 =200 /none;', 'error_page 404 @n;', 'error_page 404 = @n;', 'error_page 404 =299 @n;', 'error_page 404 /f/a.txt;', 'error_page 404 =200 /f/a.txt;', 'error_page 404 = /f/none;',
         'error_page 404 = /up;', 'error_page 404 /up;', 'error_page 404 =201 /up;', 'error_page 404 = /up5;', 'error_page 404 =302 /t;', 'error_page 404 = /r;', 'error_page 404 /r;', 'error_page 404 =204 /t;'])) +
     f'location @n {{ return 203 "n $uri $request_method"; }} location /f/ {{ alias FILES/; }} location = /up {{ {TO}/v1/plain; }} location = /up5 {{ {TO}/v1/error; }} location = /r {{ return 301 /moved; }}',
     [Request(f'/{i}', method) for i in range(20) for method in ('GET', 'HEAD')]),
    ('error_page: a path makes GET of all but HEAD, a name keeps method and path', f'location /a {{ error_page 403 = /t; return 403; }} location /b {{ error_page 403 = @n; return 403; }} location = /t {{ return 200 "$request_method $uri $args $request_uri $content_length"; }} location @n {{ return 200 "$request_method $uri $args $content_length"; }} '
     f'location /c {{ error_page 403 = /echo; return 403; }} location = /echo {{ {TO}; }} location /d {{ error_page 403 = @e; return 403; }} location @e {{ rewrite ^ /echo break; {TO}; }}', [Request(f'/{letter}/x?y', method, body=b'abc' if method in ('POST', 'PUT') else b'') for letter in 'abcd' for method in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS')]),
    ('error_page: anything else is a redirect', ''.join(f'location /{i} {{ error_page 404 {to}; return 404; }} ' for i, to in enumerate(['http://x/', '=301 http://x/', '=307 https://x/$uri', '=308 http://x/', '$scheme://x/', 'x', '= http://x', '=200 http://x/', '=303 http://x/?$args', '"http://x/a b"', '=404 http://x/', '$arg_u', '"$arg_u?x"'])),
     [f'/{i}{query}' for i in range(13) for query in ('', '?u=http://y/', '?u=/z')]),
    ('error_page: 30x of return and of files', 'error_page 301 302 /e; location = /e { return 200 "e $status $sent_http_location"; } location /a { return 301 /x; } location /b { return 302 /y; } location /sub { root FILES; } location /c { rewrite ^ /z redirect; } location /d { return 307 /x; }', ['/a', '/b', '/sub', '/c', '/d']),
    ('error_page: of what an origin says only with proxy_intercept_errors', f'error_page 404 500 401 302 418 =200 /e; location = /e {{ return 200 "e $status $upstream_status"; }} location /a/ {{ {TO}/v1/; }} location /b/ {{ proxy_intercept_errors on; {TO}/v1/; }} location /c/ {{ proxy_intercept_errors on; error_page 404 /e; {TO}/v1/; }}',
     [f'/{letter}/{name}' for letter in 'abc' for name in ('missing', 'error', 'auth', 'location', 'teapot', 'plain', 'unchanged')]),
    ('recursive_error_pages: one for each request, unless on', 'location /a { error_page 404 /b; return 404; } location /b { error_page 403 /c; return 403; } location /c { return 200 c; } location /d { recursive_error_pages on; error_page 404 /e; return 404; } location /e { recursive_error_pages on; error_page 403 /c; return 403; } location /f { recursive_error_pages on; error_page 404 /b; return 404; }',
     ['/a', '/b', '/d', '/e', '/f']),
    ('an internal redirect begins again with the codes of the server, in a new location', 'set $n "${n}x"; if ($uri = /in) { set $n "$n!"; } location /a { error_page 404 = /in; return 404; } location /b { rewrite ^ /in last; } location /c { try_files /none /in; } location = /in { internal; return 200 "$n $uri $args"; } location /d { error_page 404 = @n; return 404; } location @n { return 200 "$n"; } '
     'location /e { add_header A b; expires 1h; default_type x/y; error_page 404 = /in; return 404; } location /f { allow all; error_page 403 = /g; deny all; } location /g { deny all; } location /h { index in; alias FILES/; }', ['/a?b', '/b?b', '/c?b', '/in', '/d', '/e', '/f', '/g', '/h/']),
]

COMPUTED = [
    ('map: exact before wildcards before expressions, whatever their order', 'return 200 "[$a_NAME][$b_NAME][$c_NAME]";', each('/?x=@', '', 'a', 'A', 'aa', 'b', 'x.org', 'X.ORG', 'a.x.org', 'b.a.x.org', 'a.x.org.', 'x.org.', 'x.net', 'x.com.net', 'a.b.c', 'www.x', 'www.x.y', 'ab', 'Ab', '~a', '*.x.org', 'é', 'a%20b'),
     'map $arg_x $a_NAME { ~^a re; a exact; ~*^A any; default d; A twice; }'.replace(' A twice;', '') + ' map $arg_x $b_NAME { hostnames; default d; ~x re; *.x.org wild; *.a.x.org longer; .x.org dot; x.* tail; x.com.* longtail; www.x.* www; a.b.c exact; }'.replace(' .x.org dot;', ' x.org dot;') + ' map $arg_x$arg_y $c_NAME { "" none; a$arg_z no; default "d $arg_x"; b $uri; \\~a tilde; \\*.x.org star; "~^(?<cap>.)b$" "cap $cap"; }'.replace(' a$arg_z no;', '')),
    ('map: default, volatile, values with variables, captures of their own', 'location ~ ^/(.)(.) { return 200 "$a_NAME|$1|$a_NAME|$b_NAME|$c_NAME|$c_NAME"; }', ['/ab', '/ab?x=1', '/ab?x=qr', '/xy?x=z&y=w'], 'map $arg_x $a_NAME { ~^(.)(.) "$2$1"; } map $arg_x $b_NAME { default $arg_y; z "${uri}z"; } map $arg_x $c_NAME { volatile; default $b_NAME-; }'),
    ('geo: the longest prefix', 'return 200 "$a_NAME|$b_NAME";', each('/?x=@', '10.0.0.0', '10.255.255.255', '10.1.0.0', '10.1.1.1', '10.1.1.2', '11.0.0.0', '::ffff:10.1.1.1', '::ffff:a01:101', '::', '::1', '2001:db8::', '2001:db8:1::1', '2001:db9::', '256.1.1.1', '10.1.1', '0.0.0.0', '255.255.255.255', 'unix:', ''),
     'geo $arg_x $a_NAME { default d; 10.0.0.0/8 a; 10.1.0.0/16 b; 10.1.1.1 c; 10.1.1.1/32 c; 2001:db8::/32 e; 2001:db8:1::/48 f; 0.0.0.0/32 z; ::/128 y; } geo $arg_x $b_NAME { ranges; default d; 10.0.0.0-10.0.255.255 a; 10.1.0.0-10.1.1.1 b; 10.1.1.2-10.1.1.2 c; 255.0.0.0-255.255.255.254 z; }'.replace(' 10.1.1.1/32 c;', '')),
    ('split_clients: shares of MurmurHash2, the rest to *', 'return 200 "$a_NAME|$b_NAME";', each('/?x=@', '', *(f'{i:x}' * (i % 9) for i in range(60))), 'split_clients $arg_x $a_NAME { 0.01% a; 10% b; 33.33% c; 0.5% d; * e; } split_clients "$arg_x$arg_x" $b_NAME { 25% a; 25% $uri; 50% ""; }'.replace(' 25% $uri;', ' 25% b;')),
    ('limit_req: who has no key is not counted', 'location /a { limit_req zone=n_NAME; return 200 "$limit_req_status"; } location /b { limit_req zone=n_NAME; root FILES; try_files /a.txt =404; add_header X "$limit_req_status"; }', ['/a', '/a', '/b', '/b', '/b?k=1', '/b?k=1', '/b?k=2'], 'limit_req_zone $arg_k zone=n_NAME:1m rate=1r/m;'),
    ('limit_req: any of several zones refuses; the status is said, a dry run says it only', ''.join(f'location /{i} {{ {how} root FILES; try_files /a.txt =404; add_header X "$limit_req_status" always; }} ' for i, how in enumerate(
        ['limit_req zone=a_NAME; limit_req zone=b_NAME burst=9 nodelay;', 'limit_req zone=a_NAME burst=1 nodelay; limit_req_status 429;', 'limit_req zone=a_NAME; limit_req_dry_run on;', 'limit_req zone=a_NAME burst=2 delay=1; limit_req_status 420; error_page 420 =200 /e;'])) + 'location = /e { return 200 e; }',
     ['/0?k=0', '/0?k=0', '/0?k=0', '/1?k=1', '/1?k=1', '/1?k=1', '/2?k=2', '/2?k=2', '/3?k=3', '/3?k=3'], 'limit_req_zone $arg_k zone=a_NAME:1m rate=1r/m; limit_req_zone $arg_k zone=b_NAME:1m rate=1r/m;'),
    ('limit_conn: below its number all is well', 'location / { limit_conn c_NAME 1; limit_conn_status 429; root FILES; try_files /a.txt =404; add_header X "$limit_conn_status"; } location /d { limit_conn c_NAME 1; limit_conn_dry_run on; return 200 "$limit_conn_status"; }', ['/?k=1', '/?k=1', '/', '/d?k=1'], 'limit_conn_zone $arg_k zone=c_NAME:1m;'),
]

ACCESS = [
    ('allow and deny: the first that fits', ''.join(f'location /{i} {{ {rules} root FILES; try_files /a.txt =404; }} ' for i, rules in enumerate(
        ['allow 127.0.0.1; deny all;', 'deny 127.0.0.1; allow all;', 'deny 127.0.0.0/8; allow 127.0.0.1;', 'allow 127.0.0.0/31; deny all;', 'allow 127.0.0.0/32; deny all;', 'deny unix:; allow 10.0.0.1;', 'allow ::1; deny all;', 'deny ::/0;', 'deny 0.0.0.0/0;', 'allow ::ffff:127.0.0.1; deny 10.0.0.1;', 'allow 10.0.0.1;', 'deny 127.1.2.3/8;']))
     + 'location /s { deny all; location /s/in { root FILES; try_files /a.txt =404; } location /s/own { allow all; root FILES; try_files /a.txt =404; } }', [f'/{i}' for i in range(12)] + ['/s', '/s/in', '/s/own']),
    ('auth_basic: the realm may be made of variables, off ends it', 'auth_basic "r $arg_r"; auth_basic_user_file FILES/users; root FILES; location /a { try_files /a.txt =404; } location /off { auth_basic off; try_files /a.txt =404; } location /v { auth_basic $arg_v; try_files /a.txt =404; } location /q { auth_basic "a\\"b"; try_files /a.txt =404; } location /u { return 200 "$remote_user"; } '
     'location /w { add_header X "$remote_user" always; try_files /a.txt =404; }', [Request(path, fields=fields) for path in ('/a?r=x', '/off', '/v', '/v?v=off', '/v?v=y', '/q', '/u', '/w') for fields in ((), ('Authorization: Basic dXNlcjpzZWNyZXQ=',), ('Authorization: basic dXNlcjpzZWNyZXQ=',), ('Authorization: Basic dXNlcg==',), ('Authorization: Basic  dXNlcjpzZWNyZXQ=',),
                                                                                                                                                                                               ('Authorization: Basic',), ('Authorization: Basic dXNlcjpzZWNyZXQ',), ('Authorization: Basic bm9ib2R5Og==',))]),
    ('auth_request: 2xx lets in, 401 and 403 are passed on, all else is a 500', ''.join(f'location = /auth/{code} {{ internal; return {code}; }} location /{code} {{ auth_request /auth/{code}; root FILES; try_files /a.txt =404; }} ' for code in (200, 201, 204, 206, 299, 301, 302, 304, 400, 401, 402, 403, 404, 407, 429, 500, 503)) +
     f'location = /auth/up {{ internal; {TO}/v1/auth; }} location /up {{ auth_request /auth/up; root FILES; }} location /none {{ auth_request /nowhere; root FILES; }} location /off {{ auth_request off; root FILES; try_files /a.txt =404; }} location = /auth/own {{ internal; auth_basic own; auth_basic_user_file FILES/users; }} location /own {{ auth_request /auth/own; root FILES; try_files /a.txt =404; }}',
     [f'/{code}' for code in (200, 201, 204, 206, 299, 301, 302, 304, 400, 401, 402, 403, 404, 407, 429, 500, 503)] + ['/up', '/none', '/off', '/own', Request('/200', 'HEAD'), Request('/200', 'POST', body=b'abc')]),
    ('auth_request: what it asks with, and what auth_request_set keeps', f'location = /auth {{ internal; {TO}/echo; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-Orig $request_uri; proxy_set_header X-Uri $uri; }} location = /auth2 {{ internal; {TO}/v1/plain; proxy_pass_request_body off; proxy_set_header Content-Length ""; }} location = /auth3 {{ internal; {TO}/v1/auth; }} '
     f'location /a {{ auth_request /auth; {TO}/echo; }} location /b {{ auth_request /auth2; auth_request_set $one $upstream_http_x_one; auth_request_set $st $upstream_status; proxy_set_header X-One "$one $st"; {TO}/echo; }} location /c {{ auth_request /auth3; auth_request_set $w $upstream_http_www_authenticate; add_header X-W "$w" always; root FILES; }} uninitialized_variable_warn off;',
     ['/a?x', Request('/a', 'POST', body=b'body'), Request('/a', 'HEAD'), Request('/a', 'DELETE'), '/b', Request('/b', 'PUT', body=b'b'), '/c']),
    ('realip: which field, which of its addresses, and for whom', ''.join(f'location /{i} {{ {how} return 200 "$remote_addr|$realip_remote_addr|$remote_port|$proxy_add_x_forwarded_for"; }} ' for i, how in enumerate(
        ['', 'set_real_ip_from 10.0.0.0/8;', 'set_real_ip_from 127.0.0.1;', 'set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For;', 'set_real_ip_from 127.0.0.1; set_real_ip_from 5.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;', 'set_real_ip_from localhost; real_ip_header X-Client;', 'set_real_ip_from unix:;', 'set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; real_ip_recursive on;',
         'set_real_ip_from 127.0.0.1; set_real_ip_from 2001:db8::/32; real_ip_header X-Forwarded-For; real_ip_recursive on;'])).replace('$remote_port|', '') ,
     [Request(f'/{i}', fields=fields) for i in range(9) for fields in ((), ('X-Real-IP: 1.2.3.4',), ('X-Real-IP: 1.2.3.4, 5.6.7.8',), ('X-Real-IP: x',), ('X-Forwarded-For: 1.1.1.1, 5.6.7.8',), ('X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 5.6.7.8'), ('X-Forwarded-For: 5.6.7.8:99',), ('X-Forwarded-For: 1.1.1.1:80, 5.1.1.1:81',),
                                                                       ('X-Forwarded-For: 9.9.9.9, junk',), ('X-Forwarded-For: junk, 5.5.5.5',), ('X-Forwarded-For: ::1',), ('X-Forwarded-For: [2001:db8::1]:80',), ('X-Forwarded-For: 2001:db8::2, 2001:db8::3',), ('X-Forwarded-For: ,',), ('X-Forwarded-For: 1.1.1.1,5.5.5.5 , 127.0.0.1',), ('X-Client: 7.7.7.7',))]),
    ('realip: before all others, and again behind the rewriting', 'set_real_ip_from 127.0.0.1; if ($remote_addr = 1.2.3.4) { set $seen yes; } set $seen "$seen."; uninitialized_variable_warn off; location /a { allow 1.2.3.4; deny all; root FILES; try_files /a.txt =404; add_header X "$seen"; } location /b { set_real_ip_from 127.0.0.1; real_ip_header X-Other; set $r "$remote_addr"; root FILES; try_files /a.txt =404; add_header X "$r $remote_addr $seen"; }',
     [Request(path, fields=fields) for path in ('/a', '/b') for fields in ((), ('X-Real-IP: 1.2.3.4',), ('X-Other: 8.8.8.8',), ('X-Real-IP: 1.2.3.4', 'X-Other: 8.8.8.8'))]),
    ('referer: none, blocked, names with and without a path, expressions', ''.join(f'location /{i} {{ valid_referers {how}; return 200 "[$invalid_referer]"; }} ' for i, how in enumerate(
        ['none x.test', 'blocked x.test', 'server_names', '*.a.test', 'a.*', 'a.test/path', '~^a\\.', '~a\\.test/x', 'none blocked server_names *.a.test', '.a.test'])), [Request(f'/{i}', fields=fields) for i in range(10) for fields in ((), *((f'Referer: {text}',) for text in (
            '', 'x', 'http://', 'http://a.test', 'https://a.test/', 'http://a.test/path', 'http://a.test/pathx', 'http://a.test/x', 'http://b.a.test/', 'http://a.org/', 'HTTP://A.TEST/', 'http://a.test:80/', 'ftp://a.test/', 'http://NAME.test/', 'http://a.test?path')))]),
    ('secure_link: a digest, an end, a word', 'location /l/ { secure_link $arg_m,$arg_e; secure_link_md5 "$secure_link_expires$uri secret"; return 200 "[$secure_link][$secure_link_expires]"; } location /n/ { secure_link $arg_m; secure_link_md5 "x"; return 200 "[$secure_link]"; } location /s/ { secure_link_secret word; if ($secure_link = "") { return 403; } rewrite ^ /t/$secure_link; } location /t/ { return 200 "$uri"; }',
     ['/l/x', '/l/x?m=abc', '/l/x?m=abc&e=1', '/l/x?m=abc&e=x', '/n/x?m=nd5DcJQ6Cy4kI8qzvS6Aug', '/n/?m=nd6e_EhtJ0QK9D3WFt8uUA', '/n/?m=nd6eKEhtJ0QK9D3WFt8uUA', '/n/?m=nd6eKEhtJ0QK9D3WFt8uUA==', '/s/x', '/s/d41d8cd98f00b204e9800998ecf8427e/x', '/s/f52dcf2dc4bcd8b9c8f4b3e4c5f9a1a1/x/y']),
    ('limit_except: GET lets HEAD in, all others have its rules', f'location /a {{ limit_except GET {{ deny all; }} root FILES; try_files /a.txt =404; }} location /b {{ limit_except POST PUT {{ allow 127.0.0.1; deny all; }} {TO}/echo; }} location /c {{ limit_except HEAD {{ auth_basic x; auth_basic_user_file FILES/users; }} {TO}/echo; }}',
     [Request(f'/{letter}', method) for letter in 'abc' for method in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH')]),
]

BY_STATUS = (200, 201, 202, 203, 204, 206, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 403, 404, 410, 500, 503)
FORMS = [
    ('add_header and expires: for these codes, unless always', f'add_header X-A a; add_header X-B b always; expires 1h; {"".join(f"location = /{code} {{ return {code}; }} " for code in BY_STATUS)} location /up/ {{ {TO}/status/; }}', [f'/{code}' for code in BY_STATUS] + [f'/up/{code}' for code in BY_STATUS if code not in (204, 304)]),
    ('gzip: what is compressed', ''.join(f'location /{i}/ {{ gzip on; {how} {TO}/v1/; }} location /f{i}/ {{ gzip on; {how} alias FILES/; }} ' for i, how in enumerate(
        ['', 'gzip_types text/plain;', 'gzip_types *; gzip_min_length 0;', 'gzip_types *; gzip_http_version 1.0; gzip_min_length 1;', 'gzip_types text/plain; gzip_vary on;', 'gzip_types *; gzip_proxied off;', 'gzip_types *; gzip_proxied no_etag no_last_modified; gzip_min_length 1;', 'gzip_types *; gzip_proxied auth private no-store; gzip_min_length 1;', 'gzip_types *; gzip_disable "MSIE|x"; gzip_min_length 1;'])),
     [Request(f'/{i}/{name}', fields=('Accept-Encoding: gzip', *more)) for i in range(9) for name in ('plain', 'cached', 'missing', 'chunked') for more in ((), ('Via: x',))] + [Request(f'/f{i}/{name}', fields=fields, version=version) for i in range(9) for name in ('a.txt', 'b.html') for fields, version in (
         (('Accept-Encoding: gzip',), '1.1'), (('Accept-Encoding: gzip',), '1.0'), (('Accept-Encoding: deflate, gzip;q=0.5',), '1.1'), (('Accept-Encoding: *',), '1.1'), (('Accept-Encoding: gzip;q=0',), '1.1'), (('Accept-Encoding: x-gzip',), '1.1'), (('Accept-Encoding: GZIP',), '1.1'), (('Accept-Encoding: gzip', 'User-Agent: x'), '1.1'))]),
    ('log_format: how bytes are escaped', 'access_log logs/NAME.log all_NAME; root FILES;', [Request('/a.txt?' + text, fields=(f'User-Agent: {text}',)) for text in ('plain', '"\\', '\xe9\xff', '%0a', "'", '\x7f', '{}[]', '<&>', '%5c%22')] + [Request('/a.txt', fields=('User-Agent: tab\tin',)), Request('/a.txt', fields=('Referer: ',)), Request('/a.txt', 'HEAD'), Request('/%ff%00'), Request('/%01%1f%7f')],
     'log_format all_NAME "$http_user_agent|$uri|$args|$http_none|$upstream_addr|$request_uri|$http_referer";'),
    ('log_format: json escapes, and has nothing for what is not there', 'access_log logs/NAME.log json_NAME; root FILES;', [Request('/a.txt?' + text, fields=(f'User-Agent: {text}',)) for text in ('plain', '"\\/', '\xe9\xff', '\x7f', '<')] + [Request('/a.txt', fields=('User-Agent: tab\tin',)), Request('/%08%0a%0c%01')], 'log_format json_NAME escape=json \'{"a":"$http_user_agent","u":"$uri","n":"$http_none$upstream_addr"}\';'),
    ('log_format: none leaves all as it is', 'access_log logs/NAME.log none_NAME; root FILES;', [Request('/a.txt?' + text, fields=(f'User-Agent: {text}',)) for text in ('plain', '"\\/', '\xe9\xff')] + gets('/%22%7f'), 'log_format none_NAME escape=none "$http_user_agent|$uri|$http_none|$upstream_addr";'),
    ('combined, byte for byte but for its time', 'location / { access_log logs/NAME.log c_NAME; auth_basic x; auth_basic_user_file FILES/users; root FILES; } location /n { access_log logs/NAME.log c_NAME; return 200 x; }', [Request('/a.txt', fields=('Authorization: Basic dXNlcjpzZWNyZXQ=', 'Referer: http://r/', 'User-Agent: a b')), Request('/a.txt'), Request('/n', fields=('Authorization: Basic dTpw',)), Request('/n', fields=('Authorization: Basic !',)),
     Request('/n?"', 'POST', body=b'x'), Request(raw=b'GET /n HTTP/1.0\r\nHost: NAME.test\r\n\r\n')], 'log_format c_NAME \'$remote_addr - $remote_user "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"\';'),
    ('access_log: with a condition, several, off, and below', 'location /a { access_log logs/NAME.log s_NAME if=$arg_l; return 200 x; } location /b { access_log off; access_log logs/NAME.log s_NAME; return 200 x; } location /c { access_log logs/NAME.log s_NAME; access_log logs/NAME.log t_NAME; return 200 x; } '
     'location /d { access_log logs/NAME.log t_NAME; rewrite ^ /c last; } location /e { access_log logs/NAME.log t_NAME; error_page 404 = /c; return 404; } location /f { root FILES; access_log logs/$arg_n.log s_NAME; return 200 x; }'.replace('location /b { access_log off; ', 'location /b { '),
     ['/a?l=1', '/a?l=yes', '/b', '/c', '/d', '/e', '/f?n=NAME'], 'log_format s_NAME "s $uri $status"; log_format t_NAME "t $uri $status";'),
    ('log variables: what was sent and read', f'access_log logs/NAME.log v_NAME; location / {{ root FILES; }} location /up {{ {TO}/v1/plain; }} location /ch {{ {TO}/v1/chunked; }} location /re {{ return 301 /x; }} location /e {{ {TO}/echo; }}', ['/a.txt', '/none', '/up', '/re', Request('/a.txt', 'HEAD'), Request('/e', 'POST', body=b'12345'), Request('/a.txt', fields=('Range: bytes=0-1',)), Request('/a.txt', fields=('If-None-Match: *',))],
     'log_format v_NAME "$status|$body_bytes_sent|$request_length|$request_method|$upstream_status|$upstream_response_length|$sent_http_content_length|$sent_http_location|$sent_http_content_range|$sent_http_etag|$connection_requests|$pipe|$server_addr|$request_completion|$content_length|$request_body";'),
]

# ---- the instructions of rewriting, each in a location and in a server ----

SHOWN = 'return 200 "$uri|$args|$is_args|$request_uri|$1|$2|$v|$w\\n";'
START = 'default_type text/plain; set $v ""; set $w "";'
# (the server block, the targets to ask it for); SHOW shows what came of a request
LOCATIONS = [
    ('rewrite ^/a(.*) /b$1; location /b { SHOW }', ['/a', '/ax?c=d', '/b', '/a%20b', '/a%3fb']),
    ('rewrite ^/a(.*) /b$1 last; rewrite ^/b /c; location / { SHOW }', ['/ax', '/bx', '/cx']),
    ('rewrite ^/a /b break; rewrite ^/b /c; location / { SHOW }', ['/a', '/b']),
    ('rewrite ^/a /b; break; rewrite ^/b /c; location / { SHOW }', ['/a', '/b']),
    ('rewrite ^/a /b?x=y; location / { SHOW }', ['/a', '/a?', '/a?c=d', '/a?c=d&e']),
    ('rewrite ^/a /b?; location / { SHOW }', ['/a', '/a?c=d']),
    ('rewrite ^/a /b?x=y?; location / { SHOW }', ['/a?c=d']),
    ('rewrite ^/(.*)/(.*)$ /s?first=$1&second=$2; location / { SHOW }', ['/a/b', '/a%26b/c%2bd', '/a+b/c', '/a%20b/c?d=e', '/a&b/c']),
    ('rewrite ^/(.*) /s?$args&x=$1; location / { SHOW }', ['/a?b=c', '/a']),
    ('rewrite ^/x(?<name>.*)$ /named/$name; location / { return 200 "$uri|$name"; }', ['/xyz', '/x%20y', '/other']),
    ('rewrite "^/a{2}$" /two; location / { SHOW }', ['/aa', '/a']),
    ('rewrite (?i)^/ABC /abc-any; location / { SHOW }', ['/AbC', '/abd']),
    ('rewrite ^/a b; location / { SHOW }', ['/x']),
    ('rewrite ^/r http://other.example/x$uri; location / { SHOW }', ['/r', '/r?a=b', '/r%20s']),
    ('rewrite ^/r(.*) https://other.example/$1 permanent; location / { SHOW }', ['/rx', '/rx%20y?a=b', '/rx%3fy', '/r%26']),
    ('rewrite ^/r(.*) /x$1 redirect; location / { SHOW }', ['/ry', '/ry?a=b', '/r%0d%0aX:%20y', '/r%c3%a9']),
    ('rewrite ^/r(.*) /x?y=$1 redirect; location / { SHOW }', ['/rz', '/rz?a=b', '/r%26?a']),
    ('rewrite ^/r(.*) /x?y=$1? permanent; location / { SHOW }', ['/rz?a=b']),
    ('rewrite ^/r $scheme://other.example/; location / { SHOW }', ['/r?x']),
    ('rewrite ^/r http://other.example/ last; location / { SHOW }', ['/r']),
    ('rewrite ^/r http://other.example/%41%2f%20%3f%42; location / { SHOW }', ['/r']),
    ('location /a { rewrite ^/a(.*) /b$1 last; return 200 "not here"; } location /b { SHOW }', ['/a', '/ax?y']),
    ('location /a { rewrite ^/a(.*) /b$1 break; return 200 "not here"; } location /b { return 200 "nor here"; }', ['/ax']),
    ('location /a { rewrite ^/a(.*) /b$1; set $v after; } location /b { SHOW }', ['/ax']),
    ('location /a { rewrite ^/a /b; rewrite ^/b /c; return 200 "$uri"; } location /c { SHOW }', ['/a']),
    ('location /a { rewrite ^/a /a last; }', ['/a']),
    ('location /a { rewrite ^/a(.*) /a$1x last; }', ['/a']),
    ('location /a { rewrite ^(.*)$ $1x; } location / { SHOW }', ['/a', '/b']),
    ('location /a { rewrite ^/a/1+$ /b last; rewrite ^(.*)$ $11 last; } location /b { SHOW }', ['/a/']),
    ('rewrite ^/in /hidden; location /hidden { internal; SHOW } location /x { rewrite ^ /hidden last; }', ['/in', '/hidden', '/x']),
    ('location /a { error_page 404 @b; rewrite ^/a /none break; } location @b { rewrite ^ /c last; } location /c { SHOW }', ['/a']),
    ('error_page 404 /nope; location /nope { rewrite ^ /c last; } location /c { SHOW }', ['/x']),
    ('set $v server; location / { set $w location; SHOW }', ['/']),
    ('set $v a; set $v $v$v; set $w "${v}b"; location / { SHOW }', ['/']),
    ('set $V a; location / { SHOW }', ['/']),
    ('location / { set $w $arg_x; set $v $w; SHOW }', ['/?x=1', '/']),
    ('location ~ ^/(.*)$ { set $v $1; SHOW }', ['/a', '/a%20b', '/a%26b', '/a+b']),
    ('location ~ ^/(.*)$ { rewrite ^ /x break; set $v $1; SHOW }', ['/a%20b']),
    ('location ~ ^/(.)(.) { rewrite ^/.(.) /x; set $v "$1-$2"; } location /x { SHOW }', ['/ab', '/a%20']),
    ('location / { set $args x=y; SHOW }', ['/', '/?a=b']),
    ('location / { set $v $uninitialized; return 200 "[$uninitialized][$v]"; } location /n { set $uninitialized x; }', ['/', '/n']),
    ('return 404; location / { SHOW }', ['/']),
    ('return 301 /x; rewrite ^ /y; location / { SHOW }', ['/']),
    ('rewrite ^ /y; return 200 "$uri"; location / { SHOW }', ['/']),
    ('location / { return 201 "first"; return 202 "second"; }', ['/']),
    ('location / { break; return 200 x; }', ['/']),
    ('location / { return 200 "$1"; } location ~ ^/x(.*) { return 200 "$1"; }', ['/xy%20z', '/a']),
    ('error_page 404 = @n; location / { return 404; } location @n { rewrite ^/(.*) /m/$1 break; SHOW }', ['/a?b']),
    ('error_page 404 = @n; location / { return 404; } location @n { rewrite ^/(.*) /m/$1 last; } location /m { SHOW }', ['/a?b']),
]

CONDITIONS = [
    '$arg_a', '$arg_a = b', '$arg_a != b', '$arg_a = "b c"', '$arg_a = ""', '$arg_a = $arg_b', '$arg_a ~ ^b', '$arg_a ~ "^(b+)(.)"',
    '$arg_a !~ ^b', '$arg_a ~* ^B', '$arg_a !~* ^B', '$request_method = POST', '$uri ~ ^/(.*)$', '$arg_a ~ "(?<named>b.)"',
    '-f FILES/a.txt', '!-f FILES/a.txt', '-f FILES', '-d FILES', '!-d FILES/a.txt', '-e FILES$uri', '!-e FILES$uri',
    '-x FILES/run', '!-x FILES/a.txt', '-f "FILES/with space"', '-e /nonexistent/$arg_a',
]
# in a location, or a server
BLOCKS = [
    'if ($arg_a) { set $v yes; } SHOW',
    'if ($arg_a) { SHOW } return 200 "no";',
    'set $v 1; if ($arg_a) { set $v 2; } set $w $v; if ($arg_b) { set $v 3; } SHOW',
    'if ($arg_a) { break; } return 200 "on"; ',
    'if ($arg_a ~ (.)(.)) { rewrite ^ /x?$1&$2? last; } return 200 "no $1";',
    'if ($arg_a = b) { return 403; } if ($arg_a = c) { return 301 /d; } return 200 "no";',
    'if ($arg_a) { rewrite ^/(.*) /y/$1 break; } set $v after; return 200 "$uri $v";',
    'set $v ""; if ($arg_a) { set $v "${v}a"; } if ($arg_b) { set $v "${v}b"; } if ($v = ab) { return 200 both; } return 200 "[$v]";',
]
# whose settings replace those of the location
SETTINGS = [
    'add_header X outer; if ($arg_a) { add_header X a; } if ($arg_b) { add_header X b; } return 200 x;',
    'add_header X outer; if ($arg_a) { expires 1h; } return 200 x;',
    'root FILES; if ($arg_a) { root FILES/sub; }',
    'error_page 404 /a.txt; if ($arg_a) { error_page 404 =200 /run; } return 404;',
    'proxy_pass http://127.0.0.1:ORIGIN/seen; if ($arg_a) { set $v x; } if ($arg_b) { proxy_pass http://127.0.0.1:ORIGIN; }',
    'root FILES; if ($arg_a) { proxy_pass http://127.0.0.1:ORIGIN; }',
    'root FILES; if ($arg_a) { rewrite ^ /a.txt break; proxy_pass http://127.0.0.1:ORIGIN; }',
    'root FILES; try_files /a.txt =404; if ($arg_a) { set $v x; }',
    'alias FILES/; if ($arg_a) { set $v x; }',
    'root FILES; location ~ txt$ { if ($arg_a) { add_header X inner; } } if ($arg_a) { add_header X outer; }',
    'if ($arg_a) { add_header X 1; rewrite ^ /x last; } return 200 x;',
]
TARGETS = ['/', '/a.txt', '/?a=b', '/?a=0', '/?a=00', '/?a=b%20c', '/?a=bbc', '/?a=B', '/?a=c', '/?b=1', '/?a=b&b=b', '/?a=', '/a.txt?a=b',
           '/a.txt?a=b&b=1', '/none?a=1']


def rewriting():
    numbers = itertools.count()
    for text, targets in LOCATIONS:
        yield Case('rewriting', START + text.replace('SHOW', SHOWN), gets(*targets), name=f'w{next(numbers)}')
    conditions = [f'if ({condition}) {{ return 200 "true $1 $2{" $named" * ("<named>" in condition)}"; }} return 200 "false $1";' for condition in CONDITIONS]
    for text in [*conditions, *BLOCKS, *SETTINGS]:
        text = text.replace('SHOW', SHOWN)
        yield Case('rewriting', START + f'location / {{ {text} }} location /x {{ {SHOWN} }}', gets(*TARGETS), name=f'w{next(numbers)}')
    for text in [*conditions, *BLOCKS]:
        text = text.replace('SHOW', SHOWN)
        yield Case('rewriting', START + f'{text} location / {{ return 200 location; }}', gets(*TARGETS[2:12:2]) + [Request('/a.txt?a=b', 'POST')], name=f'w{next(numbers)}')


SECTIONS = {'1.11': REWRITE, '1.12': TRYING, '1.13': [*COMPUTED, *ACCESS], '1.14, 1.15': FORMS}


def cases():
    for section, topics in SECTIONS.items():
        for number, (what, server, requests, *http) in enumerate(topics):
            made = [request if isinstance(request, Request) else Request(request) for request in requests]
            yield Case('rules', server, made, http[0] if http else '', f't{section[:4].replace(".", "")}x{number}')
    yield from rewriting()
