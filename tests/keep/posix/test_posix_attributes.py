"""Modes, owners, times, extended attributes, ACLs; and who may do what."""
import os
import shutil
import stat
import subprocess
import time

import pytest
from posix_tools import content, elsewhere, error, make

ONE, TWO = {'uid': 1001, 'gid': 1001}, {'uid': 1002, 'gid': 1002}
NOBODYS_UMASK = 0o022


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize('when', [0, 1, 123_456_789, 1_700_000_000_123_456_789, -1_500_000_000,
                                  3_000_000_000_999_999_999])
def test_times_to_the_nanosecond(here, when):
    a = make(here / 'a')
    os.utime(a, ns=(when, when + 1))
    about = os.stat(a)
    assert (about.st_atime_ns, about.st_mtime_ns) == (when, when + 1)
    os.mkdir(here / 'd')
    os.utime(here / 'd', ns=(when, when + 1))
    assert os.stat(here / 'd').st_mtime_ns == when + 1
    os.symlink('a', here / 's')
    os.utime(here / 's', ns=(5, 6), follow_symlinks=False)
    assert (os.lstat(here / 's').st_mtime_ns, os.stat(a).st_mtime_ns) == (6, when + 1)
    fd = os.open(a, os.O_RDWR)
    os.write(fd, b'x')
    os.utime(fd, ns=(when, when + 2))
    os.close(fd)
    assert os.stat(a).st_mtime_ns == when + 2


def test_times_that_follow(here):
    a = make(here / 'a', b'text')
    for change, modified in ((lambda: os.chmod(a, 0o600), False), (lambda: os.link(a, here / 'b'), False),
                             (lambda: os.rename(here / 'b', here / 'c'), False), (lambda: os.unlink(here / 'c'), False),
                             (lambda: os.truncate(a, 2), True), (lambda: open(a, 'ab').write(b'x'), True)):
        os.utime(a, (1, 1))
        before = os.stat(a)
        time.sleep(0.02)
        change()
        after = os.stat(a)
        assert after.st_ctime_ns > before.st_ctime_ns
        assert (after.st_mtime > 1) == modified
    before = time.time()
    os.utime(a)
    assert before - 1 < os.stat(a).st_mtime <= time.time()


def birth(path):
    return int(subprocess.run(['stat', '-c', '%W', path], capture_output=True, check=True).stdout)


def test_births(here, request):
    if tuple(map(int, os.uname().release.split('.')[:2])) < (6, 6) and 'plain' not in request.node.name:
        pytest.skip('this kernel does not ask FUSE for the time of birth')
    before = int(time.time())
    a = make(here / 'a', b'text')
    if birth(a) == 0:
        pytest.skip('the file system below does not know it')
    os.mkdir(here / 'd')
    os.symlink('a', here / 's')
    for path in a, here / 'd', here / 's':
        assert before - 1 <= birth(path) <= time.time()
    os.utime(a, (1, 1))
    born = birth(a)
    os.rename(a, here / 'd' / 'b')
    open(here / 'd' / 'b', 'ab').write(b'more')
    about = os.stat(here / 'd' / 'b')
    assert birth(here / 'd' / 'b') == born > about.st_atime and about.st_size == 8


def test_modes(here):
    a = make(here / 'a')
    for wanted in (0, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o640):
        os.chmod(a, wanted)
        assert mode(a) == wanted
    fd = os.open(here / 'readonly', os.O_CREAT | os.O_RDWR, 0o400)
    assert mode(here / 'readonly') == 0o400
    os.write(fd, b'all the same')
    os.close(fd)
    assert content(here / 'readonly') == b'all the same'
    os.umask(0o077)
    make(here / 'private', mode=0o666)
    os.mkdir(here / 'd', 0o777)
    assert (mode(here / 'private'), mode(here / 'd')) == (0o600, 0o700)


