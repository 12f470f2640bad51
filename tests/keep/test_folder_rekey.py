"""A folder gets a new volume key: nothing is lost, whenever it is stopped, and the old key opens nothing."""
import hashlib
import os
import re
import shutil
import stat

import pytest

from folder_reader import Damaged, Folder
from keep_runner import BUSY, CHEAP, DAMAGED, DENIED, FAILED, OK, USAGE
from test_folder import TREE, folder, script, seen, volume_key

TIMES = re.compile(rb' \d+\.\d+ ')
CALLS = ['pwrite64', 'pwritev', 'renameat2', 'symlinkat', 'fsetxattr']


SMALL = """
import os, sys
at = sys.argv[1]
os.makedirs(f'{at}/one')
open(f'{at}/10', 'w').write('ten'), open(f'{at}/large', 'wb').write(b'x' * 5000)
os.symlink('one/two', f'{at}/link')
os.link(f'{at}/10', f'{at}/one/again')
os.setxattr(f'{at}/10', 'user.colour', b'red'), os.setxattr(f'{at}/one', 'user.colour', b'blue')
"""


def filled(keep, *more, tree=TREE):
    lower = folder(keep, *more)
    at = keep.open('f', 'm')
    script(keep, tree, at)
    script(keep, '''
import os, sys
at = sys.argv[1]
os.mkdir(f'{at}/closed')
open(f'{at}/closed/' + 'z' * 250, 'w').write('in it')
os.symlink('nowhere', f'{at}/closed/' + 'l' * 200)
os.chmod(f'{at}/closed', 0o500)
os.mkfifo(f'{at}/pipe')
os.sync()
''', at)
    keep.close()
    return lower


def look(keep):
    at = keep.open('f', 'm')
    found = seen(keep, at)
    attributes = script(keep, 'import os; print(os.getxattr("m/10", "user.colour"), os.getxattr("m/one", "user.colour"))')
    keep.close()
    return found, attributes


def rekey(keep, *more):
    return ['reencrypt', 'f', '--passphrase-file', keep.phrase, *more]


def kill(keep, call, number, *more):
    """It is killed at its n-th call of this kind; false where it made fewer."""
    if not shutil.which('strace'):
        pytest.skip('strace is not installed')
    done = keep.execute('strace', '-qq', '-f', '-o', '/dev/null', '-e', f'trace={call}', '-e',
                        f'inject={call}:signal=KILL:when={number}', keep.program, *rekey(keep, *more))
    assert done.returncode in (OK, -9), done.stderr
    return done.returncode != OK


def read(reader):
    """What the independent reader sees."""
    found = {}
    for name, kind, path, tags in reader.walk():
        if kind == stat.S_IFREG:
            file = reader.file(path, tags)
            found[name] = hashlib.sha256(file.read()).hexdigest(), reader.attributes(path, file.id)
        elif kind == stat.S_IFLNK:
            found[name] = reader.target(path, tags)
        else:
            found[name] = kind
    return found


def file_keys(reader):
    return {name: reader.file(path, tags).key for name, kind, path, tags in reader.walk() if kind == stat.S_IFREG}


@pytest.mark.parametrize('names', ['on', 'off'])
def test_the_old_key_opens_nothing_any_more(keep, cryptsetup, names):
    lower = filled(keep, '--name-encryption', names)
    before = look(keep)
    old = volume_key(keep, cryptsetup)
    expected, keys = read(Folder(lower, old)), file_keys(Folder(lower, old))
    shutil.copy(lower / 'keep.luks', keep.home / 'old.luks')
    (keep.home / 'old.luks').chmod(0o644)
    assert 'has a new volume key' in keep.do(*rekey(keep))
    new = volume_key(keep, cryptsetup)
    assert new != old
    keep.do('check', 'f', '--passphrase-file', keep.phrase)
    assert look(keep) == before
    reader = Folder(lower, new)
    assert len(reader.sivs) == 1 and read(reader) == expected
    assert all(key != keys[name] for name, key in file_keys(reader).items())
    with pytest.raises(Damaged):
        read(Folder(lower, old))
    keep.refuse(DENIED, 'open', 'f', 'm', '--header', 'old.luks', '--passphrase-file', keep.phrase)
    with pytest.raises(Damaged):  # nor one file by itself
        stranger = Folder(lower, old)
        stranger.file(next(path for name, _, path, _ in reader.walk() if name == '3921'), None)
    assert old not in (lower / 'keep.luks').read_bytes()
    keys = file_keys(reader)
    assert 'a new one' not in keep.do(*rekey(keep, '--keep-file-keys'))  # and once more
    assert look(keep) == before
    assert file_keys(Folder(lower, volume_key(keep, cryptsetup))) == keys


