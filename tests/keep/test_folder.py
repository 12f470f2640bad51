"""Encrypted folders from end to end, with the independent reader and cryptsetup as witnesses."""
import contextlib
import hashlib
import os
import re
import signal
import stat
import subprocess

import pytest

from folder_reader import Damaged, Folder
from keep_runner import BUSY, CHEAP, DAMAGED, DENIED, FAILED, FOREIGN, OK, UNSUPPORTED, USAGE, wait_for, wait_for_end

NAMES = ['a', 'with space', 'ümläut', 'x' * 175, 'y' * 176, 'z' * 255, b'\xff\xfe'.decode('utf-8', 'surrogateescape')]
SIZES = [0, 1, 3919, 3920, 3921, 4095, 4096, 4097, 63 * 4096, 63 * 4096 + 1, 700000]


def folder(keep, *more):
    keep.do('create', '--type', 'folder', 'f', '--passphrase-file', keep.phrase, *CHEAP, *more)
    return keep.home / 'f'


def volume_key(keep, cryptsetup, header='f/keep.luks'):
    key = keep.home / 'volume.key'
    key.unlink(missing_ok=True)
    cryptsetup('luksDump', '--dump-volume-key', '--volume-key-file', key, '--key-file', phrase_only(keep), '-q',
               keep.home / header)
    return key.read_bytes()


def phrase_only(keep):
    return keep.file('phrase-only', b'correct horse')


def script(keep, text, *words):
    """Python as this user, in the mount."""
    done = keep.execute('/usr/bin/python3', '-c', text, *words)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


FILL = '''
import os, random, sys
at, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
os.makedirs(f'{at}/d/e')
os.symlink('../a/b', f'{at}/d/link')
for name in %r:
    open(os.path.join(at, name), 'w').write(name.encode('utf-8', 'surrogateescape').hex())
for size in %r:
    open(f'{at}/d/{size}', 'wb').write(random.randbytes(size))
with open(f'{at}/d/e/sparse', 'wb') as file:
    file.seek(50_000_000); file.write(b'end'); file.seek(20_000_000); file.write(b'middle')
os.link(f'{at}/d/4097', f'{at}/d/e/other name')
fd = os.open(at, os.O_TMPFILE | os.O_RDWR, 0o644)
os.write(fd, b'n' * 9000)
os.link(f'/proc/self/fd/{fd}', f'{at}/d/e/named later', src_dir_fd=0)
os.rename(f'{at}/d/3921', f'{at}/d/e/moved')
os.setxattr(f'{at}/a', 'user.colour', b'red')
''' % (NAMES, SIZES)


@pytest.mark.parametrize('names', ['on', 'off'])
def test_the_reader_reads_what_keep_writes(keep, cryptsetup, names):
    lower = folder(keep, '--name-encryption', names)
    at = keep.open('f', 'm')
    script(keep, FILL, at, '1')
    shown = {}
    for line in script(keep, '''
import hashlib, os, sys
for at, _, files in os.walk(sys.argv[1]):
    for name in files:
        path = os.path.join(at, name)
        if not os.path.islink(path):
            print(hashlib.sha256(open(path, 'rb').read()).hexdigest(),
                  os.path.relpath(path, sys.argv[1]).encode('utf-8', 'surrogateescape').hex())
''', at).decode().split('\n')[:-1]:
        digest, name = line.split()
        shown[bytes.fromhex(name).decode('utf-8', 'surrogateescape')] = digest
    keep.close()
    reader = Folder(lower, volume_key(keep, cryptsetup))
    read, colours = {}, []
    for name, kind, path, tag in reader.walk():
        if kind == stat.S_IFREG:
            file = reader.file(path, tag)
            read[name] = hashlib.sha256(file.read()).hexdigest()
            colours += [value for key, value in reader.attributes(path, file.id).items() if key == 'user.colour']
        if kind == stat.S_IFLNK:
            assert reader.target(path, tag) == '../a/b'
    assert read == shown
    assert colours == [b'red']
    assert len(read) == len(NAMES) + len(SIZES) + 3
    plain = [name for name in os.listdir(lower) if name in NAMES]
    assert len(plain) == (len(NAMES) if names == 'off' else 0)
    text = b''.join(path.read_bytes() for path in lower.rglob('*') if path.is_file() and path.name != 'keep.luks')
    assert not any(name.encode('utf-8', 'surrogateescape').hex().encode() in text for name in NAMES if len(name) > 5)


AMIDST = '''
import os, sys
os.chdir(sys.argv[1])
os.mkdir('later')
os.sync()
os.rename('d/4097', 'later/moved')
os.rename('d/e', 'later/directory')
os.rename('a', 'y' * 176)
os.link('d/link', 'later/one'), os.link('d/link', 'later/another')
os.rename('d/link', 'later/link')
os.mkfifo('later/fifo')
fd = os.open('d/700000', os.O_RDWR)
for block in 3, 9, 70:
    os.pwrite(fd, b'again' * 1000, block * 4096 + 7)
    os.fsync(fd)
    os.pwrite(fd, b'more' * 1000, block * 4096 + 7)
os.ftruncate(fd, 600_001)
os.fsync(fd)
os.setxattr('d/0', 'user.' + 'n' * 250, b'')
os._exit(0)
'''