def test_a_file_that_its_owner_may_not_read(here, root):
    def use():
        fd = os.open(here / 'a', os.O_CREAT | os.O_RDWR, 0o600)
        os.write(fd, b'secret')
        os.fchmod(fd, 0)
        assert os.pread(fd, 9, 0) == b'secret'
        os.pwrite(fd, b'S', 0)
        os.close(fd)
        assert os.stat(here / 'a').st_size == 6
        errors = [error(os.open, here / 'a', flags) for flags in (os.O_RDONLY, os.O_WRONLY)]
        os.chmod(here / 'a', 0o200)
        fd = os.open(here / 'a', os.O_WRONLY)
        os.pwrite(fd, b'ee', 1)
        os.close(fd)
        errors.append(error(os.open, here / 'a', os.O_RDONLY))
        os.chmod(here / 'a', 0o400)
        return errors, content(here / 'a')

    assert elsewhere(use, **ONE) == (['EACCES'] * 3, b'Seeret')


def test_owners(here, root):
    a = make(here / 'a', mode=0o644)
    os.chown(a, 1001, 1002)
    about = os.stat(a)
    assert (about.st_uid, about.st_gid) == (1001, 1002)
    os.chown(a, -1, 1003)
    assert (os.stat(a).st_uid, os.stat(a).st_gid) == (1001, 1003)
    os.symlink('a', here / 's')
    os.lchown(here / 's', 5, 6)
    assert (os.lstat(here / 's').st_uid, os.stat(a).st_uid) == (5, 1001)
    assert elsewhere(error, os.chown, a, 1002, -1, **ONE) == 'EPERM'
    assert elsewhere(error, os.chmod, a, 0o600, **TWO) == 'EPERM'
    assert elsewhere(error, os.utime, a, (1, 1), **TWO) == 'EPERM'
    assert elsewhere(error, os.utime, a, **TWO) == 'EACCES'
    assert elsewhere(error, os.chown, a, -1, 77, groups=[77], **ONE) is None
    assert os.stat(a).st_gid == 77
    assert elsewhere(error, os.chown, a, -1, 78, groups=[77], **ONE) == 'EPERM'


def test_what_is_made_belongs_to_its_maker(here, root):
    def build():
        make(here / 'file', mode=0o666)
        os.mkdir(here / 'directory')
        os.symlink('x', here / 'link')
        os.mkfifo(here / 'fifo')

    elsewhere(build, umask=0o027, **ONE)
    for name in ('file', 'directory', 'link', 'fifo'):
        about = os.lstat(here / name)
        assert (about.st_uid, about.st_gid) == (1001, 1001), name
    assert (mode(here / 'file'), mode(here / 'directory')) == (0o640, 0o750)


def test_modes_are_obeyed(here, root):
    a = make(here / 'a', b'x')
    os.mkdir(here / 'd', 0o755)
    make(here / 'd' / 'in')
    os.chown(a, 1001, 77)
    os.chmod(a, 0o640)
    assert elsewhere(error, os.open, a, os.O_RDWR, **ONE) is None
    assert elsewhere(error, os.open, a, os.O_RDONLY, groups=[77], **TWO) is None
    assert elsewhere(error, os.open, a, os.O_WRONLY, groups=[77], **TWO) == 'EACCES'
    assert elsewhere(error, os.open, a, os.O_RDONLY, **TWO) == 'EACCES'
    assert elsewhere(error, os.truncate, a, 0, **TWO) == 'EACCES'
    assert elsewhere(os.access, a, os.R_OK, **TWO) is False
    for call in (lambda: make(here / 'd' / 'new'), lambda: os.mkdir(here / 'd' / 'new'),
                 lambda: os.unlink(here / 'd' / 'in'), lambda: os.rename(here / 'd' / 'in', here / 'out'),
                 lambda: os.symlink('x', here / 'd' / 'new')):
        assert elsewhere(error, call, **ONE) == 'EACCES'
    os.chmod(here / 'd', 0o744)  # may be listed, and nothing in it reached
    assert elsewhere(os.listdir, here / 'd', **ONE) == ['in']
    assert elsewhere(error, os.stat, here / 'd' / 'in', **ONE) == 'EACCES'
    os.chmod(here / 'd', 0o711)  # the other way round
    assert elsewhere(error, os.listdir, here / 'd', **ONE) == 'EACCES'
    assert elsewhere(error, os.stat, here / 'd' / 'in', **ONE) is None


