"""The short form of what `make soak` does at length: reloads under load lose nothing."""
import reloading


def test_reloads_under_load(gate):
    with reloading.Origin() as first, reloading.Origin() as second:
        proxy = gate(reloading.SERVER.format(), f'upstream group {{ zone group 64k; server 127.0.0.1:{first.port}; server 127.0.0.1:{second.port}; keepalive 8; }} access_log off;',
                     main='worker_processes 2;')
        figures = reloading.run(proxy, 15, 10)
    print(figures)
    assert figures['reloads'] == 15
    assert figures['failed requests'] == figures['refused requests'] == figures['closed WebSockets'] == 0
    assert figures['requests'] > 100
