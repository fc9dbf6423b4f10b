#!/bin/sh
# The one direction of dependencies: includes of each room, and the symbols that the archives leave open.
# Prints TAP. Needs the archives of $BUILD.
set -u
bad=0
say() { # say NAME OFFENDERS
	if [ -z "$2" ]; then echo "ok - $1"; else
		echo "not ok - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		bad=1
	fi
}
# rooms of core from the bottom up: each may include itself and those before it
below='core/switchyard.h'
for room in base wire secret mconn conn book pex switch node; do
	below="$below|core/$room/[a-z_]*.h"
	say "core/$room includes only what lies below" \
		"$(grep -n '^ *# *include *"' core/$room/*.[ch] 2>/dev/null | grep -vE "\"($below)\"")"
done
say "core includes no header of the system's but a few" \
	"$(grep -n '^ *# *include *<' core/*.h core/*/*.[ch] | grep -vE '<(stddef|stdint|stdbool|string|limits|float)\.h>' |
		grep -v '^core/base/sodium.c:.*<sodium.h>' | grep -v '^core/wire/usermsg.c:.*<protobuf-c/protobuf-c.h>')"
say "transport includes nothing of sim" "$(grep -n '^ *# *include *"sim/' transport/*.[ch] transport/*/*.[ch] 2>/dev/null)"
say "transport/driver knows no transport" "$(grep -nE '^ *# *include *("transport/(tcp|pair|files)|<uv)' transport/driver/*.[ch] transport/*.h)"
say "transport reaches into core only through its interfaces" \
	"$(grep -nE '^ *# *include *"core/(node|switch|conn|mconn|pex)/' transport/*.[ch] transport/*/*.[ch] 2>/dev/null | grep -v '"core/node/record.h"')"
say "the engine and the network know no Lua, no files, no sockets" \
	"$(grep -nE '^ *# *include *("sim/(lua|world|report|cli)|<(uv|lua|stdio|sys/socket))' sim/engine/*.[ch] sim/net/*.[ch])"
say "no #ifdef SIM" "$(grep -rnE '# *if(def)?.*\bSIM\b' core transport sim)"
say "scenarios use the Lua interface only" "$(grep -rnE '\b(os|io|debug)\.[a-z]' scenarios --include='*.lua')"

# open symbols of core: libsodium from one file, protobuf-c from one file, and a few of libc
open=$(nm -A --undefined-only "$BUILD/libswitchyard-core.a" 2>/dev/null | sed 's/.*a:\([a-z_0-9]*\.o\): *U \(.*\)/\1 \2/')
defined=$(nm --defined-only "$BUILD/libswitchyard-core.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)
say "core leaves open only libsodium, protobuf-c and memory functions" \
	"$(printf '%s\n' "$open" | awk -v d="$defined" 'BEGIN { n = split(d, a, "\n"); for (i = 1; i <= n; i++) have[a[i]] = 1 }
		have[$2] { next }
		$2 ~ /^(memcpy|memset|memmove|memcmp|strlen|strcmp|strncmp|memchr|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__asan.*|__ubsan.*|__sanitizer.*|__mem.*_chk)$/ { next }
		$1 == "sodium.o" && $2 ~ /^(sodium_|crypto_|randombytes_)/ { next }
		$1 == "usermsg.o" && $2 ~ /^protobuf_c_/ { next }
		{ print $1 ": " $2 }')"
# symbols in sections that can be written (.data.rel.ro cannot, once loaded)
writable() {
	objdump -t "$@" 2>/dev/null | awk '/file format/ { file = $1 } / O / && $0 ~ / \.(t?data|t?bss)(\.|[ \t])/ && $0 !~ / \.data\.rel\.ro/ && $0 !~ /(__asan|__odr_asan|__ubsan|LASAN|\.str)/ { print file " " $NF } / O \*COM\*/ { print file " " $NF }'
}
say "no mutable globals in core and transport" "$(writable "$BUILD/libswitchyard-core.a" "$BUILD/libswitchyard-transport.a")"
say "no mutable globals in sim" "$(writable "$BUILD/libswitchyard-sim.a")"
exit $bad
