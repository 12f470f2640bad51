"""A name server on the loopback, over UDP and TCP, whose records a test changes as it goes."""
import ipaddress
import socket
import struct
import threading

import ports

A, AAAA, SRV = 1, 28, 33


def write_name(name):
    return b''.join(bytes([len(part)]) + part.encode() for part in name.split('.') if part) + b'\0'


class NameServer:
    """`records` has {(name, type): [value, ...]}: an address, or (priority, weight, port, host).

    A name without any record does not exist. `silent` answers nothing, `truncates` sends everyone to TCP,
    `fails` answers SERVFAIL. `asked` is what came: (name, type, 'udp' or 'tcp').
    """

    def __init__(self):
        self.records, self.asked, self.ttl = {}, [], 1
        self.silent = self.truncates = self.fails = self.stopped = False
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = ports.free_port()  # of both kinds: below those that the kernel gives out
        self.datagrams.bind(('127.0.0.1', self.port))
        self.stream = socket.create_server(('127.0.0.1', self.port))
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.datagrams.sendto(b'', ('127.0.0.1', self.port))
        self.stream.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        self.datagrams.close()
        self.stream.close()

    @staticmethod
    def read_question(query):
        at, parts = 12, []
        while query[at]:
            parts.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        return '.'.join(parts).lower(), struct.unpack_from('>H', query, at + 1)[0], query[12:at + 5]

    @staticmethod
    def write_value(kind, value):
        if kind == SRV:
            return struct.pack('>HHH', *value[:3]) + write_name(value[3])
        return ipaddress.ip_address(value).packed

    def answer(self, query, way):
        name, kind, question = self.read_question(query)
        self.asked.append((name, kind, way))
        if self.silent:
            return None
        values = self.records.get((name, kind), [])
        code = 2 if self.fails else 0 if any(each == name for each, _ in self.records) else 3
        flags = 0x8180 | code
        if self.truncates and way == 'udp':
            flags, values = flags | 0x0200, []
        records = b''
        for value in [] if code else values:
            data = self.write_value(kind, value)
            records += b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, self.ttl, len(data)) + data
        return query[:2] + struct.pack('>HHHHH', flags, 1, len(values) if not code else 0, 0, 0) + question + records

    def serve_udp(self):
        while not self.stopped:
            query, client = self.datagrams.recvfrom(4096)
            answer = self.answer(query, 'udp') if query else None
            if answer:
                self.datagrams.sendto(answer, client)

    def serve_tcp(self):
        while not self.stopped:
            try:
                client, _ = self.stream.accept()
            except OSError:
                return
            with client, client.makefile('rb') as stream:
                while (head := stream.read(2)):
                    answer = self.answer(stream.read(struct.unpack('>H', head)[0]), 'tcp')
                    if answer:
                        client.sendall(struct.pack('>H', len(answer)) + answer)
