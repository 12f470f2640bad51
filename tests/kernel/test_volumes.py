"""Linux's dm-crypt opens what keep wrote, and keep what dm-crypt wrote; nbd-client mounts what keep serves."""
import pytest

# What dm-crypt is asked for: LUKS version, cipher, bits of its key, bytes of a sector.
CIPHERS = [(1, 'aes-xts-plain64', 512, 512), (1, 'aes-cbc-essiv:sha256', 256, 512), (1, 'aes-cbc-plain', 128, 512),
           (2, 'aes-xts-plain64', 256, 512), (2, 'aes-xts-plain64', 512, 4096), (2, 'aes-cbc-benbi', 256, 512),
           (2, 'aes-cbc-essiv:sha256', 256, 4096), (2, 'serpent-xts-plain64', 512, 4096),
           (2, 'twofish-cbc-plain64', 256, 512), (2, 'camellia-xts-plain64', 512, 512)]


@pytest.mark.parametrize('sector', [512, 4096])
def test_a_file_system_goes_back_and_forth(inside, sector):
    inside(f'''
"$KEEP" create v.img --size 40M --sector-size {sector} --passphrase-file $PHRASE $CHEAP
"$KEEP" open v.img m --passphrase-file $PHRASE
head -c 5000000 /dev/urandom >m/ours
sha256sum m/ours | cut -c1-64 >ours
"$KEEP" close m
cryptsetup open --key-file $PHRASE v.img v
mkdir -p k
mount /dev/mapper/v k
test "$(sha256sum k/ours | cut -c1-64)" = "$(cat ours)"
head -c 3000000 /dev/urandom >k/theirs
sha256sum k/theirs | cut -c1-64 >theirs
umount k
cryptsetup close v
"$KEEP" open v.img m --passphrase-file $PHRASE
test "$(sha256sum m/ours | cut -c1-64)" = "$(cat ours)"
test "$(sha256sum m/theirs | cut -c1-64)" = "$(cat theirs)"
"$KEEP" close m
''')


@pytest.mark.parametrize('sector', [512, 4096])
@pytest.mark.parametrize('fs, size, check', [('ext4', '40M', 'e2fsck -f -n'), ('xfs', '330M', 'xfs_repair -n'),
                                             ('btrfs', '140M', 'btrfs check'), ('vfat', '40M', 'fsck.vfat -n')])
def test_a_file_system_of_each_kind_on_dm_crypt(inside, fs, size, check, sector):
    inside(f'''
modprobe {fs}
"$KEEP" create v.img --fs {fs} --size {size} --sector-size {sector} --passphrase-file $PHRASE $CHEAP
"$KEEP" open v.img m --passphrase-file $PHRASE
head -c 3000000 /dev/urandom >m/ours
sha256sum m/ours | cut -c1-64 >ours
"$KEEP" close m
cryptsetup open --key-file $PHRASE v.img v
test "$(blockdev --getss /dev/mapper/v)" = {sector}
{check} /dev/mapper/v
mkdir -p k
mount /dev/mapper/v k
test "$(sha256sum k/ours | cut -c1-64)" = "$(cat ours)"
umount k
cryptsetup close v
''')


def test_an_open_volume_grows_with_its_ext4(inside):
    inside('''
"$KEEP" create v.img --size 40M --passphrase-file $PHRASE $CHEAP
"$KEEP" open v.img m --passphrase-file $PHRASE
head -c 9000000 /dev/urandom >m/ours
sha256sum m/ours | cut -c1-64 >ours
"$KEEP" resize v.img --size +80M --grow-fs
test "$(df -m m | tail -1 | awk '{print $2}')" -gt 80
head -c 60M /dev/urandom >m/more
sync
test "$(sha256sum m/ours | cut -c1-64)" = "$(cat ours)"
"$KEEP" close m
cryptsetup open --key-file $PHRASE v.img v
e2fsck -f -n /dev/mapper/v
cryptsetup close v
''')


@pytest.mark.parametrize('where', ['file', 'device'])
def test_a_mapping_gets_another_size(inside, where):
    inside(f'''
case {where} in
file) target=v.img ;;
device) truncate -s 64M v.img; target=$(losetup -f --show v.img) ;;
esac
"$KEEP" create $target --size 64M --fs none --yes --passphrase-file $PHRASE $CHEAP
"$KEEP" open $target --kernel v --passphrase-file $PHRASE --allow-discard
test "$(blockdev --getsize64 /dev/mapper/v)" = $((48 << 20))
mkfs.ext4 -q /dev/mapper/v
mkdir k
mount /dev/mapper/v k
head -c 20M /dev/urandom >k/ours
sum=$(sha256sum <k/ours)
case {where} in
file) "$KEEP" resize v.img --size +32M --passphrase-file $PHRASE ;;
device) truncate -s 96M v.img; losetup -c $target; "$KEEP" resize v --passphrase-file $PHRASE ;;
esac
test "$(blockdev --getsize64 /dev/mapper/v)" = $((80 << 20))
dmsetup table v | grep -q allow_discards
resize2fs /dev/mapper/v
head -c 30M /dev/urandom >k/more
sync
test "$sum" = "$(sha256sum <k/ours)"
umount k
e2fsck -f -n /dev/mapper/v
case {where} in
file)
    ! "$KEEP" resize v.img --size -8M --passphrase-file $PHRASE
    e2fsck -f -p /dev/mapper/v
    resize2fs /dev/mapper/v 60M
    "$KEEP" resize v.img --size -8M --passphrase-file $PHRASE
    test "$(blockdev --getsize64 /dev/mapper/v)" = $((72 << 20))
    test "$(stat -c %s v.img)" = $((88 << 20))
    e2fsck -f -n /dev/mapper/v ;;
esac
"$KEEP" close v
cryptsetup open --key-file $PHRASE $target v
e2fsck -f -n /dev/mapper/v
cryptsetup close v
''')


