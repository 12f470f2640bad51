"""What is open: how it is listed, closed all at once, and what --kernel says where it cannot be."""
import os
import time

import pytest
from keep_runner import BUSY, FAILED, UNSUPPORTED, USAGE, wait_for


@pytest.fixture
def user(request, keep_program):
    """Never root: everything that root has open on this machine is not ours to close."""
    from keep_runner import keep_as
    with keep_as(keep_program, 'user') as made:
        yield made


def key(keep):
    return ['--passphrase-file', keep.phrase]


def test_status_says_what_is_open_and_how(keep):
    keep.create('v.img', '--fs', 'none', '--sector-size', '512')
    keep.do('open', 'v.img', 'm', '--raw', '--read-only', *key(keep))
    keep.do('create', 'w.img', '--fs', 'none', *key(keep), '--pbkdf', 'pbkdf2', '--kdf-iterations', '1000')
    keep.do('open', 'w.img', '--nbd', 's', *key(keep))
    keep.do('create', 'p.img', '--fs', 'none', *key(keep), '--pbkdf', 'pbkdf2', '--kdf-iterations', '1000')
    keep.do('open', 'p.img', 'p', '--type', 'plain', '--cipher', 'aes-cbc-plain64', '--raw', *key(keep))
    shown = {os.path.basename(each['target']): each for each in keep.status()}
    facts = ('content', 'access', 'format', 'cipher', 'sector_size')
    assert [shown['v.img'][name] for name in facts] == ['raw', 'read-only', 'LUKS2', 'aes-xts-plain64', 512]
    assert [shown['w.img'][name] for name in facts] == ['nbd', 'read-write', 'LUKS2', 'aes-xts-plain64', 4096]
    assert [shown['p.img'][name] for name in facts] == ['raw', 'read-write', 'plain', 'aes-cbc-plain64', 512]
    text = keep.do('status')
    assert 'nbd' in text and 'aes-cbc-plain64' in text


def test_close_all_closes_what_stands_in_another_too(user):
    user.create('outer.img', size='64M')
    user.open('outer.img', 'm')
    user.do('create', 'm/inner.img', '--size', '22M', '--fs', 'none', *key(user), '--pbkdf', 'pbkdf2',
            '--kdf-iterations', '1000')
    user.do('open', 'm/inner.img', 'i', '--raw', *key(user))
    user.create('other.img', '--fs', 'none')
    user.do('open', 'other.img', '--nbd', 's', *key(user))
    user.do('close', '--all')
    assert user.status() == []
    user.do('close', '--all')


def test_close_all_closes_the_rest_and_says_what_stays(user):
    for name in ('a', 'b'):
        user.create(f'{name}.img', '--fs', 'none')
        user.do('open', f'{name}.img', name, '--raw', *key(user))
    with_busy = user.execute('sh', '-c', f'exec 3<a/volume; {user.program} close --all; echo $?')
    assert with_busy.stdout.decode().split() == [str(BUSY)]
    assert with_busy.stderr.decode().count('still in use') == 1
    assert [os.path.basename(each['target']) for each in user.status()] == ['a.img']
    user.do('close', '--all')


# Two of root's, one of somebody else's. /run/keepgate is the machine's: here it is another.
OF_ROOT = '''set -e
mount -t tmpfs none /run
"$0" open a.img a --raw --passphrase-file phrase
"$0" open b.img b --passphrase-file phrase
theirs() { (cd theirs; setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_RUNTIME_DIR="$PWD" "$@"); }
theirs "$0" open c.img c --raw --passphrase-file ../phrase
"$0" close --all
echo root: $("$0" status --json)
echo theirs: $(theirs "$0" status --json | grep -c c.img)
theirs "$0" close c
! grep "$PWD" /proc/self/mounts
'''


def test_root_closes_what_root_has_open_and_nothing_else(keep_program):
    from keep_runner import keep_as
    with keep_as(keep_program, 'root') as root:
        theirs = root.home / 'theirs'
        theirs.mkdir()
        root.home.chmod(0o755)
        for name in ('a.img', 'b.img', 'theirs/c.img'):
            root.create(name, '--fs', 'ext4' if name == 'b.img' else 'none')
        for path in (theirs, theirs / 'c.img'):
            os.chown(path, 65534, 65534)
        theirs.chmod(0o700)
        done = root.execute('unshare', '--mount', '--propagation', 'private', 'sh', '-c', OF_ROOT, root.program)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout.decode().splitlines()[-2:] == ['root: []', 'theirs: 1'], done.stdout.decode()


@pytest.mark.parametrize('kind', ['raw', 'mounted'])
def test_a_volume_that_nobody_uses_closes_itself(keep, kind):
    keep.create('v.img')
    raw = ['--raw'] if kind == 'raw' else []
    held = keep.hold('v.img', '<m/volume' if raw else '>m/file', *raw)
    time.sleep(3)
    assert keep.status(), 'it went while a program had something open in it'
    held.communicate(b'\n')
    wait_for(lambda: not keep.status(), 'its end')
    keep.open()
    keep.close()
    assert '--idle' in keep.refuse(USAGE, 'open', 'v.img', '--nbd', 's', '--idle', '1s', *key(keep))


def test_close_wants_one_thing(anybody):
    assert '--all' in anybody.refuse(USAGE, 'close')
    anybody.refuse(USAGE, 'close', '--all', 'v.img')


def test_kernel_says_what_is_missing(keep):
    keep.create('v.img', '--fs', 'none')
    assert 'no name of a mapping' in keep.refuse(USAGE, 'open', 'v.img', '--kernel', 'a/b', *key(keep))
    assert 'exclude' in keep.refuse(USAGE, 'open', 'v.img', '--kernel', 'a', '--nbd', 's', *key(keep))
    if keep.user == 'user':
        assert 'needs root' in keep.refuse(FAILED, 'open', 'v.img', '--kernel', 'a', *key(keep))
    elif not os.path.exists('/dev/mapper/control'):
        assert 'no device mapper' in keep.refuse(UNSUPPORTED, 'open', 'v.img', '--kernel', 'a', *key(keep))
    assert keep.status() == []
