"""Where the passphrase and the key are, and where they are not."""
import os
import pathlib
import re
import time

import pytest

PHRASE = b'a-passphrase-that-stands-nowhere-else'


@pytest.fixture
def opened(anybody):
    anybody.phrase.write_bytes(PHRASE + b'\n')
    anybody.create()
    anybody.open()
    return pathlib.Path('/proc') / str(anybody.status()[0]['process'])


def memory(process):
    """Every mapping that root can read."""
    with open(process / 'mem', 'rb', 0) as file:
        for line in (process / 'maps').read_text().splitlines():
            start, end = (int(part, 16) for part in re.match('(.*?)-(.*?) ', line).groups())
            try:
                file.seek(start)
                yield file.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue


def need_root():
    if os.getuid() != 0:
        pytest.skip("only root may look into a process that hides")


def test_the_daemon_has_no_passphrase_left(opened):
    need_root()
    seen = 0
    for piece in memory(opened):
        seen += len(piece)
        assert PHRASE not in piece
    assert seen > 1 << 20


def test_words_and_environment_hold_no_secret(opened):
    need_root()
    assert PHRASE not in (opened / 'cmdline').read_bytes()
    assert PHRASE not in (opened / 'environ').read_bytes()


def test_the_daemon_is_out_of_reach(opened):
    """No core dumps, and /proc is root's: the process is not dumpable."""
    need_root()
    assert re.search(r'Max core file size\s+0\s+0', (opened / 'limits').read_text())
    assert (opened / 'mem').stat().st_uid == 0


def test_the_daemon_is_small(opened):
    need_root()
    time.sleep(0.1)
    size = int(re.search(r'VmRSS:\s+(\d+) kB', (opened / 'status').read_text())[1])
    assert size < 32 << 10
