"""What every test of whole programs needs: where they are, a port, the corpus of foreign images."""
import pytest

import ports
from places import BUILD, CORPUS, SOURCE


def program(name):
    path = BUILD / name
    if not path.exists():
        pytest.fail(f'{path} is not there: build it first, with "make build"')
    return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of several processes one has all of keep, whose disks and mounts are the whole machine's; the others go file by file."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class HousesApart(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return 'keep' if nodeid.startswith(('tests/keep/', 'tests/vault/', 'tests/test_start')) else nodeid.partition('::')[0]

    return HousesApart(config, log)


@pytest.fixture(scope='session')
def source():
    """The folder of the source tree."""
    return SOURCE


@pytest.fixture(scope='session')
def keep_program():
    return program('keep')


@pytest.fixture(scope='session')
def gate_program():
    return program('gate')


@pytest.fixture(scope='session')
def corpus():
    """The folder of foreign images; without one the test is skipped."""
    if not (CORPUS / 'MANIFEST.json').exists():
        pytest.skip(f'no corpus of foreign images in {CORPUS} (KEEPGATE_CORPUS names another folder)')
    return CORPUS


@pytest.fixture
def free_port():
    """Call it for a port of 127.0.0.1 that nobody listens on. All that one test asks for differ."""
    return ports.free_port
