"""Error pages, named locations and internal redirects, answer for answer beside nginx."""
import os

import beside
import peers
import pytest

SERVER = '''
    root %(site)s;
    error_page 404 /errors/404.html;
    error_page 403 = /errors/403.html;
    error_page 410 411 412 =200 /errors/200.html?code=$status;
    error_page 418 =302 http://other.example/$uri;
    error_page 419 https://other.example/moved;
    error_page 420 =404 relative;
    error_page 421 @named;
    error_page 422 = @named;
    error_page 423 =299 @named;
    error_page 424 @nowhere;
    error_page 425 /text?$args&x=y;
    error_page 426 /loop/426;
    error_page 427 /$arg_page;
    error_page 428 =204 /errors/404.html;
    error_page 429 =304 /errors/404.html;
    error_page 431 =200 @origin;
    error_page 301 /errors/404.html;
    error_page 302 =303 /errors/404.html;
    error_page 405 =200 $uri;
    error_page 413 /errors/413.html;
    error_page 416 /errors/404.html;
    error_page 500 502 504 @origin;
    error_page 400 /errors/400.html;
    location /code/ {
        location /code/403 { return 403; }
        location /code/410 { return 410; }
        location /code/411 { return 411; }
        location /code/418 { return 418; }
        location /code/419 { return 419; }
        location /code/420 { return 420; }
        location /code/421 { return 421; }
        location /code/422 { return 422; }
        location /code/423 { return 423; }
        location /code/424 { return 424; }
        location /code/425 { return 425; }
        location /code/426 { return 426; }
        location /code/427 { return 427; }
        location /code/428 { return 428; }
        location /code/429 { return 429; }
        location /code/431 { return 431; }
        location /code/301 { return 301 /else; }
        location /code/302 { return 302 /else; }
        location /code/500 { return 500; }
        location /code/404text { return 404 "text"; }
    }
    location /inner/ {
        error_page 403 /errors/404.html;
        location /inner/403 { return 403; }
        location /inner/410 { return 410; }
    }
    location /recursive/ {
        recursive_error_pages on;
        error_page 404 /recursive/410;
        location /recursive/410 { error_page 410 = /text; return 410; }
    }
    location /once/ {
        error_page 404 /once/410;
        location /once/410 { error_page 410 = /text; return 410; }
    }
    location /cycle/ { recursive_error_pages on; error_page 404 /cycle/again; }
    location /loop/ { return 426; }
    location /text { default_type text/plain; return 200 "text $uri $args $request_method $request_uri\n"; }
    location @named { default_type text/plain; return 202 "named $uri $args $request_method\n"; }
    location @origin { proxy_pass http://127.0.0.1:%(port)d; }
    location /errors/ { internal; }
    location /hidden/ { internal; return 200 "seen"; }
    location /small { client_max_body_size 10; }
    location /down { proxy_pass http://127.0.0.1:1; }
    location /proxied/ { proxy_pass http://127.0.0.1:%(port)d/; }
    location /intercepted/ { proxy_intercept_errors on; proxy_pass http://127.0.0.1:%(port)d/; }
    location /intercepted/kept/ { proxy_intercept_errors on; proxy_pass http://127.0.0.1:%(port)d/; }
    location /follow/ { proxy_intercept_errors on; error_page 307 = @follow; proxy_pass http://127.0.0.1:%(port)d/; }
    location @follow { return 200 "$upstream_http_x_to $upstream_status"; }
'''
FILES = {'index.html': b'home\n', 'errors/404.html': b'not here\n', 'errors/403.html': b'not for you\n',
         'errors/200.html': b'fine\n', 'errors/413.html': b'too much\n', 'errors/400.html': b'bad\n', 'ten.txt': b'0123456789', 'dir/x': b'x'}
CODES = [403, 410, 411, 418, 419, 420, 421, 422, 423, 424, 425, 426, 427, 428, 429, 431, 301, 302, 500]


@pytest.fixture
def site(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / 'site' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / 'site'


@pytest.fixture
def both(gate, nginx_program, origin, site):
    origin.scripts['/redirect'] = [b'HTTP/1.1 307 Go\r\nX-To: /there\r\nContent-Length: 3\r\n\r\nabc']
    return beside.Both(gate, nginx_program, SERVER % {'site': site, 'port': origin.port}, 'types { text/html html; }',
                       'user root;' if os.geteuid() == 0 else '')


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST', 'DELETE'])
def test_every_form(both, method):
    for code in CODES:
        both.ask(f'/code/{code}?page=text&a=b', method)


def test_the_status_is_kept_taken_or_said(both):
    assert [both.ask(f'/code/{code}').status for code in (421, 422, 423, 403, 410)] == [421, 202, 299, 200, 200]


@pytest.mark.parametrize('target', [
    '/nothing', '/nothing?x=y', '/hidden/', '/hidden/x', '/errors/404.html', '/errors/', '/inner/x', '/inner/403',
    '/inner/410', '/recursive/x', '/once/x', '/cycle/x', '/loop/x', '/code/404text', '/dir', '/dir/', '/code/427', '/code/427?page=', '/code/427?page=ten.txt',
    '/code/427?page=%0d%0aX:%20y', '/down', '/down/echo', '/b/4', '/bad%zz', '/%2e%2e/..'])
def test_targets(both, target):
    both.ask(target)


def test_methods_that_files_do_not_have(both):
    both.ask('/ten.txt', 'POST', body=b'abc')
    both.ask('/ten.txt', 'PUT', body=b'abc')


def test_a_body_that_is_too_large(both):
    both.ask('/small', 'POST', body=b'x' * 11)
    both.ask('/small', 'POST', body=b'x' * 9)


def test_conditions_and_ranges_do_not_touch_an_error_page(both):
    for field in ('Range: bytes=0-2', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', 'If-None-Match: *',
                  'If-Match: "x"'):
        both.ask('/nothing', fields=[field])
        both.ask('/code/410', fields=[field])
        both.ask('/ten.txt', fields=[field])


@pytest.mark.parametrize('prefix', ['/proxied', '/intercepted', '/intercepted/kept'])
@pytest.mark.parametrize('code', [200, 301, 400, 403, 404, 410, 416, 421, 423, 431, 500, 503])
def test_answers_of_origins(both, prefix, code):
    both.ask(f'{prefix}/status/{code}?a=b')


def test_an_origins_answer_can_be_followed(both):
    assert both.ask('/follow/redirect').body == b'/there 307'


def test_what_an_origin_gets_after_an_error(both, origin):
    for method in ('GET', 'POST', 'HEAD'):
        both.ask('/down?x=y', method)
        both.ask('/code/431', method)
    lines = [request.line.split(' HTTP')[0] for request in origin.requests]
    assert lines[0::2] == lines[1::2]


def test_a_small_body_goes_to_the_second_origin_too(both, origin):
    both.ask('/down', 'POST', body=b'abc')
    assert [each.body for each in origin.requests] == [b'abc', b'abc']


def test_a_variable_cannot_split_an_answer(both):
    wire = peers.exchange(both.gate.port, b'GET /x%0d%0aInjected:%20yes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert b'\nInjected' not in wire
