"""Ports of 127.0.0.1 that are free, and stay so until they are used.

They lie below those that the kernel gives out by itself, and each process of a run (pytest -n) has a range of its own.
"""
import contextlib
import itertools
import os
import random
import socket

FIRST, END, RANGES = 11000, 32000, 8
WORKER = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:]) % RANGES
SIZE = (END - FIRST) // RANGES
_turns = itertools.count(random.randrange(SIZE))


def free_port():
    """The next one of this process that nobody listens on."""
    for turn in itertools.islice(_turns, SIZE):
        port = FIRST + WORKER * SIZE + turn % SIZE
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(('127.0.0.1', port))
            return port
    raise RuntimeError('no port is free')
