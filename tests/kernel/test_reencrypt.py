"""What is in the midst of being changed, as a real kernel maps it: several pieces, under one name."""

BEGIN = '''
dd if=/dev/urandom of=plain bs=1M count=20 status=none
sum=$(sha256sum < plain)
cp plain v.img
same() { test "$1" = "$sum" || { echo "$2: other data"; exit 1; }; }
'''


def test_the_kernel_goes_on_with_an_encryption_that_keep_began(inside):
    inside(BEGIN + '''
$KEEP encrypt v.img --passphrase-file $PHRASE $CHEAP --init-only
loop=$(losetup -f --show v.img)
cryptsetup open --key-file $PHRASE $loop midst
same "$(head -c 20M /dev/mapper/midst | sha256sum)" "mapped in the midst"
cryptsetup reencrypt --resume-only -q --key-file $PHRASE --active-name midst
same "$(head -c 20M /dev/mapper/midst | sha256sum)" "encrypted online"
cryptsetup close midst
losetup -d $loop
same "$($KEEP cat v.img --passphrase-file $PHRASE | head -c 20M | sha256sum)" "read by keep"
''')


def test_keep_goes_on_with_a_reencryption_that_the_kernel_began(inside):
    inside(BEGIN + '''
$KEEP encrypt v.img --passphrase-file $PHRASE $CHEAP
loop=$(losetup -f --show v.img)
cryptsetup open --key-file $PHRASE $loop midst
cryptsetup reencrypt -q --key-file $PHRASE --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --init-only --active-name midst
cryptsetup close midst
losetup -d $loop
same "$($KEEP cat v.img --passphrase-file $PHRASE | head -c 20M | sha256sum)" "read by keep in the midst"
$KEEP reencrypt v.img --passphrase-file $PHRASE
same "$($KEEP cat v.img --passphrase-file $PHRASE | head -c 20M | sha256sum)" "ended by keep"
''')
