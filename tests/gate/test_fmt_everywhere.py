"""gate fmt over every configuration that the tests have: what it makes is stable, and has the same words."""
import os
import pathlib
import re
import subprocess
import tempfile

import differential
import differential_language
import differential_rules
import peers
import pytest
import sites
import test_conf
import test_mistakes

TREE = pathlib.Path(__file__).resolve().parents[2]
WORD = re.compile(r'''\s+ | \#[^\n]* | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*')(?=[\s;{)]|$) | (?P<sign>[;{}]) |
                      (?P<word>(?:\\. | \$\{ | [^\s;{\\])+)''', re.X | re.S)
ESCAPES = {'t': '\t', 'r': '\r', 'n': '\n', '"': '"', "'": "'", '\\': '\\'}


def words(text):
    """As nginx reads them, by a reader of its own: signs, and words without quotes and escapes; comments are words too."""
    at, found, pending = 0, [], 0
    while at < len(text):
        start, match = at, WORD.match(text, at)
        if text[at] == '}' and pending:  # behind words it is one
            match = re.compile(r'(?P<quoted>(?!))?(?P<sign>(?!))?(?P<word>(?:\\.|\$\{|[^\s;{\\])+)', re.S).match(text, at)
        assert match, text[start:start + 40]
        at = match.end()
        if match['sign']:
            found.append(match['sign'])
            pending = 0
        elif match['quoted'] or match['word']:
            word = match['quoted'][1:-1] if match['quoted'] else match['word']
            found.append(('word', re.sub(r'\\([trn"\'\\])', lambda escape: ESCAPES[escape[1]], word)))
            pending += 1
        elif match[0].startswith('#'):
            found.append(('comment', match[0].rstrip()))
    return found


def configurations():
    for case in (*differential.cases(), *differential_language.cases(), *differential_rules.cases(), *sites.cases()):
        yield f'{case.http}\nserver {{ listen PORT; server_name {case.name}.test;\n{case.server} }}\n'
    yield from test_conf.configurations()
    yield from (text.replace('; ', ';\n') for text, _ in test_mistakes.MISTAKES)
    for file in sorted(TREE.glob('examples/**/*.conf')):
        yield file.read_text()


@pytest.fixture
def folder():
    """In memory: each file is written durably."""
    with tempfile.TemporaryDirectory(prefix='gate-fmt-', dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as folder:
        yield pathlib.Path(folder)


def test_every_configuration(gate_program, folder):
    texts = [text for text in dict.fromkeys(configurations()) if '\r' not in text]
    files = [folder / f'{number}.conf' for number in range(len(texts))]
    for file, text in zip(files, texts):
        file.write_text(text)
    refused = subprocess.run([gate_program, 'fmt', '--write', *files], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    broken = set(re.findall(r'/(\d+)\.conf:\d+', refused.stderr))
    sound = [number for number in range(len(texts)) if str(number) not in broken]
    assert len(sound) > 700, refused.stderr[-500:]
    for number in sound:
        assert words(files[number].read_text()) == words(texts[number]), texts[number]
    for number in map(int, broken):
        assert files[number].read_text() == texts[number]
    again = subprocess.run([gate_program, 'fmt', '--check', *(files[number] for number in sound)], capture_output=True, text=True,
                           timeout=peers.PATIENCE_S)
    assert again.stdout == '' and again.returncode == 0, [texts[int(pathlib.Path(line).stem)] for line in again.stdout.split()]
