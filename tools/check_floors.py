#!/usr/bin/env python3
"""Reads the includes of src/ and says who includes whom against the rules of the house.

    tools/check_floors.py [SOURCE]

1. Includes are written from src/ and go down only; floors of one height do not know each other.
2. Rooms (src/FLOOR/ROOM) do not know the corridor: no header that stands in src/FLOOR itself.
3. Rooms of a floor do not include each other in a circle.
4. A foreign library has one room.
"""
import pathlib
import re
import sys

# Height of each floor; those of one height are strangers.
FLOORS = {'base': 0, 'codec': 1, 'crypto': 2, 'io': 2, 'vault': 3, 'keep': 4, 'gate': 4}

# Floors whose own files are the corridor: they know the rooms, and no room knows them.
CORRIDORS = {'vault', 'keep', 'gate'}

# Whose headers may be included where (any of these folders or files, below src/).
FOREIGN = {
    'openssl/': ['crypto/openssl', 'gate/tls'],
    'argon2.h': ['crypto/argon2'],
    'gcrypt.h': ['crypto/gcrypt'],
    'intel-ipsec-mb.h': ['crypto/ipsecmb'],
    'json-c/': ['codec'],
    'pcre2.h': ['gate/conf'],
    'zlib.h': ['gate/compress'],
    'isa-l/': ['gate/compress'],
    'blkid/': ['io', 'keep'],
    'ares.h': ['io/ares'],
    'cmocka.h': ['base/test/check.h'],
    'sys/epoll.h': ['io'],
    'linux/fuse.h': ['keep/mount'],
    'liburing.h': ['keep/mount'],
    'linux/loop.h': ['keep/mount'],
    'libdevmapper.h': ['keep/mount'],
}
# Of these, one file alone, wherever in its folder it stands.
ONE_FILE = ['blkid/']

# libc and the kernel: free for all.
SYSTEM = re.compile(r'''(sys|netinet|arpa|net|linux|asm)/[a-z0-9_/-]+\.h$|(
    aio|assert|byteswap|cpuid|crypt|ctype|dirent|dlfcn|endian|err|errno|fcntl|fnmatch|getopt|glob|grp|
    ifaddrs|emmintrin|immintrin|inttypes|langinfo|libgen|limits|locale|malloc|math|mntent|netdb|poll|
    pthread|pwd|
    sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|
    stdlib|string|strings|syslog|termios|threads|time|uchar|unistd|wchar|wctype|x86intrin|arm_acle
    )\.h$''', re.X)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


class Tree:
    """The sources below one folder, and what is wrong with their includes."""

    def __init__(self, source):
        self.source = pathlib.Path(source)
        self.wrong = []
        self.rooms = {}    # floor/room -> rooms that it includes -> where
        self.alone = {}    # foreign library that wants one file -> files that include it

    def check(self):
        for path in sorted(self.source.rglob('*.[ch]')):
            file = path.relative_to(self.source).as_posix()
            text = path.read_text()
            for match in INCLUDE.finditer(text):
                line = text.count('\n', 0, match.start()) + 1
                self.include(file, f'{file}:{line}', match[1] == '<', match[2])
        self.circles()
        for library, files in self.alone.items():
            if len(files) > 1:
                self.wrong.append(f'{library} is included by more than one file: {", ".join(sorted(files))}')
        return self.wrong

    def include(self, file, place, is_foreign, name):
        if file.split('/')[0] not in FLOORS:
            self.wrong.append(f'{place}: stands on no floor')
        elif is_foreign:
            self.foreign(file, place, name)
        elif not (self.source / name).is_file() or '..' in name:
            self.wrong.append(f'{place}: "{name}" is no path from src/')
        else:
            self.own(file, place, name)

    def foreign(self, file, place, name):
        for prefix, homes in FOREIGN.items():
            if name.startswith(prefix):
                if not any(file == home or file.startswith(home + '/') for home in homes):
                    self.wrong.append(f'{place}: <{name}> belongs in {" or ".join(homes)}')
                if prefix in ONE_FILE:
                    self.alone.setdefault(prefix, set()).add(file)
                return
        if not SYSTEM.match(name):
            self.wrong.append(f'{place}: <{name}> has no room yet: name it in tools/check_floors.py')

    def own(self, file, place, name):
        at, to = file.split('/'), name.split('/')
        floor, below = at[0], to[0]
        if 'test' in to[:-1] and name != 'base/test/check.h' and 'test' not in at[:-1]:
            self.wrong.append(f'{place}: "{name}" is for tests')
        if floor != below:
            if FLOORS[below] >= FLOORS[floor]:
                self.wrong.append(f'{place}: {floor} does not know {below} ("{name}")')
            return
        room, other = room_of(at), room_of(to)
        if room and not other and floor in CORRIDORS:
            self.wrong.append(f'{place}: {room} is a room and does not know the corridor ("{name}")')
        if room and other and room != other:
            self.rooms.setdefault(room, {}).setdefault(other, place)

    def circles(self):
        done = set()

        def visit(room, way):
            if room in way:
                circle = way[way.index(room):] + [room]
                self.wrong.append(f'{self.rooms[circle[0]][circle[1]]}: rooms in a circle: ' +
                                  ' -> '.join(circle))
                return
            if room not in done:
                for other in sorted(self.rooms.get(room, ())):
                    visit(other, way + [room])
                done.add(room)

        for room in sorted(self.rooms):
            visit(room, [])


def room_of(parts):
    """floor/room of a path that is split at its slashes; None in the corridor."""
    inner = [part for part in parts[1:-1] if part not in ('test', 'fuzz')]
    return f'{parts[0]}/{inner[0]}' if inner else None


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / 'src'
    wrong = Tree(sys.argv[1] if len(sys.argv) > 1 else default).check()
    for each in wrong:
        print(each)
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
