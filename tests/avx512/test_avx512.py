"""The rows of crypto for AVX-512 in an emulated processor that has it: Bochs, which starts one program and no system."""
import os
import pathlib
import pty
import re
import subprocess
import threading

HERE = pathlib.Path(__file__).parent
SOURCES = ['native/xts.c', 'native/xts_vaes512.c', 'native/xts_vaes256.c', 'native/xts_aesni.c', 'native/aes_schedule.c',
           'native/gcm_vaes256.c', 'ipsecmb/aead.c', 'aead.c', 'cpu.c']
FLAGS = ['-O2', '-std=gnu2x', '-DHAVE_IPSECMB', '-ffreestanding', '-fno-builtin', '-fno-stack-protector', '-fno-pic', '-fno-pie',
         '-mno-red-zone', '-fcf-protection=none', '-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables',
         '-Wall', '-Wextra', '-Wno-main']
MACHINE = '''display_library: term
cpu: model=corei7_icelake_u, ips=50000000
memory: guest=64, host=64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
port_e9_hack: enabled=1
log: log
panic: action=fatal
error: action=report
info: action=ignore
'''


def build(source, folder):
    objects = []
    for file in [HERE / 'main.c', HERE / 'boot.S', *(source / 'src/crypto' / each for each in SOURCES)]:
        objects.append(folder / (str(file.relative_to(source)).replace('/', '_') + '.o'))
        subprocess.run(['gcc', *FLAGS, f'-I{source}/src', '-c', file, '-o', objects[-1]], check=True)
    library = subprocess.run(['gcc', '-print-file-name=libIPSec_MB.a'], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(['gcc', '-static', '-nostdlib', '-no-pie', f'-Wl,-T,{HERE}/link.ld,--gc-sections,--build-id=none', '-Wl,--no-warn-rwx-segments',
                    '-o', folder / 'program', *objects, library], check=True)


def burn(folder):
    """A disc with a loader that knows multiboot, which is of 32 bits."""
    disc = folder / 'disc'
    disc.mkdir()
    subprocess.run(['objcopy', '-O', 'elf32-i386', '--strip-all', folder / 'program', disc / 'program'], check=True)
    for file in ['ISOLINUX/isolinux.bin', *(f'syslinux/modules/bios/{name}.c32' for name in ('ldlinux', 'mboot', 'libcom32'))]:
        (disc / pathlib.Path(file).name).write_bytes(pathlib.Path('/usr/lib', file).read_bytes())
    (disc / 'isolinux.cfg').write_text('default it\nlabel it\n kernel mboot.c32\n append /program\n')
    subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-o', folder / 'disc.iso', '-b', 'isolinux.bin', '-c', 'boot.cat', '-no-emul-boot',
                    '-boot-load-size', '4', '-boot-info-table', disc], check=True, capture_output=True)


def drain(path):
    """Its screen is a terminal of its own, on which it waits for whoever looks."""
    with open(path, 'rb', buffering=0) as screen:
        try:
            while screen.read(4096):
                pass
        except OSError:
            pass


def emulate(folder, seconds):
    """What it says on its terminal, to the end."""
    (folder / 'machine').write_text(MACHINE)
    (folder / 'commands').write_text('c\nq\n')
    ours, its = pty.openpty()
    process = subprocess.Popen(['bochs', '-f', 'machine', '-rc', 'commands'], cwd=folder, stdin=its, stdout=its, stderr=its,
                               env=dict(os.environ, TERM='xterm', LC_ALL='C'))
    os.close(its)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    said, looking = b'', False
    try:
        while part := os.read(ours, 4096):
            said += part
            if not looking and (screen := re.search(rb'screen "(/dev/pts/\d+)"', said)):
                threading.Thread(target=drain, args=[screen[1]], daemon=True).start()
                looking = True
    except OSError:
        pass
    process.wait()
    timer.cancel()
    os.close(ours)
    return said.decode(errors='replace').replace('\r', '')


def test_the_rows_for_avx_512_are_chosen_and_right(source, tmp_path):
    build(source, tmp_path)
    burn(tmp_path)
    said = emulate(tmp_path, 1800)
    print(said)
    assert 'first engine AVX-512 and VAES\n' in said and 'WRONG' not in said
    tried, wrong = map(int, re.search(r'tried (\d+), wrong (\d+)\nEND\n', said).groups())
    assert tried > 10_000 and wrong == 0