def test_every_cipher_gives_the_bytes_of_dm_crypt(inside):
    rows = '\n'.join(' '.join(map(str, row)) for row in CIPHERS)
    inside(f'''
while read -r version cipher bits sector; do
    echo $version $cipher $bits $sector
    truncate -s 20M v.img
    case $version in
    1) costs="" ;;
    2) costs="--pbkdf pbkdf2 --sector-size $sector" ;;
    esac
    cryptsetup luksFormat -q --type luks$version --cipher $cipher --key-size $bits $costs \
        --pbkdf-force-iterations 1000 --key-file $PHRASE v.img
    cryptsetup open --key-file $PHRASE v.img v
    head -c 1M /dev/urandom >data
    dd if=data of=/dev/mapper/v bs=1M oflag=direct conv=fsync 2>/dev/null
    cryptsetup close v
    "$KEEP" cat v.img --passphrase-file $PHRASE --length 1M | cmp - data
    "$KEEP" open v.img m --raw --passphrase-file $PHRASE
    head -c 1M /dev/urandom >data
    dd if=data of=m/volume bs=100000 conv=notrunc,fsync 2>/dev/null
    "$KEEP" close m
    cryptsetup open --key-file $PHRASE v.img v
    head -c 1M /dev/mapper/v | cmp - data
    cryptsetup close v
    rm v.img
done <<ROWS
{rows}
ROWS
''', seconds=900)


def test_nbd_client_mounts_what_keep_serves(inside):
    inside('''
"$KEEP" create v.img --size 40M --passphrase-file $PHRASE $CHEAP
"$KEEP" open v.img --nbd s --passphrase-file $PHRASE --allow-discard
nbd-client -unix /tmp/s /dev/nbd0 -C 2
mkdir -p n
mount -o discard /dev/nbd0 n
head -c 5000000 /dev/urandom >n/file
sha256sum n/file | cut -c1-64 >sum
fstrim n
umount n
nbd-client -d /dev/nbd0
for i in $(seq 50); do "$KEEP" close v.img && break; sleep 0.1; done
"$KEEP" open v.img m --passphrase-file $PHRASE
test "$(sha256sum m/file | cut -c1-64)" = "$(cat sum)"
"$KEEP" close m
''')


@pytest.mark.parametrize('options', ['', '--sector-size 512 --allow-discard', '--read-only'])
def test_the_kernel_gets_the_key_from_keep(inside, options):
    create = options if 'sector' in options else ''
    opened = options.replace('--sector-size 512', '')
    inside(f'''
"$KEEP" create v.img --size 40M {create.replace('--allow-discard', '')} --passphrase-file $PHRASE $CHEAP
"$KEEP" open v.img m --passphrase-file $PHRASE
head -c 3000000 /dev/urandom >m/file
sha256sum m/file | cut -c1-64 >sum
"$KEEP" close --all
"$KEEP" open v.img --kernel fast {opened} --passphrase-file $PHRASE
dmsetup table --showkeys fast
dmsetup table --showkeys fast | grep ':logon:keepgate:'
cryptsetup status fast | grep 'type: *LUKS2'
"$KEEP" status --json | grep '"content":"kernel"'
"$KEEP" open v.img m --passphrase-file $PHRASE 2>said && exit 1
grep 'already open' said
mkdir -p k
mount {'-o ro' if 'read-only' in options else ''} /dev/mapper/fast k
test "$(sha256sum k/file | cut -c1-64)" = "$(cat sum)"
"$KEEP" close fast 2>said && exit 1
grep 'still in use' said
umount k
"$KEEP" close fast
test ! -e /dev/mapper/fast
test "$("$KEEP" status)" = ""
"$KEEP" open v.img --kernel again --passphrase-file $PHRASE
dmsetup remove again
test "$("$KEEP" status)" = ""
"$KEEP" open v.img m --passphrase-file $PHRASE
"$KEEP" close v.img
cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 --key-file $PHRASE v.img
loop=$(losetup -f --show v.img)
"$KEEP" open $loop --kernel fast --passphrase-file $PHRASE
cryptsetup status fast | grep 'type: *LUKS1'
"$KEEP" close /dev/mapper/fast
''')


def test_luks1_and_its_conversion_open_in_the_kernel(inside):
    inside('''
"$KEEP" create v.img --luks1 --size 24M --passphrase-file $PHRASE --kdf-iterations 1000
"$KEEP" open v.img m --passphrase-file $PHRASE
head -c 1000000 /dev/urandom >m/file
sha256sum m/file | cut -c1-64 >sum
"$KEEP" close m
mkdir -p k
for kind in luks1 luks2 luks1; do
    "$KEEP" convert v.img --to $kind --yes 2>/dev/null || test $kind = luks1
    cryptsetup open --type $kind --key-file $PHRASE v.img v
    mount /dev/mapper/v k
    test "$(sha256sum k/file | cut -c1-64)" = "$(cat sum)"
    umount k
    cryptsetup close v
done
"$KEEP" resize v.img --size +8M --grow-fs --passphrase-file $PHRASE
cryptsetup open --key-file $PHRASE v.img v
mount /dev/mapper/v k
test "$(sha256sum k/file | cut -c1-64)" = "$(cat sum)"
umount k
cryptsetup close v
''')
