"""Sessions stay with their server, through a reload, while it drains, and when another one fails."""
import collections
import contextlib
import re
import signal
import threading

import peers
import pytest

SESSIONS = 30
KINDS = {
    'cookie': 'sticky cookie route expires=1h domain=.example.com path=/ httponly secure samesite=lax;',
    'route': 'sticky route $cookie_route $arg_route;',
    'learn': 'sticky learn create=$upstream_cookie_id lookup=$cookie_id zone=sessions:1m;',
}
PASS = 'location / { proxy_pass http://three; proxy_set_header Connection ""; add_header X-Server $upstream_addr; }'


class Server(peers.Origin):
    """Whoever has no session yet gets one."""
    def answer_b(self, wire, request, rest):
        number = f'{self.port}-{len(self.requests)}'
        cookie = '' if 'id=' in (request.one('Cookie') or '') else f'Set-Cookie: id={number}; path=/\r\n'
        wire.send(f'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{cookie}\r\nok'.encode())


@pytest.fixture
def three():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Server()) for _ in range(3)]


def group(three, kind, parameters=('', '', '')):
    servers = ''.join(f'server 127.0.0.1:{each.port} route=r{i} {more};'
                      for i, (each, more) in enumerate(zip(three, parameters)))
    return f'upstream three {{ {KINDS[kind]} {servers} }}'


class Session:
    def __init__(self, number, kind):
        self.cookies = {'route': f'r{number % 3}'} if kind == 'route' else {}

    def ask(self, port):
        fields = [f'Cookie: theme=dark; {"; ".join(f"{k}={v}" for k, v in self.cookies.items())}'] if self.cookies else []
        answer = peers.ask(port, 'GET', '/b/1', fields)
        assert answer.status == 200
        for each in answer.all('Set-Cookie'):
            name, _, value = each.split(';')[0].partition('=')
            self.cookies[name] = value
        return answer.one('X-Server').split(', ')[-1]


def reload(proxy, text):
    ended = proxy.told.count('exited with code 0')
    (proxy.folder / 'proxy.conf').write_text(text)
    proxy.signal(signal.SIGHUP)
    peers.wait_for(lambda: proxy.told.count('exited with code 0') > ended)


@pytest.mark.parametrize('kind', KINDS)
def test_sessions_stay(gate, three, kind):
    proxy = gate(PASS, group(three, kind), main='worker_processes 2;')
    file = proxy.folder / 'proxy.conf'
    sessions = [Session(i, kind) for i in range(SESSIONS)]
    homes = [each.ask(proxy.port) for each in sessions]
    assert set(collections.Counter(homes).values()) == {10}

    def stayed(but=None):
        places = [each.ask(proxy.port) for each in sessions]
        kept = sum(new == old for new, old in zip(places, homes) if old != but)
        return kept / sum(old != but for old in homes)

    shares = [('at once', stayed())]
    reload(proxy, file.read_text())
    shares.append(('after a reload', stayed()))
    reload(proxy, file.read_text().replace(f'{three[0].port} route=r0', f'{three[0].port} route=r0 drain'))
    shares.append(('while one drains', stayed()))
    fresh = [Session(1, kind).ask(proxy.port) for _ in range(6)]
    assert f'127.0.0.1:{three[0].port}' not in fresh
    three[1].stop()
    shares.append(('when another fails', stayed(f'127.0.0.1:{three[1].port}')))
    moved = [each.ask(proxy.port) for each, home in zip(sessions, homes) if home == f'127.0.0.1:{three[1].port}']
    print(kind, ', '.join(f'{share:.0%} {when}' for when, share in shares))
    assert [share for _, share in shares] == [1] * 4
    assert set(moved) == {f'127.0.0.1:{three[2].port}'}
    if kind != 'route':  # whoever had to move stays where it went
        again = [each.ask(proxy.port) for each, home in zip(sessions, homes) if home == f'127.0.0.1:{three[1].port}']
        assert again == moved


def test_the_cookie_has_what_was_asked_for(gate, three):
    proxy = gate(PASS, group(three, 'cookie'))
    cookie = next(each for each in peers.ask(proxy.port, 'GET', '/b/1').all('Set-Cookie') if each.startswith('route'))
    assert re.fullmatch(r'route=r0; expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT; domain=\.example\.com; path=/; '
                        'secure; httponly; samesite=lax', cookie), cookie
    assert not any(each.startswith('route') for each in
                   peers.ask(proxy.port, 'GET', '/b/1', ['Cookie: route=r1']).all('Set-Cookie'))
    assert peers.ask(proxy.port, 'GET', '/b/1', ['Cookie: route=r7']).one('X-Server')  # a stranger's is no error


def test_an_address_is_not_shown(gate, three):
    servers = ''.join(f'server 127.0.0.1:{each.port};' for each in three)
    proxy = gate(PASS, f'upstream three {{ sticky cookie s; {servers} }}')
    cookie = next(each for each in peers.ask(proxy.port, 'GET', '/b/1').all('Set-Cookie') if each.startswith('s='))
    assert re.fullmatch('s=[0-9a-f]{32}', cookie)
    assert {peers.ask(proxy.port, 'GET', '/b/1', [f'Cookie: {cookie}']).one('X-Server') for _ in range(5)} == \
        {f'127.0.0.1:{three[0].port}'}


@pytest.mark.parametrize('kind', KINDS)
def test_sessions_stay_through_all_of_it_under_load(gate, kind):
    """Reloads, a server that drains and one that dies, at once, while sessions ask on in two loops: nobody whose server lives moves."""
    with contextlib.ExitStack() as stack:
        five = [stack.enter_context(Server()) for _ in range(5)]
        servers = ''.join(f'server 127.0.0.1:{each.port} route=r{i} fail_timeout=1h;' for i, each in enumerate(five))
        http = f'upstream three {{ zone three 64k; {KINDS[kind]} {servers} }}'
        proxy = gate(PASS, http, main='worker_processes 2;')
        text = (proxy.folder / 'proxy.conf').read_text()
        sessions = [Session(i, kind) for i in range(20)]
        if kind == 'route':
            for i, each in enumerate(sessions):
                each.cookies['route'] = f'r{i % 5}'
        homes = [each.ask(proxy.port) for each in sessions]
        dead = f'127.0.0.1:{five[1].port}'
        moves, done, count = [], threading.Event(), [0] * 4

        def client(number):
            while not done.is_set():
                for each, home in list(zip(sessions, homes))[number::4]:
                    place = each.ask(proxy.port)
                    count[number] += 1
                    if place != home and home != dead:
                        moves.append((home, place))

        threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for i in range(8):
            if i == 3:
                five[1].stop()
            drains = f'route=r0 {"drain" if i in (2, 3, 4, 7) else ""} '
            reload(proxy, text.replace('route=r0 ', drains))
        done.set()
        for thread in threads:
            thread.join()
        print(f'{kind}: {sum(count)} requests of 20 sessions through 8 reloads, a drain and a death, {len(moves)} moved')
        assert not moves and sum(count) > 200
        moved = {each.ask(proxy.port) for each, home in zip(sessions, homes) if home == dead}
        assert dead not in moved


def test_sync_is_refused_by_name(refusals):
    said = refusals('location / { proxy_pass http://u; }', 'upstream u { sticky learn create=$upstream_cookie_a lookup=$cookie_a zone=z:1m sync; server 127.0.0.1:1; }')
    assert 'sessions are known to this machine alone' in said[0]
