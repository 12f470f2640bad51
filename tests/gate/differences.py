"""Where gate answers otherwise than nginx 1.22 on purpose: docs/compat.md has the reasons from here."""
import re

# What gate refuses with 400 although nginx 1.22 guesses what was meant: two readers might guess differently.
STRICT = [
    (rb'^GET (/ )? (/|HTTP)', 'More than one blank in a request line is refused.'),
    (rb' HTTP/1.1 +\r\n', 'A blank at the end of a request line is refused.'),
    (rb'[\x01-\x08\x0b\x0c\x0e-\x1f\x7f].*\r\n\r\n', 'Control bytes in a field are refused.'),
    (rb'^GET http://a\.[a-z0-9]+\.test/x HTTP/1.1\r\nHost: other', 'A Host that contradicts the target of the request is refused.'),
    (rb'^GET http://(x\.|\[::1\])', 'The same.'),
    (rb'^GET (ftp|a\+b\.c-d)://', 'A target of another scheme than http and https is refused.'),
    (rb'^GET / HTTP/(1\.\d\d+|\d\d+\.\d)\r', 'A version is two digits with a dot between.'),
    (rb'^PRI \* HTTP/2', 'The preface of HTTP/2 is a 505 where HTTP/1 is spoken.'),
    (rb'^CONNECT /', 'CONNECT names a host and a port; with a path it is refused.'),
    (rb'\r\nHost: ([^\r]*[@?#\\\\,\x80-\xff]|[^\r\[]*:[^\r]*[x:]|\[::1\r)', 'A Host that is no host with perhaps a port is refused.'),
    (rb'\r\n[A-Z][-A-Za-z]*\r\n', 'A field without a colon is refused, also in a trailer.'),
    (rb'\r\r\n', 'A carriage return inside of a line is refused.'),
    (rb'\r\nTransfer-Encoding:\r\n', 'An empty Transfer-Encoding is refused.'),
    (rb'\r\n(Proxy-Authorization: [^\r]*)\r\n\1', 'Proxy-Authorization may not stand twice, as with nginx 1.31.'),
]
# (request, what, reason): values that differ
VALUES = [
    (rb'\r\n[^:]*:[ ]*\t|\t\r\n', 'Tabs around the value of a field are no part of it, as with nginx since 1.23.'),
    (rb'^GET / HTTP/1\.[2-9]\r', '$server_protocol is the version that is spoken, HTTP/1.1, whatever later one the client names.'),
    (rb'^\r\n\r\nGET', '$request_length counts the empty lines in front of a request.'),
]
# (case, request, reason)
CASES = [
    ('parsing-p1', rb'^[^?]*/[./]*/', 'merge_slashes is that of the server that has the name, not of the first one at the address.'),
    ('parsing-p[23]', rb'X_under', 'underscores_in_headers and ignore_invalid_headers are those of the default server of the address.'),
    ('parsing-p4', rb'zzz', 'large_client_header_buffers is that of the default server of the address until the head is there.'),
    ('files-f1[589]', rb'\r\nRange: ', 'A 416 has no fields that say how long to keep it, or in which other form it could come.'),
    ('files-f', rb'(?i)\r\nif-(unmodified-since|match)', '$request_completion is OK for a 412, whose page was sent whole.'),
    ('down-d2$', rb'', 'Where an origin has no Server field to pass on, gate says its own.'),
    ('up-', rb'Proxy-Connection', 'Proxy-Connection is not passed on, as with nginx since 1.29.7.'),
    ('up-', rb'Expect', '$body_bytes_sent has no bytes of a 100 Continue in it.'),
    ('up-u10', rb'^P', 'A POST whose body is not passed on has Content-Length: 0, also where it is set to nothing.'),
    ('files-f33', rb'gzip', 'Compressed bodies have other lengths: another library makes them.'),
    ('answers-r5', rb'%0d%0a', 'A Location never ends where a variable has a line feed: it is escaped.'),
    ('answers-r2[12]', rb'', 'A Location with nothing in it is left out.'),
    ('keeping-', rb'^GET /301', 'The same.'),
    ('keeping-', rb'^GET /304', 'A 304 of return has no Content-Type and no Content-Length.'),
    ('keeping-', rb'Connection: closed', 'Only the word close in Connection ends a connection, not one that begins so.'),
    ('lines-l6$', rb'^GET /%zz', 'A target that is refused is answered by the server that the request names, also where nginx has not read that far.'),
    ('(lines-l[78]$|upward-)', rb'Expect', '$body_bytes_sent has no bytes of a 100 Continue in it.'),
    ('phases-p(4|23|24)$', rb'If-None-Match: \*', 'If-None-Match: * makes a 304 only of what has an ETag.'),
    ('phases-p32$', rb'', '$status in a log is what was sent, also a 206 or a 304 where error_page says =200.'),
    ('places-c15$', rb'', 'The expressions of a map leave $1 alone, as with nginx 1.31.'),
    ('(places-c42|paths-p46)$', rb'//', 'merge_slashes is that of the server that has the name, not of the first one at the address.'),
    ('upward-u8$', rb'', 'A Content-Length that proxy_set_header says is not sent: gate says itself how long a body is.'),
    ('(backward-b2|inherit-i6)$', rb'', 'Where an origin has no Server field to pass on, gate says its own.'),
    ('backward-', rb'/l-accelpath', 'Accept-Ranges stands once, behind X-Accel-Redirect too.'),
    ('backward-', rb'/l-accelempty', 'An empty X-Accel-Redirect leads nowhere: the answer is passed on.'),
    ('backward-', rb'/l-(twolengths|lengthandcoding|badlength|coding)', 'An answer whose length is said twice, or in a way that is not known, is a 502, as with nginx since 1.23.'),
    ('backward-', rb'/l-accelcharset', 'X-Accel-Charset holds also where no directive names that charset.'),
    ('backward-', rb'/l-(twotypes|twolocations|twoetags|twodates)', 'Of Content-Type, Last-Modified, Location, ETag, Server and Date of an origin the first is passed on alone, as with nginx since 1.23.'),
    ('backward-', rb'/l-status99', 'An answer with a status below 100 is a 502.'),
    ('backward-', rb'/l-short', '$request_completion is empty where an answer was shorter than it said.'),
    ('backward-', rb'/l-older', 'An answer without a head is a 502, not a body without one.'),
    ('(answers-t[18]|places-c26|phases-p2[12]|paths-p(19|20)|rules-(t111x4|t112x[29]))$', rb'', '$args is "-" in a log behind a try_files, or an error_page with variables, that leads to a path without arguments; nginx has an empty one.'),
    ('rules-t112x5$', rb'u=/z', 'The same.'),
    ('sites-site15$', rb'/l-accelpath', 'Accept-Ranges stands once, behind X-Accel-Redirect too.'),
    ('rules-t111x1$', rb'^GET /[abcdkl] ', 'A path that a rewrite leaves without a slash in front gets one.'),
    ('rules-t111x2$', rb'^GET /[gh]', '$uri is what it was where a rewrite would leave nothing of it, which is a 500.'),
    ('rules-t111x5$', rb'^GET /[mu]/a%(25|7f|09)b', 'A redirect has control bytes escaped and a percent sign as it is, also where variables bring them.'),
    ('rules-(t111x(1|6)|t112x5|t114x0)$', rb'^GET /(e|30[1-8]e?|11) ', 'A Location with nothing in it is left out.'),
    ('rules-(t111x6|t114x0)$', rb'^GET /304', 'A 304 of return has no Content-Type and no Content-Length.'),
    ('rules-t111x6$', rb'^GET /49[457]t', 'Codes 494 to 497 are sent as 400, also with a text of "return".'),
    ('rules-t112x2$', rb'^GET /i', 'A try_files that ends with =200 answers 200; nginx closes the connection without a word.'),
    ('rules-t112x6$', rb'^GET /([abc]|sub) ', '$sent_http_location is the whole address also where error_page answers in its place.'),
    ('rules-t113x1$', rb'', 'The expressions of a map leave $1 alone, as with nginx 1.31.'),
    ('rules-t113x12$', rb'\r\nX-Other', '$remote_addr is the real address as soon as it is known, also where it was asked for before.'),
    ('backward-', rb'/l-nocolon', 'A field of an origin without a colon is left out.'),
]
REFUSED = re.compile(r'HTTP/1\.[01] (400|405|413|414|501|505) ')


