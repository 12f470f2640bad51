"""gate and nginx side by side over the cases of differential.py: status, head, body, what the origin got, log lines.

What may differ, and why, stands in differences.py, from which docs/compat.md has it.
"""
import email.utils
import gzip
import os
import pathlib
import re
import socket
import subprocess
import time

import differences
import differential
import differential_language
import differential_rules
import peers
import pytest
import sites as whole_sites
from ports import free_port

CASES = [*differential.cases(), *differential_language.cases(), *differential_rules.cases(), *whole_sites.cases()]
GROUPS = {case.group: [each for each in CASES if each.group == case.group] for case in CASES}
LOG = ('log_format each \'$request|$status|$body_bytes_sent|$uri|$args|$host|$server_name|$upstream_status|'
       '$sent_http_content_type|$request_completion|$http_referer\';')
# a boundary of several ranges, a version
OWN = (re.compile(rb'\b\d{20}\b'), b'BOUNDARY'), (re.compile(rb'nginx/[0-9.]+'), b'nginx/V'), (re.compile(rb'\r\nDate: [^\r]*'), b'\r\nDate: D')


def make_files(folder):
    """What FILES names: files of every kind that a server meets."""
    (folder / 'sub').mkdir(parents=True)
    for name, text in {'a.txt': 'hello hello world\n', 'b.html': '<html><body>hello</body></html>\n', 'empty': '', 'with space': 'x', 'run': '#!',
                       'c.txt': 'plain', 'sub/index.html': 'index', 'unread': 'no', 'big.txt': 'hello' * 20000, 'users': 'user:{PLAIN}secret\n'}.items():
        (folder / name).write_text(text)
        os.utime(folder / name, (1700000000, 1700000000))
    (folder / 'c.txt.gz').write_bytes(gzip.compress(b'packed', mtime=0))
    os.utime(folder / 'c.txt.gz', (1700000000, 1700000000))
    (folder / 'run').chmod(0o755)
    (folder / 'link.txt').symlink_to('a.txt')
    for each in (folder / 'sub', folder):
        os.utime(each, (1700000000, 1700000000))
    return folder


def scripts(port):
    theirs = {**differential.DOWN, **{f'l-{name}': text for name, text in differential_language.BACK.items()}}
    closing = {f'l-{name}' for name in differential_language.CLOSING}
    return {f'/v1/{name}': [text.replace(b'ORIGIN', str(port).encode())] + [None] * (name in closing) for name, text in theirs.items()}


def configuration(port, cases, files, origin_port, more=''):
    """A whole file with these cases. `more`: for http."""
    text = f'''daemon off; worker_processes 1; pid logs/proxy.pid; error_log logs/error.log info;
{peers.NGINX_MAIN}
events {{ }}
http {{
    server_tokens off; {more} {LOG} access_log off; types {{ text/html html; text/plain txt; }} server_names_hash_bucket_size 128;
    server {{ listen 127.0.0.1:{port} default_server; return 200 "default $host\\n"; access_log logs/default.log each; }}
{''.join(block(case) for case in cases)}
}}
'''
    return text.replace('FILES', str(files)).replace('ORIGIN', str(origin_port)).replace('PORT', f'127.0.0.1:{port}')


def block(case):
    log = '' if 'access_log' in case.server else 'access_log logs/NAME.log each;'
    server = f'server {{ listen PORT; server_name NAME.test; {log} {case.server} }}\n' if case.server else ''
    return (case.http + '\n' + server).replace('NAME', case.name)


