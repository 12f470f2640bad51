"""What tests do instead of sleeping."""
import time


def wait_for(done, what='what is to come', patience_s=25):
    """What `done` says at last."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        result = done()
        if result:
            return result
        time.sleep(0.005)
    raise AssertionError(f'waited in vain for {what}')
