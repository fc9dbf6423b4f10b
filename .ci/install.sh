#!/bin/sh
# Installs the program, the public header, the libraries, a pkg-config file and the man page.
# usage: BUILD=build PREFIX=/usr/local DESTDIR= .ci/install.sh
set -eu
: "${BUILD:=build}" "${PREFIX:=/usr/local}" "${DESTDIR:=}"
root=$DESTDIR$PREFIX
version=$(sed -n 's/#define SY_VERSION "\(.*\)"/\1/p' core/switchyard.h)
put() { # put MODE FILE DIRECTORY [NAME]
	install -d "$root/$3"
	install -m "$1" "$2" "$root/$3/${4:-$(basename "$2")}"
}
put 755 "$BUILD/switchyard" bin
for h in core/switchyard.h core/secret/suite.h core/base/limits.h core/book/intern.h core/book/lists.h; do put 644 "$h" "include/switchyard/$(dirname "$h")"; done
for h in transport/transport.h transport/driver/driver.h transport/tcp/*.h transport/pair/*.h transport/files/*.h transport/host/*.h; do
	case $h in *_private.h) continue ;; esac
	put 644 "$h" "include/switchyard/$(dirname "$h")"
done
put 644 "$BUILD/libswitchyard-core.a" lib
put 644 "$BUILD/libswitchyard-transport.a" lib
put 644 sim/cli/switchyard.1 share/man/man1
install -d "$root/share/switchyard"
cp -R docs/deploy "$root/share/switchyard/"
cp -R scenarios "$root/share/switchyard/"
tmp=$(mktemp)
cat >"$tmp" <<PC
prefix=$PREFIX
libdir=\${prefix}/lib
includedir=\${prefix}/include/switchyard

Name: switchyard
Description: CometBFT's peer-to-peer protocol as a library without input or output of its own
Version: $version
Requires: libsodium libprotobuf-c libuv jansson
Libs: -L\${libdir} -lswitchyard-transport -lswitchyard-core
Cflags: -I\${includedir}
PC
put 644 "$tmp" lib/pkgconfig switchyard.pc
rm -f "$tmp"
echo "installed below $root"
