"""auth_basic, satisfy, limit_except, real_ip, valid_referers and secure_link, answer for answer beside nginx."""
import base64
import hashlib
import os
import time

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
USERS = r'''# people
plain:{PLAIN}secret
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
ssha:{SSHA}/LAamB5Tlm8w3YgOxMdJKzdjdJpzYWx0
apr1:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
md5:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1
sha512:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1:a note
broken:nothing
empty:
'''
NAMES = ['plain', 'sha', 'ssha', 'apr1', 'md5', 'sha512', 'broken', 'empty', 'nobody']


def basic(user, password):
    return 'Authorization: Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


@pytest.fixture
def both(gate, nginx_program):
    def start(server, http=''):
        return beside.Both(gate, nginx_program, server, http, MAIN)
    return start


@pytest.fixture
def users(tmp_path):
    path = tmp_path / 'users'
    salted = base64.b64encode(hashlib.sha1(b'secretsalt').digest() + b'salt').decode()
    plain = base64.b64encode(hashlib.sha1(b'secret').digest()).decode()
    text = USERS.replace('/LAamB5Tlm8w3YgOxMdJKzdjdJpzYWx0', salted).replace('5en6G6MezRroT3XKqkdPOmY/BfQ=', plain)
    path.write_text(text)
    return path


AUTH = '''
    auth_basic "the realm"; auth_basic_user_file %(users)s;
    location / { proxy_pass http://127.0.0.1:%(origin)d; }
    location /open { auth_basic off; proxy_pass http://127.0.0.1:%(origin)d; }
    location /variable { auth_basic $arg_realm; proxy_pass http://127.0.0.1:%(origin)d; }
    location /missing { auth_basic_user_file %(users)s.none; }
    location /return { return 200 "open $remote_user"; }
    location /user { add_header X-User "$remote_user" always; }
    location /page { error_page 401 /shown; }
    location /shown { auth_basic off; return 200 shown; }
    location /any-not { satisfy any; deny all; proxy_pass http://127.0.0.1:%(origin)d; }
    location /any { satisfy any; allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:%(origin)d; }
    location /all { allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:%(origin)d; }
    location /all-not { deny all; proxy_pass http://127.0.0.1:%(origin)d; }
'''


def test_every_form_of_password(both, users, origin):
    pair = both(AUTH % {'users': users, 'origin': origin.port})
    for name in NAMES:
        for password in ('secret', 'Secret', ''):
            answer = pair.ask('/b/3', fields=[basic(name, password)])
            assert (answer.status == 200) == (password == 'secret' and name not in ('broken', 'empty', 'nobody')), name


def test_where_a_password_is_asked_for(both, users, origin):
    pair = both(AUTH % {'users': users, 'origin': origin.port})
    for target in ('/b/3', '/open', '/variable', '/variable?realm=off', '/variable?realm=a', '/missing', '/return', '/user',
                   '/page', '/any', '/any-not', '/all', '/all-not'):
        for fields in ([], [basic('plain', 'secret')], [basic('plain', 'wrong')], ['Authorization: Basic'],
                       ['Authorization: Bearer x'], ['Authorization: Basic !!'], ['Authorization: Basic cGxhaW4='],
                       ['Authorization: basic  ' + basic('plain', 'secret').split()[-1]]):
            pair.ask(target, fields=fields)
            pair.ask(target, 'HEAD', fields=fields)
    assert 'user "plain": password mismatch' in pair.gate.told and 'no user/password was provided' in pair.gate.told


EXCEPT = '''
    location / { limit_except GET { deny all; } proxy_pass http://127.0.0.1:%(origin)d; }
    location /post { limit_except POST put { deny all; } proxy_pass http://127.0.0.1:%(origin)d; }
    location /other { limit_except GET { proxy_pass http://127.0.0.1:%(origin)d; } return 200 here; }
    location /auth { limit_except GET { auth_basic r; auth_basic_user_file %(users)s; } proxy_pass http://127.0.0.1:%(origin)d; }
'''


def test_limit_except(both, users, origin):
    pair = both(EXCEPT % {'users': users, 'origin': origin.port})
    for target in ('/b/3', '/post', '/other', '/auth'):
        for method in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PURGE'):
            pair.ask(target, method, [basic('plain', 'secret')] if target == '/auth' else [])
            pair.ask(target, method)


REAL = '''
    set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; set_real_ip_from 2001:db8::/32;
    location / { return 200 "$remote_addr $realip_remote_addr $binary_remote_addr $proxy_add_x_forwarded_for\n"; }
    location /f { real_ip_header X-Forwarded-For; add_header X "$remote_addr" always; return 404; }
    location /allow { allow 203.0.113.1; deny all; return 200; }
'''
LISTS = ['203.0.113.1', '203.0.113.1, 10.0.0.1', '10.0.0.2,10.0.0.1', '203.0.113.7:4711', '[2001:db8::1]:80', '2001:db9::1',
         'nonsense', '203.0.113.1, nonsense', '203.0.113.1,,', ' , ', 'unix:', 'unix:/x', '203.0.113.9 203.0.113.8']


@pytest.mark.parametrize('header', ['X-Real-IP', 'X-Forwarded-For', 'X-Client'])
@pytest.mark.parametrize('recursive', ['on', 'off'])
def test_real_addresses(both, header, recursive):
    pair = both(f'real_ip_header {header}; real_ip_recursive {recursive};' + REAL)
    for value in LISTS:
        for target in ('/', '/allow'):
            pair.ask(target, fields=[f'{header}: {value}'])
    pair.ask('/', fields=[f'{header}: 203.0.113.1', f'{header}: 10.0.0.1'])
    pair.ask('/', fields=[f'{header}: 203.0.113.1, 198.51.100.1', f'{header}: 10.0.0.1'])
    pair.ask('/')


