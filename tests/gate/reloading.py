"""Reloads under load, with open WebSockets: what clients see of it, and what the master needs."""
import re
import signal
import subprocess
import threading
import time

import peers


class Origin(peers.Origin):
    def answer_ws(self, wire, _, __):
        """After 101 it says what it hears."""
        wire.send(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
        while True:
            if not wire.received and not wire.more():
                return False
            wire.send(wire.take(len(wire.received)))


SERVER = '''
    location / {{ proxy_pass http://group; proxy_set_header Connection ""; }}
    location /ws {{ proxy_pass http://group; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                    proxy_read_timeout 1h; }}
'''


class WebSocket:
    def __init__(self, port):
        self.wire = peers.Wire(port)
        self.wire.send(b'GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
        assert b' 101 ' in self.wire.take_until(b'\r\n\r\n')

    def is_alive(self):
        self.wire.send(b'are you there?')
        try:
            return self.wire.take(14) == b'are you there?'
        except (EOFError, OSError):
            return False


def resident_kib(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read())[1])


def run(proxy, reloads, sockets):
    """Reloads again and again while wrk asks on; {what: figure}."""
    sockets = [WebSocket(proxy.port) for _ in range(sockets)]
    began, sizes = time.monotonic(), []
    with subprocess.Popen(['wrk', '-t1', '-c8', '-d1h', '--timeout', '30s', f'http://127.0.0.1:{proxy.port}/b/100'], stdout=subprocess.PIPE, text=True) as wrk:
        for i in range(reloads):
            started = proxy.told.count('start worker process') if reloads < 100 else None
            proxy.signal(signal.SIGHUP)
            if started is None:
                threading.Event().wait(0.1)
            else:
                peers.wait_for(lambda started=started: proxy.told.count('start worker process') > started)
            if i % max(1, reloads // 10) == 0:
                sizes.append(resident_kib(proxy.process.pid))
        threading.Event().wait(0.5)
        sizes.append(resident_kib(proxy.process.pid))
        wrk.send_signal(signal.SIGINT)
        said = wrk.communicate(timeout=peers.PATIENCE_S)[0]
    errors = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', said)
    refused = re.search(r'Non-2xx or 3xx responses: (\d+)', said)
    figures = {
        'reloads': proxy.told.count('start worker process') - 1,
        'seconds': round(time.monotonic() - began, 1),
        'requests': int(re.search(r'(\d+) requests in', said)[1]),
        'failed requests': sum(map(int, errors.groups())) if errors else 0,
        'refused requests': int(refused[1]) if refused else 0,
        'closed WebSockets': sum(not each.is_alive() for each in sockets),
        'master KiB': sizes,
    }
    for each in sockets:
        each.wire.socket.close()
    return figures
