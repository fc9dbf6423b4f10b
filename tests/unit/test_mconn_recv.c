#include "core/wire/packet.h"
#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

#include <stdlib.h>

static void open_kit(struct mconn_kit *k, enum sy_profile profile)
{
	mconn_kit_init(k, profile);
	k->config.recv_rate = 0;
	mconn_kit_channel(k, 1, 1, 1, 0);
	mconn_kit_channel(k, 2, 1, 1, 5000);
	mconn_kit_open(k);
}

static enum sy_err answer_to(const uint8_t *bytes, size_t n)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	enum sy_err err[3];
	for (size_t piece = 0; piece < 3; piece++) {
		open_kit(&k, SY_PROFILE_DEFAULT);
		err[piece] = mconn_kit_feed(&k, bytes, n, piece, &log);
		mconn_kit_close(&k);
		assert_int_equal(err[piece], err[0]);
	}
	return err[0];
}

static size_t packet(uint8_t *buf, uint8_t channel, bool eof, size_t n, uint8_t fill)
{
	size_t header = sy_packet_header(buf, channel, eof, n);
	memset(buf + header, fill, n);
	return header + n;
}

#define ANSWER(...) answer_to((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_mconn_feed_refuses_each_kind_of_bad_packet(void **state)
{
	assert_int_equal(ANSWER(0x01, 0x02, 0x03, 0x04, 0x05), SY_PEER_BAD_PACKET);
	assert_int_equal(ANSWER(0x00), SY_PEER_UNKNOWN_PACKET);                                            /* empty Packet */
	assert_int_equal(ANSWER(0x02, 0x22, 0x00), SY_PEER_UNKNOWN_PACKET);                                /* only an unknown member */
	assert_int_equal(ANSWER(0x02, 0x08, 0x01), SY_PEER_BAD_PACKET);                                    /* wrong wire type */
	assert_int_equal(ANSWER(0x04, 0x1a, 0x02, 0x10, 0x01), SY_PEER_UNKNOWN_CHANNEL);                   /* channel 0 */
	assert_int_equal(ANSWER(0x07, 0x1a, 0x05, 0x08, 0x81, 0x08, 0x10, 0x01), SY_PEER_UNKNOWN_CHANNEL); /* 1025: low byte 1 */
	assert_int_equal(ANSWER(0x0d, 0x1a, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
	                 SY_PEER_UNKNOWN_CHANNEL);                     /* -1 */
	assert_int_equal(ANSWER(0x8b, 0x08), SY_PEER_PACKET_TOO_LONG); /* 1,035: refused at the delimiter */
	assert_int_equal(ANSWER(0x8a, 0x08), SY_OK);                   /* 1,034: awaited */
	assert_int_equal(ANSWER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), SY_PEER_BAD_PACKET);
	assert_int_equal(ANSWER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), SY_PEER_PACKET_TOO_LONG);
	assert_int_equal(ANSWER(0xff, 0xff, 0xff, 0xff, 0x0f), SY_PEER_PACKET_TOO_LONG);
	assert_int_equal(ANSWER(0x82, 0x80, 0x00, 0x0a, 0x00), SY_OK); /* a ping behind a longer delimiter than needed */
}

static void test_mconn_feed_takes_1024_bytes_of_data_and_refuses_1124(void **state)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	uint8_t buf[2048];
	open_kit(&k, SY_PROFILE_DEFAULT);
	size_t n = packet(buf, 1, true, 1024, 'x');
	assert_int_equal(n, 1036);
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.last_len, 1024);
	n = packet(buf, 1, false, 1028, 'x');
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_PEER_PACKET_TOO_LONG);
	mconn_kit_close(&k);
	open_kit(&k, SY_PROFILE_DEFAULT);
	n = packet(buf, 0x01, false, 1026, 'x'); /* the limit is on the packet: without EOF two bytes more pass */
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	n = packet(buf, 1, true, 1124, 'x');
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_PEER_PACKET_TOO_LONG);
	mconn_kit_close(&k);
}

