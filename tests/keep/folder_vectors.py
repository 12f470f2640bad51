"""The test vectors of docs/formats/folder.md, computed from its text alone; prints them as its table has them."""
import base64
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

VOLUME_KEY = bytes(range(64))
DIRECTORY_ID = bytes(range(0xa0, 0xb0))
FILE_ID = bytes(range(0xb0, 0xc0))
FILE_KEY = bytes(range(0xc0, 0xe0))
NONCE = bytes(range(12))
NAME, TARGET, BLOCK = b'letter', b'../a/b', b'x' * 4096


def siv(purpose, bound, text):
    info = b'keep-folder 1\0' + purpose + b'\0aes-256-gcm\0encrypted'
    return AESSIV(HKDF(SHA256(), 64, None, info).derive(VOLUME_KEY)).encrypt(text, bound)


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip('=')


def block_key(epoch):
    return HKDFExpand(SHA256(), 32, b'keep-folder 1\0blocks\0' + struct.pack('<I', epoch)).derive(FILE_KEY)


def vectors():
    tag = siv(b'names', [DIRECTORY_ID], NAME)[:16]
    head = b'keepdir\0' + struct.pack('<II', 1, 0) + DIRECTORY_ID
    body = struct.pack('<II8x', 1, 0) + tag + bytes(16)
    start = b'keepfile' + struct.pack('<I', 1)
    sealed = AESGCM(block_key(0)).encrypt(NONCE, BLOCK, struct.pack('<QQ', 5, 1))
    later = AESGCM(block_key(1)).encrypt(NONCE, BLOCK, struct.pack('<QQ', 5, 1))
    return {
        '`letter` on the disk': base64url(siv(b'names', [DIRECTORY_ID], NAME)),
        'its tag': tag.hex(),
        'a link `letter` to `../a/b`': base64url(siv(b'links', [tag], TARGET)),
        '`keep.dir`, bound to that tag: bytes 32 to 95': siv(b'directories', [head], body).hex(),
        'the file key, wrapped': siv(b'files', [start, FILE_ID], FILE_KEY).hex(),
        'tag of block 5 in epoch 0': sealed[-16:].hex(),
        'tag of block 5 in epoch 1': later[-16:].hex(),
        'its first 16 bytes in epoch 0': sealed[:16].hex(),
    }


if __name__ == '__main__':
    for what, value in vectors().items():
        print(f'| {what} | `{value}` |')
