"""Volumes are opened and closed by several at once: whatever is open the whole time is listed, and nothing is called dead."""
import collections
import json
import random
import threading
import time

from keep_runner import CHEAP, OK, keep_as

VOLUMES, LOOKERS = 4, 2


class Turmoil:
    def __init__(self, keep, end):
        self.keep, self.end = keep, end
        self.lock = threading.Lock()
        self.is_open = {}  # volume: which of its openings this is
        self.counts, self.wrong = collections.Counter(), []

    def snapshot(self):
        with self.lock:
            return dict(self.is_open)

    def said_wrongly(self, done):
        line = done.stderr.decode()
        return 'died' in line or 'does not end' in line or 'cannot be made' in line

    def open_and_close(self, name):
        while time.monotonic() < self.end and not self.wrong:
            done = self.keep.run('open', name, f'at-{name}', '--raw', '--passphrase-file', self.keep.phrase)
            if self.said_wrongly(done):
                self.wrong.append(done.stderr)
            if done.returncode != OK:
                continue  # a rival has it
            self.counts['openings'] += 1
            with self.lock:
                self.is_open[name] = self.counts['openings']
            time.sleep(random.random() / 10)
            with self.lock:
                del self.is_open[name]
            if self.said_wrongly(done := self.keep.run('close', name)):
                self.wrong.append(done.stderr)

    def rival(self):
        """Opens what the others do: one of both has it."""
        while time.monotonic() < self.end and not self.wrong:
            name = f'{random.randrange(VOLUMES)}.img'
            done = self.keep.run('open', name, f'rival-{name}', '--raw', '--passphrase-file', self.keep.phrase)
            if done.returncode == OK:
                self.counts['rivals'] += 1
                done = self.keep.run('close', f'rival-{name}')
            if self.said_wrongly(done):
                self.wrong.append(done.stderr)

    def look(self):
        while time.monotonic() < self.end and not self.wrong:
            before = self.snapshot()
            listed = json.loads(self.keep.do('status', '--json'))
            after = self.snapshot()
            found = {each['target'].rsplit('/', 1)[1]: each['state'] for each in listed}
            for name in before:
                if before[name] == after.get(name):
                    self.counts['looks'] += 1
                    if found.get(name) != 'open':
                        self.wrong.append((name, listed))
            self.wrong += [each for each in listed if each['state'] != 'open']


def test_status_lists_what_is_open(keep_program, request):
    with keep_as(keep_program, 'user') as keep:
        for index in range(VOLUMES):
            keep.do('create', f'{index}.img', '--size', '20M', '--fs', 'none', '--passphrase-file', keep.phrase, *CHEAP)
        turmoil = Turmoil(keep, time.monotonic() + request.config.getoption('--minutes') * 60)
        threads = [threading.Thread(target=turmoil.open_and_close, args=(f'{index}.img',)) for index in range(VOLUMES)]
        threads += [threading.Thread(target=turmoil.look) for _ in range(LOOKERS)] + [threading.Thread(target=turmoil.rival)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keep.run('close', '--all')
    assert not turmoil.wrong and turmoil.counts['looks'] > 0, (turmoil.wrong[:3], turmoil.counts)