def test_a_real_address_is_believed_of_trusted_ones_alone(both):
    pair = both('set_real_ip_from 10.0.0.1; location / { return 200 "$remote_addr"; }')
    assert pair.ask('/', fields=['X-Real-IP: 203.0.113.1']).body == b'127.0.0.1'


def test_a_real_address_ends_with_its_request(gate):
    server = gate('set_real_ip_from 127.0.0.1; location / { return 200 "$remote_addr"; }')
    with peers.Wire(server.port) as wire:
        for field, seen in (('X-Real-IP: 203.0.113.1', b'203.0.113.1'), ('X: y', b'127.0.0.1')):
            wire.send(f'GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n'.encode())
            assert peers.read_response(wire).body == seen
    assert '203.0.113.1 - - [' in (server.folder / 'logs/access.log').read_text()


REFERERS = '''
    server_name example.org *.example.net;
    location / { valid_referers none blocked server_names; return 200 "[$invalid_referer]"; }
    location /names { valid_referers www.a.org *.b.org c.* d.org/only/; return 200 "[$invalid_referer]"; }
    location /regex { valid_referers ~\\.google\\. ~^a.org/x; return 200 "[$invalid_referer]"; }
    location /none { return 200 "[$invalid_referer]"; }
    location /if { valid_referers none a.org; if ($invalid_referer) { return 403; } return 200 in; }
'''


def test_referers(both):
    pair = both(REFERERS)
    for target in ('/', '/names', '/regex', '/none', '/if'):
        pair.ask(target)
        for value in ('', 'nothing', 'http://', 'http://a', 'http://example.org/', 'HTTPS://EXAMPLE.ORG:80/x', 'http://a.example.net',
                      'http://www.a.org/', 'http://x.b.org/', 'http://b.org/', 'http://c.com/', 'http://d.org/only/x', 'http://d.org/',
                      'ftp://www.a.org/', 'http://www.google.com/', 'http://a.org/xyz', 'http://' + 'a' * 300 + '.org/', 'XXXX'):
            pair.ask(target, fields=[f'Referer: {value}'])


LINKS = '''
    location / {
        secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret";
        return 200 "[$secure_link] [$secure_link_expires]";
    }
    location /plain { secure_link $arg_md5; secure_link_md5 "$uri secret"; return 200 "[$secure_link] [$secure_link_expires]"; }
    location /p/ { secure_link_secret word; return 200 "[$secure_link]"; }
    location /none { return 200 "[$secure_link]"; }
'''


def digest(text):
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode().rstrip('=')


def test_links(both):
    pair = both(LINKS)
    later, before = int(time.time()) + 1000, 1000
    for when in (later, before):
        pair.ask(f'/x?md5={digest(f"{when}/x secret")}&expires={when}')
        pair.ask(f'/y?md5={digest(f"{when}/x secret")}&expires={when}')
    assert pair.ask(f'/plain?md5={digest("/plain secret")}').body == b'[1] []'
    for md5 in ('', 'a', 'a' * 22, 'a' * 24, 'a' * 25, digest('/plain secret') + '==', digest('/plain secret') + 'A'):
        pair.ask(f'/plain?md5={md5}')
        pair.ask(f'/x?md5={md5}&expires=x')
    for link in ('link', 'a/b', ''):
        for hashed in (hashlib.md5(f'{link}word'.encode()).hexdigest(), 'x' * 32, 'x'):
            pair.ask(f'/p/{hashed}/{link}')
            pair.ask(f'/p/{hashed.upper()}/{link}')
    pair.ask('/p/')
    pair.ask('/none')


@pytest.mark.parametrize('directive, said', [
    ('auth_basic;', 'invalid number of arguments in "auth_basic" directive'),
    ('location / { limit_except FETCH { deny all; } }', 'invalid method "FETCH"'),
    ('limit_except GET { deny all; }', '"limit_except" directive is not allowed here'),
    ('set_real_ip_from no.such.host.invalid;', 'host not found'),
    ('valid_referers ~;', 'empty regex in "~"'),
    ('valid_referers none;', 'without any valid referer'),
    ('secure_link a; secure_link_secret b;', 'cannot be mixed'),
])
def test_refusals_are_nginxs(refusals, directive, said):
    ours, theirs = refusals(directive)
    assert said in ours and said in theirs


def test_a_refusal_is_kept_back(gate, users):
    server = gate(f'''auth_basic a; auth_basic_user_file {users}; location / {{ return 200 ok; }} location /slow {{ auth_delay 300ms; try_files /x =204; }}
        location /page {{ auth_delay 300ms; error_page 401 = /other; try_files /x =204; }} location /other {{ auth_basic off; return 200 other; }}''')
    for target, least, status in (('/page', 0.3, 200), ('/slow', 0.3, 401)):
        for _ in range(2):
            began = time.monotonic()
            assert peers.ask(server.port, 'GET', target).status == status
            assert time.monotonic() - began >= least - 0.02
    with peers.Wire(server.port) as wire:  # a client that goes meanwhile
        wire.send(b'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    assert peers.ask(server.port, 'GET', '/slow').status == 401
