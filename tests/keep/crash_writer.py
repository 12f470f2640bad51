"""Writes at random, notes each step, and does not survive the file: crash_writer.py FILE SIZE SEED LOG"""
import os
import random
import sys

SIZES = [1, 300, 511, 512, 4096, 5000, 70_000, 300_000]
SYNC_CHANCE = 0.15
BEGUN, DONE, SYNCED = b'b', b'd', b's'


def operations(seed, size):
    """Without end: (offset, bytes), or None for an fsync."""
    chance = random.Random(seed)
    while True:
        data = chance.randbytes(chance.choice(SIZES))
        yield chance.randrange(size - len(data) + 1), data
        if chance.random() < SYNC_CHANCE:
            yield None


def write(path, size, seed, log):
    """Works on the file until that fails, and notes each step before and after it."""
    file = os.open(path, os.O_RDWR)
    notes = os.open(log, os.O_WRONLY | os.O_APPEND)
    for operation in operations(seed, size):
        os.write(notes, BEGUN)
        if operation is None:
            os.fsync(file)
            os.write(notes, SYNCED)
        else:
            if os.pwrite(file, operation[1], operation[0]) != len(operation[1]):
                return
            os.write(notes, DONE)


if __name__ == '__main__':
    write(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
