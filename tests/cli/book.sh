#!/bin/sh
# switchyard book: looking, editing, merging; what is refused; what a running node keeps out. Prints TAP.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"
id() { printf '%040x' "$1"; }
home=$tmp/h b=$tmp/h/config/addrbook.json
mkdir -p "$home/config"
book() { call book "$@" --home "$home"; }
entries() { "$SWITCHYARD" book export --home "$home" "$@" | wc -l; }

refuses "no verb" "something is missing" book
refuses "an unknown verb names the nearest" 'did you mean "show"?' book shwo
refuses "a word too many" "book show takes no more words" book show x
refuses "a word too few" "book add takes one or more words" book add
refuses "no book" "there is no address book $b" book show --home "$home"
refuses "a book in no directory" "$tmp/none/" book add "$(id 1)@1.2.3.4:5" --file "$tmp/none/a.json"
refuses "an address that is none" '"x" is no id@ip:port' book add x --home "$home"
refuses "a name" "a book holds IP addresses, not names" book add "$(id 1)@example.com:1" --home "$home"
echo '{ broken' >"$tmp/broken.json"
refuses "a broken book" "broken.json: line 1" book stats --file "$tmp/broken.json"

{
	echo "# what somebody has collected"
	for i in 1 2 3 4 5 6; do echo "$(id $i)@1$i.$i.3.4:26656"; done
	echo "$(id 7)@10.0.0.1:26656, $(id 8)@[2a00:1450::8]:26656 # two in a line"
} >"$tmp/list"
book import "$tmp/list"
[ $code = 0 ] && grep -qx '7 added, 0 known already, 1 refused (the last one: address is not routable); 7 entries' "$tmp/out"
say $? "import of a list makes the book"
refuses "a prune of nothing in particular" "prune what?" book prune --home "$home"
book import "$tmp/list"
[ $code = 0 ] && grep -q '^0 added, 7 known' "$tmp/out"
say $? "twice is once"
[ "$(entries)" = 7 ] && "$SWITCHYARD" book export --home "$home" | head -1 | grep -qx "$(id 1)@11.1.3.4:26656"
say $? "export gives it back, in order"
book export --out "$tmp/exported" && call book import "$tmp/exported" --file "$tmp/copy.json"
[ $code = 0 ] && grep -q '^7 added, 0 known already, 0 refused' "$tmp/out"
say $? "what is exported can be imported"
printf '%s@1.2.3.4\n' "$(id 9)" >"$tmp/bad"
refuses "a list with a wrong line" "$tmp/bad:1: " book import "$tmp/bad" --home "$home"
[ "$(entries)" = 7 ]
say $? "changes nothing"
book add "$(id 9)@127.0.0.1:1"
[ $code = 1 ] && [ "$(entries)" = 7 ]
say $? "add refuses what is not routable: exit 1"
book add "$(id 9)@127.0.0.1:1" --addr_book_strict=false
[ $code = 0 ] && [ "$(entries)" = 8 ]
say $? "unless it is told not to be strict"
[ -f "$b.bak" ] && ! grep -q "$(id 9)" "$b.bak" && grep -q "$(id 9)" "$b"
say $? "what was there before stays beside it"

book ban "$(id 3)" "$(id 77)" --for 1h && book ban "$(id 4)@14.4.3.4:26656"
[ $code = 0 ] && [ "$(entries)" = 6 ] && [ "$(entries --banned)" = 3 ] && [ -f "$home/config/addrbook.bans.json" ]
say $? "bans take entries out of the book, and stand in a file of their own"
book show --banned
grep -q "$(id 77)@.* ban  the whole id until" "$tmp/out" && grep -q "$(id 4)@14.4.3.4:26656 .*this address until" "$tmp/out"
say $? "show --banned tells scope and end"
refuses "a ban of an IP" "a book bans ids" book ban 1.2.3.4 --home "$home"
book unban "$(id 3)" "$(id 4)" "$(id 77)"
[ $code = 0 ] && [ "$(entries)" = 8 ] && [ "$(entries --banned)" = 0 ] && [ ! -e "$home/config/addrbook.bans.json" ]
say $? "unban brings them back"
book unban "$(id 3)"
[ $code = 1 ]
say $? "what is not banned cannot be unbanned: exit 1"