def is_known(case, request, what, status, ours, theirs):
    name = f'{case.group}-{case.name}'
    sent = request.bytes(case.name)
    if any(re.search(pattern, sent, re.S) for pattern, _ in STRICT):
        return True
    if any(re.match(each, name) and re.search(pattern, sent) for each, pattern, _ in CASES):
        return True
    if any(re.search(pattern, sent) for pattern, _ in VALUES):
        return what in ('body', 'content-length', 'x-value', 'log', 'origin')
    # What is refused before its Host is known is answered and logged by the default server of the address.
    return what in ('log', 'server', 'content-length', 'body') and bool(REFUSED.match(status))


# What gate's error.log says less of: (what both are made of for the comparison, nginx's words, reason)
ERROR_LINES = [
    ('too large chunked body', r'too large chunked body: \d+\+\d+ bytes', 'Of a chunked body that is too large, its size is not told.'),
    ('duplicate "Host" header', r'duplicate host header: "Host: b", previous value: "Host: a"', 'Of a field that stands twice, its name is told, and not its values.'),
    ('unknown "Transfer-Encoding"', 'unknown "Transfer-Encoding": "gzip"', 'Of a Transfer-Encoding that is not known, its value is not told.'),
    (r'too long URI while reading client request line, client: 127.0.0.1, server: ', '(?s)too long URI while .*', 'Of a request line that is too long, none of it is told.'),
    ('a header line', '(?s)(client sent too (long|large).* header|too large a header).*', 'A head that is too large is told in words of gate\'s own, without any of it.'),
    ('a header line', 'client sent(: a space in the name of a header field| invalid header line).*', 'A field that cannot be read is told with what is wrong with it, and not with its bytes.'),
    (None, '.*TRACE.*', 'TRACE is refused with a line that says so; nginx says nothing.'),
]
# What holds beyond single requests.
ALWAYS = [
    'Fields that Connection names are not passed on, unless `compat strict`.',
    'Blanks and control bytes that variables bring into a path for an origin are escaped, never sent as they are.',
    'A name of an origin that is not found when gate starts counts as down and is looked for again; with `compat strict` it is fatal, as in nginx.',
    'Failed requests are tried again within a budget (`retry_budget`), unless `compat strict`.',
    'All errors of a configuration are shown at once, each with its line, a caret and what to do; the first line is nginx\'s.',
    'Words of a configuration may be longer than 4095 bytes, unless gate is called as nginx.',
    'What is refused before its Host is known is answered and logged by the default server of the address.',
    'A byte that `charset_map` does not have is "?" wherever it stands; a body that is recoded has no Content-Length, no ranges and a weak ETag.',
    'TLS 1.0 and 1.1 are not among the defaults, whatever `compat_version` says.',
]
# directive: how it differs
DIRECTIVES = {
    'merge_slashes': 'that of the server that has the name, not of the first one at the address',
    'underscores_in_headers': 'that of the default server of the address',
    'ignore_invalid_headers': 'that of the default server of the address',
    'large_client_header_buffers': 'that of the default server of the address, until the head is there',
    'postpone_output': 'no effect: what is there is sent at once, never later than with nginx',
    'output_buffers': 'no effect: what a client gets is the same, however a file is read',
    'sendfile_max_chunk': 'no effect: every loop serves one client 2 MB at most before the others have their turn',
    'client_body_in_single_buffer': 'no effect: a body in memory is in one piece, so $request_body is there',
    'proxy_temp_path': 'its files have no names, so its levels of folders have no effect',
    'post_action': 'one request for each answer, also where its own location has one, and the connection stays; the log line is that of the client\'s location',
    'ssl_session_ticket_key': 'the keys of the server that is chosen by name, not of the first one at the address',
    'ssl_certificate': 'with variables, a client that names a server with a slash, or a dot in front, ends its handshake; no engine: and store:',
    'ssl_certificate_key': 'no engine: and store:',
    'proxy_store': 'written beside its place, not in proxy_temp_path; no path with ".." that variables make, and nothing for HEAD',
    'send_lowat': 'no effect: not there on Linux, with nginx neither',
    'aio': 'no effect, whatever it says',
    'connection_pool_size': 'no effect, whatever it says',
    'proxy_cookie_flags': 'a word that is no flag is told when the file is read, and one that variables make has no effect',
    'proxy_redirect': '"default" may stand where no proxy_pass stands in front of it',
    'proxy_set_header': 'an unknown variable is told also where no location uses it',
    'proxy_buffer_size': '0 is refused',
    'proxy_bind': 'no "transparent": a worker has no right to the addresses of other hosts',
    'keepalive_min_timeout': 'half a second where it says less',
    'gzip_comp_level': 'levels 1 and 2 by ISA-L where it was built with it: faster, and of other lengths',
    'geo': 'a range may end with 255.255.255.255',
    'proxy_http_version': '1.1 unless compat_version says a version before 1.29.7',
    'keepalive': '32 local unless compat_version says a version before 1.29.7',
}


def reasons():
    """Each sentence once."""
    found = ALWAYS + [reason for _, reason in STRICT] + [reason for _, reason in VALUES] + [reason for _, _, reason in CASES]
    return list(dict.fromkeys(each for each in found if each != 'The same.'))
