/* What is done to a host's process, set. */
#include "sim/net/rough_private.h"

#define DRIFT_MAX_PPM 500000 /* half as fast again, or half as fast */
#define STEP_MAX_NS (INT64_C(1) << 60)
#define CPU_MAX_NS INT64_C(1000000000)

static bool makes_sense(enum sim_rough_kind kind, int64_t value)
{
	switch (kind) {
	case SIM_ROUGH_PAUSE:
	case SIM_ROUGH_RESUME:
	case SIM_ROUGH_DNS_HANG:
		return true;
	case SIM_ROUGH_CLOCK_STEP:
		return value > -STEP_MAX_NS && value < STEP_MAX_NS;
	case SIM_ROUGH_CLOCK_DRIFT:
		return value >= -DRIFT_MAX_PPM && value <= DRIFT_MAX_PPM;
	case SIM_ROUGH_CPU:
		return value >= 0 && value <= CPU_MAX_NS;
	case SIM_ROUGH_SLOW_READER:
	case SIM_ROUGH_SHORT_IO:
	case SIM_ROUGH_DNS_DELAY:
	case SIM_ROUGH_DNS_FAIL:
		return value >= 0 && value < STEP_MAX_NS;
	}
	return false;
}

static void set_drift(struct rough *r, int64_t ppm)
{
	uint64_t now_ns = r->host->net->engine->now_ns;
	r->base_local_ns = rough_local(r, now_ns);
	r->base_ns = now_ns;
	r->drift_ppm = ppm;
}

static void set_dns(struct rough *r, enum rough_dns dns, uint64_t delay_ns)
{
	r->dns = dns;
	r->dns_ns = delay_ns;
}

static void set(struct rough *r, enum sim_rough_kind kind, int64_t value)
{
	switch (kind) {
	case SIM_ROUGH_PAUSE:
		r->paused = true;
		break;
	case SIM_ROUGH_RESUME:
		r->paused = false;
		break;
	case SIM_ROUGH_CPU:
		r->cpu_ns = (uint64_t)value;
		break;
	case SIM_ROUGH_CLOCK_STEP:
		r->step_ns += value;
		break;
	case SIM_ROUGH_CLOCK_DRIFT:
		set_drift(r, value);
		break;
	case SIM_ROUGH_SLOW_READER:
		r->read_rate = (uint64_t)value;
		break;
	case SIM_ROUGH_SHORT_IO:
		r->short_io = (size_t)value;
		break;
	case SIM_ROUGH_DNS_HANG:
		set_dns(r, DNS_HANG, 0);
		break;
	case SIM_ROUGH_DNS_DELAY:
		set_dns(r, value ? DNS_SLOW : DNS_PLAIN, (uint64_t)value);
		break;
	case SIM_ROUGH_DNS_FAIL:
		set_dns(r, value ? DNS_FAIL : DNS_PLAIN, 0);
		break;
	}
}

enum sy_err sim_host_rough(struct sim_host *h, enum sim_rough_kind kind, int64_t value)
{
	if (!makes_sense(kind, value)) {
		return SY_INVALID;
	}
	struct rough *r = rough_take(h);
	if (!r) {
		return SY_NO_MEMORY;
	}
	set(r, kind, value);
	net_hash(h->net, sy_hash_u64(h->entity + (uint64_t)kind, (uint64_t)value));
	rough_change(r);
	return SY_OK;
}

static void work(struct rough *r, uint64_t ns)
{
	uint64_t now_ns = r->host->net->engine->now_ns;
	r->busy_ns = (r->busy_ns > now_ns ? r->busy_ns : now_ns) + ns;
	rough_change(r);
}

void sim_host_worked(struct sim_host *h, uint32_t frames)
{
	if (h->rough && h->rough->cpu_ns && frames) {
		work(h->rough, frames * h->rough->cpu_ns);
	}
}

void sim_host_shook_hands(struct sim_host *h)
{
	if (h->rough && h->net->handshake_ns) {
		work(h->rough, h->net->handshake_ns);
	}
}

const char *sim_rare_name(enum sim_rare point)
{
	switch (point) {
	case SIM_RARE_SHORT_WRITE:
		return "short_write";
	case SIM_RARE_SHORT_READ:
		return "short_read";
	case SIM_RARE_NO_ROOM:
		return "no_room";
	case SIM_RARE_SPURIOUS:
		return "spurious";
	case SIM_RARE_LATE_EVENT:
		return "late_event";
	case SIM_RARE_LATE_TIMER:
		return "late_timer";
	case SIM_RARE_ORDER:
		return "order";
	case SIM_RARES:
		break;
	}
	return "?";
}

enum sy_err sim_host_buggify(struct sim_host *h, uint32_t points, uint32_t rate_ppm)
{
	sim_source_shuffle(&h->source, points >> SIM_RARE_ORDER & 1 ? rate_ppm : 0);
	points &= (1u << SIM_RARES) - 1;
	struct rough *r = points && rate_ppm ? rough_take(h) : h->rough;
	if (!r) {
		return points && rate_ppm ? SY_NO_MEMORY : SY_OK;
	}
	r->points = rate_ppm ? points : 0;
	r->rate_ppm = rate_ppm;
	net_hash(h->net, sy_hash_u64(h->entity, (uint64_t)points << 32 | rate_ppm));
	rough_change(r);
	return SY_OK;
}
