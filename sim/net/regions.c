/* Half of the round trips that one sees between data centres of these regions, to the millisecond. */
#include <stddef.h>
#include <string.h>

#include "sim/net/regions.h"

static const char *const names[SIM_REGIONS] = {
    "us-east",  "us-west",  "ca-central", "sa-east",      "eu-west",      "eu-central", "eu-north",
    "me-south", "af-south", "ap-south",   "ap-southeast", "ap-northeast", "ap-east",    "ap-sydney",
};

/* Row i holds the delays to the regions after i, in the order of the names. */
static const uint8_t delays_ms[SIM_REGIONS][SIM_REGIONS - 1] = {
    {32, 8, 58, 36, 45, 56, 88, 112, 98, 110, 78, 102, 100}, /* us-east */
    {35, 88, 66, 73, 80, 112, 143, 112, 85, 54, 74, 70},     /* us-west */
    {62, 35, 46, 52, 88, 113, 94, 107, 73, 98, 99},          /* ca-central */
    {88, 101, 108, 146, 170, 150, 164, 128, 152, 155},       /* sa-east */
    {13, 20, 50, 80, 61, 87, 100, 105, 128},                 /* eu-west */
    {11, 43, 77, 56, 80, 112, 95, 125},                      /* eu-central */
    {53, 86, 66, 92, 122, 102, 137},                         /* eu-north */
    {60, 18, 45, 78, 58, 88},                                /* me-south */
    {70, 100, 140, 115, 140},                                /* af-south */
    {28, 62, 45, 75},                                        /* ap-south */
    {35, 19, 46},                                            /* ap-southeast */
    {26, 54},                                                /* ap-northeast */
    {64},                                                    /* ap-east */
    {0},                                                     /* ap-sydney */
};

int sim_region_find(const char *name)
{
	for (int i = 0; i < SIM_REGIONS; i++) {
		if (strcmp(names[i], name) == 0) {
			return i;
		}
	}
	return -1;
}

const char *sim_region_name(int region)
{
	return region >= 0 && region < SIM_REGIONS ? names[region] : NULL;
}

uint64_t sim_region_latency_ns(int from, int to)
{
	if (from == to) {
		return SIM_REGION_INSIDE_NS;
	}
	int low = from < to ? from : to;
	int high = from < to ? to : from;
	return delays_ms[low][high - low - 1] * 1000000ull;
}
