"""The way out: CONNECT and absolute targets, by real clients, and where they may not lead."""
import re
import shutil
import subprocess

import dns_server
import peers
import pytest

OPEN = 'forward_allow 127.0.0.0/8;'


@pytest.fixture
def names():
    with dns_server.NameServer() as server:
        yield server


def curl(proxy, *words):
    run = subprocess.run(['curl', '-sS', '-x', f'http://127.0.0.1:{proxy.port}', '--noproxy', '', *words],
                         capture_output=True, timeout=peers.PATIENCE_S * 2)
    return run.returncode, run.stdout, run.stderr.decode()


def test_absolute_targets(gate, names, origin):
    names.records['app.test', dns_server.A] = ['127.0.0.1']
    proxy = gate(f'forward on; {OPEN} resolver 127.0.0.1:{names.port} ipv6=off; location /own {{ return 200 own; }}')
    status, body, said = curl(proxy, f'http://app.test:{origin.port}/echo?x=1', '-H', 'X-Forwarded-For: 9.9.9.9', '-H', 'Forwarded: for=9.9.9.9',
                              '--proxy-user', 'a:b', '-H', 'X-Mine: 1')
    assert status == 0, said
    sent = body.decode()
    assert sent.startswith(f'GET /echo?x=1 HTTP/1.1\r\nHost: app.test:{origin.port}\r\n')
    assert '9.9.9.9' not in sent and '127.0.0.1' not in sent and 'Proxy-' not in sent and 'X-Mine: 1' in sent
    assert curl(proxy, f'http://127.0.0.1:{origin.port}/b/100000')[1] == peers.pattern(100000)
    assert curl(proxy, f'http://127.0.0.1:{origin.port}/echo', '-d', 'body=1')[1].endswith(b'\r\n\r\nbody=1')
    assert peers.ask(proxy.port, 'GET', '/own').body == b'own'  # a target of its own is no way out
    assert peers.ask(proxy.port, 'GET', f'https://127.0.0.1:{origin.port}/').status == 400


