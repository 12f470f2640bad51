"""A thousand reloads while wrk asks on and 100 WebSockets are open: nothing is lost, and memory stays as it was."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'gate'))

import peers  # noqa: E402
import reloading  # noqa: E402

RELOADS = int(os.environ.get('KEEPGATE_RELOADS', '1000'))


def test_a_thousand_reloads_lose_nothing(gate_program, free_port, tmp_path, capsys):
    with reloading.Origin() as first, reloading.Origin() as second:
        port = free_port()
        text = peers.configuration(
            port, reloading.SERVER.format(),
            f'upstream group {{ server 127.0.0.1:{first.port}; server 127.0.0.1:{second.port}; keepalive 8; }} access_log off;',
            'worker_processes 2;')
        with peers.Proxy(gate_program, tmp_path / 'gate', text, [port]) as proxy:
            figures = reloading.run(proxy, RELOADS, 100)
    with capsys.disabled():
        print('\n', figures)
    assert figures['failed requests'] == figures['refused requests'] == figures['closed WebSockets'] == 0
    assert figures['reloads'] > RELOADS * 9 // 10  # signals that come together are one
    sizes = figures['master KiB']
    assert sizes[-1] < sizes[1] * 1.2 + 1024, sizes