def test_the_reader_reads_what_a_kill_left(anybody, cryptsetup):
    """Files and directories that are bound to two names, links that are bound to none, blocks that are unsettled."""
    keep = anybody
    lower = folder(keep)
    at = keep.open('f', 'm')
    script(keep, FILL, at, '3')
    script(keep, AMIDST, at)
    daemon = keep.status()[0]['process']
    os.kill(daemon, signal.SIGKILL)
    wait_for_end(daemon)
    keep.run('close', 'f')
    reader, read, targets = Folder(lower, volume_key(keep, cryptsetup)), {}, {}
    for name, kind, path, tag in reader.walk():
        if kind == stat.S_IFREG:
            read[name] = reader.file(path, tag).read()
        elif kind == stat.S_IFLNK:
            targets[name] = reader.target(path, tag)
    assert targets == {f'later/{name}': '../a/b' for name in ('one', 'another', 'link')}
    assert {'later/moved', 'later/directory/moved', 'y' * 176} < set(read) and len(read['d/700000']) == 600_001
    keep.do('export', 'f', '--to', 'out', '--passphrase-file', keep.phrase)
    assert {name: (keep.home / 'out' / name).read_bytes() for name in read} == read
    keep.do('check', 'f', '--passphrase-file', keep.phrase)


def test_a_folder_is_opened_where_it_was_moved_to(anybody, tmp_path):
    keep = anybody
    lower = folder(keep)
    at = keep.open('f', 'm')
    script(keep, FILL, at, '4')
    seen_first = seen(keep, at)
    keep.close()
    assert keep.execute('mkdir', 'elsewhere').returncode == 0
    assert keep.execute('rsync', '-aHAX', f'{lower}/', 'elsewhere/copy').returncode == 0
    assert keep.execute('mv', lower, 'elsewhere/moved').returncode == 0
    for place in 'copy', 'moved':
        keep.do('check', f'elsewhere/{place}', '--passphrase-file', keep.phrase)
        at = keep.open(f'elsewhere/{place}', 'm')
        before, after = seen_first, seen(keep, at)
        if place == 'copy':  # rsync leaves times that are wrong by less than a second
            before, after = (re.sub(rb' \d+\.\d+ ', b' ', each) for each in (before, after))
        assert after == before
        assert keep.execute('getfattr', '-d', '--absolute-names', at / 'a').stdout.endswith(b'user.colour="red"\n\n')
        keep.close()


def test_read_only_and_wrong_passphrase(anybody):
    keep = anybody
    folder(keep)
    at = keep.open('f', 'm')
    (at / 'file').write_text('x')
    keep.close()
    at = keep.open('f', 'm', '--read-only')
    assert (at / 'file').read_text() == 'x'
    with pytest.raises(OSError):
        (at / 'other').write_text('y')
    keep.refuse(BUSY, 'open', 'f', 'n', '--passphrase-file', keep.phrase)
    (shown,) = keep.status()
    assert [shown[each] for each in ('content', 'format', 'sector_size')] == \
        ['folder', 'folder 1', 4096]
    assert shown['cipher'] in ('aes-256-gcm', 'chacha20-poly1305')
    keep.close()
    keep.refuse(DENIED, 'open', 'f', 'm', '--passphrase-file', keep.file('wrong', b'wrong'))


def test_what_cannot_be(anybody):
    keep = anybody
    folder(keep)
    assert 'already' in keep.refuse(USAGE, 'create', 'f', '--passphrase-file', keep.phrase, *CHEAP)
    (keep.home / 'full').mkdir()
    (keep.home / 'full' / 'file').write_text('x')
    assert 'not empty' in keep.refuse(USAGE, 'create', 'full', '--passphrase-file', keep.phrase, *CHEAP)
    keep.refuse(FOREIGN, 'open', 'full', 'm', '--passphrase-file', keep.phrase)
    keep.refuse(USAGE, 'open', 'f', 'm', '--raw', '--passphrase-file', keep.phrase)
    keep.refuse(USAGE, 'open', 'f', 'f/m', '--passphrase-file', keep.phrase)
    assert 'phrase: is no directory' in keep.refuse(USAGE, 'open', 'f', 'phrase', '--passphrase-file', keep.phrase)
    keep.refuse(USAGE, 'create', 'g', '--type', 'folder', '--size', '1G', '--passphrase-file', keep.phrase)
    assert 'No such file' in keep.refuse(FAILED, 'check', 'none', '--passphrase-file', keep.phrase)
    assert 'is a folder' in keep.refuse(USAGE, 'convert', 'f', '--to', 'luks1', '--yes')
    assert keep.do('create', 'made/', '--passphrase-file', keep.phrase, *CHEAP) == 'made/: a new encrypted folder\n'
    at = keep.open('f', 'm')
    keep.write(at / 'file', b'text')
    assert 'are encrypted there already' in keep.refuse(USAGE, 'encrypt', 'm', '--yes', '--passphrase-file', keep.phrase, *CHEAP)
    assert keep.read(at / 'file') == b'text'
    keep.close()


