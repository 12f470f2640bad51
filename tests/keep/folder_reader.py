"""Reads an encrypted folder from its description, docs/formats/folder.md, alone: an independent second opinion.

    folder_reader.py FOLDER VOLUME_KEY_FILE     lists what is in it, with the SHA-256 of each file
"""
import base64
import hashlib
import json
import os
import pathlib
import stat
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

PAGE, BLOCKS, INLINE = 4096, 63, 3920
CIPHERS = {'aes-256-gcm': AESGCM, 'chacha20-poly1305': ChaCha20Poly1305}
HOLE = bytes(32)


class Damaged(Exception):
    """Something that is not authentic, or breaks the format."""


def decode(text):
    data = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip('=') != text:
        raise Damaged(f'{text}: is not in the canonical form')
    return data


def token_of(header):
    """The token keep-folder of a LUKS2 header, its first copy."""
    size = struct.unpack('>Q', header[8:16])[0]
    metadata = json.loads(header[4096:size].split(b'\0')[0])
    return next(token for token in metadata['tokens'].values() if token['type'] == 'keep-folder')


class Folder:
    def __init__(self, root, volume_key, token=None):
        self.root = pathlib.Path(root)
        token = token or token_of((self.root / 'keep.luks').read_bytes()[:4 << 20])
        assert token['format'] == 1
        self.aead = CIPHERS[token['cipher']]
        self.plain = {'plain': True, 'encrypted': False}[token['names']]
        self.token = token
        self.sivs = [self.keys_of(volume_key)]  # of the new volume key and the one before, while that is replaced
        self.renews = False  # files get new keys too
        if 'previous' in token:
            self.sivs.append(self.keys_of(self.open_previous(volume_key)))

    def key(self, volume_key, purpose):
        words = ['keep-folder 1', purpose, self.token['cipher'], self.token['names']]
        return AESSIV(HKDF(SHA256(), 64, None, '\0'.join(words).encode()).derive(volume_key))

    def open_previous(self, volume_key):
        siv, sealed = self.key(volume_key, 'previous'), base64.b64decode(self.token['previous'])
        try:
            previous = siv.decrypt(sealed, [b'files'])
        except InvalidTag:
            return siv.decrypt(sealed, [])
        self.renews = True
        return previous

    def keys_of(self, volume_key):
        return {purpose: self.key(volume_key, purpose)
                for purpose in ('files', 'names', 'links', 'attributes', 'directories')}

    def open_siv(self, purpose, bound, sealed):
        for siv in self.sivs:
            try:
                return siv[purpose].decrypt(sealed, bound)
            except InvalidTag:
                pass
        raise Damaged(f'{purpose}: not authentic')

    def name_tags(self, purpose, directory, name):
        """The tags of a name: one for each volume key."""
        return [siv[purpose].encrypt(name, [directory])[:16] for siv in self.sivs]

    # Directories and names

    def directory(self, path, tags):
        """The id of a directory; `tags` is None for the root."""
        data = (path / 'keep.dir').read_bytes()
        if len(data) != 96 or data[:16] != b'keepdir\0' + struct.pack('<II', 1, 0):
            raise Damaged(f'{path}: no header of a directory')
        body = self.open_siv('directories', [data[:32]], data[32:])
        count, is_root = struct.unpack('<II', body[:8])
        self.check_bound(path, count, body[16:48], tags, is_root == 1)
        return data[16:32]

    def check_bound(self, path, count, bindings, tags, is_root):
        bound = [bindings[16 * i:16 * i + 16] for i in range(count)]
        if is_root != (tags is None) or is_root != (count == 0) or (tags is not None and not set(tags) & set(bound)):
            raise Damaged(f'{path}: belongs elsewhere')

    def name(self, path, directory, entry):
        """(name, tags) of an entry of a directory; None for what is the folder's own."""
        if entry.startswith(('keep.gone.', 'keep.new.')) or entry in ('keep.luks', 'keep.dir'):
            return None
        if self.plain:
            return entry, self.name_tags('names', directory, os.fsencode(entry))
        if entry.startswith('keep.name.'):
            return None
        sealed = (path / ('keep.name.' + entry[10:])).read_bytes() if entry.startswith('keep.long.') else decode(entry)
        if entry.startswith('keep.long.') and decode(entry[10:]) != sealed[:16]:
            raise Damaged(f'{entry}: another name stands beside it')
        name = self.open_siv('names', [directory], sealed)
        return os.fsdecode(name), self.name_tags('names', directory, name)

    def walk(self, path=None, tags=None, shown=''):
        """(shown path, kind, path on the disk, tags) of everything in the folder."""
        path = path or self.root
        directory = self.directory(path, tags)
        for entry in sorted(os.listdir(path)):
            named = self.name(path, directory, entry)
            if named is None:
                continue
            below, here = path / entry, f'{shown}/{named[0]}'.lstrip('/')
            mode = below.lstat().st_mode
            if stat.S_ISREG(mode) and below.lstat().st_size == 0:
                continue  # an interrupted creation
            yield here, stat.S_IFMT(mode), below, named[1]
            if stat.S_ISDIR(mode):
                yield from self.walk(below, named[1], here)

    def target(self, path, tags):
        sealed = decode(os.readlink(path))
        for tag in tags:
            try:
                return os.fsdecode(self.open_siv('links', [tag], sealed))
            except Damaged:
                pass
        return os.fsdecode(self.open_siv('links', [bytes(16)], sealed))

    def attributes(self, path, owner):
        found = {}
        for disk in os.listxattr(path, follow_symlinks=False):
            if disk.startswith('user.keep.'):
                tag = decode(disk[10:])
                body = self.open_siv('attributes', [owner, tag], os.getxattr(path, disk, follow_symlinks=False))
                name = body[1:1 + body[0]]
                if tag not in self.name_tags('attributes', owner, name):
                    raise Damaged(f'{disk}: has another name')
                found[os.fsdecode(b'user.' + name)] = body[1 + body[0]:]
        return found

    # Files

    def file(self, path, tags):
        return File(self, path, tags)


