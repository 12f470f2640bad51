"""map and split_clients beside nginx: what each variable is worth for many texts."""
import urllib.parse

import peers
import pytest

HTTP = r'''
map $arg_k $plain { default other; "" empty; a 1; B 2; "two words" 3; \default escaped; \~x tilde; "~" nothing; }
map $arg_k $nodefault { a 1; }
map $arg_k $names { hostnames; default other; example.com 1; *.example.com 2; .b.com 3; www.* 4; www.b.* 5; ~^www\. 6; }
map $arg_k $regex { default "none"; ~^/(?<word>[a-z]+)/(\d+)$ "$word-$2"; ~*^/UP "up $arg_k"; /exact/1 exact; ~^/ slash; }
map "$arg_k:$arg_j" $pair { default "$arg_j"; "a:b" ab; ~^(.)(.)?:(.) "$1|$2|$3"; }
map $plain $chained { default "[$plain]"; other "was other"; 1 $regex; }
map $arg_k $often { volatile; default $request_id; }
map $args $long { ~(.*) "$1$1"; }
split_clients "$arg_k" $half { 50% one; * two; }
split_clients "x$arg_k" $several { 0.5% a; 10% b; 33.33% c; 0.01% d; }
split_clients "$arg_k$arg_j" $all { 10% a; 90% b; }
map $arg_k $time { default off; a 1h; b epoch; c junk; }
'''
NAMES = ['plain', 'nodefault', 'names', 'regex', 'pair', 'chained', 'half', 'several', 'all', 'long']
SERVER = f'''
    location = /all {{ return 200 "{"|".join(f"${name}" for name in NAMES)}"; }}
    location ~ ^/captured/(?<kept>.*)$ {{ return 200 "$regex,$kept"; }}
    location = /field {{ add_header X-Regex $regex; add_header X-Pair "$pair"; expires $time; return 204; }}
    location /proxied/ {{ proxy_set_header X-Map "$plain/$chained"; proxy_pass http://127.0.0.1:%d/echo?; }}
    location = /returned {{ return 302 http://$names/; }}
'''
TEXTS = ['', 'a', 'A', 'b', 'B', 'two words', 'default', '~x', '~', 'DEFAULT', 'none', 'example.com', 'EXAMPLE.com.', 'x.example.com',
         'y.x.example.com', 'b.com', 'a.b.com', 'www.x', 'www.b.org', 'www.', 'xexample.com', '*.example.com', '/abc/12', '/abc/x', '/up', '/UPPER', '/exact/1',
         '/EXACT/1', 'aa', 'é', 'a' * 300]


@pytest.fixture
def both(gate, nginx_program, origin):
    server = SERVER % origin.port
    return [gate(server, HTTP), gate(server, HTTP, program=nginx_program)]


def ask_both(pair, target):
    answers = [peers.ask(each.port, 'GET', target) for each in pair]
    assert [answer.status for answer in answers] == [answers[0].status] * 2, target
    return answers


def test_every_text(both):
    for text in TEXTS:
        # nginx leaves arguments as they came, and so what is written must need no escape but for the blank
        for k in {text, urllib.parse.quote(text, safe="*~/.")} - ({text} if ' ' in text or 'é' in text else set()):
            for j in ('', '&j=b', '&j=c'):
                ours, theirs = ask_both(both, f'/all?k={k}{j}')
                assert ours.body == theirs.body, (k, j)


def test_every_share(both):
    for number in range(300):
        ours, theirs = ask_both(both, f'/all?k={number * 7919}&j={number}')
        assert ours.body == theirs.body, number


def test_fields_redirects_and_origins(both, origin):
    for k in ('a', 'b', 'c', '/abc/12', 'x.example.com'):
        ours, theirs = ask_both(both, f'/field?k={k}&j=1')
        for name in ('X-Regex', 'X-Pair', 'Cache-Control'):
            assert ours.one(name) == theirs.one(name), (name, k)
        ours, theirs = ask_both(both, f'/returned?k={k}')
        assert ours.one('Location') == theirs.one('Location')
        ask_both(both, f'/proxied/?k={k}')
        assert origin.requests[-1].one('X-Map') == origin.requests[-2].one('X-Map')


def test_captures_of_a_map_are_its_own(gate):
    """A named group of the location keeps its value, whatever expressions a map tries."""
    server = gate(SERVER % 1, HTTP)
    assert peers.ask(server.port, 'GET', '/captured/me?k=/abc/12').body == b'abc-12,me'


def test_a_value_is_made_once_unless_it_is_volatile(gate):
    http = 'map $arg_k $one { default $msec; } map $arg_k $fresh { volatile; default $arg_k; }'
    server = gate('location / { return 200 "$one $one $fresh"; }', http)
    first, second, fresh = peers.ask(server.port, 'GET', '/?k=v').body.split()
    assert first == second and fresh == b'v'


def test_a_circle_is_cut_and_told(gate):
    server = gate('location / { return 200 "x$one"; }', 'map $two $one { default $two; } map $one $two { default $one; }')
    assert peers.ask(server.port, 'GET', '/').body == b'x'
    assert 'cycle while evaluating variable "one"' in server.told


def test_each_request_of_a_connection_has_its_own_values(gate):
    server = gate('location / { return 200 "$plain"; }', HTTP)
    with peers.Wire(server.port) as wire:
        for k, value in (('a', b'1'), ('b', b'2'), ('', b'empty'), ('a', b'1')):
            wire.send(f'GET /?k={k} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
            assert peers.read_response(wire).body == value


def test_include(gate, tmp_path, nginx_program):
    file = tmp_path / 'values.map'
    file.write_text('a 1;\n~^b 2; # a comment\n')
    for program in (None, nginx_program):
        server = gate('location / { return 200 "$v"; }', f'map $arg_k $v {{ include {file}; default 3; }}', program=program)
        assert [peers.ask(server.port, 'GET', f'/?k={k}').body for k in 'abc'] == [b'1', b'2', b'3']


@pytest.mark.parametrize('http, said', [
    ('map $uri { a b; }', 'invalid number of arguments in "map" directive'),
    ('map $uri x { a b; }', 'invalid variable name "x"'),
    ('map $uri $x { a; }', 'invalid number of the map parameters'),
    ('map $uri $x { a b c; }', 'invalid number of the map parameters'),
    ('map $uri $x { default a; default b; }', 'duplicate default map parameter'),
    ('map $uri $x { a 1; A 2; }', 'conflicting parameter "a"'),
    ('map $uri $x { hostnames; a.*.b 1; }', 'invalid hostname or wildcard "a.*.b"'),
    ('map $nosuch $x { a 1; }', 'unknown "nosuch" variable'),
    ('map $uri $x { a $nosuch; }', 'unknown "nosuch" variable'),
    ('map $uri $x { ~( 1; }', 'pcre2_compile() failed: missing closing parenthesis in "("'),
    ('map $uri $host { a 1; }', 'the duplicate "host" variable'),
    ('split_clients $uri x { * 1; }', 'invalid variable name "x"'),
    ('split_clients $uri $x { 60% 1; 41% 2; }', 'percent total is greater than 100%'),
    ('split_clients $uri $x { 0% 1; }', 'invalid percent value "0%"'),
    ('split_clients $uri $x { 1.234% 1; }', 'invalid percent value "1.234%"'),
])
def test_refusals_are_nginxs(refusals, http, said):
    ours, theirs = refusals('', http)
    assert said in ours and said in theirs, theirs