@pytest.mark.parametrize('header', [(), ('--header', 'h.luks')], ids=['in it', 'elsewhere'])
def test_no_folder_is_made_in_what_another_keeps_its_files_in(anybody, header):
    """Each of its directories has a keep.dir, without which nothing in it opens."""
    keep = anybody
    folder(keep, *header)
    keep.open('f', 'm', *header)
    script(keep, 'import os; os.makedirs("m/full"); open("m/full/a", "w").write("a")')
    keep.close()
    (below,) = (each.parent.relative_to(keep.home) for each in (keep.home / 'f').glob('*/keep.dir'))
    rest = ('--passphrase-file', keep.phrase, *CHEAP)
    if header:
        for place in 'f', below:
            assert 'has a keep.dir' in keep.refuse(USAGE, 'encrypt', place, '--yes', *rest)
    else:
        assert 'is in the encrypted folder' in keep.refuse(USAGE, 'encrypt', below, '--yes', *rest)
        for place in below, below / 'new':
            assert 'is in the encrypted folder' in keep.refuse(USAGE, 'create', place, '--type', 'folder', *rest)
    keep.do('check', 'f', '--passphrase-file', keep.phrase, *header)


def test_keys_and_headers_of_a_folder(anybody, cryptsetup):
    keep = anybody
    folder(keep)
    other = keep.file('other', b'battery staple')
    keep.do('key', 'add', 'f', '--passphrase-file', keep.phrase, '--new-passphrase-file', other, *CHEAP)
    cryptsetup('open', '--test-passphrase', '--key-file', other, keep.home / 'f' / 'keep.luks')
    assert 'keep-folder' in cryptsetup('luksDump', keep.home / 'f' / 'keep.luks')
    keep.do('key', 'test', 'f', '--passphrase-file', other)
    keep.do('header', 'backup', 'f', 'backup')
    keep.do('header', 'check', 'f')
    at = keep.home / 'm'
    keep.do('open', 'f', at, '--passphrase-file', other)
    (at / 'file').write_text('x')
    keep.close()
    keep.do('shred', 'f', '--yes')
    keep.refuse(DENIED, 'open', 'f', 'm', '--passphrase-file', other)
    keep.do('header', 'restore', 'f', 'backup', '--yes')
    keep.do('open', 'f', at, '--passphrase-file', other)
    assert (at / 'file').read_text() == 'x'
    keep.close()


# Each command with what it says of a folder, or how it refuses: {} is the folder, closed or open.
COMMANDS = [
    (OK, 'SLOT', 'key', 'list', '{}'),
    (OK, '', 'key', 'list', '{}', '--json'),
    (OK, '', 'key', 'test', '{}', '--passphrase-file', 'phrase'),
    (DENIED, '', 'key', 'test', '{}', '--passphrase-file', 'other'),
    (OK, '', 'key', 'add', '{}', '--passphrase-file', 'phrase', '--new-passphrase-file', 'other', '--name', 'bob', *CHEAP),
    (OK, 'bob', 'key', 'list', '{}'),
    (OK, '', 'key', 'change', '{}', '--passphrase-file', 'other', '--new-passphrase-file', 'third', *CHEAP),
    (DENIED, '', 'key', 'test', '{}', '--passphrase-file', 'other'),
    (OK, '', 'key', 'remove', '{}', '--passphrase-file', 'third'),
    (USAGE, 'last', 'key', 'remove', '{}', '--passphrase-file', 'phrase'),
    (OK, 'keep-folder', 'header', 'dump', '{}'),
    (OK, 'keep-folder', 'header', 'dump', '{}', '--json'),
    (OK, '', 'header', 'check', '{}'),
    (OK, '', 'header', 'repair', '{}'),
    (OK, '', 'header', 'backup', '{}', 'backup-{}'),
    (OK, '', 'key', 'test', '{}', '--passphrase-file', 'phrase'),
    (USAGE, 'LUKS2 already', 'convert', '{}', '--to', 'luks2'),
    (USAGE, '', 'decrypt', '{}', '--passphrase-file', 'phrase'),
    (USAGE, 'is a folder', 'resize', '{}', '--size', '1G'),
    (USAGE, 'already', 'encrypt', '{}', '--passphrase-file', 'phrase', '--yes'),
    (USAGE, '', 'open', '{}', '--passphrase-file', 'phrase', '--nbd', 'socket'),
]


@pytest.mark.parametrize('is_open', [False, True])
def test_all_commands_on_a_folder(keep, is_open):
    folder(keep)
    keep.file('other', b'battery staple'), keep.file('third', b'a third one')
    if is_open:
        script(keep, 'open("m/file", "w").write("x")', keep.open('f', 'm'))
    wrong = []
    for status, text, *words in COMMANDS:
        done = keep.run(*(word.replace('{}', 'f') for word in words))
        said = (done.stdout + done.stderr).decode()
        if done.returncode != status or text not in said or \
                (status != OK and not (said.startswith('keep: ') and said.count('\n') == 1)):
            wrong.append((words, done.returncode, said))
    assert not wrong
    if is_open:
        assert script(keep, 'print(open("m/file").read())') == b'x\n'
        keep.close()
    keep.do('header', 'restore', 'f', 'backup-f', '--yes')
    keep.do('check', 'f', '--passphrase-file', keep.phrase)


