#!/bin/sh
# What the deep check needs for its aarch64 part: Debian's cross compiler, the emulator, and arm64 libraries. As root, or
# through sudo.
set -eu
run=
[ "$(id -u)" = 0 ] || run=sudo
$run dpkg --add-architecture arm64
$run apt-get update -qq
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user \
	libsodium-dev:arm64 libprotobuf-c-dev:arm64 liblua5.4-dev:arm64 libuv1-dev:arm64 libjansson-dev:arm64 libmicrohttpd-dev:arm64
