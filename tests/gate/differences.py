"""Where gate answers otherwise than nginx 1.22 on purpose: docs/compat.md has the reasons from here."""
import re

# What gate refuses with 400 although nginx 1.22 guesses what was meant: two readers might guess differently.
STRICT = [
    (rb'^GET  /', 'More than one blank in a request line is refused.'),
    (rb' HTTP/1.1 \r\n', 'A blank at the end of a request line is refused.'),
    (rb'[\x01-\x08\x0b\x0c\x0e-\x1f\x7f].*\r\n\r\n', 'Control bytes in a field are refused.'),
    (rb'^GET http://a\.[a-z0-9]+\.test/x HTTP/1.1\r\nHost: other', 'A Host that contradicts the target of the request is refused.'),
]
# (request, what, reason): values that differ
VALUES = [
    (rb'(?i)\r\naccept: x\r\naccept: y', 'Fields of one name are joined with ", " in $http_NAME, as nginx does since 1.23.'),
    (rb'\r\n(User-Agent|Range): [^\r]*\r\n\1: ', 'The same.'),
    (rb'\r\n[^:]*:[ ]*\t|\t\r\n', 'Tabs around the value of a field are no part of it, as with nginx since 1.23.'),
    (rb'^GET / HTTP/1\.2', '$server_protocol is the version that is spoken, HTTP/1.1, whatever later one the client names.'),
    (rb'^\r\n\r\nGET', '$request_length counts the empty lines in front of a request.'),
]
# (case, request, reason)
CASES = [
    ('parsing-p1', rb'^[^?]*/[./]*/', 'merge_slashes is that of the server that has the name, not of the first one at the address.'),
    ('parsing-p[23]', rb'X_under', 'underscores_in_headers and ignore_invalid_headers are those of the default server of the address.'),
    ('parsing-p4', rb'zzz', 'large_client_header_buffers is that of the default server of the address until the head is there.'),
    ('answers-(t|e2$)', rb'', '$status is 000, and not 200, as long as nothing of the answer is known; $args is "-" in a log, also behind an internal redirect.'),
    ('files-f1[589]', rb'\r\nRange: ', 'A 416 has no fields that say how long to keep it, or in which other form it could come.'),
    ('files-f', rb'(?i)\r\nif-(unmodified-since|match)', '$request_completion is OK for a 412, whose page was sent whole.'),
    ('down-d2$', rb'', 'Where an origin has no Server field to pass on, gate says its own.'),
    ('down-d22', rb'/twice', 'Fields of one name are joined with ", ", as nginx does since 1.23.'),
    ('up-', rb'Proxy-Connection', 'Proxy-Connection is not passed on, as with nginx since 1.29.7.'),
    ('up-', rb'Expect', '$body_bytes_sent has no bytes of a 100 Continue in it.'),
    ('up-u10', rb'^P', 'A POST whose body is not passed on has Content-Length: 0, also where it is set to nothing.'),
    ('files-f33', rb'gzip', 'Compressed bodies have other lengths: another library makes them.'),
    ('files-f1[67]', rb'^[A-Z]+ /sub ', 'With charset, the page of a redirect to a directory says it too, as all pages do.'),
    ('files-f27', rb'If-(Modified-Since|None-Match)', 'A 304 has ETag and Last-Modified also where sub_filter takes them off a 200.'),
    ('answers-r5', rb'%0d%0a', 'A Location never ends where a variable has a line feed: it is escaped.'),
    ('answers-r2[12]', rb'', 'A Location with nothing in it is left out.'),
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
        return what in ('body', 'content-length', 'x-value', 'log')
    # What is refused before its Host is known is answered and logged by the default server of the address.
    return what in ('log', 'server', 'content-length', 'body') and bool(REFUSED.match(status))


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
    'gzip_comp_level': 'levels 1 and 2 by ISA-L where it was built with it: faster, and of other lengths',
    'proxy_http_version': '1.1 unless compat_version says a version before 1.29.7',
    'keepalive': '32 unless compat_version says a version before 1.29.7',
}


def reasons():
    """Each sentence once."""
    found = ALWAYS + [reason for _, reason in STRICT] + [reason for _, reason in VALUES] + [reason for _, _, reason in CASES]
    return list(dict.fromkeys(each for each in found if each != 'The same.'))