# times that tell: reached three days ago, reached in 2001, never
python3 - "$b" <<'PY'
import json, sys, datetime
d = json.load(open(sys.argv[1]))
now = datetime.datetime.now(datetime.timezone.utc)
when = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")
for a in d["addrs"]:
    n = int(a["addr"]["id"], 16)
    if n in (1, 2):
        a["last_success"] = when(now - datetime.timedelta(days=3)) if n == 1 else "2001-02-03T04:05:06Z"
        a["last_attempt"] = a["last_success"]
    if n == 5:
        a["attempts"] = 9
json.dump(d, open(sys.argv[1], "w"))
PY
[ "$(entries --reached)" = 2 ] && [ "$(entries --never-reached)" = 6 ] && [ "$(entries --failing)" = 1 ] && [ "$(entries --attempts 9)" = 1 ] &&
	[ "$(entries --older-than 100h)" = 1 ] && [ "$(entries --old)" = 0 ] && [ "$(entries --new)" = 8 ]
say $? "filters choose"
[ "$("$SWITCHYARD" book export --home "$home" --sort reached | head -2 | cut -c40)" = "1
2" ] && [ "$("$SWITCHYARD" book export --home "$home" --sort attempts | head -1 | cut -c40)" = 5 ]
say $? "and --sort orders"
book stats
grep -qx 'entries   8: 8 new, 0 old; 1 whose last attempt failed' "$tmp/out" && grep -qx 'reached   within an hour 0, within a day 0, within a week 1, longer ago 1, never 6' "$tmp/out"
say $? "stats"
tells "stats --json" 0 '"largest_groups"' book stats --json --home "$home"
tells "show --json" 0 '"last_success": "2001-02-03T04:05:06Z"' book show --json --home "$home"
book prune --older-than 100h --dry-run
[ $code = 0 ] && grep -q '^1 would be pruned' "$tmp/out" && [ "$(entries)" = 8 ]
say $? "--dry-run changes nothing"
book prune --older-than 100h
[ $code = 0 ] && [ "$(entries)" = 7 ] && ! grep -q "$(id 2)" "$b"
say $? "prune --older-than"
book prune --attempts 10
[ $code = 1 ] && [ "$(entries)" = 7 ]
say $? "nothing to prune: exit 1"
book remove "$(id 9)" 11.1.3.4
[ $code = 0 ] && [ "$(entries)" = 5 ]
say $? "remove by id and by IP"
refuses "remove of what is neither" "is no id@ip:port" book remove zzz --home "$home"

# two books: of one id the address that answered last wins; an old entry stays old
cat >"$tmp/other.json" <<JSON
{"key": "00112233445566778899aabb", "addrs": [
 {"addr": {"id": "$(id 5)", "ip": "55.5.5.5", "port": 1}, "src": {"id": "$(id 6)", "ip": "16.6.3.4", "port": 26656}, "buckets": [1],
  "attempts": 0, "bucket_type": 2, "last_attempt": "2020-01-02T03:04:05Z", "last_success": "2020-01-02T03:04:05Z", "last_ban_time": "0001-01-01T00:00:00Z"},
 {"addr": {"id": "$(id 50)", "ip": "50.5.5.5", "port": 2}, "src": {"id": "$(id 50)", "ip": "50.5.5.5", "port": 2}, "buckets": [7],
  "attempts": 3, "bucket_type": 1, "last_attempt": "2021-01-02T03:04:05Z", "last_success": "0001-01-01T00:00:00Z", "last_ban_time": "0001-01-01T00:00:00Z"}]}
JSON
call book merge "$b" "$tmp/other.json" --out "$tmp/both.json"
[ $code = 0 ] && "$SWITCHYARD" book export --file "$tmp/both.json" | sort >"$tmp/merged" && grep -qx "$(id 5)@55.5.5.5:1" "$tmp/merged" &&
	grep -qx "$(id 50)@50.5.5.5:2" "$tmp/merged" && [ "$(wc -l <"$tmp/merged")" = 6 ] && [ "$(entries)" = 5 ]
say $? "merge A B --out C"
call book show --file "$tmp/both.json" --json
python3 - "$tmp/out" <<'PY'
import json, sys
d = {int(e["id"], 16): e for e in json.load(open(sys.argv[1]))}
assert d[5]["type"] == "old" and d[5]["last_success"] == "2020-01-02T03:04:05Z", d[5]
assert d[0x32]["type"] == "new" and d[0x32]["attempts"] == 3 and d[0x32]["last_attempt"] == "2021-01-02T03:04:05Z", d[0x32]
PY
say $? "kinds, times and attempts come along"
book merge "$tmp/other.json" && [ "$(entries)" = 6 ]
say $? "merge OTHER goes into the home's"
book import "$tmp/other.json" && grep -q '^0 added' "$tmp/out"
say $? "import takes an address book, too"
call book ban "$(id 60)" --for 1h --file "$tmp/short.json" && call book ban "$(id 60)" "$(id 61)" --for 100h --file "$tmp/long.json"
call book merge "$tmp/short.json" "$tmp/long.json" --out "$tmp/longer.json"
[ $code = 0 ] && "$SWITCHYARD" book show --banned --file "$tmp/longer.json" >"$tmp/out" && [ "$(wc -l <"$tmp/out")" = 2 ] &&
	grep "$(id 60)" "$tmp/out" | grep -q "$("$SWITCHYARD" book show --banned --file "$tmp/long.json" | sed -n 's/.*until //p' | head -1 | cut -c1-10)"
say $? "of two bans the longer"

for i in $(seq 1 70); do echo "$(id $((1000 + i)))@21.1.1.$i:1"; done | sed 's/^/ /' >"$tmp/narrow" # one network: buckets run full
call book import "$tmp/narrow" --file "$tmp/narrow.json"
made=$(sed -n 's/.*; \([0-9]*\) made room in full buckets; \([0-9]*\) entries/\1 \2/p' "$tmp/out")
[ $code = 0 ] && [ -n "$made" ] && [ $((${made% *} + ${made#* })) = 70 ] && [ "$("$SWITCHYARD" book export --file "$tmp/narrow.json" | wc -l)" = "${made#* }" ]
say $? "what a full bucket costs is told"

# a node on the home
printf '[p2p]\nladdr = "tcp://127.0.0.1:0"\n' >"$home/config/config.toml"
spawn node "$SWITCHYARD" node --home "$home" --network net --p2p.max_num_outbound_peers 0 # its book names strangers: none is dialled
node=$pid
within 15 listens node
refuses "a node that runs keeps editors out" "a node that runs would write its own book over $b: stop it first" book remove "$(id 6)" --home "$home"
refuses "by the file's name, too" "a node that runs" book remove "$(id 6)" --file "$b"
tells "looking is free" 0 "$(id 6)@16.6.3.4:26656" book show --home "$home"
refuses "a second node is kept out, too" "is in use by another node" node --home "$home" --network net
kill -KILL "$node" && within 15 gone "$node"
book remove "$(id 6)"
[ $code = 0 ]
say $? "a node that was killed leaves no lock behind"
spawn node "$SWITCHYARD" node --home "$home" --network net --p2p.max_num_outbound_peers 0 # its book names strangers: none is dialled
within 15 listens node && ends "$pid" && [ "$(entries)" = 5 ] && grep -q "$(id 50)" "$b"
say $? "a node takes what was edited and saves it"
mkdir -p "$home/data/blockstore.db" && : >"$home/data/blockstore.db/LOCK"
for how in flock lockf; do
	rm -f "$tmp/locked"
	python3 -c "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.$how(f,fcntl.LOCK_EX); open(sys.argv[2],'w').close(); time.sleep(60)" \
		"$home/data/blockstore.db/LOCK" "$tmp/locked" &
	comet=$!
	pids="$pids $comet"
	within 15 [ -f "$tmp/locked" ]
	refuses "a CometBFT node on the home keeps editors out ($how)" "a CometBFT node runs in $home" book remove "$(id 5)" --home "$home"
	kill "$comet"
	wait "$comet" 2>/dev/null
done
book remove "$(id 5)"
[ $code = 0 ]
say $? "and does so no more when it has ended"
exit $bad
