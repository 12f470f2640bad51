#!/usr/bin/env python3
"""Runs every fuzzer of a build folder for some seconds each, as many at a time as there are cores.

    tools/fuzz.py FOLDER SECONDS [NAME ...]

New inputs are kept in FOLDER/corpus/NAME, and what makes a fuzzer fail in FOLDER/findings/NAME-*.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys


def fuzzers(folder):
    """{name: (program, folder of seeds)} as the build files declare them."""
    told = subprocess.run(['meson', 'introspect', '--tests', folder], check=True,
                          capture_output=True, text=True).stdout
    return {test['name'].removeprefix('fuzz-'): test['cmd'][:2]
            for test in json.loads(told) if any(s.endswith('fuzz') for s in test['suite'])}


def run(folder, name, program, seeds, seconds):
    """The last line that the fuzzer printed, and whether it found nothing."""
    corpus, findings = folder / 'corpus' / name, folder / 'findings'
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    log = folder / f'fuzz-{name}.log'
    with open(log, 'wb') as out:
        code = subprocess.run(
            ['nice', program, f'-max_total_time={seconds}', '-timeout=10', '-rss_limit_mb=2048',
             f'-artifact_prefix={findings}/{name}-', '-print_final_stats=1', corpus, seeds],
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False).returncode
    told = log.read_text(errors='replace').splitlines()
    runs = [line.split()[-1] for line in told if line.startswith('stat::number_of_executed')]
    return code == 0, f'{runs[-1] if runs else "no"} inputs', log


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, seconds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    known = fuzzers(folder)
    names = sys.argv[3:] or sorted(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        sys.exit(f'fuzz.py: no such fuzzer: {" ".join(unknown)}; there are: {" ".join(known)}')
    good = True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(run, folder, name, *known[name], seconds): name for name in names}
        for job in concurrent.futures.as_completed(jobs):
            clean, told, log = job.result()
            good &= clean
            print(f'{jobs[job]}: {told}, {"nothing found" if clean else f"FAILED: see {log}"}',
                  flush=True)
    sys.exit(0 if good else 1)


if __name__ == '__main__':
    main()
