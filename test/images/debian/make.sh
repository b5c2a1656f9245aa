#!/usr/bin/env bash
# debian:bookworm-slim from Debian's own packages, from the mirror that this machine uses.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
mirror=${DEBIAN_MIRROR:-$(sed -nE 's/^(URIs:|deb) +(http[^ ]+\/debian)\/?( .*)?$/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1 || true)}
debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"}
if [ -n "$mirror" ]; then echo "deb $mirror bookworm main" >"$root/etc/apt/sources.list"; fi
# What Debian's slim images leave out, so that nothing here rests on it.
printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian >"$root/etc/dpkg/dpkg.cfg.d/docker"
echo force-unsafe-io >>"$root/etc/dpkg/dpkg.cfg.d/docker"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
rm -rf "$root"/usr/share/{doc,man,info,locale,lintian}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
tar -C "$root" --numeric-owner -c . | docker import -c 'CMD ["bash"]' - debian:bookworm-slim
