"""keep(1) names everything that --help names, and is sound mdoc."""
import re
import shutil
import subprocess

import pytest

COMMANDS = ['create', 'open', 'close', 'status', 'cat', 'key list', 'key add', 'key change', 'key remove',
            'key test', 'header backup', 'header restore', 'header dump', 'header check', 'header repair', 'shred',
            'encrypt', 'decrypt', 'reencrypt', 'ls', 'export', 'check']
COMMANDS += ['convert', 'bench', 'completions', 'resize']


@pytest.fixture(scope='module')
def page(source):
    return source / 'man' / 'keep.1'


@pytest.mark.parametrize('command', COMMANDS)
def test_every_option_is_in_the_page(keep_program, page, command):
    text = page.read_text()
    shown = subprocess.run([keep_program, *command.split(), '--help'], capture_output=True, text=True,
                           check=True).stdout
    options = re.findall(r'--([a-z-]+)', shown)
    assert options
    section = re.search(rf'^\.Ss keep {command.split()[0]}$(.*?)(?=^\.S[sh] )', text, re.S | re.M)[1]
    shared = re.search(r'^\.Ss Passphrases and keys$(.*?)(?=^\.S[sh] )', text, re.S | re.M)[1]
    for option in options:
        assert f'Fl -{option}' in section + shared, f'--{option} is not described'


def test_every_option_of_the_page_exists(keep_program, page):
    shown = ''.join(subprocess.run([keep_program, *command.split(), '--help'], capture_output=True,
                                   text=True, check=True).stdout for command in COMMANDS)
    for option in re.findall(r'Fl -([a-z-]+)', page.read_text()):
        assert f'--{option}' in shown or option == 'version', f'--{option} is no option'


def test_every_exit_status_is_in_the_page(source, page):
    header = (source / 'src/keep/command/command.h').read_text()
    numbers = re.findall(r'STATUS_[A-Z]+ = (\d)', header)
    listed = re.findall(r'^\.It (\d)$', page.read_text(), re.M)
    assert listed == numbers


def test_the_page_is_sound(page):
    if not shutil.which('mandoc'):
        pytest.skip('mandoc is not installed')
    done = subprocess.run(['mandoc', '-Tlint', '-W', 'warning', page], capture_output=True, text=True)
    assert done.stdout == ''
