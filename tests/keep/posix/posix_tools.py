"""What the tests of behaviour have in common: errors by name, other processes, other users."""
import errno
import os
import pickle
import traceback


NAMES = {errno.EOPNOTSUPP: 'EOPNOTSUPP', errno.EAGAIN: 'EAGAIN'}  # of those that have two


def error(call, *arguments, **named):
    """The name of the error that the call ends with; None where it succeeds."""
    try:
        call(*arguments, **named)
    except OSError as failure:
        return NAMES.get(failure.errno) or errno.errorcode[failure.errno]
    return None


def make(path, content=b'', mode=0o644):
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with open(fd, 'wb') as file:
        file.write(content)
    return path


def content(path):
    with open(path, 'rb') as file:
        return file.read()


def start(call, *arguments, uid=None, gid=None, groups=(), umask=None):
    """Begins `call` in a process of its own, as another user perhaps; for finish()."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(readable)
        try:
            if umask is not None:
                os.umask(umask)
            if uid is not None:
                os.setgroups(groups)
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
            answer = (True, call(*arguments))
        except BaseException:  # whatever it is, it goes to the one who waits
            answer = (False, traceback.format_exc())
        with open(writable, 'wb') as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writable)
    return pid, readable


def finish(started):
    pid, readable = started
    with open(readable, 'rb') as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    well, value = pickle.loads(answer)
    assert well, value
    return value


def elsewhere(call, *arguments, **who):
    return finish(start(call, *arguments, **who))
