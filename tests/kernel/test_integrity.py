"""Linux's dm-crypt above dm-integrity and keep read what the other wrote, also after either was stopped in the midst."""
import pytest

# The words of cryptsetup's --integrity and --cipher, and the bits of the key.
KINDS = [('hmac-sha256', 'aes-xts-plain64', 512), ('hmac-sha1', 'serpent-xts-plain64', 256),
         ('hmac-sha512', 'aes-cbc-plain64', 256), ('aead', 'aes-gcm-random', 256), ('aead', 'aes-gcm-random', 128),
         ('poly1305', 'chacha20-random', 256), ('aead', 'aegis128-random', 128)]

FORMAT = '''
modprobe dm-integrity
format() {  # SECTOR INTEGRITY CIPHER BITS
    truncate -s 8M v.img
    key=$4
    cryptsetup luksFormat -q --type luks2 --luks2-metadata-size 16k --luks2-keyslots-size 512k --offset 2048 \
        --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --sector-size $1 --integrity $2 --cipher $3 --key-size $4 \
        --key-file $PHRASE v.img >/dev/null 2>&1
}
'''


@pytest.mark.parametrize('sector', [512, 4096])
def test_each_kind_goes_back_and_forth(inside, sector):
    rows = '\n'.join(' '.join(map(str, kind)) for kind in KINDS)
    inside(FORMAT + f'''
try() {{
    format {sector} "$@"
    cryptsetup open --key-file $PHRASE v.img v
    head -c 3M /dev/urandom >data
    dd if=data of=/dev/mapper/v bs=64k conv=fsync 2>/dev/null
    cryptsetup close v
    "$KEEP" cat v.img --passphrase-file $PHRASE --length 3M | cmp - data
    "$KEEP" open v.img m --raw --passphrase-file $PHRASE
    head -c 3M /dev/urandom >data
    dd if=data of=m/volume bs=100000 conv=notrunc,fsync 2>/dev/null
    "$KEEP" close m
    cryptsetup open --key-file $PHRASE v.img v
    head -c 3M /dev/mapper/v | cmp - data
    cryptsetup close v
    echo "$@"
    rm v.img
}}
while read -r row; do
    try $row
done <<ROWS
{rows}
ROWS
''', seconds=1200)


def test_the_journal_of_the_other_is_replayed(inside):
    inside(FORMAT + '''
format 4096 hmac-sha256 aes-xts-plain64 512
cryptsetup open --key-file $PHRASE v.img v
for turn in 1 2 3 4 5 6; do
    head -c 300k /dev/urandom >data$turn
    dd if=data$turn of=/dev/mapper/v bs=4k seek=$((turn * 50)) conv=fsync 2>/dev/null
    cp v.img copy$turn.img
done
cryptsetup close v
for turn in 1 2 3 4 5 6; do
    "$KEEP" cat copy$turn.img --passphrase-file $PHRASE --offset $((turn * 204800)) --length 300K | cmp - data$turn
    "$KEEP" open copy$turn.img m --raw --passphrase-file $PHRASE
    dd if=m/volume bs=4k skip=$((turn * 50)) count=75 2>/dev/null | cmp - data$turn
    "$KEEP" close m
    cryptsetup open --key-file $PHRASE copy$turn.img v
    dd if=/dev/mapper/v bs=4k skip=$((turn * 50)) count=75 2>/dev/null | cmp - data$turn
    cryptsetup close v
done
for turn in 1 2 3 4 5 6; do
    "$KEEP" open v.img m --raw --foreground --passphrase-file $PHRASE &
    keep=$!
    while test ! -e m/volume; do sleep 0.2; done
    head -c 300k /dev/urandom >data$turn
    dd if=data$turn of=m/volume bs=4k seek=$((turn * 60)) conv=notrunc,fsync 2>/dev/null
    kill -9 $keep
    wait $keep || true
    "$KEEP" close m >/dev/null 2>&1 || true
    cryptsetup open --key-file $PHRASE v.img v
    dd if=/dev/mapper/v bs=4k skip=$((turn * 60)) count=75 2>/dev/null | cmp - data$turn
    dd if=/dev/mapper/v of=/dev/null bs=64k 2>/dev/null
    cryptsetup close v
done
''', seconds=1200)


def test_what_keep_makes_is_opened_by_the_kernel(inside):
    rows = '\n'.join(['--integrity hmac-sha256', '--integrity hmac-sha512 --sector-size 512',
                      '--integrity hmac-sha1 --cipher serpent-cbc-plain64', '--integrity aead',
                      '--integrity aead --cipher aegis128-random --sector-size 512', '--integrity poly1305'])
    inside(f'''
modprobe dm-integrity
mkdir -p k
while read -r row; do
    "$KEEP" create v.img --size 24M $row --passphrase-file $PHRASE $CHEAP
    cryptsetup open --key-file $PHRASE v.img v
    test "$(blockdev --getsize64 /dev/mapper/v)" = "$("$KEEP" cat v.img --passphrase-file $PHRASE | wc -c)"
    dd if=/dev/mapper/v of=/dev/null bs=64k 2>/dev/null
    mount /dev/mapper/v k
    head -c 1M /dev/urandom >k/file
    sha256sum k/file | cut -c1-64 >sum
    umount k
    cryptsetup close v
    "$KEEP" open v.img m --passphrase-file $PHRASE
    test "$(sha256sum m/file | cut -c1-64)" = "$(cat sum)"
    "$KEEP" close m
    echo "$row"
    rm v.img
done <<ROWS
{rows}
ROWS
''', seconds=1200)
