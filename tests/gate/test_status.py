"""How the upstreams do: "status;" as JSON and as Prometheus's text, and gate status."""
import json
import re
import subprocess

import peers
import pytest

jsonschema = pytest.importorskip('jsonschema')

STATUS = 'location = /status { status; allow 127.0.0.1; deny all; }'
PASS = '''location / { proxy_pass http://group; proxy_read_timeout 300ms; proxy_next_upstream error timeout http_503; }'''


@pytest.fixture
def valid(source):
    schema = json.loads((source / 'docs/json/gate-status.schema.json').read_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    def check(text):
        value = json.loads(text)
        jsonschema.validate(value, schema)
        return value

    return check


def servers(gate, *more):
    return {each['server']: each for each in json.loads(peers.ask(gate.port, 'GET', '/status').body)['upstreams'][0]['servers']}


def test_figures(gate, gate_program, origin, valid):
    with peers.Origin() as other:
        gone = peers.Origin()
        gone.stop()
        group = f'''upstream group {{ least_conn; zone group 64k; server 127.0.0.1:{origin.port} weight=2; server 127.0.0.1:{other.port} max_fails=0;
                    server 127.0.0.1:{gone.port}; server 127.0.0.1:{gone.port} backup; server 127.0.0.1:{gone.port} drain; server 127.0.0.1:{gone.port} down; }}
                    limit_req_zone $uri zone=slow:1m rate=1r/s;'''
        proxy = gate(PASS + STATUS, group, main='worker_processes 2;')
        for target in ['/b/10'] * 12 + ['/status/404', '/status/503', '/hold']:
            peers.ask(proxy.port, 'GET', target)
        answer = peers.ask(proxy.port, 'GET', '/status')
        assert answer.one('Content-Type') == 'application/json'
        told = valid(answer.body)
        upstream = told['upstreams'][0]
        assert (upstream['name'], upstream['method'], upstream['waiting'], upstream['active']) == ('group', 'least_conn', 0, 0)
        first, second, third, backup, drains, down = upstream['servers']
        print(json.dumps(upstream, indent=1))
        assert first['requests'] + second['requests'] == 16  # 15, and a second try of one: the first is left alone then
        assert first['requests'] == len(origin.requests) and second['requests'] == len(other.requests)
        assert first['responses']['2xx'] + second['responses']['2xx'] == 12
        assert first['responses']['4xx'] + second['responses']['4xx'] == 1
        assert first['errors']['next_upstream'] + second['errors']['next_upstream'] == 2
        assert first['errors']['timeout'] + second['errors']['timeout'] == 1
        assert third['errors']['connection'] == 1 and third['state'] == 'unavail' and third['fails'] == 1
        assert 'rests' in third['why'] and third['disabled'] == 1
        assert (backup['state'], drains['state'], down['state']) == ('unavail', 'draining', 'down')
        assert first['retries'] + second['retries'] + third['retries'] == 2 and backup['retries'] == 1
        assert second['state'] == 'up' and second['why'] == ''
        assert told['time'] - 20 < third['since'] <= told['time']
        assert told['loops'] == 2 and told['connections']['accepted'] >= 16
        assert told['zones'] == [{'name': 'slow', 'kind': 'limit_req', 'used': 0, 'capacity': told['zones'][0]['capacity']}]
        shown = subprocess.run([gate_program, 'status', '-c', proxy.folder / 'proxy.conf', '-p', f'{proxy.folder}/'], capture_output=True, text=True, check=True).stdout
        print(shown)
        assert re.search(r' ago unavail: no connection, or it broke\n', shown)
        assert re.search(rf'127\.0\.0\.1:{gone.port} +unavail .* 1 failures of max_fails=1: it rests', shown)
        raw = subprocess.run([gate_program, 'status', '--json', '-c', proxy.folder / 'proxy.conf', '-p', f'{proxy.folder}/'], capture_output=True, text=True, check=True).stdout
        assert json.loads(raw)['pid'] == told['pid']
        origin.release.set()
        other.release.set()


def test_prometheus(gate, origin):
    proxy = gate(PASS + STATUS, f'upstream group {{ server 127.0.0.1:{origin.port}; }}')
    for _ in range(5):
        peers.ask(proxy.port, 'GET', '/b/1')
    for fields, target in [([], '/status?format=prometheus'), (['Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1'], '/status')]:
        answer = peers.ask(proxy.port, 'GET', target, fields)
        assert answer.one('Content-Type') == 'text/plain; version=0.0.4'
        text = answer.body.decode()
        labels = f'upstream="group",server="127.0.0.1:{origin.port}"'
        assert f'gate_upstream_server_requests_total{{{labels}}} 5\n' in text
        assert f'gate_upstream_server_up{{{labels}}} 1\n' in text
        assert f'gate_upstream_server_responses_total{{{labels},code="2xx"}} 5\n' in text
        assert f'gate_upstream_server_header_seconds_count{{{labels}}} 5\n' in text
        for line in text.splitlines():  # the format: a comment, or NAME{LABELS} NUMBER
            assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\\]*",?)+\})? [0-9.]+', line), line
        names = re.findall('^# TYPE (\\w+)', text, re.M)
        assert len(names) == len(set(names))


def test_without_a_location_the_command_says_what_to_add(gate, gate_program):
    proxy = gate('location / { return 204; }')
    said = subprocess.run([gate_program, 'status', '-c', proxy.folder / 'proxy.conf', '-p', f'{proxy.folder}/'], capture_output=True, text=True)
    assert said.returncode == 1 and 'location = /status { status;' in said.stderr
