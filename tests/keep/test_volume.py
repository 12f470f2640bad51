"""The volume as a file of bytes: how large, what is given back, what numbers its sectors have."""
import ctypes
import ctypes.util
import os
import random
import shutil
import subprocess

import pytest
from keep_runner import FAILED, keep_as
from transports import TRANSPORTS, transport

TEBI = 1 << 40
A_FEW_BLOCKS = 16 << 10  # of extents: how many a file has is up to the disk, and a hole makes them more


def reference(key, sector_size, at, data):
    """AES-XTS as OpenSSL's library has it, sector by sector, numbered as plain64 does."""
    crypto = ctypes.CDLL(ctypes.util.find_library('crypto'))
    for name in ('EVP_CIPHER_CTX_new', 'EVP_aes_256_xts'):
        getattr(crypto, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out = ctypes.create_string_buffer(len(data))
    length = ctypes.c_int()
    for start in range(0, len(data), sector_size):
        number = ((at + start) // 512).to_bytes(16, 'little')
        assert crypto.EVP_EncryptInit_ex(context, ctypes.c_void_p(crypto.EVP_aes_256_xts()), None, key, number)
        assert crypto.EVP_EncryptUpdate(context, ctypes.byref(out, start), ctypes.byref(length),
                                        data[start:start + sector_size], sector_size)
    crypto.EVP_CIPHER_CTX_free(context)
    return out.raw


@pytest.mark.parametrize('by', TRANSPORTS)
def test_beyond_two_tebibytes(anybody, by):
    """Sector numbers that need more than 32 bits, in a file that is nearly all hole."""
    key = random.Random(1).randbytes(64)
    target = anybody.home / 'big'
    with open(target, 'wb') as file:
        file.truncate(3 * TEBI)
    anybody.file('key', key)
    with transport(by):
        anybody.do('open', 'big', 'r', '--raw', '--type', 'plain', '--key-file', 'key', '--key-size', '512')
    raw = anybody.home / 'r' / 'volume'
    assert raw.stat().st_size == 3 * TEBI
    places = [0, 2 * TEBI - 4096, 2 * TEBI + 512, 3 * TEBI - 4096]
    written = {at: random.Random(at).randbytes(4096) for at in places}
    fd = os.open(raw, os.O_RDWR)
    for at, data in written.items():
        assert os.pwrite(fd, data, at) == len(data)
    os.fsync(fd)
    os.close(fd)
    anybody.close('r')
    with open(target, 'rb') as file:
        for at, data in written.items():
            file.seek(at)
            assert file.read(len(data)) == reference(key, 512, at, data), at
    assert os.stat(target).st_blocks * 512 < 1 << 20


@pytest.mark.parametrize('by', TRANSPORTS)
@pytest.mark.parametrize('allowed', [True, False])
def test_discards_make_holes_where_they_are_allowed(anybody, by, allowed):
    if not shutil.which('fallocate'):
        pytest.skip('there is no fallocate program')
    image = anybody.create('v.img', '--fs', 'none')
    with transport(by):
        raw = anybody.open('v.img', 'r', '--raw', *(['--allow-discard'] if allowed else [])) / 'volume'
    data = random.Random(7).randbytes(4 << 20)
    anybody.write_at_once(raw, data)
    before = os.stat(image).st_blocks * 512
    done = subprocess.run(['fallocate', '--punch-hole', '--offset', str(1 << 20), '--length', str(2 << 20), raw],
                          capture_output=True)
    os.sync()
    freed = before - os.stat(image).st_blocks * 512
    assert (done.returncode == 0) == allowed
    assert abs(freed - (2 << 20)) <= A_FEW_BLOCKS if allowed else freed == 0
    found = anybody.read(raw)
    assert found[:1 << 20] == data[:1 << 20] and found[3 << 20:4 << 20] == data[3 << 20:]
    assert (found[1 << 20:3 << 20] == data[1 << 20:3 << 20]) == (not allowed)


@pytest.fixture
def root(keep_program):
    if os.getuid() != 0:
        pytest.skip('only root mounts on a loop device')
    with keep_as(keep_program, 'root') as keep:
        yield keep


def in_memory_of(file):
    """Bytes of a file that the system keeps."""
    return int(subprocess.run(['fincore', '--bytes', '--noheadings', '--output', 'RES', file], check=True,
                              capture_output=True).stdout or 0)


@pytest.mark.parametrize('by', TRANSPORTS)
def test_bulk_goes_past_the_memory_of_the_system(root, by):
    image = root.create('v.img', size='64M')
    kind = subprocess.run(['stat', '-f', '-c', '%T', image], capture_output=True, text=True).stdout.strip()
    if kind not in ('ext2/ext3', 'xfs') or not shutil.which('fincore'):
        pytest.skip(f'{kind} does not take part, or there is no fincore')
    with open(image, 'rb') as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with transport(by):
        inside = root.open('v.img') / 'file'
    data = random.Random(by).randbytes(24 << 20)
    root.write_at_once(inside, data)
    assert in_memory_of(image) < len(data) // 3
    with open(inside, 'r+b') as file:  # small ones beside it, and one more over all
        for at in range(5000, len(data), 1 << 20):
            file.seek(at)
            file.write(b'small')
            data = data[:at] + b'small' + data[at + 5:]
        os.fsync(file.fileno())
    root.close()
    root.open('v.img')
    assert inside.read_bytes() == data
    root.close()


def device_under(mounted):
    return subprocess.run(['findmnt', '-n', '-o', 'SOURCE', '-T', mounted], check=True, capture_output=True, text=True).stdout.strip()


def test_the_loop_device_reads_ahead_whoever_had_it_before(root):
    root.create('v.img', size='32M')
    for _ in range(2):  # most likely on the same one
        device = device_under(root.open('v.img'))
        ahead = subprocess.run(['blockdev', '--getra', device], check=True, capture_output=True, text=True).stdout
        assert int(ahead) == 5120
        subprocess.run(['blockdev', '--setra', '8', device], check=True)
        root.close()


def test_no_room_below_is_an_error_above(root):
    """A file with holes on a disk that has become full."""
    disk, below = root.home / 'disk', root.home / 'below'
    below.mkdir()
    with open(disk, 'wb') as file:
        file.truncate(96 << 20)
    subprocess.run(['mkfs.ext4', '-q', disk], check=True)
    subprocess.run(['mount', '-o', 'loop', disk, below], check=True)
    try:
        image = root.create('v.img', size='64M')
        subprocess.run(['cp', '--sparse=always', image, below], check=True)
        inside = root.open('below/v.img') / 'file'
        with open(below / 'rest', 'wb') as file, pytest.raises(OSError, match='No space'):
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        with open(inside, 'wb') as file, pytest.raises(OSError):
            file.write(random.Random(1).randbytes(32 << 20))
            os.fsync(file.fileno())
        done = root.run('close', 'm')
        assert done.returncode == FAILED and b'cannot be saved' in done.stderr
    finally:
        subprocess.run(['umount', '--lazy', below])
