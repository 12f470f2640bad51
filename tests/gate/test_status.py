"""How the upstreams do: "status;" as JSON and as Prometheus's text, and gate status."""
import json
import re
import subprocess

import dns_server
import peers
import pytest

jsonschema = pytest.importorskip('jsonschema')
parser = pytest.importorskip('prometheus_client.parser')

STATUS = 'location = /status { status; allow 127.0.0.1; deny all; }'
PASS = '''proxy_next_upstream error timeout http_503; location / { proxy_pass http://group; } location /hold { proxy_pass http://group; proxy_read_timeout 300ms; }'''


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
        proxy.rest()  # the last one is counted
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
        assert second['state'] == 'up' and re.match('least_conn chose it [0-9]+ ms ago: weight 1, 0 in work', second['why'])
        assert told['time'] - 20 < third['since'] <= told['time']
        assert told['loops'] == 2 and told['connections']['accepted'] >= 16
        assert told['zones'] == [{'name': 'slow', 'kind': 'limit_req', 'used': 0, 'capacity': told['zones'][0]['capacity']}]
        shown = subprocess.run([gate_program, 'status', '-c', proxy.folder / 'proxy.conf', '-p', f'{proxy.folder}/'], capture_output=True, text=True, check=True).stdout
        print(shown)
        assert re.search(r' ago unavail: no connection, or it broke\n', shown)
        assert re.search(rf'127\.0\.0\.1:{gone.port} +unavail .* 1 failures of max_fails=1: it rests', shown)
        assert '    errors: connection 1\n' in shown
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


def samples(text):
    """{(name, labels): number}, as Prometheus's own parser reads them; no two of one name and labels."""
    found = [sample for family in parser.text_string_to_metric_families(text) for sample in family.samples]
    values = {(each.name, *sorted(each.labels.items())): each.value for each in found}
    assert len(values) == len(found)
    return values


def test_each_line_is_another_server_s(gate, origin, valid):
    """The same server twice, and names whose addresses come and go: empty slots are nobody's."""
    with dns_server.NameServer() as names:
        names.records['app.test', dns_server.A] = ['127.0.0.1', '127.0.0.2']
        lines = f'server 127.0.0.1:{origin.port}; server 127.0.0.1:{origin.port} backup; server app.test:81 resolve; server gone.test:81 resolve; server gone.test:81 resolve backup;'
        proxy = gate(PASS + STATUS, f'resolver 127.0.0.1:{names.port} ipv6=off valid=1s; upstream group {{ {lines} }}')
        peers.wait_for(lambda: '127.0.0.2:81' in servers(proxy))
        told = valid(peers.ask(proxy.port, 'GET', '/status').body)['upstreams'][0]['servers']
        here = f'127.0.0.1:{origin.port}'
        assert [each['server'] for each in told] == [here, here, '127.0.0.1:81', '127.0.0.2:81', 'gone.test:81', 'gone.test:81']
        values = samples(peers.ask(proxy.port, 'GET', '/status?format=prometheus').body.decode())
        up = {key[1:]: value for key, value in values.items() if key[0] == 'gate_upstream_server_up'}
        assert len(up) == 6 and up[('nth', '2'), ('server', here), ('upstream', 'group')] == 1
        names.records['app.test', dns_server.A] = ['127.0.0.3']
        peers.wait_for(lambda: list(servers(proxy)) == [here, '127.0.0.3:81', 'gone.test:81'])


def test_health_checks_are_counted(gate, gate_program, two, valid):
    proxy = gate('location / { proxy_pass http://two; health_check uri=/health interval=50ms fails=3; }' + STATUS, peers.group(two))
    two[0].health = two[0].health.replace(b'200 OK', b'503 No')
    peers.wait_for(lambda: 'is unhealthy' in proxy.told and two[1].requests)
    proxy.rest()
    ill, well = valid(peers.ask(proxy.port, 'GET', '/status').body)['upstreams'][0]['servers']
    assert ill['state'] == ill['health'] == 'unhealthy' and ill['why'] == 'its health check fails: its status is 503'
    assert ill['checks']['made'] >= ill['checks']['failed'] >= 3 and 'last_ms_ago' in ill['checks']
    assert well['checks']['made'] > 0 and well['checks']['failed'] == 0
    values = samples(peers.ask(proxy.port, 'GET', '/status?format=prometheus').body.decode())
    labels = ('server', ill['server']), ('upstream', 'two')
    assert values['gate_upstream_server_checks_failed_total', *labels] >= 3
    assert values['gate_upstream_server_state', labels[0], ('state', 'unhealthy'), labels[1]] == 1
    shown = subprocess.run([gate_program, 'status', '-c', proxy.folder / 'proxy.conf', '-p', f'{proxy.folder}/'], capture_output=True, text=True, check=True).stdout
    assert re.search('    health checks: [0-9]+, of which [0-9]+ failed\n', shown)


def test_without_a_location_the_command_says_what_to_add(gate, gate_program):
    proxy = gate('location / { return 204; }')
    said = subprocess.run([gate_program, 'status', '-c', proxy.folder / 'proxy.conf', '-p', f'{proxy.folder}/'], capture_output=True, text=True)
    assert said.returncode == 1 and 'location = /status { status;' in said.stderr
