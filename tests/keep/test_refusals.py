"""What keep does not open: one line and a status of its own each."""
import pytest
from keep_runner import BUSY, DAMAGED, DENIED, FAILED, FOREIGN, UNSUPPORTED, USAGE

LINES = [
    ([], USAGE, 'a command is missing'),
    (['opne'], USAGE, 'did you mean "open"?'),
    (['open'], USAGE, 'a word is missing'),
    (['open', 'a', 'b', 'c'], USAGE, 'too many words'),
    (['open', 'v.img', '--kay-file', 'x'], USAGE, 'did you mean --key-file?'),
    (['open', 'v.img', '--key-slot', '32'], USAGE, 'no number from 0 to 31'),
    (['open', 'v.img', '--key-file', 'a', '--passphrase-file', 'b'], USAGE, 'exclude each other'),
    (['open', 'v.img', '--key-file-size', '5'], USAGE, 'need a --key-file'),
    (['open', 'v.img', '--key-file', 'a', '--key-file-size', 'x'], USAGE, 'no number of bytes'),
    (['open', 'nowhere', '--passphrase-file', 'phrase'], FAILED, 'nowhere: No such file'),
    (['create', 'v.img', '--size', 'much'], USAGE, 'no size'),
    (['create', 'v.img', '--size', '17M'], USAGE, 'too small'),
    (['create', 'v.img', '--fs', 'ntfs'], USAGE, 'neither none nor one of'),
    (['create', 'v.img', '--sector-size', '1025'], USAGE, 'none of 512'),
    (['create', 'v.img', '--pbkdf', 'scrypt'], USAGE, 'neither argon2id nor pbkdf2'),
    (['create', 'v.img', '--kdf-time', '0'], USAGE, 'as in 2s'),
    (['create', 'v.img', '--kdf-memory', '1M', '--pbkdf', 'pbkdf2'], USAGE, 'argon2id'),
    (['create', 'v.img', '--kdf-iterations', '0'], USAGE, 'no number above 0'),
    (['create', 'v.img', '--label', 'x' * 17], USAGE, 'longer than'),
    (['create', 'v.img', '--generate-passphrase', '--key-file', 'x'], USAGE, 'no other'),
    (['create', '.', '--passphrase-file', 'phrase'], USAGE, 'is not empty'),
    (['create', 'nowhere/v.img', '--passphrase-file', 'phrase'], FAILED, 'nowhere/v.img'),
    (['create', 'v.img', '--passphrase-file', 'empty'], USAGE, 'an empty passphrase'),
    (['status', 'v.img'], USAGE, 'too many words'),
    (['close'], USAGE, '--all'),
]


@pytest.mark.parametrize('words, status, part', LINES, ids=[' '.join(c[0])[:40] for c in LINES])
def test_the_command_line(anybody, words, status, part):
    anybody.file('empty', b'\n')
    assert part in anybody.refuse(status, *words)


def test_a_wrong_passphrase_or_key(keep):
    keep.create()
    wrong = keep.file('wrong', b'correct horse \n')
    keep.refuse(DENIED, 'open', 'v.img', 'm', '--passphrase-file', wrong)
    keep.refuse(DENIED, 'open', 'v.img', 'm', '--passphrase-file', '-', given=b'')
    keep.refuse(DENIED, 'open', 'v.img', 'm', '--key-file', keep.phrase)  # its newline counts
    assert keep.status() == []
    assert not (keep.home / 'm').exists()
    keep.open()


FOREIGNERS = {
    'nothing': b'',
    'a text': b'dear diary\n' * 10000,
    'zeros': bytes(1 << 20),
    'almost': b'LUKS' + bytes(1 << 20),
}


@pytest.mark.parametrize('name', FOREIGNERS)
def test_a_foreign_file(anybody, name):
    path = anybody.file('foreign', FOREIGNERS[name])
    anybody.refuse(FOREIGN, 'open', path, 'm', '--passphrase-file', anybody.phrase)
    assert path.read_bytes() == FOREIGNERS[name]


def test_neither_file_nor_device(anybody):
    anybody.refuse(DAMAGED, 'open', '/dev/null', 'm', '--passphrase-file', anybody.phrase)
    anybody.refuse(FOREIGN, 'open', anybody.home, 'm', '--passphrase-file', anybody.phrase)


@pytest.mark.parametrize('size', [4096, 16384, 40000, (16 << 20) - 4096, 16 << 20])
def test_a_truncated_volume(anybody, size):
    volume = anybody.create()
    with open(volume, 'r+b') as file:
        file.truncate(size)
    anybody.refuse(DAMAGED, 'open', 'v.img', 'm', '--passphrase-file', anybody.phrase)


