"""The volume as a file of bytes: how large, what is given back, what numbers its sectors have."""
import ctypes
import ctypes.util
import os
import random
import shutil
import subprocess

import pytest
from transports import TRANSPORTS, transport

TEBI = 1 << 40


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
    assert freed == (2 << 20 if allowed else 0)
    found = anybody.read(raw)
    assert found[:1 << 20] == data[:1 << 20] and found[3 << 20:4 << 20] == data[3 << 20:]
    assert (found[1 << 20:3 << 20] == data[1 << 20:3 << 20]) == (not allowed)
