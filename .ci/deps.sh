#!/bin/sh
# Installs what is missing (Debian packages) and leaves a stamp for make. As root, or through sudo.
# usage: .ci/deps.sh STAMP
set -eu
stamp=$1
build="pkg-config libsodium-dev libprotobuf-c-dev protobuf-c-compiler liblua5.4-dev libuv1-dev libjansson-dev libmicrohttpd-dev libcmocka-dev gnuplot-nox"
check="clang clang-tidy clang-format valgrind python3 libclang-rt-14-dev iproute2"
missing=
for p in $build $check; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
	run=
	if [ "$(id -u)" != 0 ]; then
		if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
			run=sudo
		else
			echo "Packages are missing. As root, type:  apt-get install$missing" >&2
			exit 2
		fi
	fi
	echo "installing:$missing"
	$run apt-get update -qq || { echo "apt-get update failed; are package mirrors reachable?" >&2; exit 2; }
	DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
		{ echo "Could not install them. Try:  apt-get install$missing" >&2; exit 2; }
fi
mkdir -p "$(dirname "$stamp")"
echo "# packages are installed" >"$stamp"
