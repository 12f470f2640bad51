"""What all tests share and some change for a while: the mode of a device, a switch of the kernel."""
import contextlib
import fcntl


@contextlib.contextmanager
def made_so(path, read, write, wanted):
    """`path` is as wanted(what read() says) meanwhile. Who finds it so shares it with others; who changes it has it alone."""
    with open(path) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        before = read()
        if wanted(before) == before:
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        before = read()  # another may have changed it, and put it back
        write(wanted(before))
        try:
            yield
        finally:
            write(before)
