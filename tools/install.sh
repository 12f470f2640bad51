#!/bin/sh
# Installs the Debian packages of the given purposes (see tools/packages) that are missing. Does
# nothing, and needs no network and no privilege, when all of them are there.
#
#     tools/install.sh build run test
set -eu

here=$(dirname "$0")
policy=/usr/sbin/policy-rc.d

list() {
    for purpose in "$@"; do
        awk -v purpose="$purpose" '$1 == purpose { print $2 }' "$here/packages"
    done | sort -u
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints the first of "a|b" that is to be installed, or nothing where one of them is there.
missing() {
    for package in $(echo "$1" | tr '|' ' '); do
        is_installed "$package" && return 0
    done
    echo "${1%%|*}"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

for purpose in "$@"; do
    grep -q "^$purpose " "$here/packages" || {
        echo "tools/install.sh: tools/packages names no purpose \"$purpose\"" >&2
        exit 2
    }
done

command -v dpkg-query >/dev/null || {
    echo "This is no Debian system: install what these are called here, and then 'make build':" >&2
    list "$@" | tr '\n' ' ' >&2
    echo >&2
    exit 1
}

packages=$(list "$@")
wanted=$(for each in $packages; do missing "$each"; done)
[ -n "$wanted" ] || exit 0
wanted=$(echo "$wanted" | tr '\n' ' ')

echo "Installing: $wanted"
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "This needs root, and there is no sudo. As root, run:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends $wanted" >&2
    exit 1
fi

# A peer of the tests must not become a service of this machine: while packages are installed no
# service is started, and those that came with them are not started at boot either.
if [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
fi

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

apt update || echo "The package lists could not be refreshed; going on with those that are here." >&2
apt install --no-install-recommends $wanted || {
    echo "Debian's packages could not be installed: see above. To try by hand:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends $wanted" >&2
    exit 1
}
if command -v systemctl >/dev/null; then
    for service in nginx haproxy; do
        case " $wanted" in
        *" $service "*) as_root systemctl --quiet disable "$service" 2>/dev/null || : ;;
        esac
    done
fi
