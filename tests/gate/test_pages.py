"""What gate says of its own: status lines, pages and redirects, byte for byte as nginx does."""
import re

import peers
import pytest

# All that `return` may be given: 444 says nothing, and redirects have a place to go to (without one, nginx sends an
# empty Location).
REDIRECTS = [301, 302, 303, 307, 308]
CODES = [*range(201, 207), *(code for code in range(300, 310) if code not in [*REDIRECTS, 304]), *range(400, 444), *range(445, 452), *range(490, 512)]
SERVER = ''.join(f'location = /{code} {{ return {code}; }}\n' for code in CODES) + ''.join(
    f'location = /{code} {{ return {code} /else; }}\n' for code in REDIRECTS) + '''
    location = /444 { return 444; }
    location = /text { return 200 "text of $uri\n"; }
    location = /typed { default_type application/json; return 200 "{}"; }
    location = /gone { return 410 "gone for good"; }
    location = /moved { return 301 /else?where; }
    location = /there { return http://other.example/$http_x; }
    location = /see { return 303 https://$host$request_uri; }
    location = /kept { return 308 /else; }
    location = /relative { absolute_redirect off; return 302 /else; }
    location = /noport { port_in_redirect off; return 302 /else; }
    location = /short { server_tokens off; return 404; }
'''
NAMES = re.compile(rb'(?:nginx|gate)(?:/[0-9.]+)?')


@pytest.fixture
def both(gate, nginx_program):
    """gate and the nginx that is installed, with the same configuration."""
    return [gate(SERVER), gate(SERVER, program=nginx_program)]


def seen(message, port):
    """What is the same whoever answers: the name, the time and the port are each one's own."""
    fields = [(name, value.replace(f':{port}', ':PORT')) for name, value in message.fields
              if name not in ('date', 'server', 'content-length')]
    names = sorted(name for name, _ in message.fields)
    length = int(message.one('Content-Length') or 0)
    assert not message.body or length == len(message.body)
    return message.line, names, sorted(fields), NAMES.sub(b'NAME', message.body)


def compare(both, method, target, fields=()):
    ours, theirs = (seen(peers.ask(each.port, method, target, fields), each.port) for each in both)
    assert ours == theirs, target


def test_every_status_has_nginxs_words(both):
    for code in CODES + REDIRECTS:
        if code in (408, 499):
            assert [peers.exchange(each.port, b'GET /%d HTTP/1.1\r\nHost: a\r\n\r\n' % code)
                    for each in both] == [b'', b'']
        else:
            compare(both, 'GET', f'/{code}')


def test_444_closes_and_says_nothing(both):
    for each in both:
        assert peers.exchange(each.port, b'GET /444 HTTP/1.1\r\nHost: a\r\n\r\n') == b''


@pytest.mark.parametrize('target', ['/text', '/typed', '/gone', '/moved', '/there', '/see', '/see?a=b',
                                    '/kept', '/relative', '/noport', '/short'])
def test_texts_and_redirects(both, target):
    compare(both, 'GET', target, ['X: %20y'])


@pytest.mark.parametrize('code', [404, 502, 301])
def test_head_has_the_fields_of_get(both, code):
    for each in both:
        get, head = (peers.ask(each.port, method, f'/{code}') for method in ('GET', 'HEAD'))
        assert [pair for pair in get.fields if pair[0] != 'date'] == \
               [pair for pair in head.fields if pair[0] != 'date']
    compare(both, 'HEAD', f'/{code}')


@pytest.mark.parametrize('agent', ['Mozilla/5.0 Chrome/120.0', 'Mozilla/4.0 (MSIE 6.0)', 'Firefox'])
@pytest.mark.parametrize('code', [301, 404, 500])
def test_pages_are_padded_for_those_browsers(both, agent, code):
    compare(both, 'GET', f'/{code}', [f'User-Agent: {agent}'])


def test_the_server_is_named(gate, tmp_path, gate_program):
    server = gate(SERVER)
    assert re.fullmatch(r'gate/[0-9.]+', peers.ask(server.port, 'GET', '/404').one('Server'))
    assert peers.ask(server.port, 'GET', '/short').one('Server') == 'gate'
    link = tmp_path / 'nginx'
    link.symlink_to(gate_program)
    as_nginx = gate(SERVER, program=link)
    answer = peers.ask(as_nginx.port, 'GET', '/404')
    assert re.fullmatch(r'nginx/[0-9.]+', answer.one('Server'))
    assert f'<center>{answer.one("Server")}</center>'.encode() in answer.body
    assert peers.ask(as_nginx.port, 'GET', '/short').one('Server') == 'nginx'
