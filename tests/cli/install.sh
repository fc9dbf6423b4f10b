#!/bin/sh
# make install below a directory of its own, and a program that knows only the pkg-config file. Prints TAP.
. "$(dirname "$0")/tap.sh.inc"
: "${CC:=cc}"
root=$tmp/root

BUILD=$(dirname "$SWITCHYARD") DESTDIR=$root PREFIX=/usr sh .ci/install.sh >"$tmp/out" 2>"$tmp/err"
say $? "installs below DESTDIR"
[ -z "$(find "$root" -mindepth 1 -maxdepth 1 ! -name usr)" ] && [ -f "$root/usr/share/man/man1/switchyard.1" ] &&
	[ -f "$root/usr/share/switchyard/scenarios/pex/convergence.lua" ]
say $? "program, library, man page and scenarios, below PREFIX only"
"$root/usr/bin/switchyard" version >"$tmp/out" 2>"$tmp/err" && grep -q "^switchyard 0\." "$tmp/out"
say $? "the installed program runs"

# Paths below DESTDIR instead of PREFIX. Those of other libraries change with them; the compiler finds these by itself.
export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig"
flags() { pkg-config --define-variable=prefix="$root/usr" "$@" switchyard; }
[ "$(pkg-config --modversion switchyard)" = "$("$SWITCHYARD" version | sed -n 's/^switchyard \([0-9.]*\).*/\1/p')" ]
say $? "pkg-config knows the version"

cat >"$tmp/one.c" <<'C'
#include <core/switchyard.h>
#include <stdio.h>
#include <transport/files/node_key.h>
#include <transport/tcp/tcp.h>

enum sy_err (*volatile tcp)(struct tp_transport **, const struct tp_tcp_config *) = tp_tcp_new; /* wants libuv */
int main(void)
{
	struct sy_config config;
	struct tp_node_key key;
	struct tp_message msg = {.text = ""};
	sy_config_init(&config, SY_PROFILE_DEFAULT);
	printf("%s %s\n", SY_VERSION, sy_err_name(tp_node_key_load("/nonexistent", &key, &msg)));
	return tcp == NULL;
}
C
# gnu11 for the sake of uv.h. Flags are words: they are split on purpose, so that paths of temporary directories must have no spaces.
# shellcheck disable=SC2046
$CC -std=gnu11 -Wall -Werror $(flags --cflags) "$tmp/one.c" $(flags --libs) -o "$tmp/one" >"$tmp/out" 2>"$tmp/err"
say $? "a program compiles and links with what pkg-config says"
"$tmp/one" >"$tmp/out" 2>"$tmp/err" && grep -q "^[0-9.]* not_found$" "$tmp/out"
say $? "and runs"
# the examples of docs/LIBRARY.md, with the words that stand there
mkdir "$tmp/examples" && cp docs/examples/* "$tmp/examples/"
# shellcheck disable=SC2046
(cd "$tmp/examples" && protoc-c --c_out=. chat.proto && $CC hello.c $(flags --cflags --libs) -o hello &&
	$CC chat.c chat.pb-c.c -I. $(flags --cflags --libs) -o chat) >"$tmp/out" 2>"$tmp/err"
say $? "the library's examples are built against it"
"$tmp/examples/hello" --help >"$tmp/out" 2>"$tmp/err" && "$tmp/examples/chat" --help >>"$tmp/out" 2>"$tmp/err"
say $? "and run"
(cd "$root/usr/include/switchyard" && find . -name '*.h' | LC_ALL=C sort | sed 's/.*/#include "&"/') >"$tmp/all.c"
# shellcheck disable=SC2046
$CC -std=c11 -D_GNU_SOURCE -Wall -Werror -fsyntax-only -I"$root/usr/include/switchyard" $(flags --cflags) "$tmp/all.c" >"$tmp/out" 2>"$tmp/err"
say $? "every installed header finds what it includes"
exit $bad
