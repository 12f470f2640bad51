"""Where a key lies in the memory of a process: itself, and what AES expands it to."""
import re

PIECE = 16


def multiplied(a, b):
    """In GF(2^8), as FIPS 197 has it."""
    product = 0
    while b:
        product ^= a * (b & 1)
        a, b = a << 1 ^ 0x11b * (a >> 7), b >> 1
    return product


def substitutes():
    """The S-box: each inverse, as power of 3, with four turns of itself and a constant."""
    powers = [1]
    while len(powers) < 255:
        powers.append(multiplied(powers[-1], 3))
    inverses = {0: 0, **{power: powers[-i % 255] for i, power in enumerate(powers)}}
    for value in range(256):
        of = 0x63
        for turn in range(5):
            of ^= (inverses[value] << turn | inverses[value] >> (8 - turn)) & 0xff
        yield of


SBOX = bytes(substitutes())


def round_keys(key):
    """FIPS 197, section 5.2."""
    words, long, constant = [key[i:i + 4] for i in range(0, len(key), 4)], len(key) // 4, 1
    for i in range(long, 4 * (long + 7)):
        word = words[-1]
        if i % long == 0:
            word = bytes(SBOX[each] for each in word[1:] + word[:1])
            word, constant = bytes([word[0] ^ constant]) + word[1:], multiplied(constant, 2)
        elif long > 6 and i % long == 4:
            word = bytes(SBOX[each] for each in word)
        words.append(bytes(a ^ b for a, b in zip(words[i - long], word)))
    return [b''.join(words[i:i + 4]) for i in range(0, len(words), 4)]


def inverted(piece):
    """A round key as decryption has it: InvMixColumns."""
    turn = (14, 11, 13, 9)
    out = bytearray()
    for column in range(0, PIECE, 4):
        for row in range(4):
            value = 0
            for i in range(4):
                value ^= multiplied(piece[column + i], turn[(i - row) % 4])
            out.append(value)
    return bytes(out)


def traces(*keys):
    """Pieces of 16 bytes that say a key."""
    found = set()
    for key in keys:
        found |= {key[i:i + PIECE] for i in range(0, len(key) - PIECE + 1, PIECE)}
        if len(key) in (16, 24, 32):
            schedule = round_keys(key)
            found |= {*schedule, *(inverted(piece) for piece in schedule[1:-1])}
    return found


def mappings(process, kept=()):
    """(name, flags, bytes) of each writable mapping that root can read, but for those with all of these flags."""
    with open(process / 'mem', 'rb', 0) as memory:
        for part in re.split(r'\n(?=[0-9a-f]+-)', (process / 'smaps').read_text()):
            start, end, name = re.match(r'(\w+)-(\w+) \S+ \S+ \S+ \S+ *(.*)', part).groups()
            flags = set(re.search('VmFlags:(.*)', part)[1].split())
            if 'wr' not in flags or kept and flags >= set(kept):
                continue
            try:
                memory.seek(int(start, 16))
                yield name, flags, memory.read(int(end, 16) - int(start, 16))
            except (OSError, ValueError, OverflowError):
                continue  # memfd_secret(2), and what the kernel keeps for itself


def open_places(process, keys, kept):
    """Where traces of keys lie in mappings without all of these flags of smaps: 'lo' locked, 'dd' not in core dumps."""
    wanted = traces(*keys)
    return [(name, offset) for name, _, content in mappings(process, kept)
            for offset in (content.find(trace) for trace in wanted) if offset >= 0]