static void test_mconn_feed_takes_a_message_of_exactly_the_capacity_and_refuses_one_byte_more(void **state)
{
	for (size_t over = 0; over < 2; over++) {
		for (size_t first = 0; first <= 1024; first += 512) {
			struct mconn_kit k;
			struct mconn_log log = {0};
			uint8_t buf[2048];
			enum sy_err err = SY_OK;
			open_kit(&k, SY_PROFILE_DEFAULT);
			size_t left = 5000 + over, take = first;
			for (; !err && left > 1024; left -= take, take = 1024) {
				size_t n = packet(buf, 2, false, take, 'c');
				err = mconn_kit_feed(&k, buf, n, 300, &log);
			}
			size_t n = packet(buf, 2, true, left, 'c');
			if (!err)
				err = mconn_kit_feed(&k, buf, n, 0, &log);
			assert_int_equal(err, over ? SY_PEER_MESSAGE_TOO_LONG : SY_OK);
			assert_int_equal(log.messages, over ? 0 : 1);
			if (!over)
				assert_int_equal(log.last_len, 5000);
			mconn_kit_close(&k);
		}
	}
}

static void test_mconn_feed_hands_up_a_whole_message_in_place(void **state)
{
	struct mconn_kit k;
	struct sy_mconn_in in;
	uint8_t buf[128];
	open_kit(&k, SY_PROFILE_DEFAULT);
	size_t n = packet(buf, 1, true, 64, 'm');
	assert_int_equal(sy_mconn_feed(k.m, &k.shared, k.now, buf, n, &in), SY_OK); /* the channel's first makes its state */
	uint64_t allocs = k.env.allocs;
	assert_int_equal(sy_mconn_feed(k.m, &k.shared, k.now, buf, n, &in), SY_OK);
	assert_true(in.message);
	assert_int_equal(in.consumed, n);
	assert_ptr_equal(in.bytes.ptr, buf + n - 64);
	assert_int_equal(in.bytes.len, 64);
	assert_int_equal(k.env.allocs, allocs);
	mconn_kit_close(&k);
}

static void test_mconn_feed_delivers_empty_messages_and_interleaved_channels(void **state)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	uint8_t buf[8192];
	open_kit(&k, SY_PROFILE_DEFAULT);
	size_t n = packet(buf, 1, true, 0, 0);
	n += packet(buf + n, 1, false, 1000, 'a');
	n += packet(buf + n, 2, false, 1000, 'b');
	n += packet(buf + n, 1, false, 0, 'a');
	n += packet(buf + n, 2, true, 500, 'b');
	n += packet(buf + n, 1, true, 500, 'a');
	for (size_t piece = 1; piece < 600; piece += 7)
		assert_int_equal(mconn_kit_feed(&k, buf, n, piece, &log), SY_OK);
	assert_int_equal(log.messages % 3, 0);
	assert_int_equal(log.bytes, log.messages * 1000);
	assert_int_equal(log.last_channel, 1);
	mconn_kit_close(&k);
}

static void test_mconn_feed_of_one_packet_does_not_allocate_the_capacity(void **state)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	uint8_t buf[2048];
	open_kit(&k, SY_PROFILE_DEFAULT);
	size_t n = packet(buf, 1, true, 1, 'x');
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK); /* the channel's first makes its state */
	uint64_t before = k.env.live_bytes;
	n = packet(buf, 1, false, 1, 'x');
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_true(k.env.live_bytes - before <= 2200);
	for (int i = 0; i < 1000; i++) {
		n = packet(buf, 1, false, 1024, 'x');
		assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	}
	assert_true(k.env.live_bytes - before <= 2 * 1024 * 1001 + 2200);
	n = packet(buf, 1, true, 1, 'x');
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.last_len, 1024002);
	assert_int_equal(k.env.live_bytes, before); /* given back */
	mconn_kit_close(&k);
}

