"""Whole sites as people run them, for gate and nginx: {name: (http, server, requests)}; see differential.py for the words in capitals."""
from differential import Case, Request, gets

ORIGIN = 'http://127.0.0.1:ORIGIN'
FORWARD = ('proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; '
           'proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;').replace(' proxy_set_header X-Forwarded-Port $server_port;', '')
USER = ('Authorization: Basic dXNlcjpzZWNyZXQ=',)

SITES = {
    'a blog with an application behind it': ('', f'''
        root FILES; index index.php index.html; client_max_body_size 64m;
        location = /favicon.ico {{ log_not_found off; access_log off; }}
        location = /robots.txt {{ allow all; log_not_found off; access_log off; }}
        location = /xmlrpc.php {{ deny all; }}
        location ~ /\\.(?!well-known) {{ deny all; }}
        location ~* /(?:uploads|files)/.*\\.php$ {{ deny all; }}
        location ~* \\.(?:css|js|png|txt|html)$ {{ expires 30d; add_header Cache-Control "public"; try_files $uri =404; }}
        location / {{ try_files $uri $uri/ @app; }}
        location @app {{ {FORWARD} proxy_redirect off; proxy_pass {ORIGIN}; }}''',
        [*gets('/', '/a.txt', '/sub/', '/sub', '/2024/05/post/?p=1', '/wp-login.php', '/xmlrpc.php', '/.git/config', '/.well-known/x', '/uploads/x.php', '/none.css', '/favicon.ico', '/robots.txt', '/echo?x=%20y'), Request('/echo', 'POST', ('Content-Type: application/x-www-form-urlencoded',), b'log=a&pwd=b')]),
    'files shared between people': ('', f'''
        root FILES; client_max_body_size 512m; client_body_timeout 300s; gzip on; gzip_vary on; gzip_comp_level 4; gzip_min_length 256; gzip_proxied expired no-cache no-store private no_last_modified no_etag auth; gzip_types text/plain application/json;
        add_header Referrer-Policy "no-referrer" always; add_header X-Content-Type-Options "nosniff" always; add_header X-Frame-Options "SAMEORIGIN" always; add_header X-Robots-Tag "noindex, nofollow" always; proxy_hide_header X-Powered-By;
        index index.php index.html /index.php$request_uri;
        location = / {{ if ($http_user_agent ~ ^DavClnt) {{ return 302 /remote.php/webdav/$is_args$args; }} {FORWARD} proxy_pass {ORIGIN}; }}
        location = /robots.txt {{ allow all; log_not_found off; }}
        location ^~ /.well-known {{ location = /.well-known/carddav {{ return 301 /remote.php/dav/; }} location = /.well-known/caldav {{ return 301 /remote.php/dav/; }} location /.well-known/acme-challenge {{ try_files $uri $uri/ =404; }} return 301 /index.php$request_uri; }}
        location ~ ^/(?:build|tests|config|lib|3rdparty|templates|data)(?:$|/) {{ return 404; }}
        location ~ ^/(?:\\.|autotest|occ|issue|indie|db_|console) {{ return 404; }}
        location ~ \\.php(?:$|/) {{ rewrite ^/(?!index|remote|public|cron|status|ocs/v[12]) /index.php$request_uri; {FORWARD} proxy_request_buffering off; proxy_pass {ORIGIN}; }}
        location ~ \\.(?:css|js|svg|txt)$ {{ try_files $uri /index.php$request_uri; expires 6m; }}
        location /remote {{ return 301 /remote.php$request_uri; }}
        location / {{ try_files $uri $uri/ /index.php$request_uri; }}''',
        [*gets('/', '/?a=b', '/robots.txt', '/.well-known/carddav', '/.well-known/acme-challenge/x', '/.well-known/webfinger?resource=x', '/config/config.php', '/.htaccess', '/index.php/apps/files', '/x.php?y', '/a.txt', '/none.js', '/remote/x', '/apps/x?y=z', '/sub/', '/big.txt'),
         Request('/', fields=('User-Agent: DavClnt',)), Request('/big.txt', fields=('Accept-Encoding: gzip',)), Request('/remote.php/dav/x', 'PUT', (), b'content')]),
    'one page and its interface': ('', f'''
        root FILES; gzip on; gzip_types text/plain text/css application/javascript application/json;
        location / {{ try_files $uri $uri/ /b.html; }}
        location = /b.html {{ add_header Cache-Control "no-store, no-cache, must-revalidate"; expires 0; }}
        location ~* \\.(?:js|css|woff2?|txt)$ {{ expires 1y; add_header Cache-Control "public, immutable"; access_log off; }}
        location /api/ {{ {FORWARD} proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 90s; proxy_pass {ORIGIN}/v1/; }}
        location = /healthz {{ access_log off; default_type text/plain; return 200 "ok\\n"; }}''',
        [*gets('/', '/users/1?tab=x', '/b.html', '/a.txt', '/none.js', '/api/plain', '/api/missing', '/api/json?x=1', '/api', '/healthz'), Request('/healthz', 'HEAD'), Request('/api/cookies', 'DELETE')]),
    'dashboards with a web socket': ('map $http_upgrade $connection_upgrade_NAME { default upgrade; "" close; } upstream dash_NAME { server 127.0.0.1:ORIGIN; }', '''
        location / { proxy_set_header Host $http_host; proxy_pass http://dash_NAME; }
        location /api/live/ { proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade_NAME; proxy_set_header Host $http_host; proxy_pass http://dash_NAME; }
        location /dash/ { rewrite ^/dash/(.*) /$1 break; proxy_set_header Host $http_host; proxy_pass http://dash_NAME; }''',
        [*gets('/echo', '/api/live/ws', '/dash/echo?x=1', '/dash/a%20b'), Request('/api/live/ws', fields=('Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'))]),
    'pages that say how long they last': ('map $sent_http_content_type $lasting_NAME { default off; text/html epoch; text/plain max; ~image/ 30d; application/json 1h; }', f'''
        root FILES; charset utf-8; charset_types text/plain; expires $lasting_NAME; etag on; absolute_redirect off; error_page 404 /b.html; error_page 500 502 503 504 /a.txt;
        location / {{ try_files $uri $uri/index.html $uri/ =404; }}
        location ~ ^(.+)/$ {{ return 301 $1$is_args$args; }}
        location /data {{ proxy_pass {ORIGIN}/v1/json; }}
        location ~ \\.bak$ {{ return 404; }}''',
        [*gets('/a.txt', '/b.html', '/sub', '/sub/', '/sub/?x=y', '/none', '/data', '/x.bak', '/empty'), Request('/a.txt', fields=('If-Modified-Since: DATE',)), Request('/b.html', fields=('Range: bytes=0-4',))]),
    'a balancer': ('upstream pool_NAME { least_conn; server 127.0.0.1:ORIGIN weight=3 max_fails=2 fail_timeout=5s; server 127.0.0.1:1 backup; keepalive 16; }', f'''
        location / {{ {FORWARD} proxy_http_version 1.1; proxy_set_header Connection ""; proxy_connect_timeout 2s; proxy_next_upstream error timeout http_502 http_503; proxy_next_upstream_tries 2; proxy_buffers 16 8k; proxy_buffer_size 8k; proxy_pass http://pool_NAME; }}
        location = /lb-status {{ stub_status; allow 127.0.0.1; deny all; }}
        location = /gone {{ proxy_pass http://127.0.0.1:1; error_page 502 =503 /busy; }}
        location = /busy {{ internal; default_type text/html; add_header Retry-After 30 always; return 503 "<p>busy</p>"; }}''',
        [*gets('/echo', '/v1/plain', '/status/404', '/status/500', '/b/5000', '/chunked/9000', '/gone', '/busy'), Request('/echo', 'POST', (), b'x' * 3000)]),
    'rooms behind a password': ('', f'''
        root FILES; location /admin/ {{ satisfy any; allow 10.0.0.0/8; deny all; auth_basic "Administration"; auth_basic_user_file FILES/users; {FORWARD} proxy_set_header X-User $remote_user; proxy_set_header Authorization ""; proxy_pass {ORIGIN}/; }}
        location /private/ {{ auth_basic "Private"; auth_basic_user_file FILES/users; alias FILES/; autoindex on; }}
        location /private/open/ {{ auth_basic off; alias FILES/sub/; }}
        location / {{ limit_except GET HEAD {{ auth_basic "Writing"; auth_basic_user_file FILES/users; }} try_files $uri $uri/ =404; }}''',
        [Request(path, fields=fields) for path in ('/admin/echo', '/private/a.txt', '/private/open/', '/a.txt') for fields in ((), USER, ('Authorization: Basic dXNlcjp3cm9uZw==',))] + [Request('/a.txt', 'POST', body=b'x'), Request('/a.txt', 'POST', USER, b'x')]),
    'an interface that is rationed': ('limit_req_zone $ration_NAME zone=per_key_NAME:1m rate=1r/m; map $http_x_api_key $client_NAME { default ""; "k1" one; "k2" two; } map $client_NAME $ration_NAME { default $client_NAME; two ""; }', f'''
        default_type application/json; limit_req_status 429; error_page 401 @unknown; error_page 429 @slower; proxy_intercept_errors on; error_page 404 @missing;
        location /v1/ {{ if ($client_NAME = "") {{ return 401; }} limit_req zone=per_key_NAME burst=1 nodelay; add_header X-Client $client_NAME always; proxy_set_header X-Api-Key ""; proxy_set_header X-Client $client_NAME; proxy_pass {ORIGIN}; }}
        location @unknown {{ return 401 '{{"error": "no key"}}'; }} location @slower {{ add_header Retry-After 60 always; return 429 '{{"error": "slower"}}'; }} location @missing {{ return 404 '{{"error": "not found", "path": "$uri"}}'; }}''',
        [Request('/v1/plain'), Request('/v1/plain', fields=('X-Api-Key: bad',))] + [Request('/v1/plain', fields=('X-Api-Key: k1',))] * 3 + [Request('/v1/missing', fields=('X-Api-Key: k2',))] * 3 + [Request('/other')]),
    'a second copy of what is asked': ('split_clients "$arg_id" $copied_NAME { 50% yes; * no; }', f'''
        location / {{ mirror /copy; mirror_request_body on; {FORWARD} proxy_pass {ORIGIN}; }}
        location = /copy {{ internal; if ($copied_NAME = no) {{ return 204; }} proxy_set_header X-Original $request_uri; proxy_pass {ORIGIN}/status/204; }}''',
        [*gets('/echo?id=1', '/echo?id=2', '/echo?id=3', '/v1/plain?id=4'), Request('/echo?id=5', 'POST', (), b'copied')]),
    'files that are compressed beforehand': ('', '''
        root FILES; gzip_static on; gzip on; gzip_vary on; gzip_proxied any; gzip_types text/plain text/css application/javascript; sendfile on; tcp_nopush on; open_file_cache max=100 inactive=20s; open_file_cache_errors on;
        location /static/ { alias FILES/; expires max; add_header Cache-Control public; add_header X-Static yes; }''',
        [Request(path, fields=fields) for path in ('/c.txt', '/static/c.txt', '/a.txt', '/static/none', '/static/big.txt', '/sub/') for fields in ((), ('Accept-Encoding: gzip',), ('Accept-Encoding: br, gzip;q=0.5', 'Via: 1.1 cdn'))]),
    'a few try the next version': ('split_clients "$cookie_id" $share_NAME { 10% new; * old; } map $cookie_version$http_x_version $version_NAME { default $share_NAME; ~new new; ~old old; } upstream new_NAME { server 127.0.0.1:ORIGIN; } upstream old_NAME { server 127.0.0.1:ORIGIN; } '
                                   'map $version_NAME $group_NAME { new new_NAME; default old_NAME; }', f'''
        location / {{ add_header X-Version $version_NAME always; proxy_set_header X-Version $version_NAME; {FORWARD} proxy_pass http://$group_NAME; }}''',
        [Request('/echo?a=b%20c', fields=fields) for fields in ((), ('Cookie: version=new',), ('X-Version: old',), ('Cookie: id=7',), ('Cookie: id=x1; other=2',))]),
    'one name of several': ('server { listen PORT; server_name www.NAME.test *.old.NAME.test; return 301 $scheme://NAME.test$request_uri; } server { listen PORT; server_name tls.NAME.test; location /.well-known/acme-challenge/ { root FILES; } location / { return 301 https://$host$request_uri; } }', '''
        root FILES; location = /index.html { return 301 /; } location / { index b.html; }''',
        [Request(path, host=host) for host in ('NAME.test', 'www.NAME.test', 'x.old.NAME.test', 'tls.NAME.test', 'WWW.NAME.test:80') for path in ('/', '/a%20b?c=d', '/index.html', '/.well-known/acme-challenge/x')]),
    'closed for the day': ('geo $is_staff_NAME { default 0; 127.0.0.2 1; }', f'''
        set $closed ""; if (-f FILES/a.txt) {{ set $closed "${{closed}}C"; }} if ($is_staff_NAME = 0) {{ set $closed "${{closed}}O"; }} if ($uri ~ ^/(assets|healthz)) {{ set $closed ""; }} if ($closed = CO) {{ return 503; }}
        error_page 503 @closed; location @closed {{ root FILES; add_header Retry-After 3600 always; rewrite ^(.*)$ /b.html break; }} location /assets/ {{ alias FILES/; }} location = /healthz {{ return 200 up; }} location / {{ proxy_pass {ORIGIN}; }}''',
        [*gets('/', '/x?y', '/assets/a.txt', '/healthz', '/assets/none'), Request('/', 'POST', body=b'x'), Request('/', 'HEAD')]),
    'old addresses': ('map $request_uri $moved_NAME { /old.html /new.html; ~^/blog/(?<id_NAME>\\d+)/?$ /posts/$id_NAME; ~^/shop\\?id=(?<shop_NAME>\\w+) /store/$shop_NAME; /away https://elsewhere.example/; }', '''
        if ($moved_NAME) { return 301 $moved_NAME; } rewrite ^/u/([^/]+)/feed$ /feeds/$1.xml permanent; rewrite ^/tag/(.+)$ /search?tag=$1 redirect; rewrite ^/(.*)\\.php$ /$1 last; rewrite ^/lang/(en|de)/(.*)$ /$2?lang=$1? last;
        location / { return 200 "$uri $args"; }''', gets('/old.html', '/blog/12', '/blog/12/', '/blog/x', '/shop?id=a1&x', '/away', '/u/me/feed?x=1', '/tag/a b'.replace(' ', '%20'), '/x.php?y=z', '/lang/de/a/b?c=d', '/other')),
    'pictures that stay at home': ('', '''
        root FILES; location ~* \\.(?:gif|txt|png)$ { valid_referers none blocked server_names *.friend.example ~\\.search\\.; if ($invalid_referer) { rewrite ^ /b.html break; } add_header X-Robots-Tag none; } location / { }''',
        [Request('/a.txt', fields=fields) for fields in ((), ('Referer: http://NAME.test/x',), ('Referer: https://pics.friend.example/',), ('Referer: http://www.search.example/q',), ('Referer: http://thief.example/',), ('Referer: blocked',))]),
    'what is downloaded after a look at the ticket': ('', f'''
        location /files/ {{ secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret"; if ($secure_link = "") {{ return 403; }} if ($secure_link = "0") {{ return 410; }} alias FILES/; }}
        location /download/ {{ {FORWARD} proxy_pass {ORIGIN}/v1/; }} location /inner/ {{ internal; alias FILES/; limit_rate 10m; }} location @named {{ return 200 named; }}''',
        gets('/files/a.txt', '/files/a.txt?md5=x&expires=1', '/download/l-accelpath', '/download/l-accelnone', '/download/l-accelnamed', '/download/plain', '/inner/a.txt')),
    'others may read it in a browser': ('map $http_origin $trusted_NAME { default ""; ~^https://(?:app|www)\\.example\\.org$ $http_origin; }', f'''
        location /api/ {{ if ($request_method = OPTIONS) {{ add_header Access-Control-Allow-Origin $trusted_NAME always; add_header Access-Control-Allow-Methods "GET, POST, OPTIONS"; add_header Access-Control-Max-Age 1728000; add_header Content-Length 0; return 204; }}
            add_header Access-Control-Allow-Origin $trusted_NAME always; add_header Vary Origin always; proxy_hide_header Access-Control-Allow-Origin; proxy_pass {ORIGIN}/v1/; }}'''.replace(' add_header Content-Length 0;', ''),
        [Request('/api/plain', method, fields) for method in ('GET', 'OPTIONS', 'HEAD') for fields in ((), ('Origin: https://app.example.org',), ('Origin: https://bad.example',))] + [Request('/api/missing', fields=('Origin: https://www.example.org',))]),
    'services behind one door': ('upstream users_NAME { server 127.0.0.1:ORIGIN; } upstream orders_NAME { server 127.0.0.1:ORIGIN; }', f'''
        uninitialized_variable_warn off; location = /login {{ return 200 "log in, then $arg_next"; }} location @login {{ return 302 /login?next=$request_uri; }}
        location = /auth {{ internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri; if ($http_cookie !~ session=) {{ return 401; }} proxy_pass {ORIGIN}/v1/plain; }}
        location ^~ /users/ {{ auth_request /auth; auth_request_set $who $upstream_http_x_one; error_page 401 = @login; proxy_set_header X-User $who; {FORWARD} rewrite ^/users/(.*)$ /$1 break; proxy_pass http://users_NAME; }}
        location ^~ /orders/ {{ auth_request /auth; error_page 401 = @login; proxy_pass http://orders_NAME/; }} location / {{ return 404; }}''',
        [Request(path, fields=fields) for path in ('/users/echo?a=b', '/orders/echo', '/login?next=/x', '/auth', '/none') for fields in ((), ('Cookie: session=1',))] + [Request('/users/echo', 'POST', ('Cookie: session=2',), b'body')]),
    'a house for many': ('server { listen PORT; server_name ~^(?<tenant_NAME>[a-z0-9]+)\\.rooms\\.NAME\\.test$; root FILES/$tenant_NAME; location /api/ { proxy_set_header X-Tenant $tenant_NAME; proxy_set_header Host $tenant_NAME.internal; proxy_pass ' + ORIGIN + '/; } location / { try_files $uri $uri/index.html /index.html =404; } }', '''
        return 200 "front $host";''', [Request(path, host=host) for host in ('sub.rooms.NAME.test', 'none.rooms.NAME.test', 'a.b.rooms.NAME.test', 'NAME.test') for path in ('/', '/x', '/api/echo?y', '/index.html')]),
    'a store of packages': ('', f'''
        client_max_body_size 0; chunked_transfer_encoding on; proxy_request_buffering off; proxy_read_timeout 900s;
        location /v2/ {{ if ($http_user_agent ~ "^(docker/1\\.(3|4|5(?!\\.[0-9]-dev))|Go ).*$") {{ return 404; }} add_header Docker-Distribution-Api-Version registry/2.0 always; proxy_set_header Host $http_host; proxy_set_header X-Real-IP $remote_addr; proxy_pass {ORIGIN}/; }}''',
        [*gets('/v2/', '/v2/echo', '/v2/status/401'), Request('/v2/echo', fields=('User-Agent: docker/1.4.0',)), Request('/v2/echo', 'PUT', (), b'layer' * 2000), Request(raw=b'PATCH /v2/echo HTTP/1.1\r\nHost: NAME.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlayer\r\n0\r\n\r\n')]),
    'behind another proxy': ('geo $country_NAME { default xx; 203.0.113.0/24 aa; 198.51.100.0/24 bb; } map $country_NAME $barred_NAME { default 0; bb 1; }', f'''
        set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on; location / {{ if ($barred_NAME) {{ return 451; }} add_header X-Seen "$remote_addr $realip_remote_addr $country_NAME" always; {FORWARD} proxy_pass {ORIGIN}; }}''',
        [Request('/echo', fields=fields) for fields in ((), ('X-Forwarded-For: 203.0.113.9',), ('X-Forwarded-For: 198.51.100.1, 10.0.0.3',), ('X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.1.1.1',))]),
    'in the language of who asks': ('map $http_accept_language $language_NAME { default en; ~*^de de; ~*^fr fr; }', '''
        root FILES; location = / { return 302 /$language_NAME/; } location ~ ^/(en|de|fr)/ { add_header Content-Language $1; rewrite ^/(?:en|de|fr)/(.*)$ /$1 break; try_files $uri /b.html; } location / { return 301 /$language_NAME$request_uri; }''',
        [Request(path, fields=fields) for path in ('/', '/de/a.txt', '/x?y=z') for fields in ((), ('Accept-Language: de-AT,de;q=0.9',), ('Accept-Language: FR',))]),
    'an application below a path': ('', f'''
        location = /app {{ return 301 /app/; }} location /app/ {{ {FORWARD} proxy_set_header X-Script-Name /app; proxy_redirect / /app/; proxy_redirect http://127.0.0.1:ORIGIN/ /app/; proxy_cookie_path / /app/; proxy_cookie_domain origin.example NAME.test; proxy_set_header Accept-Encoding "";
            sub_filter 'plain' 'PLAIN'; sub_filter_once off; sub_filter_types text/plain; proxy_pass {ORIGIN}/v1/; }}''', gets('/app', '/app/plain', '/app/location', '/app/location2', '/app/location3', '/app/cookies', '/app/l-flags')),
}


def cases():
    for number, (http, server, requests) in enumerate(SITES.values()):
        yield Case('sites', server, requests, http, f'site{number}')
