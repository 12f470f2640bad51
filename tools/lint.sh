#!/bin/sh
# The sources: their format, and who includes whom. Without "quick" a static analysis follows.
set -eu
cd "$(dirname "$0")/.."

find src bench tools -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
/usr/bin/python3 tools/check_floors.py
for script in tools/*.sh .ci/run; do
    bash -n "$script"
done
[ "${1:-}" = quick ] && exit

find src -name '*.c' -not -path '*/test/*' -print0 |
    xargs -0 cppcheck --quiet --std=c11 -I src --enable=warning,portability --inline-suppr \
        --suppress=missingIncludeSystem --error-exitcode=1 -j "$(nproc)"
for page in man/*.[1-8]; do
    [ ! -e "$page" ] || mandoc -T lint -W warning "$page"
done