class File:
    """One file: its header is read and checked, blocks on demand."""

    def __init__(self, folder, path, tags):
        self.folder, self.path, self.keys = folder, path, {}
        self.data = open(path, 'rb')
        page = self.data.read(PAGE)
        if len(page) != PAGE or page[:12] != b'keepfile' + struct.pack('<I', 1):
            raise Damaged(f'{path}: no header')
        self.id = page[16:32]
        self.key = folder.open_siv('files', [page[:12], self.id], page[32:80])
        self.earlier, self.renewed_from = None, 0
        epoch = struct.unpack('<I', page[12:16])[0]
        body = self.open(epoch, page[80:92], page[112:] + page[92:108], page[:80])
        self.size, flags, count = struct.unpack('<QII', body[:16])
        bound = [body[16 + 16 * i:32 + 16 * i] for i in range(count)]
        if bound and tags is not None and not set(tags) & set(bound):
            raise Damaged(f'{path}: belongs elsewhere')
        self.bindings, self.nonces = bound, struct.unpack('<Q', body[48:56])[0]
        self.content = body[64:64 + self.size] if flags & 1 else None
        if flags & 2:
            if not folder.renews:
                raise Damaged(f'{path}: is from the midst of a change of keys')
            self.earlier = folder.open_siv('files', [page[:12], self.id], body[3920:3968])
            self.renewed_from = struct.unpack('<I', body[3968:3972])[0]
        ranges = struct.unpack('<I', body[56:60])[0]
        self.absent = [struct.unpack('<QQ', body[64 + 16 * i:80 + 16 * i]) for i in range(ranges)]

    def open(self, epoch, nonce, sealed, bound):
        if epoch not in self.keys:
            info = b'keep-folder 1\0blocks\0' + struct.pack('<I', epoch)
            key = self.earlier if self.earlier and epoch < self.renewed_from else self.key
            self.keys[epoch] = self.folder.aead(HKDFExpand(SHA256(), 32, info).derive(key))
        try:
            return self.keys[epoch].decrypt(nonce, sealed, bound)
        except InvalidTag as wrong:
            raise Damaged(f'{self.path}: not authentic') from wrong

    def is_absent(self, group):
        return any(first <= group < first + count for first, count in self.absent)

    def tags(self, group):
        """The tag page of a group: bits of unsettled blocks, and for each block its two entries."""
        self.data.seek(PAGE * (1 + 64 * group))
        page = self.data.read(PAGE)
        if len(page) != PAGE:
            raise Damaged(f'{self.path}: group {group} is cut off')
        epoch = struct.unpack('<I', page[:4])[0]
        self.open(epoch, page[4:16], page[16:32], struct.pack('<QQ', group, 2) + page[32:])
        entries = [(page[64 + 64 * i:96 + 64 * i], page[96 + 64 * i:128 + 64 * i]) for i in range(BLOCKS)]
        return struct.unpack('<Q', page[32:40])[0], entries

    def open_block(self, number, entry):
        if entry == HOLE:
            return bytes(PAGE)
        self.data.seek(PAGE * (1 + 64 * (number // BLOCKS) + 1 + number % BLOCKS))
        sealed = self.data.read(PAGE)
        if len(sealed) != PAGE:
            raise Damaged(f'{self.path}: block {number} is cut off')
        return self.open(struct.unpack('<I', entry[:4])[0], entry[4:16], sealed + entry[16:],
                         struct.pack('<QQ', number, 1))

    def block(self, number, unsettled, entries):
        try:
            return self.open_block(number, entries[0])
        except Damaged:
            if not unsettled:
                raise
            return self.open_block(number, entries[1])

    def read(self):
        if self.content is not None:
            return self.content
        blocks = -(-self.size // PAGE)
        parts = []
        for group in range(-(-blocks // BLOCKS)):
            here = range(group * BLOCKS, min(blocks, (group + 1) * BLOCKS))
            if self.is_absent(group):
                parts.append(bytes(PAGE * len(here)))
                continue
            unsettled, entries = self.tags(group)
            parts += [self.block(n, unsettled >> n % BLOCKS & 1, entries[n % BLOCKS]) for n in here]
        return b''.join(parts)[:self.size]


def main():
    folder = Folder(sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes())
    for shown, kind, path, tags in folder.walk():
        if kind == stat.S_IFREG:
            print(hashlib.sha256(folder.file(path, tags).read()).hexdigest(), shown)
        elif kind == stat.S_IFLNK:
            print(shown, '->', folder.target(path, tags))
        else:
            print(shown)


if __name__ == '__main__':
    main()