static void test_mconn_feed_bounds_what_all_half_messages_take_together(void **state)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	static uint8_t buf[1 << 20];
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	k.config.recv_rate = 0;
	k.config.max_packet_msg_payload_size = 1 << 19;
	for (uint8_t id = 1; id <= 16; id++)
		mconn_kit_channel(&k, id, 1, 1, 100 << 20);
	mconn_kit_open(&k);
	enum sy_err err = SY_OK;
	uint64_t fed = 0;
	while (!err) {
		size_t n = packet(buf, (uint8_t)(1 + (fed >> 19) % 16), false, 1 << 19, 'x');
		err = mconn_kit_feed(&k, buf, n, 0, &log);
		fed += 1 << 19;
		assert_true(k.env.live_bytes < SY_LIMIT_RECV_BYTES_PER_PEER + 20000);
	}
	assert_int_equal(err, SY_PEER_MESSAGE_TOO_LONG);
	assert_true(fed > SY_LIMIT_RECV_BYTES_PER_PEER / 4);
	mconn_kit_close(&k);
}

static void test_mconn_feed_keeps_large_cut_packets_in_memory_that_grows(void **state)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	size_t size = 4 << 20;
	uint8_t *buf = malloc(size + SY_PACKET_HEADER_MAX);
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	k.config.recv_rate = 0;
	k.config.max_packet_msg_payload_size = 4 << 20;
	mconn_kit_channel(&k, 1, 1, 1, 0);
	mconn_kit_open(&k);
	uint64_t before = k.env.live_bytes;
	size_t n = packet(buf, 1, true, size, 'x');
	assert_int_equal(mconn_kit_feed(&k, buf, 100, 0, &log), SY_OK);
	assert_true(k.env.live_bytes - before <= 4096);
	assert_int_equal(mconn_kit_feed(&k, buf + 100, n - 100, 65536, &log), SY_OK);
	assert_int_equal(log.last_len, size);
	assert_true(k.env.live_bytes <=
	            before + 2048 + 64 + sizeof(struct sy_channel_totals)); /* the pool's block, the state and the totals of the channel */
	free(buf);
	mconn_kit_close(&k);
}

static void test_mconn_feed_of_random_bytes_never_does_more_than_refuse(void **state)
{
	uint64_t x = 12345;
	for (int round = 0; round < 3000; round++) {
		struct mconn_kit k;
		struct mconn_log log = {0};
		uint8_t buf[96];
		open_kit(&k, SY_PROFILE_DEFAULT);
		size_t n = packet(buf, 1, true, 30, 'x');
		n += packet(buf + n, 2, false, 30, 'x');
		for (int flips = 0; flips < 1 + round % 4; flips++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			buf[(x >> 33) % n] ^= (uint8_t)(1 + (x >> 50));
		}
		/* Content may differ from byte to byte, which the kit would complain about: it is fed by hand. */
		struct sy_mconn_in in = {.message = true};
		enum sy_err err = SY_OK;
		for (size_t at = 0; !err && (at < n || in.message); at += in.consumed)
			err = sy_mconn_feed(k.m, &k.shared, k.now, buf + at, n - at, &in);
		assert_true(err == SY_OK || sy_err_is_peer_fault(err));
		(void)log;
		mconn_kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_feed_refuses_each_kind_of_bad_packet),
	    cmocka_unit_test(test_mconn_feed_takes_1024_bytes_of_data_and_refuses_1124),
	    cmocka_unit_test(test_mconn_feed_takes_a_message_of_exactly_the_capacity_and_refuses_one_byte_more),
	    cmocka_unit_test(test_mconn_feed_hands_up_a_whole_message_in_place),
	    cmocka_unit_test(test_mconn_feed_delivers_empty_messages_and_interleaved_channels),
	    cmocka_unit_test(test_mconn_feed_of_one_packet_does_not_allocate_the_capacity),
	    cmocka_unit_test(test_mconn_feed_bounds_what_all_half_messages_take_together),
	    cmocka_unit_test(test_mconn_feed_keeps_large_cut_packets_in_memory_that_grows),
	    cmocka_unit_test(test_mconn_feed_of_random_bytes_never_does_more_than_refuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