def test_a_lost_header_is_told_and_comes_back_from_a_backup(anybody):
    keep = anybody
    header = folder(keep) / 'keep.luks'
    opens = ['open', 'f', 'm', '--passphrase-file', keep.phrase]
    keep.do('header', 'backup', 'f', 'backup')
    good = header.read_bytes()
    for damaged in None, b'', good[:5000], bytes(len(good)):
        header.unlink()
        if damaged is not None:
            keep.execute('sh', '-c', 'cat >f/keep.luks', given=damaged)
        line = keep.refuse(DAMAGED if damaged == good[:5000] else FOREIGN, *opens)
        assert "'keep header restore'" in line and line.startswith('keep: f')
        if damaged == bytes(len(good)):
            assert '--yes' in keep.refuse(USAGE, 'header', 'restore', 'f', 'backup')
        keep.do('header', 'restore', 'f', 'backup', *(['--yes'] if damaged == bytes(len(good)) else []))
        keep.do('ls', 'f', '--passphrase-file', keep.phrase)
    header.unlink()
    assert '--header' in keep.refuse(FOREIGN, *opens)
    assert 'none: cannot open: No such file' in keep.refuse(FAILED, *opens, '--header', 'none')
    keep.do(*opens, '--header', 'backup')
    keep.close()
    keep.create('v.img')
    keep.do('header', 'backup', 'v.img', 'of a volume')
    assert 'not of an encrypted folder' in keep.refuse(FAILED, 'header', 'restore', 'f', 'of a volume', '--yes')
    keep.execute('mkdir', 'plain')
    assert 'no keep.dir' in keep.refuse(USAGE, 'header', 'restore', 'plain', 'backup')
    (keep.home / 'elsewhere').write_bytes(b'of somebody')
    header.symlink_to('../elsewhere')
    assert 'f/keep.luks' in keep.refuse(FAILED, 'header', 'restore', 'f', 'backup', '--yes')
    assert (keep.home / 'elsewhere').read_bytes() == b'of somebody'


def test_a_format_that_comes_after_this_one(anybody):
    keep = anybody
    header = folder(keep) / 'keep.luks'
    content = bytearray(header.read_bytes())
    for at in 0, 16384:
        copy = content[at:at + 16384].replace(b'"format":1', b'"format":2')
        copy[0x1c0:0x200] = bytes(64)
        copy[0x1c0:0x1e0] = hashlib.sha256(copy).digest()
        content[at:at + 16384] = copy
    header.write_bytes(content)
    for command in ['open', 'f', 'm'], ['ls', 'f'], ['check', 'f'], ['reencrypt', 'f']:
        assert 'has format 2' in keep.refuse(UNSUPPORTED, *command, '--passphrase-file', keep.phrase)


def test_a_header_of_its_own(anybody):
    keep = anybody
    folder(keep, '--header', 'h.luks')
    assert not (keep.home / 'f' / 'keep.luks').exists()
    keep.refuse(FOREIGN, 'open', 'f', 'm', '--passphrase-file', keep.phrase)
    at = keep.open('f', 'm', '--header', 'h.luks')
    (at / 'file').write_text('x')
    keep.close()


def test_a_changed_token_opens_nothing(anybody, cryptsetup):
    keep = anybody
    lower = folder(keep)
    key = volume_key(keep, cryptsetup)
    reader = Folder(lower, key)
    assert list(reader.walk()) == []
    with pytest.raises(Damaged):
        list(Folder(lower, key, {'format': 1, 'cipher': 'aes-256-gcm', 'names': 'plain'}).walk())


def test_idle(anybody):
    keep = anybody
    folder(keep)
    keep.open('f', 'm', '--idle', '1s')
    wait_for(lambda: not keep.status(), 'its end')


def test_a_signal_closes_it_once_nobody_uses_it(anybody):
    keep = anybody
    folder(keep)
    keep.open('f', 'm')
    writer = keep.start('sh', '-c', 'exec >m/written; echo first; read line; echo "$line"', stdin=subprocess.PIPE)
    while keep.execute('cat', 'm/written').stdout != b'first\n':
        pass
    daemon = keep.status()[0]['process']
    os.kill(daemon, signal.SIGTERM)
    while keep.do('cat', 'f', 'written', '--passphrase-file', keep.phrase) != 'first\n':
        pass  # what is in use is written at once
    writer.communicate(b'second\n')
    wait_for_end(daemon)
    assert keep.status() == [] and not os.path.ismount(keep.home / 'm')
    assert keep.do('cat', 'f', 'written', '--passphrase-file', keep.phrase) == 'first\nsecond\n'


