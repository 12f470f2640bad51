"""What goes on to another server after a failure, and what never does."""
import contextlib
import os
import pathlib
import signal
import socket
import time

import peers
import pytest

PASS = '''location / { proxy_pass http://group; proxy_next_upstream error timeout http_503; add_header X-Server $upstream_addr;
                       proxy_read_timeout 20s; }'''


class Bad(peers.Origin):
    """Reads all of a request, then does as `how` says."""
    how = 'reset'

    def answer(self, wire, number):
        request = peers.read_body(wire, peers.Message(wire.take_until(b'\r\n\r\n'), connection=number), False)
        self.requests.append(request)
        if self.how == 'reset':
            wire.reset()
            return False
        if self.how == 'hold':
            self.release.wait()
            return False
        if self.how == 'close':
            return False
        wire.send(b'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n')
        return True


@pytest.fixture
def bad():
    with Bad() as bad:
        yield bad


def group(*servers, more=''):
    return f'upstream group {{ {more} ' + ''.join(f'server 127.0.0.1:{each.port} max_fails=0;' for each in servers) + '}'


def for_one_that(how, server):
    """The same directives, where no more time is lost with one that hangs."""
    return server.replace('proxy_read_timeout 20s', 'proxy_read_timeout 500ms') if how == 'hold' else server


def ask(proxy, method, body=b''):
    return peers.ask(proxy.port, method, '/echo', body=body)


@pytest.mark.parametrize('how', ['reset', 'hold', 'close', '503'])
@pytest.mark.parametrize(('method', 'body', 'again'), [('GET', b'', True), ('PUT', b'all of it', True), ('PROPFIND', b'', True), ('POST', b'all of it', False),
                                                       ('POST', b'', False), ('PATCH', b'x', False), ('LOCK', b'', False), ('PURCHASE', b'x', False)])
def test_what_is_sent_a_second_time(gate, origin, bad, how, method, body, again):
    bad.how = how
    proxy = gate(for_one_that(how, PASS), group(bad, origin))
    answer = ask(proxy, method, body)
    assert len(bad.requests) == 1 and bad.requests[0].body == body
    assert len(origin.requests) == again
    assert answer.status == (200 if again else 504 if how == 'hold' else 503 if how == '503' else 502)
    if again:
        assert origin.requests[0].body == body


@pytest.fixture
def as_nginx(gate_program, tmp_path):
    link = tmp_path / 'nginx'
    link.symlink_to(gate_program.resolve())
    return link


@pytest.mark.parametrize('how', ['reset', 'hold', 'close'])
@pytest.mark.parametrize(('method', 'body', 'again'), [('GET', b'', True), ('PUT', b'all of it', True), ('POST', b'all of it', False), ('POST', b'', False)])
def test_with_non_idempotent_all_are_sent_again(gate, origin, bad, how, method, body, again):
    """And without it a POST is not, by whatever way: not by an error page, and not of a mirror."""
    bad.how = how
    proxy = gate(for_one_that(how, PASS.replace('http_503', 'non_idempotent')), group(bad, origin))
    answer = ask(proxy, method, body)
    assert (answer.status, len(bad.requests), [each.body for each in origin.requests]) == (200, 1, [body])
    for next_upstream, goes in (('', again), ('proxy_next_upstream error non_idempotent;', True)):
        bad.requests.clear()
        origin.requests.clear()
        proxy = gate(for_one_that(how, f'''location / {{ proxy_pass http://127.0.0.1:{bad.port}; proxy_read_timeout 20s; error_page 502 504 = @other; }}
                         location @other {{ {next_upstream} proxy_pass http://127.0.0.1:{origin.port}; }}'''))
        answer = ask(proxy, method, body)
        assert [each.body for each in origin.requests] == [body] * goes
        assert (answer.status, len(bad.requests)) == (200 if goes else 504 if how == 'hold' else 502, 1)
        assert ('is not one to be repeated' in proxy.told) is not goes


