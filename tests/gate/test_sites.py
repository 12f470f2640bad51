"""Whole sites (sites.py; beside nginx they are in test_differential.py): gate takes them as they are, and explains what it then does."""
import re
import subprocess

import peers
import pytest
import sites
import test_differential
from ports import free_port
from test_explain import head_in, lines_of

UNTOLD = re.compile('taken as allowed|server 127.0.0.1:1,')  # what an origin says, and where there is none
ASKED = 3  # requests of each site
CASES = list(sites.cases())


@pytest.fixture(scope='module')
def running(tmp_path_factory, gate_program):
    """gate with all of them, its origin, and its configuration."""
    top = tmp_path_factory.mktemp('sites')
    files = test_differential.make_files(top / 'files')
    with peers.Origin() as origin:
        origin.scripts.update(test_differential.scripts(origin.port))
        port = free_port()
        text = test_differential.configuration(port, CASES, files, origin.port)
        with peers.Proxy(gate_program, top / 'gate', text, [port]):
            yield top / 'gate/proxy.conf', port, origin


def test_no_site_has_an_error_and_traps_are_few(running, gate_program):
    tested = subprocess.run([gate_program, '-t', '-p', running[0].parent, '-c', running[0]], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert tested.returncode == 0 and tested.stderr.count(' warning: ') == 2, tested.stderr


def explained(program, configuration, port, case, request):
    host = request.host.replace('NAME', case.name).split(':')[0]
    fields = [word for field in request.fields for word in ('-H', field.replace('NAME', case.name))]
    done = subprocess.run([program, 'explain', '-p', configuration.parent, '-c', configuration, '-X', request.method, *fields, f'http://{host}:{port}{request.target}'],
                          capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert done.returncode == 0, done.stderr
    lines = [f'{request.method} {request.target} HTTP/1.1', f'Host: {host}:{port}', *(field.replace('NAME', case.name) for field in request.fields), 'Connection: close', '', '']
    return done.stdout, '\r\n'.join(lines).encode('latin-1')


def lines_in(head):
    """Without what a moment changes."""
    return [line.rstrip() for line in head if not line.startswith(('Date: ', 'Expires: '))]


@pytest.mark.parametrize('case', CASES, ids=list(sites.SITES))
def test_what_is_explained_is_what_is_done(case, running, gate_program):
    configuration, port, origin = running
    for request in [each for each in case.requests if not each.raw and not each.body][:ASKED]:
        said, sent = explained(gate_program, configuration, port, case, request)
        before = len(origin.requests)
        answer = peers.exchange(port, sent)
        reached = [lines_in(lines_of(each.head)) for each in origin.requests[before:]]
        if "the answer is gate's own" in said:
            told, got = lines_in(head_in(said, "the answer is gate's own")), [lines_in(lines_of(answer.split(b'\r\n\r\n')[0]))]
        elif UNTOLD.search(said) or b' 429 ' in answer[:20]:
            continue
        else:
            told, got = lines_in(head_in(said, 'the origin would get')), reached
        assert told in got, f'{sent}\n{said}\n{got}'