CROWD = '''
import errno, os, sys
at, held = sys.argv[1], []
for i in range(60):
    os.makedirs(f'{at}/{i}/e')
    open(f'{at}/{i}/e/x', 'wb').write(b'first' * 2000)
for i in range(60):  # what is written later is open until then
    with open(f'{at}/{i}/e/x', 'r+b') as file:
        file.write(b'again' * 1800)
try:
    while True:
        held.append(os.open(f'{at}/file{len(held)}', os.O_CREAT | os.O_RDWR))
        os.write(held[-1], b'x' * 5000)
except OSError as failure:
    assert failure.errno == errno.ENFILE, failure
assert 90 < len(held) < 200, len(held)
for call in (lambda: os.open(f'{at}/1/e/x', os.O_RDONLY), lambda: os.listdir(f'{at}/2'),
             lambda: os.open(at, os.O_TMPFILE | os.O_RDWR)):
    try:
        call()
    except OSError as failure:
        assert failure.errno == errno.ENFILE, failure
    else:
        raise AssertionError('there was room')
for i in range(60):
    os.rename(f'{at}/{i}/e/x', f'{at}/{i}/y')
    os.truncate(f'{at}/{i}/y', 7000)
    os.link(f'{at}/{i}/y', f'{at}/{i}/e/link')
    assert os.stat(f'{at}/{i}/e/link').st_size == 7000
for fd in held:
    assert os.pread(fd, 9000, 0) == b'x' * 5000
    os.pwrite(fd, b'y' * 9000, 0)
    os.fsync(fd)
    os.close(fd)
assert open(f'{at}/1/y').read() == 'again' * 1400
'''