@pytest.mark.parametrize('call', CALLS)
def test_it_is_killed_before_any_change(anybody, cryptsetup, call):
    """strace kills it at its n-th call; what is there can be read with both keys, and it can be gone on with.
    The times of the one file that was at work are not put back then."""
    keep = anybody
    lower = filled(keep, tree=SMALL)
    before = TIMES.sub(b'', look(keep)[0])
    expected = read(Folder(lower, volume_key(keep, cryptsetup)))
    killed = 0
    for number in (1, 2, 4, 8):
        if not kill(keep, call, number):
            break
        killed += 1
        reader = Folder(lower, volume_key(keep, cryptsetup))
        assert read(reader) == expected
        if len(reader.sivs) == 2:
            keep.refuse(BUSY, 'open', 'f', 'm', '--passphrase-file', keep.phrase)
            keep.refuse(BUSY, 'check', 'f', '--passphrase-file', keep.phrase)
    assert killed > 0
    keep.do(*rekey(keep))
    keep.do('check', 'f', '--passphrase-file', keep.phrase)
    assert TIMES.sub(b'', look(keep)[0]) == before


def test_all_passphrases_keep_opening_it_or_go(anybody):
    keep = anybody
    folder(keep)
    keep.file('second', b'second\n')
    keep.do('key', 'add', 'f', '--passphrase-file', keep.phrase, '--new-passphrase-file', 'second', *CHEAP)
    assert 'key slot 1' in keep.refuse(USAGE, *rekey(keep))
    keep.do(*rekey(keep, '--other-passphrase-file', 'second'))
    keep.do('key', 'test', 'f', '--passphrase-file', 'second')
    keep.do(*rekey(keep, '--yes'))
    keep.refuse(DENIED, 'key', 'test', 'f', '--passphrase-file', 'second')
    keep.do('key', 'test', 'f', '--passphrase-file', keep.phrase)
    assert 'nothing to continue' in keep.refuse(USAGE, *rekey(keep, '--resume'))
    assert 'for volumes' in keep.refuse(USAGE, *rekey(keep, '--cipher', 'aes-xts-plain64'))


def test_what_is_damaged_is_named_before_anything_is_changed(anybody, cryptsetup):
    keep = anybody
    lower = filled(keep)
    path = next(path for name, _, path, _ in Folder(lower, volume_key(keep, cryptsetup)).walk() if name == '3921')
    with open(path, 'r+b') as file:
        file.seek(200)
        file.write(b'damage')
    before = volume_key(keep, cryptsetup)
    done = keep.run(*rekey(keep))
    assert done.returncode == DAMAGED and b'damaged: 3921: ' in done.stdout and b'nothing was changed' in done.stderr
    assert volume_key(keep, cryptsetup) == before
    keep.do('check', 'f', '--repair', '--passphrase-file', keep.phrase)
    keep.do(*rekey(keep))


