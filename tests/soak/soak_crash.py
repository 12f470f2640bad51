"""keep is killed again and again while somebody writes, by both transports, as root and as a user."""
import os
import random
import time

from crash import crash_once
from keep_runner import keep_as
from transports import SWITCH, TRANSPORTS


def test_what_was_synced_survives_every_kill(keep_program, request, capsys):
    seed = random.randrange(1 << 32)
    users = ['root', 'user'] if os.getuid() == 0 else ['user']
    transports = TRANSPORTS if SWITCH.exists() and os.getuid() == 0 else ['device']
    end = time.monotonic() + request.config.getoption('--minutes') * 60
    turn = synced = 0
    while time.monotonic() < end:
        for user in users:
            for by in transports:
                for kind in ('raw', 'mounted'):
                    name = f'{user} {by} {kind} {seed} {turn}'
                    with capsys.disabled():
                        print(f'\r{turn} kills, {synced} times synced; {name}', end='', flush=True)
                    with keep_as(keep_program, user) as keep:
                        synced += crash_once(keep, kind, by, name, least=turn % 20)
                    turn += 1
    assert turn > 0 and synced > 0