def test_the_sticky_bit(here, root):
    common = here / 'common'
    os.mkdir(common)
    os.chmod(common, 0o1777)
    elsewhere(make, common / 'a', **ONE)
    elsewhere(make, common / 'b', **TWO)
    assert elsewhere(error, os.unlink, common / 'a', **TWO) == 'EPERM'
    assert elsewhere(error, os.rename, common / 'a', common / 'c', **TWO) == 'EPERM'
    assert elsewhere(error, os.rename, common / 'b', common / 'a', **TWO) == 'EPERM'
    assert elsewhere(error, os.unlink, common / 'a', **ONE) is None
    assert elsewhere(error, os.rename, common / 'b', common / 'c', **TWO) is None


def test_directories_that_hand_their_group_down(here, root):
    shared = here / 'shared'
    os.mkdir(shared)
    os.chown(shared, 0, 77)
    os.chmod(shared, 0o2777)

    def build():
        make(shared / 'file')
        os.mkdir(shared / 'd')
        make(shared / 'd' / 'deeper')
        os.symlink('x', shared / 'link')

    elsewhere(build, **ONE)
    for name in ('file', 'd', 'd/deeper', 'link'):
        about = os.lstat(shared / name)
        assert (about.st_uid, about.st_gid) == (1001, 77), name
    assert mode(shared / 'd') & stat.S_ISGID
    assert not mode(shared / 'file') & stat.S_ISGID


def write_to(path):
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b'x')
    os.close(fd)


def cut(path):
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))


@pytest.mark.parametrize('change', [write_to, cut, lambda path: os.truncate(path, 3),
                                    lambda path: os.chown(path, -1, 1001)])
def test_privileges_end_with_a_change(here, root, change):
    a = make(here / 'a', b'program')
    os.chown(a, 1001, 1001)
    os.chmod(a, 0o6777)
    elsewhere(change, a, **ONE)
    assert mode(a) == 0o777


def test_extended_attributes(here):
    a = make(here / 'a')
    assert os.listxattr(a) == []
    assert error(os.getxattr, a, 'user.none') == 'ENODATA'
    os.setxattr(a, 'user.one', b'1')
    os.setxattr(a, 'user.empty', b'')
    os.setxattr(a, 'user.' + 'n' * 200, b'long')
    os.setxattr(a, 'user.large', os.urandom(2000))
    assert sorted(os.listxattr(a)) == sorted(['user.one', 'user.empty', 'user.large', 'user.' + 'n' * 200])
    assert os.getxattr(a, 'user.one') == b'1'
    assert os.getxattr(a, 'user.empty') == b''
    assert len(os.getxattr(a, 'user.large')) == 2000
    assert error(os.setxattr, a, 'user.one', b'2', os.XATTR_CREATE) == 'EEXIST'
    assert error(os.setxattr, a, 'user.two', b'2', os.XATTR_REPLACE) == 'ENODATA'
    os.setxattr(a, 'user.one', b'\0\xff bytes', os.XATTR_REPLACE)
    assert os.getxattr(a, 'user.one') == b'\0\xff bytes'
    os.removexattr(a, 'user.one')
    assert error(os.removexattr, a, 'user.one') == 'ENODATA'
    assert error(os.setxattr, a, 'other.name', b'x') == 'EOPNOTSUPP'
    assert error(os.setxattr, a, 'user.' + 'n' * 300, b'x') == 'ERANGE'
    os.mkdir(here / 'd')
    os.setxattr(here / 'd', 'user.of', b'a directory')
    assert os.getxattr(here / 'd', 'user.of') == b'a directory'
    os.symlink('a', here / 's')
    assert error(os.setxattr, here / 's', 'user.x', b'x', follow_symlinks=False) == 'EPERM'
    os.rename(a, here / 'b')
    os.link(here / 'b', here / 'c')
    assert os.getxattr(here / 'c', 'user.empty') == b''
    fd = os.open(here / 'b', os.O_RDWR)
    os.unlink(here / 'b')
    os.unlink(here / 'c')
    os.setxattr(fd, 'user.late', b'x')
    assert 'user.late' in os.listxattr(fd)
    os.close(fd)


