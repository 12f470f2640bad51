"""A throw-away machine with Debian's kernel, which has what a container lacks: device mapper, loop, nbd, fuse.

Its root is this machine's own tree, read-only below a layer in memory: what is built or installed here runs there
under the same path, and nothing that it writes stays but what is in the folder /share. The processor is emulated;
KEEPGATE_ACCEL=kvm is faster where that works.
"""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess

META = 'linux-image-amd64'
FIRST_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_rng']
NINE_P = 'trans=virtio,version=9p2000.L,msize=262144'

INIT = f'''#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
fail() {{ echo "machine: $1"; poweroff -f; }}
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev || fail "no system"
for module in $(cat /modules/order); do insmod /modules/$module || fail "$module"; done
mount -t 9p -o ro,cache=loose,{NINE_P} root /below || fail "no root"
mount -t tmpfs -o size=80% tmpfs /above
mkdir /above/tree /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/tree,workdir=/above/work overlay /new || fail "no overlay"
cd /new && mkdir -p proc sys dev run tmp share lib/modules
mount -t 9p -o cache=none,access=client,{NINE_P} share share || fail "no share"
mount --move /proc proc && mount --move /sys sys && mount --move /dev dev
mkdir -p dev/shm dev/pts
mount -t devpts devpts dev/pts
for folder in dev/shm run tmp; do mount -t tmpfs -o size=70% tmpfs $folder; done
mount --bind .@MODULES@ lib/modules || fail "no modules"
exec switch_root /new /bin/sh /share/.begin
'''

# There is no udev, and libdevmapper makes its nodes itself.
BEGIN = '''export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
export DM_DISABLE_UDEV=1
cd /share
for module in loop fuse dm-mod dm-crypt nbd; do modprobe "$module"; done >.output 2>&1
sh -eu .job >>.output 2>&1 </dev/null
echo $? >.status
sync
exec /bin/busybox poweroff -f
'''


class Machine:
    """What boots: unpacked once into a folder that is kept."""

    def __init__(self, cache):
        self.cache = pathlib.Path(cache).resolve()
        self.cache.mkdir(exist_ok=True)
        with open(self.cache / 'lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.cache / 'initramfs').exists():
                self.unpack()
                self.pack_initramfs()
        self.kernel = next(self.cache.glob('tree/boot/vmlinuz-*'))

    def unpack(self):
        """The kernel's package, which is not installed."""
        shown = subprocess.run(['apt-cache', 'depends', META], capture_output=True, text=True, check=True).stdout
        package = re.search(r'Depends: (linux-image-\S+)', shown)[1]
        subprocess.run(['apt-get', 'download', '-q', package], cwd=self.cache, check=True)
        file = next(self.cache.glob('linux-image-*.deb'))
        subprocess.run(['dpkg-deb', '-x', file, self.cache / 'tree'], check=True)
        file.unlink()
        subprocess.run(['depmod', '-b', self.cache / 'tree', self.version()], check=True)

    def version(self):
        return next(self.cache.glob('tree/lib/modules/*')).name

    def pack_initramfs(self):
        """busybox, and the modules that reach this machine's files."""
        top = self.cache / 'initramfs.d'
        shutil.rmtree(top, ignore_errors=True)
        for name in ('bin', 'modules', 'proc', 'sys', 'dev', 'below', 'above', 'new'):
            (top / name).mkdir(parents=True)
        shutil.copy('/bin/busybox', top / 'bin')
        order = []
        for module in FIRST_MODULES:
            shown = subprocess.run(['modprobe', '-d', self.cache / 'tree', '-S', self.version(), '--show-depends',
                                    module], capture_output=True, text=True, check=True).stdout
            for path in re.findall(r'^insmod (\S+)', shown, re.M):
                if (name := pathlib.Path(path).name) not in order:
                    shutil.copy(path, top / 'modules')
                    order.append(name)
        (top / 'modules/order').write_text('\n'.join(order))
        init = top / 'init'
        init.write_text(INIT.replace('@MODULES@', str(self.cache / 'tree/lib/modules')))
        init.chmod(0o755)
        files = '\n'.join(str(path.relative_to(top)) for path in sorted(top.rglob('*')))
        packed = subprocess.run(['cpio', '-o', '-H', 'newc', '--quiet'], input=files.encode(), cwd=top,
                                capture_output=True, check=True).stdout
        part = self.cache / 'initramfs.part'
        part.write_bytes(packed)
        part.rename(self.cache / 'initramfs')

    def command(self, share):
        accelerator = os.environ.get('KEEPGATE_ACCEL', 'tcg,thread=multi')
        folders = []
        for tag, path, more in (('root', '/', ',readonly=on'), ('share', share, '')):
            folders += ['-fsdev', f'local,id={tag},path={path},security_model=none,multidevs=remap{more}',
                        '-device', f'virtio-9p-pci,fsdev={tag},mount_tag={tag}']
        return ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-accel', accelerator,
                '-cpu', 'max', '-smp', '2', '-m', '1536', '-kernel', self.kernel, '-initrd', self.cache / 'initramfs',
                '-append', 'console=ttyS0 quiet panic=-1 random.trust_cpu=on', '-serial', 'stdio',
                '-device', 'virtio-rng-pci', *folders]

    def run(self, script, share, seconds=300):
        """A shell script, as root, which ends with its first failure; what it printed. /share is `share`."""
        share = pathlib.Path(share)
        (share / '.begin').write_text(BEGIN)
        (share / '.job').write_text(script)
        for name in ('.status', '.output'):
            with contextlib.suppress(FileNotFoundError):
                (share / name).unlink()
        done = subprocess.run(self.command(share), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
        if not (share / '.status').exists():
            raise AssertionError('the machine did not come up, or died: ' + (done.stdout + done.stderr).decode()[-3000:])
        output = (share / '.output').read_text(errors='replace')
        status = int((share / '.status').read_text())
        assert status == 0, f'status {status}: {output[-3000:]}'
        return output
