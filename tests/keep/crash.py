"""A writer at work, a daemon that is killed, and what must be there afterwards."""
import os
import pathlib
import random
import signal
import sys
import time

from crash_writer import BEGUN, DONE, SYNCED, operations
from keep_runner import wait_for_end
from transports import threads_of, transport

WRITER = pathlib.Path(__file__).with_name('crash_writer.py')

class Expected:
    """What each byte may be, after the steps in a log."""

    def __init__(self, size, seed, log, loses_unsynced):
        self.bytes, self.open = bytearray(size), []  # open: writes that may be there, or in part
        self.synced = 0
        ahead = operations(seed, size)
        steps = log.decode()
        for begun, ended in zip(steps[::2], steps[1::2] + ' '):
            assert begun == BEGUN.decode()
            operation = next(ahead)
            if ended == SYNCED.decode():
                assert operation is None
                self.settle()
                self.synced += 1
            elif operation:
                self.open.append(operation)
                if not loses_unsynced and ended == DONE.decode():
                    self.settle()

    def settle(self):
        for at, data in self.open:
            self.bytes[at:at + len(data)] = data
        self.open = []

    def check(self, found):
        """Every byte is the settled one, or that of an open write over it."""
        unsettled = bytearray(len(self.bytes))
        for at, data in self.open:
            unsettled[at:at + len(data)] = b'\1' * len(data)
        for at, (byte, should, may) in enumerate(zip(found, self.bytes, unsettled)):
            if byte == should:
                continue
            assert may, f'byte {at} is not the one that was written'
            assert any(start <= at < start + len(data) and data[at - start] == byte
                       for start, data in self.open), f'byte {at} was never written'


def crash_once(keep, kind, by, seed, size=2 << 20, least=1):
    """
    Makes a volume, works on it, kills its daemon, and looks. `kind` is "raw" or "mounted". What write()
    has returned for the raw file is in the volume, fsync or not.
    """
    chance = random.Random(seed)
    more = ['--raw'] if kind == 'raw' else []
    image = keep.create('v.img', '--yes', '--sector-size', chance.choice(['512', '4096']),
                        *(['--fs', 'none'] if more else []))
    with transport(by):
        at = keep.open('v.img', 'm', *more)
    file = at / ('volume' if more else 'file')
    keep.write_at_once(file, bytes(size))
    log = keep.file('log', b'')
    log.chmod(0o666)
    pid = keep.status()[0]['process']
    assert ('fuse-ring' in threads_of(pid)) == (by == 'rings')
    script = keep.file('writer.py', WRITER.read_bytes())
    with keep.start(sys.executable, script, file, size, seed, log) as writer:
        while log.read_bytes().count(SYNCED) < least:
            assert writer.poll() is None, writer.stderr.read()
            time.sleep(0.002)
        time.sleep(chance.random() * 0.3)
        os.kill(pid, signal.SIGKILL)
        writer.communicate(timeout=60)
    wait_for_end(pid)
    done = keep.run('open', image, at, '--passphrase-file', keep.phrase, *more)
    assert done.returncode == 0, done.stderr
    expected = Expected(size, seed, log.read_bytes(), loses_unsynced=kind == 'mounted')
    expected.check(keep.read(file)[:size])
    keep.close('m')
    return expected.synced

