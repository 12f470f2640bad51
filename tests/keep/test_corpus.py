"""LUKS volumes of other programs: those we can read have the contents that their makers saw."""
import hashlib
import json
import lzma
import os
import pathlib

import pytest
from keep_runner import DAMAGED, DENIED, FAILED, FOREIGN, UNSUPPORTED

CORPUS = pathlib.Path(os.environ.get('KEEPGATE_CORPUS') or
                      pathlib.Path(__file__).resolve().parents[2].parent / 'shared' / 'corpus')
try:
    MANIFEST = json.loads((CORPUS / 'MANIFEST.json').read_text('utf-8'))
except FileNotFoundError:
    MANIFEST = []
CASES = [case for case in MANIFEST if case['format'] in ('luks1', 'luks2')]
PLAIN = [case for case in MANIFEST if case['format'] == 'plain']


DATA = [case for case in CASES if case['check'] == 'data' and case['expect'] == 'opens']
REJECTED = [case for case in CASES if case['expect'] == 'rejected']
SOUND = [case for case in CASES if case['expect'] == 'opens' and case['check'] == 'header']


def cases(rows):
    return pytest.mark.parametrize('case', rows or [None], ids=[c['id'] for c in rows] or ['none'])


@pytest.fixture
def unpacked(anybody, corpus):
    """Writes a case's files into the home; the words that open it."""
    def unpack(case):
        anybody.file('v.img', lzma.decompress((corpus / case['file']).read_bytes()))
        (anybody.home / 'v.img').chmod(0o666)
        words = ['open', 'v.img', 'r', '--raw', '--read-only']
        if 'header_file' in case:
            anybody.file('header', lzma.decompress((corpus / case['header_file']).read_bytes()))
            words += ['--header', 'header']
        if 'keyfile' in case:
            words += ['--key-file', corpus / case['keyfile']]
            for part in ('offset', 'size'):
                if f'keyfile_{part}' in case.get('parameters', {}):
                    words += [f'--key-file-{part}', case['parameters'][f'keyfile_{part}']]
            return words
        anybody.file('corpus-phrase', case.get('passphrase', 'none known').encode())
        return [*words, '--key-file', 'corpus-phrase']
    return unpack


def sum_of(path, size):
    """The manifest's plaintext is the start of the volume where it was encrypted in place."""
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read(size)).hexdigest()


@cases(DATA)
def test_the_contents_are_those_that_went_in(anybody, unpacked, case):
    anybody.do(*unpacked(case))
    raw = anybody.home / 'r' / 'volume'
    if 'in place' not in case.get('notes', ''):
        assert raw.stat().st_size == case['plaintext_size']
    assert sum_of(raw, case['plaintext_size']) == case['plaintext_sha256']
    anybody.close('r')
    for phrase in case.get('wrong_passphrases', []):
        anybody.refuse(DENIED, 'open', 'v.img', 'r', '--raw', '--passphrase-file', '-',
                       given=phrase.encode())


@cases([case for case in DATA if case['format'] == 'luks1'])
def test_luks1_without_a_mount(anybody, unpacked, case):
    _, target, _, *words = (word for word in unpacked(case) if word not in ('--raw', '--read-only'))
    slot = anybody.do('key', 'test', target, *words).split()[-1]
    listed = json.loads(anybody.do('key', 'list', '--json', target))
    assert int(slot) in [key['slot'] for key in listed]
    done = anybody.run('cat', target, *words)
    assert hashlib.sha256(done.stdout).hexdigest() == case['plaintext_sha256']


@cases([case for case in DATA if 'other_passphrases' in case])
def test_every_slot_opens_and_an_unbound_one_does_not(anybody, unpacked, case):
    words = unpacked(case)[:-2]
    for slot, phrase in case['other_passphrases'].items():
        anybody.do(*words, '--key-slot', slot, '--key-file', '-', given=phrase.encode())
        assert sum_of(anybody.home / 'r' / 'volume', case['plaintext_size']) == \
            case['plaintext_sha256']
        anybody.close('r')
    for phrase in case.get('unbound_passphrases', {}).values():
        anybody.refuse(DENIED, *words, '--key-file', '-', given=phrase.encode())


@cases(REJECTED)
def test_what_must_be_refused_is(anybody, unpacked, case):
    words = unpacked(case)
    before = hashlib.sha256((anybody.home / 'v.img').read_bytes()).digest()
    for more in (words, [word for word in words if word != '--read-only']):
        done = anybody.run(*more)
        assert done.returncode in (FAILED, DENIED, FOREIGN, DAMAGED, 6, UNSUPPORTED), done.stderr
        assert done.stderr.startswith(b'keep: ') and done.stderr.count(b'\n') == 1
    assert hashlib.sha256((anybody.home / 'v.img').read_bytes()).digest() == before


@cases(SOUND)
def test_a_sound_header_is_taken(anybody, unpacked, case):
    """Their key material is blank: a wrong key, or data that are not there, and never damage."""
    done = anybody.run(*unpacked(case))
    assert done.returncode in (DENIED, UNSUPPORTED, DAMAGED), done.stderr
    if done.returncode == DAMAGED:
        assert b'end' in done.stderr, done.stderr


PLAIN_WORDS = {'cipher': 'cipher', 'key_bits': 'key-size', 'hash': 'hash', 'iv_skip_sectors': 'skip',
               'offset_sectors': 'offset', 'sector_size': 'sector-size', 'iv_large_sectors': 'iv-large-sectors'}


@cases(PLAIN)
def test_plain_volumes_by_their_options(anybody, unpacked, case):
    words = unpacked(case) + ['--type', 'plain']
    if 'keyfile' not in case:
        words[-4] = '--passphrase-file'
    for name, value in case['parameters'].items():
        words += [f'--{PLAIN_WORDS[name]}'] + ([] if value is True else [value])
    anybody.do(*words)
    raw = anybody.home / 'r' / 'volume'
    assert raw.stat().st_size == case['plaintext_size']
    assert sum_of(raw, case['plaintext_size']) == case['plaintext_sha256']
