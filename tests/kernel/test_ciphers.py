"""dm-crypt and keep give the same bytes, with ciphers that the kernel of a container seldom has."""
import pytest

# The cipher, the bits of its key, the size of sectors, and more words.
ROWS = [
    *[f'{name}-lrw-benbi 384 512' for name in ('aes', 'serpent', 'twofish', 'camellia')],
    'aes-lrw-plain64 256 4096',
    *[f'{name}-xts-plain64 512 4096 --iv-large-sectors' for name in ('aes', 'serpent', 'twofish', 'camellia')],
    'aes-xts-benbi 512 512', 'aes-xts-null 256 512', 'serpent-xts-plain64be 512 512', 'aes-xts-essiv:sha256 512 512',
    'camellia-cbc-plain64be 192 512', 'twofish-cbc-essiv:sha256 256 4096', 'serpent-cbc-benbi 256 2048',
    'aes-cbc-eboiv 256 512', 'aes-cbc-eboiv 128 4096 --iv-large-sectors', 'aes-cbc-null 256 512', 'serpent-ecb 256 512',
    'blowfish-cbc-plain64 256 512', 'blowfish-cbc-essiv:sha256 448 512', 'blowfish-cbc-benbi 128 512',
    'blowfish-ecb 256 512', 'cast5-cbc-plain 128 512', 'cast5-cbc-plain64be 128 4096', 'des3_ede-cbc-plain64 192 512',
    'des3_ede-cbc-eboiv 192 512',
    'xchacha12,aes-adiantum-plain64 256 512', 'xchacha12,aes-adiantum-plain64 256 4096',
    'xchacha20,aes-adiantum-plain64 256 4096 --iv-large-sectors', 'xchacha20,aes-adiantum-plain 256 512',
    'capi:xts(aes)-plain64 512 512', 'capi:essiv(cbc(aes),sha256)-plain64 256 512', 'capi:adiantum(xchacha12,aes)-plain64 256 512',
]


@pytest.mark.parametrize('skip', [0, (1 << 32) - 1024])
def test_plain_volumes(inside, skip):
    rows = '\n'.join(ROWS)
    inside(f'''
head -c 1M /dev/urandom >image
while read -r cipher bits sector more; do
    head -c $((bits / 8)) /dev/urandom >key
    words="--cipher $cipher --key-size $bits --sector-size $sector --skip {skip} --key-file key $more"
    cryptsetup open --type plain $words image v
    head -c 1M /dev/urandom >data
    dd if=data of=/dev/mapper/v bs=64k conv=fsync 2>/dev/null
    cryptsetup close v
    "$KEEP" open --type plain $words image m --raw
    cmp m/volume data
    head -c 1M /dev/urandom >data
    dd if=data of=m/volume bs=100000 conv=notrunc,fsync 2>/dev/null
    "$KEEP" close m
    cryptsetup open --type plain $words image v
    cmp /dev/mapper/v data
    cryptsetup close v
    echo "$cipher $bits $sector $more"
done <<ROWS
{rows}
ROWS
''', seconds=1200)
