"""ssl_certificate and ssl_certificate_key with variables and with data:, by gate and by nginx, side by side."""
import re
import shutil
import subprocess

import peers
import pytest
from authority import Authority


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp('authority'))
    for name in ('a.test', 'b.test'):
        made.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', f'/CN=of {name}', '-keyout', f'{name}.key',
                     '-out', f'{name}.pem')
    made.openssl('ec', '-in', 'a.test.key', '-aes128', '-passout', 'pass:phrase', '-out', 'locked.key')
    (made.folder / 'phrases').write_text('other\nphrase\n')
    made.folder.chmod(0o755)
    return made


def shown(port, name=None, *words):
    """The subject of the certificate; None where the handshake fails."""
    done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', *(['-servername', name] if name else ['-noservername']), *words], input='', capture_output=True,
                          text=True, timeout=peers.PATIENCE_S)
    found = re.search(r'^subject=CN = (.*)$', done.stdout, re.M)
    return found and found[1]


def text(path):
    return '"' + path.read_text().replace('"', '') + '"'


SITES = {
    'names': 'ssl_certificate {0}/$ssl_server_name.pem; ssl_certificate_key {0}/$ssl_server_name.key;',
    'map': 'ssl_certificate $pair.pem; ssl_certificate_key $pair.key;',
    'cached': 'ssl_certificate {0}/$ssl_server_name.pem; ssl_certificate_key {0}/$ssl_server_name.key; ssl_certificate_cache max=2 inactive=1m valid=1h;',
    'locked': 'ssl_certificate {0}/a.test.pem; ssl_certificate_key {0}/${{other}}.key; ssl_password_file {0}/phrases;',
    'text': 'ssl_certificate data:$pem; ssl_certificate_key data:$key;',
    'plain text': 'ssl_certificate {1}; ssl_certificate_key {2};',
}
NAMES = ['a.test', 'b.test', 'c.test', None, 'mixed']
STRANGE = ['..', 'x/../a.test']  # not even looked for: variables put names into paths


@pytest.mark.parametrize('kind', SITES)
def test_who_is_shown_what(gate, gate_program, nginx_program, authority, kind):
    folder = authority.folder
    shutil.copy(folder / 'a.test.pem', folder / 'mixed.pem')
    shutil.copy(folder / 'b.test.key', folder / 'mixed.key')
    words = [f'"data:{(folder / f"b.test.{each}").read_text()}"' for each in ('pem', 'key')]
    http = f'''map $ssl_server_name $pair {{ default {folder}/a.test; b.test {folder}/b.test; }} map $ssl_server_name $other {{ default locked; b.test b.test; }}
               map $ssl_server_name $pem {{ default {text(folder / "a.test.pem")}; c.test nonsense; }} map $ssl_server_name $key {{ default {text(folder / "a.test.key")}; }}'''
    said = []
    for program in gate_program, nginx_program:
        if kind == 'cached' and program == nginx_program:
            continue  # it has none before 1.27.4
        site = SITES[kind].format(folder, *words)
        proxy = gate(f'{site} return 200 fine;', http, main='user root;', listen='ssl', program=program)
        said.append([shown(proxy.port, name) for name in NAMES])
        if program == gate_program and kind in ('names', 'cached'):
            assert [shown(proxy.port, name) for name in ('b.test', 'a.test')] == ['of b.test', 'of a.test']
            log = (proxy.folder / 'logs/error.log').read_text()
            assert '[error] ' in log and f'cannot load certificate "{folder}/c.test.pem": reading it failed' in log and 'while SSL handshaking' in log
            assert 'it is not that of "/' in log  # and the name, as far as there is room
        if program == gate_program and kind != 'plain text':
            assert [shown(proxy.port, name) for name in STRANGE] == [None, None]
    assert said[0] == said[-1]
    assert said[0][0] == ('of b.test' if kind == 'plain text' else 'of a.test')


def test_one_that_is_exchanged(gate, authority, tmp_path):
    """Without a cache at once, with one when its time has come."""
    for name in ('pem', 'key'):
        shutil.copy(authority.folder / f'a.test.{name}', tmp_path / f'x.{name}')
    tmp_path.chmod(0o755)
    site = f'ssl_certificate {tmp_path}/$ssl_server_name.pem; ssl_certificate_key {tmp_path}/$ssl_server_name.key; return 200 fine;'
    proxies = [gate(f'{site} {cache}', main='user root;', listen='ssl') for cache in ('', 'ssl_certificate_cache max=10;', 'ssl_certificate_cache max=10 valid=1s;')]
    assert [shown(each.port, 'x') for each in proxies] == ['of a.test'] * 3
    for name in ('pem', 'key'):
        shutil.copy(authority.folder / f'b.test.{name}', tmp_path / f'x.{name}')
    assert [shown(each.port, 'x') for each in proxies[:2]] == ['of b.test', 'of a.test']
    peers.wait_for(lambda: shown(proxies[2].port, 'x') == 'of b.test')


@pytest.mark.parametrize('words, why', [('ssl_certificate $nosuch; ssl_certificate_key x;', 'unknown "nosuch" variable'), ('ssl_certificate data:x; ssl_certificate_key data:x;', 'cannot load certificate "data:"'),
                                        ('ssl_certificate $host;', 'no "ssl_certificate_key" is defined'), ('ssl_certificate engine:x; ssl_certificate_key x;', 'names something other than a file'),
                                        ('ssl_certificate_cache inactive=1s;', 'must have the "max" parameter'), ('ssl_certificate_cache max=0;', 'invalid parameter "max=0"'),
                                        ('ssl_certificate_cache max=1 valid=x;', 'invalid parameter "valid=x"')])
def test_what_is_wrong(gate_program, tmp_path, words, why):
    (tmp_path / 'logs').mkdir()
    (tmp_path / 'conf').write_text(peers.configuration(1, words, listen='ssl'))
    done = subprocess.run([gate_program, '-t', '-p', f'{tmp_path}/', '-c', tmp_path / 'conf'], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert done.returncode == 1 and why in done.stderr