def test_an_error_page_still_has_what_was_not_sent_or_was_answered(gate, origin, bad, as_nginx):
    """A POST that no origin had, or that one has refused, goes where error_page says; called as nginx it always does."""
    bad.how = '503'
    ways = '''location / {{ proxy_pass http://127.0.0.1:{}; proxy_intercept_errors on; error_page 502 503 504 = @other; }}
              location @other {{ proxy_pass http://127.0.0.1:{}; }}'''
    assert ask(gate(ways.format(bad.port, origin.port)), 'POST', b'x').status == 200
    assert ask(gate(ways.format(1, origin.port)), 'POST', b'x').status == 200
    bad.how = 'reset'
    assert ask(gate(ways.format(bad.port, origin.port), program=as_nginx), 'POST', b'x').status == 200
    proxy = gate(ways.format(bad.port, origin.port) + 'location /page { error_page 502 /answer; proxy_pass http://127.0.0.1:%d; }' % bad.port
                 + 'location /answer { proxy_pass http://127.0.0.1:%d/b/5; }' % origin.port)
    assert peers.ask(proxy.port, 'POST', '/page', body=b'x').body == peers.pattern(5)  # a page is fetched with GET


def test_a_mirror_repeats_no_post(gate, origin, bad):
    """It has one copy of its own; where that fails it is not sent again, and what the client sent is not either."""
    with peers.Origin() as second:
        proxy = gate('location / { mirror /copy; proxy_pass http://127.0.0.1:%d; } location = /copy { internal; proxy_pass http://group/echo; }' % origin.port,
                     group(bad, more=f'server 127.0.0.1:{second.port} backup;'))
        for method, copies in (('POST', 0), ('PUT', 1)):
            assert ask(proxy, method, b'x').status == 200
            peers.wait_for(lambda method=method: [each.line.split()[0] for each in bad.requests][-1:] == [method])
            peers.wait_for(lambda copies=copies: len(second.requests) >= copies)
        assert [each.line.split()[0] for each in origin.requests] == ['POST', 'PUT'] and len(second.requests) == 1


def test_called_as_nginx_an_unknown_method_goes_on(gate, origin, bad, as_nginx):
    proxy = gate(PASS, group(bad, origin), program=as_nginx)
    assert ask(proxy, 'PURCHASE', b'x').status == 200


def test_the_method_that_is_sent_counts(gate, origin, bad):
    """proxy_method makes a POST of a GET: that is sent once."""
    proxy = gate(PASS.replace('proxy_next', 'proxy_method POST; proxy_next'), group(bad, origin))
    assert ask(proxy, 'GET').status == 502
    assert (len(bad.requests), len(origin.requests)) == (1, 0)
    proxy = gate(PASS.replace('proxy_next', 'proxy_method PUT; proxy_next'), group(bad, origin))
    assert ask(proxy, 'POST', b'x').status == 200


@pytest.mark.parametrize('size', [10, 3_000_000])
def test_a_body_of_which_nothing_was_sent_goes_on(gate, origin, size):
    """No connection came about: not even a POST has been at the first one."""
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        gone = type('Gone', (), {'port': closed.getsockname()[1]})()
        proxy = gate(PASS.replace('location', 'client_max_body_size 0; location'), group(gone, origin))
        for more in ('', 'proxy_request_buffering off;'):
            proxy = gate(PASS.replace('proxy_next', more + 'proxy_next').replace('location', 'client_max_body_size 0; location'), group(gone, origin))
            answer = ask(proxy, 'POST', peers.pattern(size))
            assert answer.status == 200 and answer.body.endswith(peers.pattern(size)), more
            assert answer.one('X-Server').count(', ') == 1


def test_a_kept_connection_that_ends_gets_no_second_post(gate, origin):
    """The server closes it just as the request comes: a GET is asked again over a new one, a POST is not sent twice."""
    counts = {'GET': 0, 'POST': 0}
    usual = origin.answer

    def answer(wire, number):
        with contextlib.suppress(EOFError):
            head = wire.take_until(b'\r\n\r\n')
            wire.received = head + wire.received
            if b'/again' in head:
                counts[head.split()[0].decode()] += 1
                if number == 0 or b'POST' in head:
                    peers.read_body(wire, peers.Message(wire.take_until(b'\r\n\r\n')), False)
                    return False
            return usual(wire, number)
        return False

    origin.answer = answer
    proxy = gate(PASS, group(origin, more='keepalive 4;'))
    assert ask(proxy, 'GET').status == 200
    assert peers.ask(proxy.port, 'GET', '/again').status == 404
    assert counts['GET'] == 2
    assert ask(proxy, 'GET').status == 200
    assert peers.ask(proxy.port, 'POST', '/again', body=b'x').status == 502
    assert counts['POST'] == 1


