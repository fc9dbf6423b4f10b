#!/bin/sh
# The deep check: what takes too long for every `make test`. Ends with "N passed, N failed".
# usage: tests/deep.sh [PART...]      parts: matrix thousand arm planted asan tiny valgrind tidy format seeds
set -u
cd "$(dirname "$0")/.." || exit 3
logs=build/deep-logs
mkdir -p "$logs"
passed=0 failed=0
say() { # say CODE NAME
	if [ "$1" = 0 ]; then echo "ok - $2" && passed=$((passed + 1)); else echo "not ok - $2" && failed=$((failed + 1)); fi
}
jobs=$(nproc 2>/dev/null || echo 2)
hash_of() { # hash_of BINARY FILE SEED PROFILE
	"$1" run "$2" --seed "$3" --profile "$4" --json --out "$logs/out" 2>>"$logs/hash.err" | sed -n 's/.*"hash": *"\([0-9a-f]\{16\}\)".*/\1/p' | head -1
}

matrix() { # the same hashes from every compiler and optimisation level
	builds=
	for v in gcc:-O0 gcc:-O2 gcc:-O3 clang:-O0 clang:-O2 clang:-O3; do
		cc=${v%%:*} opt=${v##*:} dir=build/matrix/$cc$opt
		command -v $cc >/dev/null || { say 1 "matrix: $cc is missing" && continue; }
		make -j"$jobs" CC=$cc OPT=$opt BUILD="$dir" all >"$logs/build-$cc$opt.log" 2>&1
		say $? "$cc $opt builds with warnings as errors"
		builds="$builds $dir/switchyard"
	done
	for run in "scenarios/pex/convergence.lua 7 default" "scenarios/pex/convergence.lua 7 upstream" "scenarios/pex/convergence.lua 8 upstream-v0.38" \
		"scenarios/fairness/shares.lua 7 default" "scenarios/fairness/starvation.lua 7 upstream" "scenarios/reactor/echo.lua 7 default" \
		"scenarios/faults/partition.lua 7 default" "scenarios/reproduce/seeded.lua 7 default"; do
		all=
		for b in $builds; do
			# shellcheck disable=SC2086
			all="$all$(hash_of "$b" $run) "
		done
		n=$(printf '%s' "$all" | tr ' ' '\n' | grep -c .)
		u=$(printf '%s' "$all" | tr ' ' '\n' | grep . | sort -u | wc -l)
		[ "$n" -ge 6 ] && [ "$u" = 1 ]
		say $? "one hash from all builds: $run: $all"
	done
}

# A thousand seeds of a small network that loses, resets and asks all the time: the same hash of each from the least and the most
# optimised build, of different compilers.
hashes_of() { # hashes_of BINARY SEEDS JOBS: "seed hash" a line
	"$1" run tests/planted/network.lua --seeds "$2" -j "$3" --json --out "$logs/out" 2>>"$logs/hash.err" |
		sed -n 's/.*"seed": *"\([0-9]*\)".*"hash": *"\([0-9a-f]\{16\}\)".*/\1 \2/p'
}
same_hashes() { # same_hashes NAME COUNT: build/deep-logs/hashes.a and .b
	n=$(sort -u "$logs/hashes.a" | wc -l)
	diff "$logs/hashes.a" "$logs/hashes.b" | head -5
	[ "$n" = "$2" ] && cmp -s "$logs/hashes.a" "$logs/hashes.b"
	say $? "$1"
}
thousand() {
	make -j"$jobs" CC=gcc OPT=-O0 BUILD=build/matrix/gcc-O0 all >"$logs/build-thousand.log" 2>&1 &&
		make -j"$jobs" CC=clang OPT=-O3 BUILD=build/matrix/clang-O3 all >>"$logs/build-thousand.log" 2>&1
	say $? "two builds for a thousand seeds"
	hashes_of build/matrix/gcc-O0/switchyard 1..1000 "$jobs" >"$logs/hashes.a"
	hashes_of build/matrix/clang-O3/switchyard 1..1000 "$jobs" >"$logs/hashes.b"
	same_hashes "1,000 seeds: gcc -O0 and clang -O3 agree" 1000
}

# The same on another machine: aarch64, where char is unsigned, emulated. Debian's cross compiler and arm64 libraries.
arm() {
	PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config --exists libsodium libprotobuf-c lua5.4 libuv jansson libmicrohttpd
	if [ $? != 0 ] || ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
		sh tests/arm64.sh >"$logs/arm-install.log" 2>&1 || { tail -3 "$logs/arm-install.log" && say 1 "arm64 packages" && return; }
	fi
	PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig make -j"$jobs" CC=aarch64-linux-gnu-gcc BUILD=build/arm all >"$logs/build-arm.log" 2>&1
	say $? "builds for aarch64"
	make -j"$jobs" all >>"$logs/build-arm.log" 2>&1
	cat >build/arm/emulated <<'W'
#!/bin/sh
exec qemu-aarch64 "$(dirname "$0")/switchyard" "$@"
W
	chmod +x build/arm/emulated
	hashes_of build/switchyard 1..40 "$jobs" >"$logs/hashes.a"
	hashes_of build/arm/emulated 1..40 "$jobs" >"$logs/hashes.b"
	same_hashes "40 seeds: amd64 and aarch64 agree" 40
	for f in smoke/two_nodes reactor/echo pex/seed_mode faults/partition; do
		a=$(hash_of build/switchyard scenarios/$f.lua 7 upstream) b=$(hash_of build/arm/emulated scenarios/$f.lua 7 upstream)
		[ -n "$a" ] && [ "$a" = "$b" ]
		say $? "amd64 and aarch64 agree: scenarios/$f.lua: $a $b"
	done
	build/switchyard run scenarios/faults/partition.lua --seed 7 --quiet --record "$logs/amd64.rec" --out "$logs/out" >/dev/null 2>&1
	build/arm/emulated run scenarios/faults/partition.lua --seed 7 --quiet --record "$logs/arm64.rec" --out "$logs/out" >/dev/null 2>&1
	build/switchyard diff "$logs/amd64.rec" "$logs/arm64.rec"
	say $? "their records are alike, event by event"
	rm -f "$logs"/*.rec
}

planted() { # mistakes that the tools must find
	make -j"$jobs" CC=gcc VARIANT=planted BUILD=build/planted all >"$logs/build-planted.log" 2>&1 &&
		make -j"$jobs" CC=clang OPT=-O3 CFLAGS=-funsigned-char VARIANT=planted BUILD=build/planted-other all >>"$logs/build-planted.log" 2>&1
	say $? "two builds with planted mistakes"
	sh tests/planted/nondeterminism.sh build/planted/switchyard build/planted-other/switchyard >"$logs/planted.log" 2>&1
	code=$?
	grep -E '^(not )?ok|^#' "$logs/planted.log"
	say $code "ten planted mistakes are found and located"
}

variant() { # variant NAME PARTS: builds a variant and runs parts of the tests in it
	make -j"$jobs" VARIANT="$1" all units >"$logs/build-$1.log" 2>&1
	say $? "variant $1 builds"
	shift_name=$1
	shift
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 BUILD=build/$shift_name sh tests/run.sh "$@" >"$logs/run-$shift_name.log" 2>&1
	code=$?
	tail -30 "$logs/run-$shift_name.log" | grep -E 'FAILED|passed'
	say $code "variant $shift_name passes: $*"
}
asan() { # and the smallest scenarios through the sanitized binary
	variant asan unit
	for f in smoke/two_nodes reactor/echo pex/seed_mode; do
		build/asan/switchyard run scenarios/$f.lua --seed 1 --out "$logs/out" >"$logs/asan-run.log" 2>&1
		say $? "sanitized run of scenarios/$f.lua"
	done
}
tiny() { variant tiny unit; }

valgrind_() {
	make -j"$jobs" all units >"$logs/build-valgrind.log" 2>&1
	cat >"$logs/wrap" <<'W'
#!/bin/sh
exec valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite --child-silent-after-fork=yes "$@"
W
	chmod +x "$logs/wrap"
	WRAP=$logs/wrap SY_UNDER_VALGRIND=1 BUILD=build sh tests/run.sh unit >"$logs/valgrind.log" 2>&1
	code=$?
	tail -30 "$logs/valgrind.log" | grep -E 'FAILED|passed'
	say $code "unit tests under valgrind"
}

tidy() { # one file a call: with several, the analyser of clang 14 sees a va_list of one in another
	flags="-std=c11 -D_GNU_SOURCE -I. -Ibuild/gen $(pkg-config --cflags lua5.4 libsodium libuv jansson libmicrohttpd libprotobuf-c)"
	git ls-files 'core/*.c' 'transport/*.c' 'sim/*.c' |
		xargs -P "$jobs" -I{} sh -c "clang-tidy --quiet {} -- $flags" >"$logs/tidy.log" 2>"$logs/tidy.err"
	code=$?
	grep -E 'warning:|error:' "$logs/tidy.log" | sort -u | head -20
	say $code "clang-tidy"
}

format() {
	git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror >"$logs/format.log" 2>&1
	code=$?
	grep -c 'error:' "$logs/format.log"
	say $code "clang-format"
}

# The three scripts of the language, three profiles, seeds 1..100. All hold, but for one thing in upstream's profiles: a node
# whose three draws of a tick fall on addresses that it has already leaves its last slot empty until the next tick, and with
# two or three seeds of a hundred one node of 200 still misses a peer after three minutes (protocol.md 5.6, step 3).
seeds() {
	for f in reactor/echo fairness/shares pex/convergence; do
		for p in default upstream upstream-v0.38; do
			build/switchyard run scenarios/$f.lua --profile $p --seeds 1..100 -j "$jobs" --crypto null --out "$logs/out" >"$logs/seeds.log" 2>&1
			code=$?
			tail -1 "$logs/seeds.log"
			if [ $code = 1 ] && [ $f = pex/convergence ] && [ $p != default ]; then
				held=$(sed -n 's/^100 seeds: \([0-9]*\) held, [0-9]* failed, 0 errors.*/\1/p' "$logs/seeds.log")
				other=$(grep '^seed ' "$logs/seeds.log" | grep -cv 'every node reaches its outbound target')
				grep '^seed ' "$logs/seeds.log"
				[ "${held:-0}" -ge 95 ] && [ "$other" = 0 ]
				code=$?
			fi
			say $code "scenarios/$f.lua in $p, seeds 1..100"
		done
	done
}

[ $# = 0 ] && set -- matrix thousand arm planted asan tiny valgrind_ tidy format seeds
for p in "$@"; do
	[ "$p" = valgrind ] && p=valgrind_
	echo "== $p"
	"$p"
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
