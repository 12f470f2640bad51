#!/usr/bin/env python3
"""Writes docs/compat.md: every directive and what gate makes of it, and where gate answers otherwise than nginx.

    tools/compat.py GATE           shows the page
    tools/compat.py GATE --write   writes docs/compat.md
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / 'tests/gate'))
import differences  # noqa: E402

STATUS = {'nginx': 'as nginx', 'accepted': 'accepted, of no effect', 'own': "gate's own", 'missing': 'refused by name'}


def cell(text):
    return text.replace('|', '\\|')


def page(gate):
    listed = json.loads(subprocess.run([gate, 'directives', '--json'], capture_output=True, check=True).stdout)
    counts = {status: sum(each['status'] == status for each in listed) for status in STATUS}
    lines = ['# gate beside nginx', '',
             'Made by `tools/compat.py` from the tables that gate reads configurations by, and from `tests/gate/differences.py`, which is what the',
             'test that asks both the same ten thousand questions (`tests/gate/test_differential.py`) lets pass.', '',
             f'{counts["nginx"]} directives do what they do in nginx, {counts["accepted"]} are accepted and have nothing to do here, {counts["own"]} are gate\'s own, and',
             f'{counts["missing"]} are refused by name, with the place in the file: nothing is skipped in silence.', '', '## Where the answers differ', '']
    lines += [f'- {reason}' for reason in differences.reasons()]
    lines += ['', '## Where error.log says less', ''] + [f'- {reason}' for _, _, reason in differences.ERROR_LINES]
    lines += ['', '## Directives', '', '| directive | here | differences, or what to do instead |', '| --- | --- | --- |']
    for each in sorted(listed, key=lambda row: row['name']):
        note = differences.DIRECTIVES.get(each['name']) or (each.get('doc', '').removeprefix('Accepted, of no effect: ') if each['status'] != 'nginx' else '')
        lines.append(f'| `{each["name"]}` | {STATUS[each["status"]]} | {cell(note)} |')
    return '\n'.join(lines) + '\n'


def main():
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ['--write']):
        sys.exit(__doc__)
    text = page(sys.argv[1])
    if sys.argv[2:]:
        (HERE / 'docs/compat.md').write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == '__main__':
    main()
