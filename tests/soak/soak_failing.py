"""Every method of choosing while one of three origins fails in every way, under wrk: clients see no failed request."""
import contextlib
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'gate'))

import failing  # noqa: E402
import peers  # noqa: E402

SECONDS = float(os.environ.get('KEEPGATE_FAILING_SECONDS', '6'))


@pytest.mark.parametrize('trouble', failing.TROUBLES)
@pytest.mark.parametrize('method', failing.METHODS)
def test_one_fails_and_no_client_sees_it(gate_program, free_port, tmp_path, capsys, method, trouble):
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(failing.Origin()) for _ in range(3)]
        port = free_port()
        text = peers.configuration(port, failing.server(trouble), failing.group(three, method), 'worker_processes 2;')
        with peers.Proxy(gate_program, tmp_path / 'gate', text, [port]) as proxy:
            figures = failing.run(proxy, three, trouble, SECONDS)
    with capsys.disabled():
        print(f'\n{method or "round robin"}, one {trouble}: {figures}')
    failing.check(figures, trouble)