def test_a_volume_whose_file_system_was_cut_off(keep):
    volume = keep.create('v.img', '--fs', 'ext4')
    with open(volume, 'r+b') as file:
        file.truncate(18 << 20)
    line = keep.refuse(DAMAGED, 'open', 'v.img', 'm', '--passphrase-file', keep.phrase)
    assert 'cut off' in line
    assert keep.status() == []


def test_a_damaged_volume(anybody):
    volume = anybody.create()
    with open(volume, 'r+b') as file:
        for at in (4096 + 10, 16384 + 4096 + 10):
            file.seek(at)
            file.write(b'\xff')
    anybody.refuse(DAMAGED, 'open', 'v.img', 'm', '--passphrase-file', anybody.phrase)


@pytest.mark.parametrize('at', [100, 5000, 16384 + 100, 16384 + 5000])
def test_one_damaged_copy_is_written_anew(anybody, at):
    volume = anybody.create()
    with open(volume, 'r+b') as file:
        file.seek(at)
        file.write(b'\xff')
    damaged = volume.read_bytes()[:32768]
    done = anybody.run('open', 'v.img', 'm', '--read-only', '--passphrase-file', anybody.phrase)
    assert done.returncode == 0, done.stderr
    anybody.close()
    assert volume.read_bytes()[:32768] == damaged
    done = anybody.run('open', 'v.img', 'm', '--passphrase-file', anybody.phrase)
    assert done.returncode == 0 and b'written anew' in done.stderr
    anybody.close()
    done = anybody.run('open', 'v.img', 'm', '--passphrase-file', anybody.phrase)
    assert done.returncode == 0 and done.stderr == b''


def test_no_file_system_inside(keep):
    keep.create('v.img', '--fs', 'none')
    line = keep.refuse(UNSUPPORTED, 'open', 'v.img', 'm', '--passphrase-file', keep.phrase)
    assert '--raw' in line
    assert keep.status() == []
    keep.open('v.img', 'm', '--raw')


def test_a_mount_point_in_use(keep):
    keep.create('v.img')
    keep.create('w.img')
    keep.open('v.img', 'm')
    keep.refuse(BUSY, 'open', 'w.img', 'm', '--passphrase-file', keep.phrase)
    assert len(keep.status()) == 1
    keep.refuse(USAGE, 'open', 'w.img', 'phrase', '--passphrase-file', keep.phrase)


def test_a_key_slot_that_is_not_there(anybody):
    anybody.create()
    anybody.refuse(USAGE, 'open', 'v.img', 'm', '--key-slot', '5', '--passphrase-file',
                   anybody.phrase)
    anybody.open('v.img', 'm', '--key-slot', '0')


def test_help_is_everywhere(anybody):
    assert 'create' in anybody.do('--help')
    for command in ('create', 'open', 'close', 'status'):
        assert f'Usage: keep {command}' in anybody.do(command, '--help')
    assert anybody.do('--version').startswith('keep ')


@pytest.mark.parametrize('words, status, said', [
    (['--type', 'luks2'], USAGE, 'plain'),
    (['--cipher', 'aes-ecb'], USAGE, '--type plain'),
    (['--type', 'plain', '--key-size', '12'], USAGE, '--key-size'),
    (['--type', 'plain', '--offset', '-1'], USAGE, '--offset'),
    (['--type', 'plain', '--header', 'h'], USAGE, '--header'),
    (['--type', 'plain', '--hash', 'md0'], UNSUPPORTED, 'md0'),
    (['--type', 'plain', '--hash', 'sha1:99'], USAGE, '99'),
    (['--type', 'plain', '--cipher', 'rot13'], UNSUPPORTED, 'rot13'),
    (['--type', 'plain', '--key-size', '128'], UNSUPPORTED, '128 bits'),
    (['--type', 'plain', '--offset', '9'], DAMAGED, 'sector 9'),
])
def test_plain_options(anybody, words, status, said):
    anybody.file('v.img', bytes(4096))
    (anybody.home / 'v.img').chmod(0o666)
    line = anybody.refuse(status, 'open', 'v.img', 'r', '--raw', '--passphrase-file', anybody.phrase, *words)
    assert said in line


def test_a_plain_volume_takes_a_key_file_as_it_is(anybody):
    anybody.file('v.img', bytes(8192))
    (anybody.home / 'v.img').chmod(0o666)
    key = anybody.file('key', bytes(range(40)))
    words = ['open', 'v.img', 'r', '--raw', '--type', 'plain', '--key-file', key]
    anybody.refuse(DENIED, *words, '--key-size', '512')
    anybody.do(*words)
    with open(anybody.home / 'r' / 'volume', 'r+b') as file:
        file.write(b'seen again')
    anybody.close('r')
    assert b'seen again' not in (anybody.home / 'v.img').read_bytes()
    anybody.do(*words)
    assert anybody.read(anybody.home / 'r' / 'volume').startswith(b'seen again')