def test_damaged_blocks_stay_damaged_and_are_named(anybody, cryptsetup):
    keep = anybody
    lower = filled(keep)
    path = next(path for name, _, path, _ in Folder(lower, volume_key(keep, cryptsetup)).walk() if name == '3000000')
    with open(path, 'r+b') as file:
        file.seek(4096 * 8)
        file.write(b'damage')
    done = keep.run(*rekey(keep))
    assert done.returncode == DAMAGED and b'damaged: 3000000: has blocks that' in done.stdout and done.stdout.count(b'damaged') == 1
    done = keep.run('check', 'f', '--passphrase-file', keep.phrase)
    assert done.returncode == DAMAGED and b'3000000' in done.stdout and done.stdout.count(b'damaged') == 1
    at = keep.open('f', 'm')
    script(keep, """import os, sys
fd = os.open(f'{sys.argv[1]}/3000000', os.O_RDWR)
os.pwrite(fd, bytes(4096), 4096 * 6), os.fsync(fd)
assert os.pread(fd, 8192, 4096 * 6)[:4096] == bytes(4096)""", at)
    keep.close()


def test_a_header_from_the_midst_is_not_taken_afterwards(anybody, cryptsetup):
    """It has the earlier key of the file, which somebody may know, in it."""
    keep = anybody
    lower = filled(keep, tree=SMALL)
    for number in range(1, 30):
        assert kill(keep, 'pwritev', number)
        reader = Folder(lower, volume_key(keep, cryptsetup))
        path = next(path for name, _, path, _ in reader.walk() if name == 'large')
        if reader.file(path, None).earlier:
            break
    page = path.read_bytes()
    keep.do(*rekey(keep))
    reader = Folder(lower, volume_key(keep, cryptsetup))
    path = next(path for name, _, path, _ in reader.walk() if name == 'large')
    assert path.read_bytes() != page
    path.write_bytes(page)
    with pytest.raises(Damaged):
        reader.file(path, None)
    done = keep.run('check', 'f', '--passphrase-file', keep.phrase)
    assert done.returncode == DAMAGED and b'damaged: large: ' in done.stdout
    keep.refuse(DAMAGED, 'cat', 'f', 'large', '--passphrase-file', keep.phrase)


def test_what_may_not_be_changed_is_found_out_first(keep, cryptsetup):
    if keep.user == 'root' or os.getuid() != 0:
        pytest.skip('needs an ordinary user, and root to take a file from him')
    lower = filled(keep, tree=SMALL)
    before = volume_key(keep, cryptsetup)
    path = next(path for name, _, path, _ in Folder(lower, before).walk() if name == 'large')
    os.chown(path, 0, 0)
    assert 'large: Permission denied' in keep.refuse(FAILED, *rekey(keep))
    assert volume_key(keep, cryptsetup) == before


def test_an_open_folder_is_left_alone(anybody):
    keep = anybody
    folder(keep)
    keep.open('f', 'm')
    keep.refuse(BUSY, *rekey(keep))
    keep.close()


def test_attributes_that_fill_their_room(anybody):
    """On ext4 there is one block for all of them: the old and the new ones do not fit into it at once."""
    keep = anybody
    image = keep.home / 'ext4'
    with open(image, 'wb') as file:
        file.truncate(32 << 20)
    assert keep.execute('mkfs.ext4', '-q', '-b', '4096', '-O', '^ea_inode', image).returncode == 0
    (keep.home / 'e').mkdir()
    if keep.execute('mount', '-o', 'loop', image, 'e').returncode != 0:
        pytest.skip('no loop devices here')
    try:
        keep.do('create', '--type', 'folder', 'e/f', '--passphrase-file', keep.phrase, *CHEAP)
        os.symlink('e/f', keep.home / 'f')
        at = keep.open('f', 'm')
        (at / 'file').write_bytes(b'text')
        os.setxattr(at / 'file', 'user.large', b'x' * 3000)
        os.setxattr(at / 'file', 'user.small', b'y')
        keep.close()
        for call, number in ('fremovexattr', 1), ('fremovexattr', 2), ('fsetxattr', 1), ('fsetxattr', 2), ('unlinkat', 1):
            assert kill(keep, call, number), call
        keep.do(*rekey(keep))
        at = keep.open('f', 'm')
        assert os.getxattr(at / 'file', 'user.large') == b'x' * 3000 and os.getxattr(at / 'file', 'user.small') == b'y'
        keep.close()
        assert not [name for name in os.listdir(keep.home / 'f') if name.startswith('keep.new.')]
    finally:
        keep.run('close', 'm')
        keep.execute('umount', 'e')
