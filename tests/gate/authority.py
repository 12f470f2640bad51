"""Certificates for tests: an authority with what it has signed, and another one."""
import datetime
import subprocess

CONFIGURATION = '''
[ca]
default_ca = one
[one]
dir = .
database = index
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
default_crl_days = 2
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
organizationName = optional
'''


class Authority:
    """In a folder: ca.pem, ca.crl, and NAME.pem with NAME.key of good, expired, revoked, stranger (another authority's)."""

    def __init__(self, folder):
        self.folder = folder
        (folder / 'conf').write_text(CONFIGURATION)
        (folder / 'index').write_text('')
        (folder / 'serial').write_text('1000\n')
        for name in 'ca', 'other':
            self.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                         '-subj', f'/CN={name}', '-keyout', f'{name}.key', '-out', f'{name}.pem')
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=36)
        lasts = ('-enddate', f'{end:%Y%m%d%H%M%SZ}')
        self.sign('good', *lasts)
        self.sign('expired', '-startdate', '20200101000000Z', '-enddate', '20200102000000Z')
        self.sign('revoked', *lasts)
        self.sign('stranger', *lasts, '-cert', 'other.pem', '-keyfile', 'other.key')
        self.openssl('ca', '-config', 'conf', '-revoke', 'revoked.pem')
        self.openssl('ca', '-config', 'conf', '-gencrl', '-out', 'ca.crl')
        self.openssl('ec', '-in', 'good.key', '-aes128', '-passout', 'pass:the second', '-out', 'locked.key')
        (folder / 'phrases').write_text('the first\n\nthe second\nthe third\n')

    def openssl(self, *words):
        subprocess.run(['openssl', *words], cwd=self.folder, check=True, capture_output=True)

    def sign(self, name, *how):
        self.openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/O=Somebody, and others/CN={name}',
                     '-addext', 'subjectAltName=DNS:localhost', '-keyout', f'{name}.key', '-out', f'{name}.csr')
        self.openssl('ca', '-batch', '-config', 'conf', '-notext', '-in', f'{name}.csr', '-out', f'{name}.pem', *how)

    def __truediv__(self, name):
        return self.folder / name
