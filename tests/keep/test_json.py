"""What --json prints is what the schemas in docs/json say, on every kind of volume."""
import json
import re
import subprocess

import pytest
from keep_runner import CHEAP

jsonschema = pytest.importorskip('jsonschema')


@pytest.fixture
def valid(source):
    def check(name, text):
        schema = json.loads((source / f'docs/json/keep-{name}.schema.json').read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        value = json.loads(text)
        jsonschema.validate(value, schema)
        return value
    return check


def test_every_command_with_json_has_a_schema(source):
    with_json = {path.stem for path in (source / 'src/keep/command').glob('*.c') if '{"json", 0,' in path.read_text()}
    there = {re.sub('-', '_', path.name[5:-12]) for path in (source / 'docs/json').glob('keep-*.schema.json')}
    assert with_json == there


def test_status(anybody, valid):
    key = ['--passphrase-file', anybody.phrase]
    anybody.create('v.img', '--fs', 'none', '--luks1')
    anybody.do('open', 'v.img', '--nbd', 's', *key)
    anybody.create('w.img', '--fs', 'none')
    anybody.do('open', 'w.img', 'w', '--raw', '--read-only', *key)
    anybody.do('create', 'f', '--type', 'folder', *key, *CHEAP)
    anybody.do('open', 'f', 'g', *key)
    shown = valid('status', anybody.do('status', '--json'))
    ours = {each['target'].rpartition('/')[2]: each for each in shown if each['target'].startswith(str(anybody.home))}
    assert ours['v.img']['format'] == 'LUKS1' and ours['w.img']['access'] == 'read-only' and 'f' in ours


def test_keys_and_headers(anybody, valid, cryptsetup):
    key = ['--passphrase-file', anybody.phrase]
    image = anybody.create('v.img', '--fs', 'none')
    anybody.do('key', 'add', 'v.img', *key, '--new-passphrase-file', anybody.file('new', b'new'), '--name', 'bob',
               '--kdf-iterations', '4', '--kdf-memory', '1M')
    cryptsetup('config', '--key-slot', '1', '--priority', 'prefer', image)
    cryptsetup('token', 'add', '--key-description', 'x', '--key-slot', '0', image)
    keys = valid('key-list', anybody.do('key', 'list', 'v.img', '--json'))
    assert keys[1]['name'] == 'bob' and keys[1]['kdf']['type'] == 'argon2id'
    assert valid('header-dump', anybody.do('header', 'dump', 'v.img', '--json'))['tokens']
    anybody.create('old.img', '--fs', 'none', '--luks1')
    assert valid('key-list', anybody.do('key', 'list', 'old.img', '--json'))[0]['type'] == 'luks1'


def test_bench(keep_program, valid):
    def run(*words):
        return subprocess.run([keep_program, 'bench', '--json', *words], capture_output=True, check=True).stdout
    shown = valid('bench', run('--kdf-time', '20ms'))
    assert {'aes-xts-plain64', 'serpent-xts-plain64'} <= {each['cipher'] for each in shown['ciphers']}
    assert {each['kdf'] for each in shown['kdfs']} == {'argon2id', 'argon2i', 'pbkdf2'}
    assert len(valid('bench', run('--cipher', 'aes-xts-plain64'))['ciphers']) == 2
