"""client_body_early_read: what a body says decides where a request goes."""
import subprocess

import peers

SITE = '''
    client_body_early_read $read; client_body_buffer_size 16k; client_max_body_size 100k;
    location / { if ($kind = bad) { return 403 bad; } proxy_pass http://127.0.0.1:ORIGIN/echo; proxy_set_header X-Kind $kind; }
    location /small/ { client_max_body_size 10; return 200 small; }
    location /own { return 200 "$kind|$request_body"; }
    location /held { return 200 $request_body; }
'''
HTTP = '''map $request_body $kind { ~"method":\\s*"delete" bad; ~^\\{ good; default none; }
          map $request_method$request_uri $read { ~^POST/held 0; ~^POST 1; }'''


def test_the_body_decides(gate, origin):
    proxy = gate(SITE.replace('ORIGIN', str(origin.port)), HTTP)
    for body, status, kind in ((b'{"method": "delete"}', 403, None), (b'{"method": "read"}', 200, 'good'), (b'x', 200, 'none'), (b'', 200, 'none'),
                               (b'{' + b'y' * 50000, 200, 'none')):  # in a file, where variables have none of it
        answer = peers.ask(proxy.port, 'POST', '/', body=body)
        assert answer.status == status
        if status == 200:
            assert f'x-kind: {kind}'.encode() in answer.body.lower()
            assert answer.body.endswith(body)
    assert peers.ask(proxy.port, 'POST', '/own', body=b'{1').body == b'good|{1'
    assert peers.ask(proxy.port, 'POST', '/held', body=b'{1').body == b''
    assert peers.ask(proxy.port, 'PUT', '/own', body=b'{1').body == b'none|'


def test_bodies_that_come_slowly_and_too_large_ones(gate, origin):
    proxy = gate(SITE.replace('ORIGIN', str(origin.port)), HTTP)
    with peers.Wire(proxy.port) as wire:
        for _ in range(2):
            wire.send(b'POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{"')
            wire.send(b'\r\n3\r\nabc\r\n0\r\n\r\n')
            assert peers.read_response(wire).body == b'good|{"abc'
        wire.send(b'POST /own HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
        assert wire.take_until(b'\r\n\r\n').startswith(b'HTTP/1.1 100 ')
        wire.send(b'{a')
        assert peers.read_response(wire).body == b'good|{a'
    assert peers.ask(proxy.port, 'POST', '/small/', body=b'z' * 100).status == 413
    assert peers.exchange(proxy.port, b'POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n').startswith(b'HTTP/1.1 413 ')
    curl = subprocess.run(['curl', '-s', '-d', '{"method": "delete"}', '-w', '%{http_code}', f'http://127.0.0.1:{proxy.port}/'], capture_output=True, timeout=peers.PATIENCE_S)
    assert curl.stdout == b'bad403'
