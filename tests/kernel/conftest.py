"""The machine in which a real kernel agrees with keep, or does not."""
import pytest
from kernel.machine import Machine


@pytest.fixture(scope='session')
def machine(source):
    return Machine(source / 'build-kernel')


@pytest.fixture
def inside(machine, keep_program, tmp_path):
    """Runs a script in it: KEEP is the program, PHRASE a file, CHEAP the options of a fast unlock."""
    (tmp_path / 'phrase').write_bytes(b'correct horse')
    head = f'''KEEP={keep_program}
PHRASE=/share/phrase
CHEAP="--pbkdf pbkdf2 --kdf-iterations 1000"
cd /tmp
'''
    return lambda script, **more: machine.run(head + script, tmp_path, **more)
