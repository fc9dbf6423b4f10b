#!/bin/sh
# The deep check: what takes too long for every `make test`. Ends with "N passed, N failed".
# usage: tests/deep.sh [PART...]      parts: matrix thousand arm planted bugs asan tiny valgrind tidy format seeds rare
set -u
cd "$(dirname "$0")/.." || exit 3
logs=build/deep-logs
mkdir -p "$logs"
passed=0 failed=0
say() { # say CODE NAME
	if [ "$1" = 0 ]; then echo "ok - $2" && passed=$((passed + 1)); else echo "not ok - $2" && failed=$((failed + 1)); fi
}
jobs=$(nproc 2>/dev/null || echo 2)
hash_of() { # hash_of BINARY FILE SEED PROFILE [ARGS...]; as a sweep, which draws no plots
	hash_binary=$1 hash_file=$2 hash_seed=$3 hash_profile=$4
	shift 4
	"$hash_binary" run "$hash_file" --seeds "$hash_seed..$hash_seed" -j 1 --profile "$hash_profile" --json --out "$logs/out" "$@" 2>>"$logs/hash.err" |
		sed -n 's/.*"hash": *"\([0-9a-f]\{16\}\)".*/\1/p' | head -1
}

# What builds are compared by, a run a line: every model of TCP, every stage of a link, every congestion control, all kinds of
# faults, the field's scenarios, all profiles. tests/matrix/rough.lua has nearly everything in one small network.
short_runs() {
	cat <<'R'
tests/matrix/rough.lua 1 default -p model=segment
tests/matrix/rough.lua 2 upstream -p model=flow
tests/matrix/rough.lua 3 upstream-v0.38 -p model=segment --crypto null
scenarios/fairness/shares.lua 7 default --tcp flow
scenarios/fairness/shares.lua 7 upstream --tcp none --crypto null
scenarios/fairness/vote_behind_bulk.lua 7 default -p cc=bbr -p loss=0.1% --crypto null
scenarios/faults/chaos.lua 7 default
scenarios/faults/chaos.lua 8 upstream --buggify 2% --tcp flow --crypto null
scenarios/field/crash_addrbook.lua 7 default
scenarios/field/dns_move.lua 7 default
scenarios/field/half_open_peer.lua 7 upstream
scenarios/field/seed_close_race.lua 7 default --buggify 2%
scenarios/reactor/echo.lua 7 default
scenarios/reproduce/seeded.lua 7 default
R
}
long_runs() {
	cat <<'R'
scenarios/pex/convergence.lua 7 default
scenarios/pex/convergence.lua 7 upstream -p nodes=100 --crypto null
scenarios/pex/convergence.lua 8 upstream-v0.38 -p nodes=100 --tcp flow --crypto null
scenarios/fairness/shares.lua 7 default
scenarios/fairness/starvation.lua 7 upstream
scenarios/faults/partition.lua 7 default
scenarios/field/first_90_seconds.lua 7 default -p addresses=300 --crypto null
scenarios/field/seed_serves_live.lua 7 default -p addresses=300 -p askers=5 --crypto null
scenarios/field/seed_slot_hog.lua 7 default -p nodes=200 -p newcomers=20 --crypto null
R
}
one_hash() { # one_hash "BINARIES" RUN...: from all of them
	binaries=$1 all=
	shift
	for b in $binaries; do
		all="$all$(hash_of "$b" "$@") "
	done
	n=$(printf '%s' "$all" | tr ' ' '\n' | grep -c .)
	u=$(printf '%s' "$all" | tr ' ' '\n' | grep . | sort -u | wc -l)
	[ "$n" = "$(echo "$binaries" | wc -w)" ] && [ "$n" -ge 2 ] && [ "$u" = 1 ]
	say $? "one hash from $n builds: $*: $all"
}
one_link() { # one_link "BINARIES": the model of TCP by itself, each congestion control as segments and as trains
	for cc in reno cubic bbr; do
		for tcp in segment flow; do
			for b in $1; do
				"$b" link --cc $cc --tcp $tcp --rtt 40ms --rate 10Mbit --loss 0.5% --seconds 10 --seed 7 --json 2>&1 | sed 's/, "cpu_s.*//'
			done | sort | uniq -c >"$logs/link.out"
			grep -q goodput "$logs/link.out" && [ "$(awk '{ print $1 }' "$logs/link.out")" = "$(echo "$1" | wc -w)" ]
			say $? "one transfer from all builds: $cc, $tcp"
		done
	done
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
	{ short_runs && long_runs; } >"$logs/runs"
	while read -r run; do
		# shellcheck disable=SC2086 # words
		one_hash "$builds" $run
	done <"$logs/runs"
	one_link "$builds"
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
	{ short_runs && echo "scenarios/faults/partition.lua 7 upstream" && echo "scenarios/pex/seed_mode.lua 7 upstream"; } >"$logs/runs"
	while read -r run; do
		# shellcheck disable=SC2086 # words
		one_hash "build/switchyard build/arm/emulated" $run
	done <"$logs/runs"
	one_link "build/switchyard build/arm/emulated"
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

bugs() { # known bugs, put back one at a time: each fails as recorded, and the tree without it holds (docs/FINDING_BUGS.md)
	python3 tests/planted/hunt.py verify -j "$jobs" >"$logs/bugs.log" 2>&1
	code=$?
	grep -E '^(not )?ok|^#' "$logs/bugs.log"
	ok=$(grep -c '^ok' "$logs/bugs.log")
	[ $code = 0 ] && [ "$ok" = "$(ls tests/planted/[0-9][0-9]_*.patch | wc -l)" ]
	say $? "planted bugs are found again from their seeds: $ok"
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
asan() { # the unit tests, and scenarios through the sanitized binary: nothing is found, and the hashes are those of the release
	variant asan unit
	make -j"$jobs" all >>"$logs/build-asan.log" 2>&1
	: >"$logs/hash.err"
	short_runs >"$logs/runs"
	while read -r run; do
		# shellcheck disable=SC2086 # words
		one_hash "build/switchyard build/asan/switchyard" $run
	done <"$logs/runs"
	one_link "build/switchyard build/asan/switchyard"
	hashes_of build/switchyard 1..1000 "$jobs" >"$logs/hashes.a"
	hashes_of build/asan/switchyard 1..1000 "$jobs" >"$logs/hashes.b"
	same_hashes "1,000 seeds: release and sanitized agree" 1000
	! grep -E 'ERROR: |runtime error:' "$logs/hash.err"
	say $? "the sanitizers say nothing"
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

# The three scripts of the language, three profiles, seeds 1..100: all hold.
seeds() {
	for f in reactor/echo fairness/shares pex/convergence; do
		for p in default upstream upstream-v0.38; do
			build/switchyard run scenarios/$f.lua --profile $p --seeds 1..100 -j "$jobs" --crypto null --out "$logs/out" >"$logs/seeds.log" 2>&1
			code=$?
			grep '^seed ' "$logs/seeds.log"
			tail -1 "$logs/seeds.log"
			say $code "scenarios/$f.lua in $p, seeds 1..100"
		done
	done
}

# Every scenario of the library with rare but legal behaviour at every node: short reads and writes, late events and timers, ...
rare() {
	SWITCHYARD=$(realpath build/switchyard) RARE=2% SEEDS=1..20 sh tests/scenarios/library.sh >"$logs/rare.log" 2>&1
	code=$?
	grep -B12 '^not ok' "$logs/rare.log"
	grep -c '^ok' "$logs/rare.log"
	say $code "the library with --buggify 2%, seeds 1..20, three profiles"
}

[ $# = 0 ] && set -- matrix thousand arm planted bugs asan tiny valgrind_ tidy format seeds rare
spent() { # into "$logs/$1": the time, and the processor's seconds in children so far (of this shell, so no subshell)
	times >"$logs/times"
	date +%s | cat - "$logs/times" | awk -F'[ms ]+' 'NR == 1 { t = $1 } NR == 3 { print t, int($1 * 60 + $2 + $3 * 60 + $4) }' >"$logs/$1"
}
for p in "$@"; do
	[ "$p" = valgrind ] && p=valgrind_
	echo "== $p"
	spent before
	"$p"
	spent after
	cat "$logs/before" "$logs/after" | awk '{ t[NR] = $1; c[NR] = $2 } END { printf "# %d s, %d s of the processor\n", t[2] - t[1], c[2] - c[1] }'
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
