"""Each warning, from one run over a file that has them all: its place, the mark below the word, and what it says."""
import re
import subprocess

import peers

# (a line of http, with the word that is marked in « », and a part of the warning)
TRAPS = [
    ('server { server_name NAME; add_header A b; location / { «add_header» B c; } }', '"add_header" here hides "add_header A" of line LINE'),
    ('server { server_name NAME; location / { if ($arg_a) { «proxy_pass» http://127.0.0.1; } } }', '"proxy_pass" inside "if" replaces what the location says'),
    ('server { server_name NAME; location /i { alias «/d/»; } }', '"/i../x" reaches files beside "/d/"'),
    ('server { server_name NAME; location /i/ { alias «/d»; } }', '"/i/x" becomes "/dx"'),
    ('server { server_name NAME; location / { proxy_pass «http://127.0.0.1/$arg_b»; } }', 'the request\'s arguments are left out'),
    ('upstream u_NAME { server 127.0.0.1; } server { server_name NAME; location / { proxy_pass «https://u_NAME/»; } }', 'nobody checks that it is "u_NAME/" that answers'),
    ('server { server_name NAME; location ~ «^api/» { } }', 'no path reaches this location: all that come here begin with "/"'),
    ('server { server_name NAME; location ~ .* { } location ~ «\\.php$» { } }', 'no path reaches this location: the one of line LINE takes them all'),
    ('server { server_name NAME; location ^~ /s/ { } location ~ «^/s/.*\\.js$» { } }', 'no path reaches this location: the one of line LINE takes them all'),
    ('server { server_name NAME; access_log «on»; }', 'this logs to a file called "on"'),
    ('server { server_name NAME; error_log «off»; }', 'this logs to a file called "off"'),
    ('server { server_name NAME; proxy_set_header «X-A:» b; }', '"X-A:" is not the name of a field: it is sent with two colons'),
    ('server { server_name «NAME,» b.example; }', 'no client asks for "NAME,"'),
    ('server { server_name NAME; location «api» { } }', 'no request ever gets to location "api"'),
    ('server { server_name «a_/b»; }', 'server name "a_/b" has suspicious symbols'),
    ('server { server_name twice.example; } server { «server_name» twice.example; }', 'conflicting server name "twice.example" on'),
    ('server { server_name NAME; allow «10.1.2.3/8»; }', 'low address bits of 10.1.2.3/8 are meaningless'),
    ('server { server_name NAME; set_real_ip_from «10.1.2.3/8»; }', 'low address bits of 10.1.2.3/8 are meaningless'),
    ('geo $g_NAME { «10.1.2.3/8» a; }', 'low address bits of 10.1.2.3/8 are meaningless'),
    ('geo $d_NAME { delete «10.0.0.0/8»; }', 'no network "10.0.0.0/8" to delete'),
    ('server { server_name NAME; proxy_next_upstream error «error»; }', 'duplicate value "error"'),
    ('server { server_name NAME; gzip_types a/b «a/b»; }', 'duplicate MIME type "a/b"'),
    ('server { server_name NAME; index «/a» b; }', 'only the last index in "index" directive should be absolute'),
    ('server { server_name NAME; types { a/b ext; c/d «ext»; } }', 'duplicate extension "ext", content type: "c/d", previous content type: "a/b"'),
    ('upstream u_NAME { least_conn; «ip_hash»; server 127.0.0.1; }', 'load balancing method redefined'),
    ('server { server_name NAME; proxy_cookie_flags a secure «odd»; }', '"odd" is no flag of a cookie'),
]


def test_each_has_its_place_and_its_mark(gate_program, tmp_path):
    start = ['events { }', f'pid {tmp_path}/pid;', 'http { error_log stderr; access_log off;']
    lines = [text.replace('NAME', f'n{number}') for number, (text, _) in enumerate(TRAPS)]
    file = tmp_path / 'traps.conf'
    file.write_text('\n'.join([*start, *(re.sub('[«»]', '', line) for line in lines), '}', '']))
    tested = subprocess.run([gate_program, '-t', '-p', tmp_path, '-c', file], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert tested.returncode in (0, 1), tested.stderr
    told = re.findall(r'^' + re.escape(str(file)) + r':(\d+):(\d+): warning: (.*)\n    (.*)\n    ( *)(\^+)$', tested.stderr, re.M)
    found = {(int(line), int(column)): (text, len(blanks), len(mark), shown) for line, column, text, shown, blanks, mark in told}
    for number, (line, (_, warning)) in enumerate(zip(lines, TRAPS), len(start) + 1):
        column, word = line.index('«') + 1, re.search('«(.*)»', line)[1]
        assert (number, column) in found, (line, tested.stderr)
        text, blanks, mark, shown = found.pop((number, column))
        assert warning.replace('LINE', str(number)).replace('NAME', f'n{number - len(start) - 1}') in text, line
        assert shown[blanks:blanks + mark] == word, (line, tested.stderr)
    assert not found, found
    assert ' error: ' not in tested.stderr