def test_capabilities_of_a_new_file(here, root):
    """Which the kernel asks for at the first write: a program that was given one loses it when it is written to."""
    may_bind = bytes.fromhex('0100000200040000000000000000000000000000')
    with open(here / 'a', 'wb') as file:
        file.write(b'program')
        file.flush()
        assert error(os.getxattr, here / 'a', 'security.capability') == 'ENODATA'
        os.setxattr(here / 'a', 'security.capability', may_bind)
        assert os.getxattr(here / 'a', 'security.capability') == may_bind
    with open(here / 'a', 'ab') as file:
        file.write(b', another one')
    assert error(os.getxattr, here / 'a', 'security.capability') == 'ENODATA'


def test_attributes_of_root(here, root):
    a = make(here / 'a')
    os.setxattr(a, 'trusted.t', b'x')
    assert os.getxattr(a, 'trusted.t') == b'x'
    os.chmod(a, 0o666)
    assert elsewhere(error, os.getxattr, a, 'trusted.t', **ONE) == 'ENODATA'
    assert elsewhere(error, os.setxattr, a, 'trusted.t', b'y', **ONE) == 'EPERM'
    os.chmod(a, 0o644)
    assert elsewhere(error, os.setxattr, a, 'user.x', b'y', **ONE) == 'EACCES'


def acl(*words):
    if not shutil.which('setfacl'):
        pytest.skip('setfacl is not installed')
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_acls(here, root):
    a = make(here / 'a', b'x', mode=0o600)
    os.chmod(a, 0o600)
    assert elsewhere(error, os.open, a, os.O_RDONLY, **ONE) == 'EACCES'
    acl('setfacl', '-m', 'u:1001:r', a)
    assert elsewhere(error, os.open, a, os.O_RDONLY, **ONE) is None
    assert elsewhere(error, os.open, a, os.O_WRONLY, **ONE) == 'EACCES'
    assert elsewhere(error, os.open, a, os.O_RDONLY, **TWO) == 'EACCES'
    assert 'user:1001:r--' in acl('getfacl', '-cnp', a).split()
    assert mode(a) == 0o640  # the group's bits are the mask now
    os.chmod(a, 0o600)
    assert elsewhere(error, os.open, a, os.O_RDONLY, **ONE) == 'EACCES'
    acl('setfacl', '-b', a)
    os.chmod(a, 0o640)
    assert elsewhere(error, os.open, a, os.O_RDONLY, **ONE) == 'EACCES'


def test_default_acls_take_the_place_of_the_umask(here, root):
    d = here / 'd'
    os.mkdir(d)
    acl('setfacl', '-d', '-m', 'u::rwx,g::rwx,o::---,u:1001:rwx', d)
    os.umask(0o077)
    make(d / 'file', b'x', mode=0o666)
    os.mkdir(d / 'below')
    os.umask(0o022)
    assert mode(d / 'file') == 0o660
    assert mode(d / 'below') == 0o770
    assert 'user:1001:rwx' in [line.split('\t')[0] for line in acl('getfacl', '-cnp', d / 'file').splitlines()]
    assert 'default:user:1001:rwx' in acl('getfacl', '-cnp', d / 'below').splitlines()
    assert elsewhere(content, d / 'file', **ONE) == b'x'
    assert elsewhere(error, os.open, d / 'file', os.O_RDONLY, **TWO) == 'EACCES'
