"""Certificates of clients, of origins, and our own towards origins: by gate and by nginx, side by side."""
import http.client
import re
import ssl
import subprocess

import peers
import pytest
from authority import Authority

FACTS = ('$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_s_dn_legacy|$ssl_client_i_dn_legacy|$ssl_client_serial|'
         '$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain|$ssl_client_raw_cert|$ssl_client_cert|'
         '$ssl_client_escaped_cert|$ssl_protocol|$ssl_cipher|$ssl_ciphers|$ssl_curve|$ssl_curves|$ssl_server_name|$ssl_early_data|'
         '$ssl_session_reused|$ssl_alpn_protocol')


@pytest.fixture(scope='session')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


def ask(port, authority, name=None, host='localhost', sni='localhost', version=None, path='/'):
    """(status, body) of one request with that certificate; None for a handshake that fails."""
    context = ssl.create_default_context(cafile=authority / 'ca.pem')
    context.check_hostname = False
    if version:
        context.maximum_version = version
    if name:
        context.load_cert_chain(authority / f'{name}.pem', authority / f'{name}.key')
    connection = http.client.HTTPSConnection('127.0.0.1', port, timeout=20, context=context)
    connection.connect = lambda: connect(connection, context, sni)
    try:
        connection.request('GET', path, headers={'Host': host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode().replace('nginx/1.22.1', '').replace('keepgate', '')
    except (ssl.SSLError, ConnectionResetError):
        return None
    finally:
        connection.close()


def connect(connection, context, sni):
    http.client.HTTPConnection.connect(connection)
    connection.sock = context.wrap_socket(connection.sock, server_hostname=sni)


@pytest.fixture
def both(gate, gate_program, nginx_program):
    """Call it with a configuration: gate and nginx."""
    return lambda server, http='', **more: [gate(server, http, program=program, **more) for program in (gate_program, nginx_program)]


def pair(authority):
    return f'ssl_certificate {authority.folder}/good.pem; ssl_certificate_key {authority.folder}/good.key; ssl_protocols TLSv1.2 TLSv1.3;'


RULES = {
    'on': 'ssl_verify_client on; ssl_client_certificate {0}/ca.pem;',
    'optional': 'ssl_verify_client optional; ssl_client_certificate {0}/ca.pem;',
    'optional_no_ca': 'ssl_verify_client optional_no_ca; ssl_client_certificate {0}/ca.pem;',
    'no authority': 'ssl_verify_client optional_no_ca;',
    'trusted as well': 'ssl_verify_client on; ssl_client_certificate {0}/ca.pem; ssl_trusted_certificate {0}/other.pem;',
    'revoked': 'ssl_verify_client on; ssl_client_certificate {0}/ca.pem; ssl_crl {0}/ca.crl;',
    'off': 'ssl_verify_client off; ssl_client_certificate {0}/ca.pem;',
}


@pytest.mark.parametrize('rules', RULES)
@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_certificates_of_clients(both, authority, rules, version):
    text = RULES[rules].format(authority.folder)
    proxies = both(f'{pair(authority)} {text} error_page 495 /495; error_page 496 /496;'
                   f'location / {{ return 200 "{FACTS}"; }} location /495 {{ return 200 "no: {FACTS}"; }} location /496 {{ return 200 "none"; }}',
                   listen='ssl')
    for name in None, 'good', 'expired', 'revoked', 'stranger':
        ours, theirs = (ask(proxy.port, authority, name, version=version) for proxy in proxies)
        assert ours and theirs and ours[0] == theirs[0]
        assert ours[1].split('|') == theirs[1].split('|'), (rules, name)


def test_pages_of_refusals(both, authority):
    proxies = both(f'{pair(authority)} {RULES["on"].format(authority.folder)} location / {{ return 200 fine; }}', listen='ssl')
    for name, status in ((None, 400), ('stranger', 400), ('good', 200)):
        ours, theirs = (ask(proxy.port, authority, name) for proxy in proxies)
        assert ours[0] == theirs[0] == status
        assert re.findall('<center>(.*?)</center>', ours[1])[:1] == re.findall('<center>(.*?)</center>', theirs[1])[:1]
    for proxy in proxies:
        assert 'client sent no required SSL certificate' in proxy.told or proxy is proxies[1]


def test_another_server_than_the_one_that_was_greeted(gate, free_port, gate_program, nginx_program, authority):
    """What one server's rules let pass says nothing to another's."""
    folder = authority.folder
    ports = {}
    for program in gate_program, nginx_program:
        ports[program] = port = free_port()
        gate(f'''server_name localhost; {pair(authority)} {RULES["on"].format(folder)} return 200 "first $ssl_client_verify";
             }} server {{ listen 127.0.0.1:{port} ssl; server_name other; {pair(authority)} ssl_verify_client on;
             ssl_client_certificate {folder}/other.pem; return 200 "other $ssl_client_verify";''',
             program=program, listen=f'ssl; listen 127.0.0.1:{port} ssl')
    for sni, host, name in (('localhost', 'localhost', 'good'), ('localhost', 'other', 'good'), ('other', 'other', 'stranger'),
                            ('other', 'other', 'good'), ('other', 'localhost', 'stranger')):
        ours, theirs = (ask(ports[program], authority, name, host, sni)[0] for program in (gate_program, nginx_program))
        assert ours == theirs, (sni, host, name)


def test_a_key_behind_a_phrase(both, authority):
    folder = authority.folder
    proxies = both(f'''ssl_certificate {folder}/good.pem; ssl_certificate_key {folder}/locked.key; ssl_password_file {folder}/phrases;
                       ssl_protocols TLSv1.2 TLSv1.3; ssl_conf_command Options PrioritizeChaCha; ssl_conf_command MinProtocol TLSv1.3; return 200 $ssl_protocol;''', listen='ssl')
    assert [ask(proxy.port, authority) for proxy in proxies] == [(200, 'TLSv1.3')] * 2
    assert [ask(proxy.port, authority, version=ssl.TLSVersion.TLSv1_2) for proxy in proxies] == [None] * 2


# ---- towards origins ----

ORIGIN_RULES = {
    'no certificate': '',
    'a good one': 'proxy_ssl_certificate {0}/good.pem; proxy_ssl_certificate_key {0}/good.key;',
    'its key behind a phrase': 'proxy_ssl_certificate {0}/good.pem; proxy_ssl_certificate_key {0}/locked.key; proxy_ssl_password_file {0}/phrases;',
    'a stranger': 'proxy_ssl_certificate {0}/stranger.pem; proxy_ssl_certificate_key {0}/stranger.key;',
    'one that has expired': 'proxy_ssl_certificate {0}/expired.pem; proxy_ssl_certificate_key {0}/expired.key;',
    'a wrong cipher': 'proxy_ssl_conf_command MaxProtocol TLSv1.2; proxy_ssl_ciphers AES128-SHA;',
}


@pytest.mark.parametrize('rules', ORIGIN_RULES)
def test_origins_that_want_a_certificate(both, gate, authority, nginx_program, rules):
    origin = gate(f'''{pair(authority)} {RULES["on"].format(authority.folder)} error_page 495 496 =200 /refused;
                      location / {{ return 200 "$ssl_client_s_dn"; }} location /refused {{ return 200 "refused $ssl_client_verify"; }}''',
                  program=nginx_program, listen='ssl')
    proxies = both(f'location / {{ proxy_pass https://127.0.0.1:{origin.port}; {ORIGIN_RULES[rules].format(authority.folder)} }}')
    answers = [peers.ask(proxy.port, 'GET', '/') for proxy in proxies]
    assert (answers[0].status, answers[0].body if answers[0].status == 200 else '') == \
        (answers[1].status, answers[1].body if answers[1].status == 200 else '')
    assert (answers[0].status == 502) == (rules == 'a wrong cipher')


@pytest.mark.parametrize('name, crl, status', [('good', '', 200), ('good', 'proxy_ssl_crl {0}/ca.crl;', 200), ('revoked', '', 200),
                                               ('revoked', 'proxy_ssl_crl {0}/ca.crl;', 502), ('expired', '', 502), ('stranger', '', 502)])
def test_certificates_of_origins(both, gate, authority, nginx_program, name, crl, status):
    folder = authority.folder
    origin = gate(f'ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.key; return 200 here;', program=nginx_program, listen='ssl')
    proxies = both(f'''location / {{ proxy_pass https://127.0.0.1:{origin.port}; proxy_ssl_verify on; proxy_ssl_name localhost;
                                     proxy_ssl_trusted_certificate {folder}/ca.pem; {crl.format(folder)} }}''')
    assert [peers.ask(proxy.port, 'GET', '/').status for proxy in proxies] == [status] * 2
    if status == 502:
        said = [re.search(r'upstream SSL certificate verify error: \(\d+:[^)]*\)', proxy.told)[0] for proxy in proxies]
        assert said[0] == said[1] or name == 'stranger'  # where nginx goes on, and says what it met last


# ---- what else a server says of its TLS ----

def s_client(port, authority, *words):
    done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-CAfile', authority / 'ca.pem', *words], input='', capture_output=True,
                          text=True, timeout=peers.PATIENCE_S)
    return done.stdout + done.stderr


def test_curves_parameters_and_a_staple(both, authority):
    folder = authority.folder
    authority.openssl('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048', '-out', 'dh.pem')
    authority.openssl('ocsp', '-index', 'index', '-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', 'ca.key', '-issuer', 'ca.pem', '-cert', 'good.pem',
                      '-respout', 'staple.der')
    for proxy in both(f'''{pair(authority)} ssl_dhparam {folder}/dh.pem; ssl_ecdh_curve secp384r1; ssl_stapling on; ssl_stapling_file {folder}/staple.der;
                          ssl_trusted_certificate {folder}/ca.pem; return 200 fine;''', listen='ssl'):
        said = s_client(proxy.port, authority, '-status', '-servername', 'localhost')
        assert 'OCSP Response Status: successful' in said and 'Cert Status: good' in said
        assert 'secp384r1' in said or 'P-384' in said


def test_handshakes_that_are_rejected(gate, free_port, gate_program, nginx_program, authority):
    for program in gate_program, nginx_program:
        port = free_port()
        gate(f'''server_name localhost; {pair(authority)} return 200 fine; }}
                 server {{ listen 127.0.0.1:{port} ssl default_server; server_name ""; ssl_reject_handshake on;''', program=program,
             listen=f'ssl; listen 127.0.0.1:{port} ssl')
        assert ask(port, authority, sni='localhost') == (200, 'fine')
        for words in (['-servername', 'other'], ['-noservername']):
            assert 'unrecognized name' in s_client(port, authority, *words)


@pytest.mark.parametrize('directive, why', [('ssl_dhparam NOSUCH;', 'PEM_read_bio_DHparams'), ('ssl_ecdh_curve nosuch;', 'SSL_CTX_set1_curves_list'),
                                            ('ssl_stapling_file NOSUCH;', 'd2i_OCSP_RESPONSE_bio'), ('ssl_crl NOSUCH; ssl_verify_client optional_no_ca;', 'X509_LOOKUP_load_file'),
                                            ('ssl_conf_command Nosuch x;', 'SSL_CONF_cmd'), ('ssl_verify_client on;', 'ssl_verify_client')])
def test_what_cannot_be_read_is_said(gate_program, authority, tmp_path, directive, why):
    (tmp_path / 'logs').mkdir()
    (tmp_path / 'conf').write_text(peers.configuration(1, f'{pair(authority)} {directive}', listen='ssl'))
    done = subprocess.run([gate_program, '-t', '-p', f'{tmp_path}/', '-c', tmp_path / 'conf'], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert done.returncode == 1 and why in done.stdout + done.stderr
