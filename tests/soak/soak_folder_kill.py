"""The daemon of a folder is killed again and again while somebody writes, by both transports, as root and as a user."""
import os
import random
import time

from keep_runner import keep_as
from test_folder_kill import killed_while_writing
from transports import SWITCH, TRANSPORTS


def test_what_was_synced_in_a_folder_survives_every_kill(keep_program, request, capsys):
    seed = random.randrange(1 << 20)
    users = ['root', 'user'] if os.getuid() == 0 else ['user']
    transports = TRANSPORTS if SWITCH.exists() and os.getuid() == 0 else ['device']
    end = time.monotonic() + request.config.getoption('--minutes') * 60
    turn = 0
    while time.monotonic() < end:
        for user in users:
            for by in transports:
                for options in [], ['--fast']:
                    with capsys.disabled():
                        print(f'\r{2 * turn} kills of folders; {user} {by} {seed} {" ".join(options):6}', end='', flush=True)
                    with keep_as(keep_program, user) as keep:
                        killed_while_writing(keep, seed, *options, by=by)
                    turn += 1
                    seed += 1
    assert turn > 0
