"""Sessions of TLS that clients take up again: over reloads, with keys that are exchanged, and never at another server."""
import os
import re
import subprocess

import peers
import pytest
from authority import Authority


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


def pair(authority):
    return f'ssl_certificate {authority.folder}/good.pem; ssl_certificate_key {authority.folder}/good.key;'


def greet(port, *words):
    """New or Reused, as openssl s_client says it of one request."""
    done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-ign_eof', *words], input=b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
                          capture_output=True, timeout=peers.PATIENCE_S)
    found = re.search(rb'^(New|Reused), ', done.stdout, re.M)
    return found and found[1].decode()


def reload(proxy):
    before = proxy.told.count('start worker process')
    proxy.signal(1)
    peers.wait_for(lambda: proxy.told.count('start worker process') > before and 'exited with code' in proxy.told)


@pytest.fixture
def keys(tmp_path):
    for name, size in (('old', 48), ('new', 80), ('other', 80), ('short', 47), ('long', 81)):
        (tmp_path / name).write_bytes(os.urandom(size))
    return tmp_path


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
def test_over_a_reload(gate, authority, keys, version):
    proxy = gate(f'{pair(authority)} ssl_session_ticket_key {keys}/old; return 200 fine;', listen='ssl')
    out, into = ['-sess_out', keys / 'session', version], ['-sess_in', keys / 'session', version]
    assert greet(proxy.port, *out) == 'New'
    assert greet(proxy.port, *into) == 'Reused'
    reload(proxy)
    assert greet(proxy.port, *into) == 'Reused'


def test_keys_are_exchanged(gate, gate_program, authority, keys):
    """A new key in front of the old one, which goes when what it encrypted has been given anew."""
    def start(*names):
        return gate(f"{pair(authority)} {' '.join(f'ssl_session_ticket_key {keys}/{name};' for name in names)} return 200 fine;", listen='ssl')

    old, both, new, other = start('old'), start('new', 'old'), start('new'), start('other')
    a, b = keys / 'a', keys / 'b'
    assert greet(old.port, '-sess_out', a, '-tls1_3') == 'New'
    assert greet(other.port, '-sess_in', a, '-tls1_3') == 'New'
    assert greet(both.port, '-sess_in', a, '-sess_out', b, '-tls1_3') == 'Reused'
    assert greet(new.port, '-sess_in', a, '-tls1_3') == 'New'
    assert greet(new.port, '-sess_in', b, '-tls1_3') == 'Reused'  # it was given anew, with the first key


def test_other_servers_do_not_take_them(gate, authority, keys):
    rules = f'ssl_client_certificate {authority.folder}/ca.pem; ssl_verify_client optional;'
    for other in ('server_name other;', f'server_name localhost; {rules}'):
        first = gate(f'server_name localhost; {pair(authority)} ssl_session_ticket_key {keys}/old; return 200 fine;', listen='ssl')
        second = gate(f'{other} {pair(authority)} ssl_session_ticket_key {keys}/old; return 200 fine;', listen='ssl')
        assert greet(first.port, '-sess_out', keys / 'session', '-tls1_2') == 'New'
        assert greet(second.port, '-sess_in', keys / 'session', '-tls1_2') == 'New'
        assert greet(first.port, '-sess_in', keys / 'session', '-tls1_2') == 'Reused'


def test_the_chosen_server_has_its_keys(gate, free_port, authority, keys):
    """The first server of the address has other keys; with nginx those would hold for all."""
    def start(first):
        port = free_port()
        gate(f'''server_name first; {pair(authority)} ssl_session_ticket_key {keys}/{first}; return 200 fine; }}
                 server {{ listen 127.0.0.1:{port} ssl; server_name second; {pair(authority)} ssl_session_ticket_key {keys}/old; return 200 fine;''',
             listen=f'ssl; listen 127.0.0.1:{port} ssl')
        return port

    one, two = start('new'), start('other')
    assert greet(one, '-sess_out', keys / 'session', '-servername', 'second', '-tls1_3') == 'New'
    assert greet(two, '-sess_in', keys / 'session', '-servername', 'second', '-tls1_3') == 'Reused'


@pytest.mark.parametrize('name, why', [('short', 'must be 48 or 80 bytes'), ('long', 'must be 48 or 80 bytes'), ('none', 'open() "')])
def test_what_is_no_key(gate_program, nginx_program, authority, keys, name, why):
    (keys / 'logs').mkdir()
    (keys / 'conf').write_text(peers.configuration(1, f'{pair(authority)} ssl_session_ticket_key {keys}/{name};', listen='ssl'))
    for program in gate_program, nginx_program:
        done = subprocess.run([program, '-t', '-p', f'{keys}/', '-c', keys / 'conf'], capture_output=True, text=True, timeout=peers.PATIENCE_S)
        assert done.returncode == 1 and why in done.stderr and f'{keys}/{name}' in done.stderr