HALVES = {'length': b'Content-Length: 1000\r\n\r\n' + peers.pattern(500), 'chunks': b'Transfer-Encoding: chunked\r\n\r\n1f4\r\n' + peers.pattern(500) + b'\r\n'}


@pytest.mark.parametrize('half', HALVES)
def test_half_an_answer_of_which_nothing_was_sent_goes_on(gate, origin, half):
    """It is known to be cut when its head is read: a client gets the whole one of another server, and half of one that may not be repeated."""
    class Cuts(peers.Origin):
        def answer(self, wire, number):
            self.requests.append(peers.read_body(wire, peers.Message(wire.take_until(b'\r\n\r\n'), connection=number), False))
            os.kill(worker, signal.SIGSTOP)
            peers.wait_for(lambda: all(stat.read_text().rsplit(')', 1)[1].split()[0] == 'T'
                                       for stat in pathlib.Path(f'/proc/{worker}/task').glob('*/stat')))
            wire.send(b'HTTP/1.1 200 OK\r\n' + HALVES[half])
            wire.socket.shutdown(socket.SHUT_RDWR)
            os.kill(worker, signal.SIGCONT)
            return False

    with Cuts() as cuts:
        proxy = gate(PASS, group(cuts, more=f'server 127.0.0.1:{origin.port} backup;'))
        proxy.rest()  # the worker is there
        worker = peers.family(proxy.process.pid)[1]
        assert ask(proxy, 'GET').status == 200
        assert (len(cuts.requests), len(origin.requests)) == (1, 1)
        with pytest.raises(EOFError):
            ask(proxy, 'POST', b'x')
        assert (len(cuts.requests), len(origin.requests)) == (2, 1)


def test_tries_and_their_time_are_limits(gate, bad):
    """Also of more tries than are kept of a request."""
    bad.how = '503'
    usual = bad.answer

    def answer(wire, number):
        time.sleep(0.05)
        return usual(wire, number)

    bad.answer = answer
    many = group(*[bad] * 20, more='retry_budget off;')
    proxy = gate(PASS.replace('proxy_read', 'proxy_next_upstream_tries 3; proxy_read'), many)
    assert ask(proxy, 'GET').status == 503 and len(bad.requests) == 3
    bad.requests.clear()
    proxy = gate(PASS.replace('proxy_read', 'proxy_next_upstream_timeout 500ms; proxy_read'), many)
    assert ask(proxy, 'GET').status == 503
    assert len(bad.requests) <= 11
    bad.requests.clear()
    assert ask(gate(PASS, many), 'GET').status == 503 and len(bad.requests) == 20


@pytest.mark.parametrize('third', ['down', 'drain', ''])
def test_who_was_everywhere_does_not_wait(gate, third):
    """A queue is for servers that may come free. Where all have failed the answer is there at once."""
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        port = closed.getsockname()[1]
        servers = ''.join(f'server 127.0.0.1:{port} {more};' for more in ('', '', third))
        proxy = gate(PASS, f'upstream group {{ queue 10 timeout=60s; {servers} }}')
        assert ask(proxy, 'GET').status == 502  # within the test's patience


def test_a_retry_waits_for_one_that_is_full(gate, origin):
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        port = closed.getsockname()[1]
        proxy = gate(PASS, f'upstream group {{ queue 10; server 127.0.0.1:{origin.port} max_conns=1; server 127.0.0.1:{port} max_fails=0; }}')
        with peers.Wire(proxy.port) as busy, peers.Wire(proxy.port) as waits:
            busy.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.wait_for(lambda: origin.requests)
            waits.send(b'GET /b/7 HTTP/1.1\r\nHost: a\r\n\r\n')
            peers.wait_for(lambda: 'Connection refused' in proxy.told)
            origin.release.set()
            assert peers.read_response(busy).body == b'held'
            assert peers.read_response(waits).body == peers.pattern(7)


def test_the_budget_bounds_what_a_failing_group_is_asked(gate, bad):
    """Two that answer 503 to everything: 100 requests cost 100, and 10 % and one a second besides."""
    bad.how = '503'
    proxy = gate(PASS, group(bad, bad, more='retry_budget 10% floor=1;'), main='worker_processes 2;')
    began = time.monotonic()
    for _ in range(100):
        assert ask(proxy, 'GET').status == 503
    most = 100 + 10 + 2 + (time.monotonic() - began)
    assert 108 <= len(bad.requests) <= most
    assert 'the retry budget of upstream "group" is used up' in proxy.told
