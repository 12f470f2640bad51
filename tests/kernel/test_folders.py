"""Encrypted folders on Linux's own file systems for sticks and disks, which a container may lack."""
import re

import pytest

from places import BUILD, SOURCE

LITTLE = re.search("^LITTLE = '''(.*?)'''", (SOURCE / 'tests' / 'keep' / 'test_folder_places.py').read_text(), re.M | re.S)[1]


@pytest.mark.parametrize('fs', ['vfat', 'exfat'])
def test_a_stick_that_can_little(inside, fs):
    inside(f'''
modprobe {fs}
truncate -s 100M image
mkfs.{fs} image >/dev/null
mkdir stick
mount -o loop image stick
"$KEEP" create --type folder stick/f --passphrase-file $PHRASE $CHEAP
"$KEEP" open stick/f m --passphrase-file $PHRASE
cat >little <<'END'
{LITTLE}
END
/usr/bin/python3 little m
{BUILD}/tests/keep/posix/fsx m/fsx 2000 1 200000
"$KEEP" close m
"$KEEP" check stick/f --passphrase-file $PHRASE
"$KEEP" reencrypt stick/f --passphrase-file $PHRASE --yes
"$KEEP" open stick/f m --passphrase-file $PHRASE
test "$(head -c 10 m/empty/5000 | od -An -tx1 | tr -d ' ')" = 0a0a0a0a0a0a0a0a0a0a
"$KEEP" close m
mkdir -p stick/plain/d
head -c 100000 /dev/urandom >stick/plain/d/file
sum=$(sha256sum <stick/plain/d/file)
"$KEEP" encrypt stick/plain --passphrase-file $PHRASE $CHEAP --yes
test "$("$KEEP" cat stick/plain d/file --passphrase-file $PHRASE | sha256sum)" = "$sum"
umount stick
''')