def test_connect(gate, names, origin):
    names.records['app.test', dns_server.A] = ['127.0.0.1']
    proxy = gate(f'tunnel_pass; {OPEN} resolver 127.0.0.1:{names.port} ipv6=off;')
    assert curl(proxy, '-p', f'http://app.test:{origin.port}/b/300000')[1] == peers.pattern(300000)
    with peers.Wire(proxy.port) as wire:  # what comes with the head belongs to the tunnel
        wire.send(f'CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: 127.0.0.1:{origin.port}\r\n\r\nGET /b/3 HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
        assert re.match(b'HTTP/1.1 200 ', wire.take_until(b'\r\n\r\n'))
        assert peers.read_response(wire).body == peers.pattern(3)
    assert peers.exchange(proxy.port, b'CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 1\r\n\r\nx').startswith(b'HTTP/1.1 400')
    gone = peers.Origin()
    gone.stop()
    assert peers.exchange(proxy.port, f'CONNECT 127.0.0.1:{gone.port} HTTP/1.1\r\nHost: 127.0.0.1:{gone.port}\r\nConnection: close\r\n\r\n'.encode()).startswith(b'HTTP/1.1 502')
    assert peers.exchange(proxy.port, b'CONNECT none.test:80 HTTP/1.1\r\nHost: none.test:80\r\nConnection: close\r\n\r\n').startswith(b'HTTP/1.1 502')


def test_without_tunnel_pass_connect_is_405_and_never_reaches_an_origin(gate, origin):
    proxy = gate(f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}')
    assert peers.exchange(proxy.port, b'CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n').startswith(b'HTTP/1.1 405')
    assert not origin.requests


def fetch(proxy, url):
    with peers.Wire(proxy.port) as wire:
        wire.send(f'GET {url} HTTP/1.1\r\nHost: {url.split("/")[2]}\r\nConnection: close\r\n\r\n'.encode())
        return peers.read_response(wire)


REFUSED = ['127.0.0.1:80', '10.0.0.1:443', '169.254.169.254:80', '192.168.0.1:80', '[::1]:80', '[fd00::1]:443', '[::ffff:127.0.0.1]:80',
           '0.0.0.0:80', '0.1.2.3:80', '100.100.100.200:80', '168.63.129.16:80', '[fd00:ec2::254]:80', '[64:ff9b::a9fe:a9fe]:80', 'inside.test:80', 'mapped.test:80', 'linked.test:443', '8.8.8.8:25', '8.8.8.8:22']


@pytest.mark.parametrize('place', REFUSED)
def test_what_is_not_for_everybody_is_refused(gate, names, place):
    """Also where a name leads there: the address is looked at after it was resolved."""
    names.records['inside.test', dns_server.A] = ['127.0.0.1']
    names.records['mapped.test', dns_server.AAAA] = ['::ffff:127.0.0.1']
    names.records['linked.test', dns_server.AAAA] = ['fe80::1']
    proxy = gate(f'tunnel_pass; forward on; resolver 127.0.0.1:{names.port};')
    said = peers.exchange(proxy.port, f'CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n'.encode())
    assert said.startswith(b'HTTP/1.1 403'), said
    said = peers.exchange(proxy.port, f'GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n'.encode())
    assert said.startswith(b'HTTP/1.1 403'), said
    assert 'is not allowed' in proxy.told


MALFORMED = ['CONNECT [fe80::1%25lo]:80', 'CONNECT [::1%lo]:80', 'CONNECT 127.0.0.1', 'CONNECT 127.0.0.1:', 'CONNECT 127.0.0.1:0', 'CONNECT 127.0.0.1:65616',
             'CONNECT http://127.0.0.1:80/', 'CONNECT 127.0.0.1:80/x', 'CONNECT a@127.0.0.1:80', 'CONNECT /', 'GET http://[fe80::1%25lo]/', 'GET http://a:b@127.0.0.1/',
             'GET http:///x', 'GET http://127.0.0.1:80:80/', 'GET http:127.0.0.1', 'GET http://127.0.0.1\\@other.test/']


@pytest.mark.parametrize('line', MALFORMED)
def test_what_can_be_read_in_two_ways_is_refused(gate, origin, line):
    proxy = gate('tunnel_pass; forward on; forward_allow all;')
    host = re.sub('^(http://)?|/.*|.*@', '', line.split()[1])
    assert peers.exchange(proxy.port, f'{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'.encode()).startswith(b'HTTP/1.1 400')


def test_host_and_target_must_agree(gate, origin):
    """Who looks at Host alone, here or behind, sees no other name than the one that was checked."""
    proxy = gate(f'tunnel_pass; forward on; {OPEN}')
    place = f'127.0.0.1:{origin.port}'
    for line in (f'CONNECT {place}', f'GET http://{place}/b/1'):
        for host, status in ((place, b'200'), ('other.test', b'400'), (f'{place}\r\nHost: {place}', b'400')):
            with peers.Wire(proxy.port) as wire:
                wire.send(f'{line} HTTP/1.1\r\nHost: {host}\r\n\r\n'.encode())
                assert wire.take_until(b'\r\n').split()[1] == status, (line, host)
    assert len(origin.requests) == 1


def test_rules_and_clients(gate, names, origin):
    for name in ('good.test', 'bad.good.test', 'x1.other.test'):
        names.records[name, dns_server.A] = ['127.0.0.1']
    rules = f'forward_deny bad.good.test; forward_allow .good.test port={origin.port}; forward_allow ~^x[0-9]\\. private;'
    proxy = gate(f'tunnel_pass; forward on; {rules} resolver 127.0.0.1:{names.port} ipv6=off;')
    def answer(name):
        return curl(proxy, '-o', '/dev/null', '-w', '%{http_code}', f'http://{name}:{origin.port}/b/1')[1]
    assert (answer('good.test'), answer('bad.good.test'), answer('x1.other.test')) == (b'200', b'403', b'200')
    below = f'forward_allow port={origin.port + 1}-{origin.port + 9} private; forward_allow port={origin.port}-{origin.port} .good.test;'
    proxy = gate(f'tunnel_pass; forward on; {below} resolver 127.0.0.1:{names.port} ipv6=off;')
    assert (answer('good.test'), answer('x1.other.test')) == (b'200', b'403')
    proxy = gate(f'tunnel_pass; forward on; forward_allow all; deny 127.0.0.1; resolver 127.0.0.1:{names.port};')
    assert answer('good.test') == b'403'


def test_a_browser_through_it(gate, names, origin, tmp_path):
    """Chromium takes gate as its proxy, for an absolute target and, with TLS inside, for a tunnel."""
    chromium = shutil.which('chromium')
    if not chromium:
        pytest.skip('chromium is not installed')
    names.records['app.test', dns_server.A] = ['127.0.0.1']
    origin.scripts['/page'] = [b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 27\r\n\r\n<p id=x>through the gate</p>'[:-1]]
    proxy = gate(f'tunnel_pass; forward on; {OPEN} resolver 127.0.0.1:{names.port} ipv6=off;')
    shown = subprocess.run([chromium, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={tmp_path}/c',
                            f'--proxy-server=127.0.0.1:{proxy.port}', '--dump-dom', f'http://app.test:{origin.port}/page'],
                           capture_output=True, text=True, timeout=120)
    assert 'through the gate' in shown.stdout, shown.stderr[-2000:]
    assert any(each.target == '/page' for each in origin.requests)


def test_tls_inside(gate, tmp_path):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-keyout', tmp_path / 'key', '-out', tmp_path / 'cert'], check=True, capture_output=True)
    (tmp_path).chmod(0o755)
    inner = gate('location / { return 200 inner; }'.replace('location', f'ssl_certificate {tmp_path}/cert; ssl_certificate_key {tmp_path}/key; location'), listen='ssl')
    proxy = gate(f'tunnel_pass; {OPEN}')
    status, body, said = curl(proxy, '-k', f'https://127.0.0.1:{inner.port}/')
    assert (status, body) == (0, b'inner'), said


def test_a_second_address_is_tried_when_the_first_refuses(gate, names, origin):
    """Three of four addresses refuse; those that are not allowed are never asked, whatever stands beside them."""
    names.records['app.test', dns_server.A] = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    names.records['mixed.test', dns_server.A] = ['127.9.0.1', '127.0.0.1', '127.9.0.2']
    names.records['none.test', dns_server.A] = ['127.9.0.1', '127.9.0.2']
    with peers.Origin('127.9.0.1', origin.port) as inside:
        proxy = gate(f'tunnel_pass; forward on; forward_allow 127.0.0.0/16; resolver 127.0.0.1:{names.port} ipv6=off;')
        for i in range(10):
            assert curl(proxy, f'http://app.test:{origin.port}/b/{i}')[1] == peers.pattern(i)
            assert curl(proxy, '-p', f'http://app.test:{origin.port}/b/{i}')[1] == peers.pattern(i)
            assert curl(proxy, f'http://mixed.test:{origin.port}/b/{i}')[1] == peers.pattern(i)
            assert curl(proxy, '-d', 'body=1', f'http://app.test:{origin.port}/echo')[1].endswith(b'body=1')
            assert fetch(proxy, f'http://none.test:{origin.port}/').status == 403
        assert not inside.connections
        assert 'Connection refused' in proxy.told
        names.records['app.test', dns_server.A] = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']
        assert fetch(proxy, f'http://app.test:{origin.port}/').status == 502


@pytest.mark.parametrize('host', ['0x7f.1', '127.1', '2130706433', '0177.0.0.1', '127.0.0.1.', 'localhost', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]',
                                  '[2002:7f00:1::]', '[::7f00:1]', '0', '[::]', '127.0.0.1%00.test', 'a@127.0.0.1'])
def test_other_ways_to_write_an_address(gate, names, host):
    """What other programs take for 127.0.0.1: as a literal it is refused, as a name its address is."""
    names.records[host.rstrip('.'), dns_server.A] = ['127.0.0.1']
    proxy = gate(f'tunnel_pass; forward on; resolver 127.0.0.1:{names.port} ipv6=off;')
    wrong = '@' in host
    for line, named in ((f'CONNECT {host}:80', f'{host}:80'), (f'GET http://{host}/', host)):
        said = peers.exchange(proxy.port, f'{line} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n'.encode())
        assert said.split()[1] == (b'400' if wrong else b'403'), said


def test_a_name_that_leads_elsewhere_the_next_time(gate, names, origin):
    """Rebinding: the address is asked for once, looked at, and connected to. No second question can say another one."""
    names.ttl = 0
    names.records['app.test', dns_server.A] = ['127.0.0.2']
    asked = names.answer

    def answer(query, way):
        said = asked(query, way)
        names.records['app.test', dns_server.A] = ['127.9.0.1']
        return said

    names.answer = answer
    with peers.Origin('127.9.0.1', origin.port) as inside, peers.Origin('127.0.0.2', origin.port) as outside:
        proxy = gate(f'forward on; forward_allow 127.0.0.2; resolver 127.0.0.1:{names.port} ipv6=off;')
        assert fetch(proxy, f'http://app.test:{origin.port}/b/3').body == peers.pattern(3)
        assert fetch(proxy, f'http://app.test:{origin.port}/b/3').status == 403
        assert (inside.connections, outside.connections) == (0, 1)


def test_users_of_the_way_out(gate, names, origin):
    """407 and Proxy-Authorization, which goes no further; what the client says to the origin does."""
    names.records['app.test', dns_server.A] = ['127.0.0.1']
    proxy = gate(f'''tunnel_pass; forward on; {OPEN} resolver 127.0.0.1:{names.port} ipv6=off; auth_basic "the way out"; auth_basic_user_file users;''', 'log_format who "$remote_user $status"; access_log logs/who.log who;', main=peers.NGINX_MAIN)
    (proxy.folder / 'users').write_text('eve:{PLAIN}secret\n')
    url = f'http://app.test:{origin.port}/echo'
    for line in (f'CONNECT app.test:{origin.port}', f'GET {url}'):
        said = peers.exchange(proxy.port, f'{line} HTTP/1.1\r\nHost: app.test:{origin.port}\r\nAuthorization: Basic ZXZlOnNlY3JldA==\r\nConnection: close\r\n\r\n'.encode())
        assert said.startswith(b'HTTP/1.1 407 '), said
        assert b'Proxy-Authenticate: Basic realm="the way out"\r\n' in said and b'WWW-Authenticate' not in said
    # what a client sends behind a CONNECT that is refused is no request
    said = peers.exchange(proxy.port, f'CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: 127.0.0.1:{origin.port}\r\n\r\nGET /own HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
    assert said.count(b'HTTP/1.1') == 1
    assert not origin.requests
    assert curl(proxy, url, '-o', '/dev/null', '-w', '%{http_code}', '--proxy-user', 'eve:wrong')[1] == b'407'
    status, body, said = curl(proxy, url, '--proxy-user', 'eve:secret', '-u', 'adam:apple')
    assert status == 0, said
    assert b'Proxy-' not in body and b'\r\nAuthorization: Basic YWRhbTphcHBsZQ==\r\n' in body
    status, body, said = curl(proxy, '-p', url, '--proxy-user', 'eve:secret')
    assert (status, b'Proxy-' in body) == (0, False), said
    assert peers.ask(proxy.port, 'GET', '/page').one('WWW-Authenticate') == 'Basic realm="the way out"'
    assert 'eve 200\n' in (proxy.folder / 'logs/who.log').read_text()


@pytest.mark.parametrize('word', ['port=0', 'port=9-8', 'port=1-65536', 'port=', 'port=a', 'port=1-'])
def test_ports_are_checked(refusals, word):
    assert f'invalid parameter "{word}"' in refusals(f'forward_allow {word};')[0]


def test_where_tunnels_come_from_and_what_is_tried(gate, names):
    """Addresses of a name where nobody listens: how many are asked; and the address that one comes from."""
    with peers.Origin('127.0.0.1') as origin:
        names.records['many.test', dns_server.A] = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']
        for words, tried in (('', 3), ('tunnel_next_upstream off;', 1), ('tunnel_next_upstream timeout;', 1), ('tunnel_next_upstream error;', 3),
                             ('tunnel_next_upstream_tries 2;', 2), ('tunnel_next_upstream_tries 4;', 4), ('tunnel_next_upstream_timeout 1ms; tunnel_next_upstream_tries 5;', 5)):
            proxy = gate(f'tunnel_pass; {OPEN} resolver 127.0.0.1:{names.port} ipv6=off; {words}')
            place = f'many.test:{origin.port}'
            said = peers.exchange(proxy.port, f'CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n'.encode())
            assert said.startswith(b'HTTP/1.1 502'), (words, said)
            count = proxy.told.count('Connection refused')
            assert count == tried or ('timeout 1ms' in words and 0 < count <= tried), (words, count)
    back = gate('return 200 $remote_addr;')
    proxy = gate(f'tunnel_pass; {OPEN} tunnel_bind $arg_from; tunnel_socket_keepalive on; tunnel_socket_rcvbuf 8k; tunnel_socket_sndbuf 8k; tunnel_send_lowat 1k; forward on;')
    assert fetch(proxy, f'http://127.0.0.1:{back.port}/?from=127.0.0.9').body == b'127.0.0.9'
    assert fetch(proxy, f'http://127.0.0.1:{back.port}/').body == b'127.0.0.1'


@pytest.mark.parametrize('words, why', [('tunnel_bind nowhere;', 'invalid address "nowhere"'), ('tunnel_bind 127.0.0.1 transparent;', '"transparent" of "tunnel_bind"'),
                                        ('tunnel_next_upstream http_500;', 'invalid value "http_500"')])
def test_what_a_tunnel_cannot_do(refusals, words, why):
    assert any(why in line for line in refusals(words))