READER = """
import errno, os, sys
os.chdir(sys.argv[1])
for name in ['wanted', 'damaged'] + ['d/%d' % i for i in range(300)]:
    os.stat(name)  # so many that nothing of the first is in memory any more
kept = [os.open(name, os.O_RDONLY) for name in ('wanted', 'wanted', 'damaged')]
told = os.stat('wanted').st_mtime_ns
with open('wanted', 'r+b', buffering=0) as file:
    file.write(b'y')
    os.utime('wanted', ns=(told, told))
os.close(kept[0])
os.truncate('wanted', 50)
os.utime('wanted', ns=(told, told))
assert os.pread(kept[1], 200, 0) == b'y' + b'x' * 49
os.close(kept[1])
assert os.stat('wanted').st_mtime_ns == told
print('open', flush=True)
sys.stdin.readline()
try:
    os.pread(kept[2], 200, 0)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_a_file_is_read_when_something_is_read_of_it(anybody):
    keep = anybody
    below = folder(keep, '--name-encryption', 'off')
    at = keep.open('f', 'm')
    script(keep, 'import os, sys; os.chdir(sys.argv[1]); os.mkdir("d"); '
                 '[open(name, "w").write("x" * 100) for name in ["wanted", "damaged"] + [f"d/{i}" for i in range(300)]]', at)
    keep.close()
    at = keep.open('f', 'm')
    reader = keep.start('/usr/bin/python3', '-c', READER, at, stdin=subprocess.PIPE)
    assert reader.stdout.readline() == b'open\n', reader.stderr.read().decode()
    with open(below / 'damaged', 'r+b') as file:
        file.seek(1000)
        file.write(b'damaged')
    assert reader.communicate(b'\n', timeout=30)[0] == b'EIO\n'
    keep.close()
    at = keep.open('f', 'm')
    assert keep.read(at / 'wanted') == b'y' + b'x' * 49
    keep.close()


def test_more_files_are_opened_than_there_are_descriptors(anybody):
    """Programs are told so, whatever needs none goes on, and there is room again."""
    keep = anybody
    folder(keep)
    done = keep.execute('prlimit', '--nofile=100:200', keep.program, 'open', 'f', 'm', '--passphrase-file', keep.phrase)
    assert done.returncode == OK, done.stderr
    script(keep, CROWD, keep.home / 'm')
    keep.close()
    keep.do('check', 'f', '--passphrase-file', keep.phrase)


def test_without_a_mount(anybody):
    keep = anybody
    folder(keep)
    at = keep.open('f', 'm')
    script(keep, FILL, at, '2')
    before = keep.execute('sh', '-c', 'cd m && find . -type f -print0 | sort -z | xargs -0 sha256sum').stdout
    keep.close()
    phrase = ['--passphrase-file', keep.phrase]
    assert keep.do('ls', 'f', 'd/e', *phrase).split('\n') == ['moved', 'named later', 'other name', 'sparse', '']
    assert '-> ../a/b' in keep.do('ls', '--long', 'f', 'd', *phrase)
    assert keep.run('cat', 'f', 'd/4096', '--offset', '4000', *phrase).stdout == \
        keep.run('cat', 'f', 'd/4096', *phrase).stdout[4000:]
    keep.do('export', 'f', '--to', 'out', *phrase)
    assert keep.execute('sh', '-c', 'cd out && find . -type f -print0 | sort -z | xargs -0 sha256sum').stdout == before
    assert os.getxattr(keep.home / 'out' / 'a', 'user.colour') == b'red'
    keep.do('export', 'f', 'd/e/sparse', '--to', 'one', *phrase)
    assert (keep.home / 'one').stat().st_blocks * 512 < 4 << 20
    assert (keep.home / 'one').stat().st_size == 50_000_003
    keep.refuse(USAGE, 'cat', 'f', *phrase)
    keep.refuse(FAILED, 'cat', 'f', 'nothing', *phrase)
    assert 'bytes' in keep.do('check', 'f', *phrase)


def test_what_can_be_read_of_a_damaged_file_is_copied(anybody):
    keep = anybody
    lower = folder(keep)
    at = keep.open('f', 'm')
    content = hashlib.shake_128(b'content').digest(300_001)
    keep.execute('mkdir', '-p', at / 'a' / 'b')
    keep.write(at / 'a' / 'b' / 'file', content)
    keep.close()
    (below,) = (path for path in lower.rglob('*') if path.stat().st_size > 300_000 and path.name != 'keep.luks')
    with open(below, 'r+b') as file:
        for page in 2 + 5, 2 + 64 + 9:  # of blocks 5 and 72, behind the header and one tag page or two
            file.seek(page * 4096 + 17)
            file.write(b'damage')
    phrase = ['--passphrase-file', keep.phrase]
    done = keep.run('export', 'f', '--to', 'out', *phrase)
    first, last = done.stderr.decode().splitlines()
    assert (done.returncode, first) == (DAMAGED, 'keep: f/a/b/file: 8192 bytes are not authentic; zeros stand for them')
    left = bytearray(content)
    for block in 5, 72:
        left[block * 4096:block * 4096 + 4096] = bytes(4096)
    assert (keep.home / 'out' / 'a' / 'b' / 'file').read_bytes() == left
    done = keep.run('cat', 'f', 'a/b/file', *phrase)
    assert (done.returncode, done.stdout) == (DAMAGED, content[:5 * 4096])
    assert 'f cannot be copied to it: File exists' in keep.refuse(FAILED, 'export', 'f', '--to', 'out', *phrase)


def test_one_file_is_shredded(anybody):
    keep = anybody
    folder(keep)
    at = keep.open('f', 'm')
    for name in 'ab':
        (at / name).write_bytes(b'x' * 10000)
    keep.close()
    phrase = ['--passphrase-file', keep.phrase]
    keep.refuse(USAGE, 'shred', 'f/a', *phrase)
    assert 'key is overwritten' in keep.do('shred', 'f/a', '--yes', *phrase)
    assert keep.do('ls', 'f', *phrase) == 'b\n'
    keep.do('check', 'f', *phrase)


PEOPLE = '''
import os, sys
at = sys.argv[1]
for one in 'ab':
    os.mkdir(f'{at}/{one}')
    open(f'{at}/{one}/file', 'w').write(f'in {one}')
    open(f'{at}/{one}/large', 'wb').write(one.encode() * 600000)
    os.symlink(f'target of {one}', f'{at}/{one}/link')
'''


def exchange(one, other):
    spare = one.with_name('keep.spare')
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


def exchange_headers(places):
    exchange(places['a'][0] / 'keep.dir', places['b'][0] / 'keep.dir')


def hard_link_over(places):
    victim, other = places['a/file'][0], places['b/file'][0]
    victim.unlink()
    os.link(other, victim)


def page_of_another(places):
    with open(places['a/large'][0], 'r+b') as one, open(places['b/large'][0], 'rb') as other:
        one.seek(8192), other.seek(8192)
        one.write(other.read(4096))


def link_of_another(places):
    one, other = places['a/link'][0], places['b/link'][0]
    target = os.readlink(other)
    one.unlink()
    one.symlink_to(target)


def to_another_directory(places):
    places['a/file'][0].rename(places['b'][0] / 'put here')


def to_another_name(places):
    places['a/file'][0].rename(places['a'][0] / 'put here')


ATTACKS = {
    'files exchanged': lambda places: exchange(places['a/file'][0], places['b/file'][0]),
    'a file put into another directory': to_another_directory,
    'a file put under another name': to_another_name,
    'files of one directory exchanged': lambda places: exchange(places['a/file'][0], places['a/large'][0]),
    'directories exchanged': lambda places: exchange(places['a'][0], places['b'][0]),
    'headers of directories exchanged': exchange_headers,
    'a file linked over another': hard_link_over,
    'a block of another file': page_of_another,
    'a target of another link': link_of_another,
    'a directory in the place of a file': lambda places: exchange(places['a/file'][0], places['b'][0]),
    'a header cut off': lambda places: os.truncate(places['a/file'][0], 4095),
    'blocks cut off': lambda places: os.truncate(places['a/large'][0], 300000),
    'a header of a directory removed': lambda places: (places['a'][0] / 'keep.dir').unlink(),
}


@pytest.mark.parametrize('attack, names', [
    *((attack, 'on') for attack in ATTACKS if 'put' not in attack),  # a name that is sealed fits nowhere else
    *((attack, 'off') for attack in ATTACKS if 'put' in attack or 'exchanged' in attack)])
def test_what_is_changed_is_found_out(anybody, cryptsetup, attack, names):
    keep = anybody
    lower = folder(keep, '--name-encryption', names)
    at = keep.open('f', 'm')
    script(keep, PEOPLE, at)
    keep.close()
    phrase = ['--passphrase-file', keep.phrase]
    right = {name: keep.run('cat', 'f', name, *phrase).stdout for name in ('a/file', 'b/file', 'a/large', 'b/large')}
    places = {name: (path, tag) for name, _, path, tag in Folder(lower, volume_key(keep, cryptsetup)).walk()}
    ATTACKS[attack](places)
    done = keep.run('check', 'f', *phrase)
    assert done.returncode == DAMAGED and b'damaged: ' in done.stdout
    for name, content in right.items():
        done = keep.run('cat', 'f', name, *phrase)
        assert done.returncode != OK or done.stdout == content
    for name in 'a/put here', 'b/put here':
        assert keep.run('cat', 'f', name, *phrase).returncode != OK
    at = keep.open('f', 'm')
    for name, content in right.items():
        done = keep.execute('cat', at / name)
        assert done.returncode != 0 or done.stdout == content
    keep.close()
    keep.run('export', 'f', '--to', 'out', *phrase)
    assert keep.run('check', 'f', '--repair', *phrase).returncode == OK
    assert keep.run('check', 'f', *phrase).returncode == OK
    assert len(os.listdir(lower / 'keep.aside')) > 0


def test_an_older_header_is_found_out_while_it_is_open(anybody):
    """A file was found under its name; then the header from before a rename is put back, and only then it is opened."""
    keep = anybody
    lower = folder(keep)
    at = keep.open('f', 'm')

    def below():
        return next(path for path in lower.iterdir() if not path.name.startswith('keep.'))

    keep.write(at / 'old', b'old' * 1000)
    keep.close()
    older = below().read_bytes()
    keep.open('f', 'm')
    keep.execute('mv', at / 'old', at / 'new')
    keep.close()
    path = below()
    newer = path.read_bytes()
    keep.open('f', 'm')
    assert keep.execute('stat', at / 'new').returncode == 0
    script(keep, 'import sys\nfor i in range(300): open(f"{sys.argv[1]}/{i}", "w").write("other")', at)  # it leaves memory
    path.write_bytes(older)
    done = keep.execute('cat', at / 'new')
    assert done.returncode == 1 and b'Input/output error' in done.stderr, done
    path.write_bytes(newer)
    assert keep.read(at / 'new') == b'old' * 1000


TREE = '''
import os, random, sys
at = sys.argv[1]
random.seed(5)
for d in ['.', 'one', 'one/two', 'n' * 200]:
    os.makedirs(f'{at}/{d}', exist_ok=True)
    for size in [0, 10, 3921, 5000, 300000, 3000000]:
        open(f'{at}/{d}/{size}', 'wb').write(random.randbytes(size))
os.symlink('one/two', f'{at}/link')
os.link(f'{at}/10', f'{at}/one/again')
os.truncate(f'{at}/5000', 20_000_000)
os.chmod(f'{at}/3921', 0o600)
os.setxattr(f'{at}/10', 'user.colour', b'red')
os.setxattr(f'{at}/one', 'user.colour', b'blue')
os.utime(f'{at}/one/10', (1, 2))
os.utime(f'{at}/one', (3, 4))
'''


def seen(keep, at, kinds='! -path .'):
    """Names, modes, owners, times and targets of these kinds of files, and all contents."""
    return keep.execute('sh', '-c', f'cd "$1" && find . {kinds} -printf "%p %y %m %U %T@ %l\\n" | sort && find . -type f '
                        '-print0 | sort -z | xargs -0 sha256sum', 'sh', at).stdout


def test_plain_files_become_a_folder(keep):
    script(keep, TREE, 'p')
    before = seen(keep, 'p')
    words = ['encrypt', 'p', '--passphrase-file', keep.phrase, *CHEAP]
    keep.refuse(USAGE, *words)
    assert seen(keep, 'p') == before
    assert 'is an encrypted folder' in keep.do(*words, '--yes')
    keep.do('check', 'p', '--passphrase-file', keep.phrase)
    at = keep.open('p', 'm')
    assert seen(keep, at) == before
    assert script(keep, 'import os; print(os.getxattr("m/10", "user.colour"), os.getxattr("m/one", "user.colour"))') == \
        b"b'red' b'blue'\n"
    keep.close()
    assert 'already' in keep.refuse(USAGE, *words, '--yes')


def test_files_with_several_names_keep_them(anybody):
    """Also where it is killed between any two of them."""
    keep = anybody
    script(keep, '''
import os
os.makedirs("p/d/e")
open("p/file", "wb").write(b"text" * 5000), open("p/d/small", "w").write("small")
for name in "p/d/again", "p/d/e/and again", "p/zz":
    os.link("p/file", name)
os.link("p/d/small", "p/also small")
''')
    words = ['encrypt', 'p', '--passphrase-file', keep.phrase, *CHEAP, '--yes']
    for call, number in ('linkat', 1), ('linkat', 2), ('unlinkat', 3), ('linkat', 2), ('unlinkat', 4), ('renameat2', 2):
        keep.execute('strace', '-qq', '-f', '-o', '/dev/null', '-e', f'trace={call}', '-e',
                     f'inject={call}:signal=KILL:when={number}', keep.program, *words)
    if (keep.home / 'p' / 'keep.encrypting').exists():
        keep.do(*words)
    assert not [name for name in os.listdir(keep.home / 'p') if name.startswith('keep.linked')]
    keep.do('check', 'p', '--passphrase-file', keep.phrase)
    at = keep.open('p', 'm')
    for names, content in (('file', 'd/again', 'd/e/and again', 'zz'), b'text' * 5000), (('d/small', 'also small'), b'small'):
        inodes = {(at / name).stat().st_ino for name in names}
        assert len(inodes) == 1 and (at / names[0]).stat().st_nlink == len(names)
        assert all((at / name).read_bytes() == content for name in names)
    keep.close()


def test_a_generated_passphrase_encrypts_a_directory(anybody):
    keep = anybody
    script(keep, TREE, 'p')
    before = seen(keep, 'p')
    said = keep.do('encrypt', 'p', '--generate-passphrase', *CHEAP, '--yes')
    phrase = keep.file('generated', max(said.split(), key=len).encode())
    at = keep.home / 'm'
    keep.do('open', 'p', at, '--passphrase-file', phrase)
    assert seen(keep, at) == before
    keep.close()


def test_attributes_and_what_lies_behind_a_file_are_checked(anybody, cryptsetup):
    keep = anybody
    lower = folder(keep)
    at = keep.open('f', 'm')
    script(keep, TREE, at)
    keep.close()
    places = {name: path for name, _, path, _ in Folder(lower, volume_key(keep, cryptsetup)).walk()}
    check = ['check', 'f', '--passphrase-file', keep.phrase]
    with open(places['3921'], 'ab') as file:
        file.write(b'x' * 5000)
    assert '5000 bytes lie behind' in keep.do(*check)
    for name in '10', 'one':
        attribute = next(a for a in os.listxattr(places[name]) if a.startswith('user.keep.'))
        value = bytearray(os.getxattr(places[name], attribute))
        value[-1] ^= 1
        os.setxattr(places[name], attribute, bytes(value))
    done = keep.run(*check)
    said = done.stdout.decode()
    assert done.returncode == DAMAGED and 'damaged: 10: has attributes' in said and 'damaged: one: has attributes' in said
    keep.do(*check, '--repair')
    keep.do(*check)
    assert keep.run('cat', 'f', '10', '--passphrase-file', keep.phrase).returncode == OK
    assert any(a.startswith('user.keep-aside.') for a in os.listxattr(places['10']))


def test_encryption_goes_on_where_it_was_killed(anybody):
    keep = anybody
    script(keep, TREE, 'p')
    before = seen(keep, 'p', '! -type d')  # the times of directories tell of the interruption
    words = ['encrypt', 'p', '--passphrase-file', keep.phrase, *CHEAP, '--yes']
    killed = 0
    for after in range(2, 40, 3):
        begun = keep.start(keep.program, *words)
        with contextlib.suppress(subprocess.TimeoutExpired):
            begun.wait(after / 50)
        begun.kill()
        begun.communicate()
        killed += begun.returncode != 0
        if (keep.home / 'p' / 'keep.encrypting').exists() and (keep.home / 'p' / 'keep.luks').exists():
            keep.refuse(BUSY, 'open', 'p', 'm', '--passphrase-file', keep.phrase)
    if (keep.home / 'p' / 'keep.encrypting').exists() or not (keep.home / 'p' / 'keep.luks').exists():
        keep.do(*words)
    assert killed > 0
    keep.do('check', 'p', '--passphrase-file', keep.phrase)
    at = keep.open('p', 'm')
    assert seen(keep, at, '! -type d') == before
    keep.close()


def test_directory_that_a_kill_left_without_its_header_is_in_no_way(anybody):
    """As between the two steps in which one is made or removed."""
    keep = anybody
    folder(keep)
    at = keep.open('f', 'm')
    script(keep, 'import os, sys; os.makedirs(sys.argv[1] + "/d/e"); os.mkdir(sys.argv[1] + "/g")', at)
    keep.close()
    for header in (keep.home / 'f').glob('*/*/keep.dir'):
        header.unlink()
    at = keep.open('f', 'm')
    script(keep, 'import os, sys; os.chdir(sys.argv[1] + "/d"); assert not os.path.exists("e"); os.mkdir("e"); os.mkdir("e/i")', at)
    keep.close()
    for header in (keep.home / 'f').glob('*/*/*/keep.dir'):
        header.unlink()
    assert 'interrupted' in keep.run('check', 'f', '--passphrase-file', keep.phrase).stdout.decode()
    at = keep.open('f', 'm')
    script(keep, 'import os, sys; os.chdir(sys.argv[1]); os.rmdir("d/e"); os.rmdir("d"); assert os.listdir() == ["g"]', at)
    keep.close()
    keep.do('check', 'f', '--passphrase-file', keep.phrase)
    assert len(os.listdir(keep.home / 'f')) == 3


def test_what_cannot_be_encrypted_in_place(anybody):
    keep = anybody
    script(keep, 'import os; os.makedirs("p/d"); open("p/d/keep.dir", "w").write("mine")')
    assert 'rename it' in keep.refuse(USAGE, 'encrypt', 'p', '--passphrase-file', keep.phrase, *CHEAP, '--yes')
    assert (keep.home / 'p' / 'd' / 'keep.dir').read_text() == 'mine'
    assert os.listdir(keep.home / 'p') == ['d']
