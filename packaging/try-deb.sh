#!/usr/bin/env bash
# Installs the Debian package in a system that has nothing else, and tries what it brings: packaging/try-deb.sh FILE.deb
# Needs root and debootstrap. The suite is the one of this machine, or SUITE.
set -euo pipefail
deb=$1
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
root=$(mktemp -d)
chmod 755 "$root"
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } | sed -n 's/^URIs: *//p; s/^deb \([^ ]*\) .*/\1/p' | sed -n 1p)

debootstrap --variant=minbase --include=ca-certificates,man-db,bash-completion "$suite" "$root" "$mirror" >/dev/null
mount -t proc proc "$root/proc"
cp "$deb" "$root/seatbatch.deb"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"; }

inside dpkg --install /seatbatch.deb >/dev/null
inside seatbatch version
inside man --warnings --locale=C seatbatch | head -3
inside man --locale=C seatbatch-apply >/dev/null
inside bash -c '. /usr/share/bash-completion/completions/seatbatch && complete -p seatbatch'
inside test -f /usr/share/doc/seatbatch/examples/seatbatch@.timer
inside test -s /usr/share/doc/seatbatch/THIRD-PARTY.txt
code=0
inside seatbatch demo >/dev/null 2>&1 || code=$?
test "$code" -eq 1 || { echo "the demo ended with $code, not 1"; exit 1; }
inside dpkg --remove seatbatch >/dev/null
test ! -e "$root/usr/bin/seatbatch"
echo "the package installs, works and goes again"
