"""geo beside nginx: networks, ranges, and what stands in none of them."""
import socket

import peers
import pytest

HTTP = '''
geo $client { default other; 127.0.0.0/8 loop; 127.0.0.2/32 two; 127.0.0.3 three; }
geo $arg_a $asked { default none; 10.0.0.0/8 ten; 10.1.0.0/16 ten-one; 10.1.2.0/24 "ten one two"; 10.1.2.3 host; 192.0.2.0/24 doc;
    2001:db8::/32 six; 2001:db8:1::/48 six-one; delete 192.0.2.0/24; 0.0.0.0/1 low; }
geo $arg_a $bare { 10.0.0.0/8 1; 255.255.255.255 last; }
geo $arg_a $range { ranges; default none; 10.0.0.0-10.0.0.255 a; 10.0.1.5-10.0.3.4 b; 10.1.0.0-10.3.255.255 c; 200.0.0.0-200.0.0.0 d;
    255.255.255.0-255.255.255.254 e; }
map $asked $mapped { default "not $asked"; ten yes; }
'''
SERVER = 'location / { return 200 "$client|$asked|$bare|$range|$mapped"; }'
ADDRESSES = ['', 'x', '10.0.0.0', '10.0.0.255', '10.0.1.0', '10.0.1.4', '10.0.1.5', '10.0.2.255', '10.0.3.4', '10.0.3.5', '10.1.0.0', '10.1.2.2',
             '10.1.2.3', '10.3.255.255', '10.4.0.0', '11.0.0.0', '192.0.2.1', '127.255.255.255', '128.0.0.0', '200.0.0.0', '200.0.0.1',
             '255.255.255.254', '255.255.255.255', '0.0.0.0', '2001:db8::1', '2001:db8:1::1', '2001:db9::', '::', 'ffff::', '::ffff:10.1.2.3', '10.1.2.3/8', '10.1']


def test_every_address(gate, nginx_program):
    pair = [gate(SERVER, HTTP), gate(SERVER, HTTP, program=nginx_program)]
    for text in ADDRESSES:
        ours, theirs = (peers.ask(each.port, 'GET', f'/?a={text}').body for each in pair)
        assert ours == theirs, text


@pytest.mark.parametrize('source, value', [('127.0.0.1', b'loop'), ('127.0.0.2', b'two'), ('127.0.0.3', b'three')])
def test_the_client(gate, source, value):
    server = gate(SERVER, HTTP)
    connection = socket.create_connection(('127.0.0.1', server.port), peers.PATIENCE_S, (source, 0))
    with peers.Wire(connection=connection) as wire:
        wire.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        assert peers.read_response(wire).body.split(b'|')[0] == value


def test_include(gate, tmp_path):
    (tmp_path / 'nets').write_text('10.0.0.0/8 ten;\n# a comment\n')
    (tmp_path / 'more.net').write_text('12.0.0.0/8 twelve;\n')
    (tmp_path / 'most.net').write_text('13.0.0.0/8 thirteen;\n')
    server = gate('location / { return 200 "$v"; }', f'geo $arg_a $v {{ include {tmp_path}/nets; include {tmp_path}/m*.net; include {tmp_path}/none*; default other; }}')
    for address, value in (('10.1.1.1', b'ten'), ('11.1.1.1', b'other'), ('12.1.1.1', b'twelve'), ('13.1.1.1', b'thirteen')):
        assert peers.ask(server.port, 'GET', f'/?a={address}').body == value


@pytest.mark.parametrize('http, said', [
    ('geo { }', 'invalid number of arguments in "geo" directive'),
    ('geo x { }', 'invalid variable name "x"'),
    ('geo $x { 10.0.0.0/33 a; }', 'invalid network "10.0.0.0/33"'),
    ('geo $x { a b c; }', 'invalid number of the geo parameters'),
    ('geo $x { ranges; 10.0.0.2-10.0.0.1 a; }', 'invalid range "10.0.0.2-10.0.0.1"'),
    ('geo $x { 10.0.0.0/8 a; ranges; }', 'the "ranges" directive must be the first directive inside "geo" block'),
    ('geo $x { 10.0.0.1/8 a; } bad;', 'low address bits of 10.0.0.1/8 are meaningless'),
    ('geo $x { delete 10.0.0.0/8; } bad;', 'no network "10.0.0.0/8" to delete'),
])
def test_refusals_are_nginxs(refusals, http, said):
    ours, theirs = refusals('', http)
    assert said in ours and said in theirs, theirs


def test_proxies_that_are_trusted(gate, nginx_program):
    networks = 'default other; 10.0.0.0/8 ten; 192.0.2.0/24 doc; 127.0.0.0/8 loop; 2001:db8::/32 six;'
    http = f'''geo $once {{ proxy 127.0.0.1; {networks} }} geo $back {{ proxy 127.0.0.0/8; proxy 192.0.2.0/24; proxy_recursive; {networks} }}
        geo $arg_a $asked {{ proxy 192.0.2.1; {networks} }} geo $untrusted {{ proxy 10.0.0.1; {networks} }}'''
    server = 'location / { return 200 "$once|$back|$asked|$untrusted"; }'
    pair = [gate(server, http), gate(server, http, program=nginx_program)]
    for forwarded in ('', '10.1.1.1', '10.1.1.1, 192.0.2.7', '10.1.1.1, 8.8.8.8, 192.0.2.7', 'x', '10.1.1.1, x', '2001:db8::1', '192.0.2.1, 192.0.2.2', '10.0.0.1:99'):
        for asked in ('', '192.0.2.1', '10.0.0.1', 'x'):
            fields = [f'X-Forwarded-For: {forwarded}'] if forwarded else []
            ours, theirs = (peers.ask(each.port, 'GET', f'/?a={asked}', fields).body for each in pair)
            assert ours == theirs, (forwarded, asked)
