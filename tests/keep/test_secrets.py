"""Where the passphrase and the key are, and where they are not."""
import os
import pathlib
import re
import struct
import time

import key_scan
import pytest
from keep_runner import CHEAP

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


# Of root's daemon everything is locked in any case.
ORDINARY = pytest.mark.parametrize('keep', ['user'], indirect=True)

# Words of keep open for a volume without a header, and bytes of its key: OpenSSL, libgcrypt and keep itself.
CIPHERS = [('aes-xts-plain64', 64), ('aes-cbc-essiv:sha256', 32), ('twofish-xts-plain64', 64),
           ('xchacha12,aes-adiantum-plain64', 32)]


def process_of(keep):
    return pathlib.Path('/proc') / str(keep.status()[0]['process'])


def use_volume(keep):
    """Written and read, so that every context of a cipher has been made."""
    keep.write_at_once(keep.home / 'm' / 'volume', os.urandom(1 << 20))
    keep.read(keep.home / 'm' / 'volume')


def assert_kept(keep, *keys):
    """An ordinary user's daemon too has no copy of a key where it may be swapped out or dumped."""
    assert key_scan.open_places(process_of(keep), keys, ('lo', 'dd')) == []


@ORDINARY
@pytest.mark.parametrize('cipher, size', CIPHERS, ids=[cipher for cipher, _ in CIPHERS])
def test_expanded_keys_are_in_locked_memory(keep, cipher, size):
    need_root()
    key = os.urandom(size)
    keep.file('key', key)
    keep.file('v.img', bytes(4 << 20)).chmod(0o666)
    keep.do('open', 'v.img', 'm', '--raw', '--type', 'plain', '--cipher', cipher, '--key-size', 8 * size, '--key-file', 'key')
    use_volume(keep)
    assert_kept(keep, key[:32], key[32:])
    if cipher == 'aes-cbc-essiv:sha256':  # OpenSSL's or libgcrypt's: they are not in memfd_secret(2), and so can be seen
        found = [flags for _, flags, content in key_scan.mappings(process_of(keep)) if key[:16] in content]
        assert found and all({'lo', 'dd'} <= flags for flags in found)


def known_key(keep, cryptsetup, header):
    cryptsetup('luksDump', '--dump-volume-key', '-q', '--key-file', '-', '--volume-key-file', keep.home / 'key', header,
               given=b'correct horse')
    return (keep.home / 'key').read_bytes()


@ORDINARY
@pytest.mark.parametrize('words', ['aead', 'poly1305', 'hmac-sha256'])
def test_keys_of_tags_are_in_locked_memory(keep, cryptsetup, words):
    need_root()
    keep.create('v.img', '--fs', 'none', '--integrity', words, size='24M')
    key = known_key(keep, cryptsetup, keep.home / 'v.img')
    keep.open('v.img', 'm', '--raw')
    use_volume(keep)
    assert_kept(keep, key[:32], key[32:64], key[64:])


@ORDINARY
def test_keys_of_folders_are_in_locked_memory(keep, cryptsetup):
    """The volume key, those made of it, and those of each file."""
    need_root()
    hkdf = pytest.importorskip('cryptography.hazmat.primitives.kdf.hkdf')
    reader = pytest.importorskip('folder_reader')
    keep.do('create', '--type', 'folder', 'f', '--passphrase-file', keep.phrase, *CHEAP)
    key = known_key(keep, cryptsetup, keep.home / 'f' / 'keep.luks')
    keep.open('f')
    keep.write(keep.home / 'm' / 'file', os.urandom(1 << 18))
    folder = reader.Folder(keep.home / 'f', key)
    files = [folder.file(path, tags).key for _, _, path, tags in folder.walk()]
    blocks = [hkdf.HKDFExpand(reader.SHA256(), 32, b'keep-folder 1\0blocks\0' + struct.pack('<I', epoch)).derive(each)
              for each in files for epoch in (0, 1)]
    words = '\0'.join(['keep-folder 1', 'files', folder.token['cipher'], folder.token['names']]).encode()
    siv = hkdf.HKDF(reader.SHA256(), 64, None, words).derive(key)
    assert len(files) == 1
    assert_kept(keep, key[:32], siv[:32], siv[32:], *files, *blocks)
