"""userid and browsers, beside nginx: each one's cookies are read by the other."""
import base64
import os
import re
import time

import beside
import peers
import pytest

MAIN = 'user root;' if os.geteuid() == 0 else ''
COOKIE = 'AQIDBAUGBwgJCgsMDQ4PEA=='
USERID = '''add_header X-Got "$uid_got" always; userid on;
    location / { return 200 ok; }
    location /v1 { userid v1; return 200 ok; }
    location /log { userid log; return 200 ok; }
    location /off { userid off; return 200 ok; }
    location /service { userid_service 77; return 200 ok; }
    location /v1service { userid v1; userid_service 77; return 200 ok; }
    location /name { userid_name id; return 200 ok; }
    location /all { userid_domain a.test; userid_path /all; userid_expires max; userid_p3p 'CP="x"'; userid_flags secure httponly samesite=strict; return 404; }
    location /none { userid_domain none; userid_p3p none; userid_expires off; userid_flags off; userid_mark off; return 301 /; }
    location /mark { userid_mark Z; userid_expires 365d; return 200 ok; }
    location /reset { set $uid_reset $arg_r; return 200 ok; }
    location /proxied { proxy_pass http://127.0.0.1:ORIGIN; }
    location /error { error_page 404 /all; return 404; }'''


def cookies_of(message):
    return [value for name, value in message.fields if name == 'set-cookie']


def blanked(message, port):
    """An answer without the bytes that are each one's own: the value of a new identifier."""
    line, fields, length, body = beside.seen(message, port)
    return line, [(name, re.sub(r'=[A-Za-z0-9+/]{22}(?=[=Z]=)', '=NEW', value) if COOKIE[:22] not in value else value) for name, value in fields], length, body


@pytest.fixture
def pair(gate, nginx_program, origin):
    return beside.Both(gate, nginx_program, USERID.replace('ORIGIN', str(origin.port)), main=MAIN)


@pytest.mark.parametrize('cookie', ['', f'uid={COOKIE}', f'UID={COOKIE}', f'a=b; uid={COOKIE[:22]}', f'uid={COOKIE[:22]}Z=', f'uid={COOKIE[:21]}', 'uid=', 'uid=%%%%%%%%%%%%%%%%%%%%%%%%',
                                    f'id={COOKIE}', f'uid={"A" * 24}', f'uid={COOKIE}; uid={"/" * 22}=='])
def test_what_is_sent_is_nginxs(pair, cookie):
    for path in ('/', '/v1', '/log', '/off', '/service', '/name', '/all', '/none', '/mark', '/reset', '/reset?r=0', '/reset?r=1', '/reset?r=log', '/proxied', '/error'):
        fields = (f'Cookie: {cookie}',) if cookie else ()
        ours, theirs = (blanked(peers.ask(each.port, 'GET', path, fields), each.port) for each in (pair.gate, pair.nginx))
        for each in (ours, theirs):  # a date of each one's own
            each[1][:] = [(name, re.sub(r'expires=[^;]*-(?!37)[^;]*', 'expires=DATE', value)) for name, value in each[1] if name != 'x-other']
        assert ours == theirs, path
    for each in (pair.gate, pair.nginx):
        log = each.folder / 'logs/error.log'
        said = log.read_text()
        assert ('too short userid cookie' in said) == (cookie in ('uid=', f'uid={COOKIE[:21]}'))
        assert ('invalid userid cookie' in said) == ('%' in cookie)
        log.write_text('')


def test_each_reads_the_others(pair):
    for one, other in ((pair.gate, pair.nginx), (pair.nginx, pair.gate)):
        for path, address in (('/', bytes([127, 0, 0, 1])), ('/v1', bytes(4)), ('/service', bytes([0, 0, 0, 77])), ('/v1service', bytes([77, 0, 0, 0]))):
            cookie = cookies_of(peers.ask(one.port, 'GET', path))[0].split(';')[0]
            made = base64.b64decode(cookie.removeprefix('uid='))
            seconds = int.from_bytes(made[4:8], 'little' if 'v1' in path else 'big')
            assert made[:4] == address and abs(seconds - time.time()) < 60
            answer = peers.ask(other.port, 'GET', '/', (f'Cookie: {cookie}',))
            parts = ''.join(f'{int.from_bytes(made[i:i + 4], "little"):08X}' for i in range(0, 16, 4))
            assert answer.one('X-Got') == f'uid={parts}' and not cookies_of(answer)


def test_no_two_clients_have_the_same(pair):
    assert len({cookies_of(peers.ask(pair.gate.port, 'GET', path))[0] for path in ('/', '/proxied') for _ in range(50)}) == 100


def test_the_log_has_what_was_sent(gate):
    server = gate('access_log logs/u.log u; location / { userid on; return 200 ok; }', 'log_format u "$uid_got|$uid_set";')
    cookie = cookies_of(peers.ask(server.port, 'GET', '/'))[0].split(';')[0]
    peers.ask(server.port, 'GET', '/', (f'Cookie: {cookie}',))
    end = time.monotonic() + peers.PATIENCE_S
    while len((server.folder / 'logs/u.log').read_text().splitlines()) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    first, second = (server.folder / 'logs/u.log').read_text().splitlines()
    assert first == f'-|{second.split("|")[0]}' and second.endswith('|-') and second.startswith('uid=')


AGENTS = ['', 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)', 'Mozilla/4.0 (compatible; MSIE 5.0; Windows NT 5.1) Opera 7.50', 'Opera/9.01 (X11)', 'MSIE 7', 'Lynx/2.8',
          'Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0', 'Mozilla/5.0 (Macintosh) AppleWebKit/418 (KHTML, like Gecko) Safari/417.9.3',
          'Mozilla/5.0 (compatible; Konqueror/3.4; Linux)', 'Mozilla/4.72 [en] (X11)', 'x', 'Mozilla/5.0 (X) Safari/', 'Mozilla/5.0 (X) Safari/1..5']


def test_browsers_are_what_nginx_takes_them_for(gate, nginx_program):
    pair = beside.Both(gate, nginx_program, '''add_header X "m=$modern_browser a=$ancient_browser i=$msie";
        location / { return 200 ok; }
        location /unlisted { modern_browser unlisted; ancient_browser Lynx; return 200 ok;
            location /unlisted/in { ancient_browser Konq netscape4; return 200 ok; } }
        location /both { modern_browser msie 5.5; modern_browser gecko 1.0.0; modern_browser opera 9; modern_browser safari 413; modern_browser konqueror 3.0;
            modern_browser unlisted; ancient_browser Links Lynx netscape4; modern_browser_value new; ancient_browser_value old.; return 200 ok;
            location /both/in { return 200 ok; }
            location /both/only { modern_browser MSIE 7.0; return 200 ok; } }''', main=MAIN)
    for agent in AGENTS:
        for path in ('/', '/unlisted', '/unlisted/in', '/both', '/both/in', '/both/only'):
            pair.ask(path, fields=(f'User-Agent: {agent}',) if agent else ())


def test_their_names_may_be_defined_anew(gate, nginx_program):
    pair = beside.Both(gate, nginx_program, 'location / { add_header X "$modern_browser"; return 200 ok; }',
                       'map $http_user_agent $modern_browser { default no; ~x yes; }', MAIN)
    assert pair.ask('/', fields=('User-Agent: x',)).one('X') == 'yes'
