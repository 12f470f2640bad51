"""The rules of the house: who includes whom, and that what the papers name is there."""
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(__import__('pathlib').Path(__file__).resolve().parent.parent / 'tools'))
from check_floors import Tree  # noqa: E402

FLOOR_CASES = [
    ('down a floor', {'gate/http/a.c': '#include "base/b.h"'}, None),
    ('libc', {'base/a.c': '#include <string.h>\n#include <sys/types.h>'}, None),
    ('a neighbour', {'gate/http/a.c': '#include "gate/conf/b.h"'}, None),
    ('the corridor knows its rooms', {'gate/request.c': '#include "gate/http/b.h"'}, None),
    ('a foreign library at home', {'crypto/openssl/a.c': '#include <openssl/evp.h>'}, None),
    ('up a floor', {'base/a.c': '#include "codec/b.h"'}, 'base does not know codec'),
    ('strangers', {'crypto/a.c': '#include "io/b.h"'}, 'crypto does not know io'),
    ('the two houses', {'keep/a.c': '#include "gate/b.h"'}, 'keep does not know gate'),
    ('a room and the corridor', {'gate/http/a.c': '#include "gate/request.h"'},
     'a.c:1: gate/http is a room'),
    ('a room and the spine', {'vault/header/a.c': '#include "vault/unlock.h"'},
     'does not know the corridor'),
    ('a circle', {'gate/http/a.c': '#include "gate/tls/b.h"',
                  'gate/tls/b.h': '#include "gate/http/c.h"', 'gate/http/c.h': ''},
     'gate/http -> gate/tls -> gate/http'),
    ('a foreign library abroad', {'io/a.c': '\n#include <openssl/evp.h>'},
     'io/a.c:2: <openssl/evp.h> belongs in crypto/openssl or gate/tls'),
    ('a library nobody named', {'io/a.c': '#include <curl/curl.h>'}, 'has no room yet'),
    ('one library, two files', {'keep/a.c': '#include <blkid/blkid.h>',
                                'keep/b.c': '#include <blkid/blkid.h>'}, 'more than one file'),
    ('a test of another', {'gate/a.c': '#include "gate/http/test/b.h"'}, 'is for tests'),
    ('not from src/', {'base/a.c': '#include "b.h"', 'base/b.h': ''}, 'is no path from src/'),
    ('no floor', {'other/a.c': '#include "base/b.h"'}, 'stands on no floor'),
]


@pytest.mark.parametrize('files, expected', [c[1:] for c in FLOOR_CASES],
                         ids=[c[0] for c in FLOOR_CASES])
def test_floors_are_told_apart(tmp_path, files, expected):
    wanted = {name: '' for text in files.values() for name in re.findall(r'"([^"]+/[^"]+)"', text)}
    for name, text in {**wanted, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    wrong = Tree(tmp_path).check()
    if expected:
        assert any(expected in each for each in wrong), wrong
    else:
        assert wrong == []


def test_floors_are_kept(source):
    assert Tree(source / 'src').check() == []


def test_every_purpose_of_the_makefile_has_packages(source):
    known = {line.split()[0] for line in (source / 'tools/packages').read_text().splitlines()
             if line and not line.startswith('#')}
    asked = re.findall(r'tools/install\.sh ([a-z0-9 ]+)', (source / 'Makefile').read_text())
    assert {word for words in asked for word in words.split()} <= known


def test_an_unknown_purpose_is_refused(source):
    run = subprocess.run([source / 'tools/install.sh', 'nonsense'], capture_output=True, text=True,
                         check=False)
    assert run.returncode == 2 and '"nonsense"' in run.stderr


def test_help_names_every_target(source):
    makefile = (source / 'Makefile').read_text()
    targets = set(re.search(r'^\.PHONY: (.*)$', makefile, re.M)[1].split()) - {'help'}
    told = subprocess.run(['make', 'help'], cwd=source, capture_output=True, text=True,
                          check=True).stdout
    assert targets <= set(re.findall(r'[a-z0-9-]+', told))


def test_every_configuration_of_the_examples_is_accepted(source, gate_program, tmp_path):
    files = sorted((source / 'examples').glob('*.conf'))
    assert files
    (tmp_path / 'logs').mkdir()
    for file in files:
        run = subprocess.run([gate_program, '-t', '-p', f'{tmp_path}/', '-c', file],
                             capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


def blocks(text):
    """The lines of a Markdown text that are code by their indentation."""
    return [line[4:] for line in text.splitlines() if line.startswith('    ')]


@pytest.mark.parametrize('paper', ['README.md', 'CONTRIBUTING.md', 'bench/README.md'])
def test_papers_name_targets_and_files_that_exist(source, paper):
    text = (source / paper).read_text()
    makefile = (source / 'Makefile').read_text()
    targets = set(re.search(r'^\.PHONY: (.*)$', makefile, re.M)[1].split())
    named = {match for line in blocks(text) for match in re.findall(r'^make ([a-z]+)', line)}
    assert named <= targets
    for link in re.findall(r'\]\(([^)#:]+)\)', text):
        assert (source / paper).parent.joinpath(link).exists(), link


def test_the_readme_names_words_that_the_programs_know(source, keep_program, gate_program):
    lines = [line for line in blocks((source / 'README.md').read_text()) if 'build/' in line]
    told = {'keep': subprocess.run([keep_program, '--help'], capture_output=True, text=True,
                                   check=True).stdout,
            'gate': subprocess.run([gate_program, '-h'], capture_output=True, text=True,
                                   check=False)}
    told['gate'] = told['gate'].stdout + told['gate'].stderr
    assert len(lines) >= 6
    for line in lines:
        name, word = re.search(r'build/(keep|gate) ([a-z-]+)', line).groups()
        assert re.search(rf'(^|\s){word}\b', told[name], re.M), line


def test_documents_name_rooms_that_exist(source):
    for paper in sorted((source / 'docs').rglob('*.md')):
        for path in re.findall(r'`((?:vault|keep|gate|crypto|io|base)/[a-z0-9_/.]+)`', paper.read_text()):
            assert (source / 'src' / path).exists(), f'{paper.name}: {path}'


def test_the_readme_s_gate_can_be_typed(gate_program, source, tmp_path):
    """Its configuration, tested with the command that stands below it."""
    readme = (source / 'README.md').read_text()
    text = readme.split('$ cat site.conf\n')[1].split('    $ build/gate')[0]
    (tmp_path / 'site.conf').write_text(text)
    (tmp_path / 'build').mkdir()
    (tmp_path / 'build' / 'gate').symlink_to(gate_program)
    typed = [line.strip()[2:] for line in readme.splitlines() if line.strip().startswith('$ build/gate -t')]
    assert len(typed) == 1
    tested = subprocess.run(typed[0], shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
