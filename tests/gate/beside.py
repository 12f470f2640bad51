"""gate beside nginx: the same configuration, the same requests, and what must be the same of the answers."""
import re

import peers

NAMES = re.compile(rb'(?:nginx|gate)(?:/[0-9.]+)?')
OWN = ('date', 'server', 'content-length', 'connection')  # each one's own; the length of a page follows from its name


def seen(message, port):
    """All of an answer but what is each one's own."""
    fields = sorted((name, value.replace(f':{port}', ':PORT')) for name, value in message.fields if name not in OWN)
    length = message.one('Content-Length')
    assert not message.body or not length or int(length) == len(message.body)
    body = message.body.replace(b':%d' % port, b':PORT')
    return message.line, fields, length is None, NAMES.sub(b'NAME', body)


class Both:
    """gate and nginx with one configuration."""

    def __init__(self, gate, nginx_program, server, http='', main=''):
        self.gate, self.nginx = gate(server, http, main), gate(server, http, main, program=nginx_program)

    def ask(self, target, method='GET', fields=(), body=b'', version='1.1'):
        """Compares the answers; gate's is returned."""
        ours, theirs = (peers.ask(each.port, method, target, fields, body, version)
                        for each in (self.gate, self.nginx))
        pair = seen(ours, self.gate.port), seen(theirs, self.nginx.port)
        if pair[0] != pair[1] and len(ours.body) > 500:
            pair = [[*each[:3], [line for line in each[3].split(b'\n') if line not in other[3].split(b'\n')]] for each, other in (pair, pair[::-1])]
        assert pair[0] == pair[1], f'{method} {target} {fields}\n gate {pair[0]}\nnginx {pair[1]}'
        return ours