def lacks(program, folder, cases, files):
    """What gate says of a directive of these cases that it does not have, or nothing."""
    file = folder / 'tested.conf'
    file.write_text(configuration(1, cases, files, 2))
    tested = subprocess.run([program, '-t', '-p', f'{folder}/', '-c', file], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    found = re.search(r'(.*) that gate does not have yet', tested.stderr)
    return found[0] if found else None


class Side:
    """One of the two programs with all cases of a group."""

    def __init__(self, program, folder, cases, files, origin, arguments=()):
        self.port, self.folder, self.seen = free_port(), folder, {}
        text = configuration(self.port, cases, files, origin.port, peers.NGINX_HTTP if not arguments else '')
        self.proxy = peers.Proxy(program, folder, text, [self.port], arguments)

    def news(self, name):
        """What a log got since it was last looked at."""
        with open(self.folder / 'logs' / f'{name}.log', 'rb') as log:
            log.seek(self.seen.get(name, 0))
            lines = log.read()
            self.seen[name] = log.tell()
        return plain(lines, self.port).decode(errors='replace').splitlines()

    def logged(self, name):
        """The lines of one request in the case's log: it may be written behind the answer, or be the default server's."""
        deadline, lines, others = time.monotonic() + peers.PATIENCE_S, [], []
        while not lines and not others and time.monotonic() < deadline:
            lines, others = self.news(name), self.news('default')
        return lines


@pytest.fixture(scope='module')
def origin():
    with peers.Origin() as made:
        made.scripts.update(scripts(made.port))
        yield made


@pytest.fixture(scope='module')
def sides(tmp_path_factory, gate_program, nginx_program, origin):
    """Call it with a case: gate, called as nginx and asked for what 1.22 does, and nginx."""
    top = tmp_path_factory.mktemp('differential')
    files = make_files(top / 'files')
    drop_in = top / 'nginx'
    drop_in.symlink_to(pathlib.Path(gate_program).resolve())
    running, missing = {}, {}
    (top / 'logs').mkdir()

    def start(case):
        group = case.group
        if group not in running:
            for made in running.values():
                for side in made:
                    side.proxy.stop()
            running.clear()
            any_lacks = lacks(drop_in, top, GROUPS[group], files)
            missing.update((each.name, any_lacks and lacks(drop_in, top, [each], files)) for each in GROUPS[group])
            cases = [each for each in GROUPS[group] if not missing[each.name]]
            running[group] = [Side(drop_in, top / group / 'gate', cases, files, origin, ('-g', 'compat_version 1.22;')),
                              Side(nginx_program, top / group / 'nginx', cases, files, origin)]
            for side in running[group]:
                side.proxy.start()
        if missing[case.name]:
            pytest.skip(missing[case.name])
        return running[group]

    yield start
    for made in running.values():
        for side in made:
            side.proxy.stop()


def parse(raw):
    """(status line, {name: [values]}, body) of the last response in the bytes; what is no response stays as it is."""
    while raw.startswith(b'HTTP/1.1 1') and b'\r\n\r\n' in raw:
        raw = raw.split(b'\r\n\r\n', 1)[1]
    head, found, body = raw.partition(b'\r\n\r\n')
    if not found or not head.startswith(b'HTTP/'):
        return raw, {}, b''
    line, *fields = head.decode('latin-1').split('\r\n')
    heads = {}
    for field in fields:
        name, _, value = field.partition(':')
        heads.setdefault(name.lower(), []).append(value.strip())
    if heads.get('transfer-encoding') == ['chunked'] and body:
        body = join_chunks(body)
    if heads.get('content-encoding') == ['gzip'] and body:
        body = b'packed:' + gzip.decompress(body)
        heads.pop('content-length', None)
    return line, heads, body


def join_chunks(body):
    whole = b''
    while body:
        size, _, body = body.partition(b'\r\n')
        count = int(size.split(b';')[0], 16)
        if count == 0:
            return whole
        whole, body = whole + body[:count], body[count + 2:]
    return whole + b' CUT'


def near(ours, theirs):
    """Two dates that a moment lies between."""
    try:
        apart = email.utils.parsedate_to_datetime(ours) - email.utils.parsedate_to_datetime(theirs)
    except (TypeError, ValueError):
        return False
    return abs(apart.total_seconds()) <= 3


def plain(data, port):
    """Without what is each side's own."""
    data = data.replace(b':%d' % port, b':PORT')
    for pattern, word in OWN:
        data = pattern.sub(word, data)
    return data


def seen(raw, port):
    line, heads, body = parse(raw)
    heads.pop('date', None)
    text = {name: [plain(value.encode('latin-1'), port).decode('latin-1') for value in values] for name, values in heads.items()}
    if re.match(rb'[A-Z]+ /echo', body):
        head, _, rest = body.partition(b'\r\n\r\n')
        body = ordered(head) + b'|' + rest
    return line, text, plain(body, port)


def differ(ours, theirs):
    """What of two answers is not the same: [(what, ours, theirs)]."""
    found = []
    if ours[0] != theirs[0]:
        found.append(('status', ours[0], theirs[0]))
    for name in sorted({*ours[1], *theirs[1]}):
        pair = ours[1].get(name), theirs[1].get(name)
        if pair[0] != pair[1] and not (pair[0] and pair[1] and near(pair[0][0], pair[1][0])):
            found.append((name, *pair))
    if ours[2] != theirs[2]:
        found.append(('body', ours[2][:300], theirs[2][:300]))
    return found


def ordered(head):
    """With Host and Connection in front: where they stand is up to the proxy's version, all others keep their order."""
    line, *fields = head.split(b'\r\n')
    return b'\r\n'.join([line, *sorted(fields, key=lambda field: (not field.startswith(b'Host:'), not field.startswith(b'Connection:')))])


def reached(origin, before, port):
    """What the origin got since: whole heads and bodies, with the proxy's own port taken out."""
    return sorted(ordered(plain(each.head[:-4], port)) + b'|' + each.body for each in origin.requests[before:])


def ask(side, request, case, origin):
    before = len(origin.requests)
    if case.server:
        side.news('default')  # what a case without a server of its own has left there
    raw = peers.exchange(side.port, request.bytes(case.name))
    lines = side.logged(case.name) if case.server and case.group not in ('keeping', 'sites') else []  # two lines come when they come, or none
    return seen(raw, side.port), reached(origin, before, side.port), lines


@pytest.mark.parametrize('case', CASES, ids=lambda case: f'{case.group}-{case.name}')
def test_both_mean_the_same(case, sides, origin):
    gate, nginx = sides(case)
    wrong = []
    for request in case.requests:
        (ours, *our_traces), (theirs, *their_traces) = (ask(side, request, case, origin) for side in (gate, nginx))
        found = differ(ours, theirs)
        if 'transfer-encoding' in ours[1]:  # where the chunks end is each one's own
            our_traces[1], their_traces[1] = ([re.sub(r'^([^|]*\|\d+\|)\d+', r'\1N', line) for line in lines]
                                              for lines in (our_traces[1], their_traces[1]))
        found += [(what, *pair) for what, *pair in zip(('origin', 'log'), our_traces, their_traces) if pair[0] != pair[1]]
        wrong += [f'{request.bytes(case.name)[:120]!r}: {what}\n    gate {mine}\n   nginx {its}' for what, mine, its in found
                  if not differences.is_known(case, request, what, ours[0], mine, its)]
    assert not wrong, f'{len(wrong)} of {len(case.requests)}\n{case.http}\n{case.server}\n' + '\n'.join(wrong[:6])
