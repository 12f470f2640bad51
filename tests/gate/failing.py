"""Three origins under wrk, of which one fails in one way or another: what clients see of it, by each method of choosing."""
import contextlib
import re
import signal
import socket
import subprocess
import threading

import peers

METHODS = ['', 'least_conn;', 'hash $http_x_key;', 'hash $http_x_key consistent;', 'ip_hash;',
           'random;', 'random two;', 'random two least_conn;', 'hash $http_x_key maglev;',
           'hash $http_x_key consistent bounded_load=1.25;', 'least_time header;', 'least_time last_byte inflight;',
           'random two least_time=header;', 'random two peak_ewma;']
TROUBLES = ['killed', 'hangs', 'slow', 'resets', 'half', 'refuses']
CONNECTIONS = 8
HANGS_S = 1  # how long one that hangs is waited for


def server(trouble):
    patience_s = HANGS_S if trouble == 'hangs' else 30
    return f'''
        location / {{ proxy_pass http://three; proxy_connect_timeout {patience_s}s; proxy_read_timeout {patience_s}s; add_header X-Server $upstream_addr; }}
        access_log off;
    '''


# Each request has another key; what came is told at the end.
SCRIPT = '''
local n = math.random(1000000)
request = function() n = n + 1; return wrk.format("GET", "/b/200?" .. n, {["X-Key"] = tostring(n)}) end
'''


class Origin(peers.Origin):
    """Does well until `trouble` says how it fails."""
    trouble = None

    def answer_b(self, wire, request, rest):
        if self.trouble == 'hangs':
            self.release.wait()
        elif self.trouble == 'slow':
            threading.Event().wait(0.1)
        elif self.trouble == 'resets':
            return self.answer_reset(wire, request, rest)
        elif self.trouble == 'half':
            return self.answer_cut(wire, request, rest)
        super().answer_b(wire, request, rest)
        return self.trouble != 'refuses'  # its connections end, and there are no new ones

    def fail(self, trouble):
        self.trouble = trouble
        if trouble == 'killed':
            self.stop()
        elif trouble == 'refuses':
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()


def group(three, method):
    return f'upstream three {{ {method} keepalive 16; ' + ''.join(f'server 127.0.0.1:{each.port};' for each in three) + '}'


def run(proxy, three, trouble, seconds):
    """{what: figure}; the one that answers a first request fails in the midst of it."""
    first = peers.ask(proxy.port, 'GET', '/b/200?1', ['X-Key: 1']).one('X-Server')
    broken = next(each for each in three if first == f'127.0.0.1:{each.port}')
    script = proxy.folder / 'keys.lua'
    script.write_text(SCRIPT)
    with subprocess.Popen(['wrk', '-t1', f'-c{CONNECTIONS}', '-d1h', '--timeout', '30s', '-s', script, f'http://127.0.0.1:{proxy.port}'], stdout=subprocess.PIPE, text=True) as wrk:
        def count():
            return sum(len(each.requests) for each in three)

        threading.Event().wait(seconds / 2)
        peers.wait_for(lambda: count() > 60, 'requests')
        before = count()
        broken.fail(trouble)
        threading.Event().wait(seconds / 2 + (HANGS_S if trouble == 'hangs' else 0))
        peers.wait_for(lambda: count() > before + 60, 'more requests')
        after = count()
        wrk.send_signal(signal.SIGINT)
        said = wrk.communicate(timeout=peers.PATIENCE_S)[0]
    errors = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', said)
    refused = re.search(r'Non-2xx or 3xx responses: (\d+)', said)
    return {'requests': int(re.search(r'(\d+) requests in', said)[1]), 'asked before': before, 'asked after': after - before,
            'broken ones': sum(map(int, errors.groups())) if errors else 0, 'refused ones': int(refused[1]) if refused else 0}


def check(figures, trouble):
    """Whoever has got half an answer cannot get another one; all others have an answer."""
    assert figures['refused ones'] == 0, figures
    assert figures['broken ones'] <= (CONNECTIONS if trouble == 'half' else 0), figures
