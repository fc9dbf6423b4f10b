/* A node's configuration, copied: the world keeps it across stops and starts, the script's texts may be gone by then. */
#include "sim/world/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *keep_text(struct world_config *c, const char *text)
{
	if (c->num_texts == c->cap_texts) {
		size_t cap = c->cap_texts == 0 ? 8 : c->cap_texts * 2;
		char **texts = realloc(c->texts, cap * sizeof *texts);

		if (texts == NULL)
			return NULL;
		c->texts = texts;
		c->cap_texts = cap;
	}
	char *copy = strdup(text);
	if (copy != NULL)
		c->texts[c->num_texts++] = copy;
	return copy;
}

static bool copy_text(struct world_config *c, const char **text)
{
	if (*text == NULL)
		return true;
	*text = keep_text(c, *text);
	return *text != NULL;
}

static bool copy_list(struct world_config *c, const char *const **list, size_t *count)
{
	if (*count == 0) {
		*list = NULL;
		return true;
	}
	const char **copy = malloc(*count * sizeof *copy);
	if (copy == NULL) {
		*list = NULL;
		*count = 0;
		return false;
	}
	const char *const *old = *list;
	size_t num = *count;

	*list = copy;
	*count = 0;
	for (size_t i = 0; i < num; i++) {
		copy[i] = keep_text(c, old[i]);
		if (copy[i] == NULL)
			return false;
		*count = i + 1;
	}
	return true;
}

static bool copy_channels(struct sy_config *p2p)
{
	if (p2p->num_extra_channels == 0) {
		p2p->extra_channels = NULL;
		return true;
	}
	uint8_t *copy = malloc(p2p->num_extra_channels);
	if (copy == NULL) {
		p2p->extra_channels = NULL;
		p2p->num_extra_channels = 0;
		return false;
	}
	memcpy(copy, p2p->extra_channels, p2p->num_extra_channels);
	p2p->extra_channels = copy;
	return true;
}

bool world_config_copy(struct world_config *c, const struct sy_config *from, const char *name)
{
	struct sy_config *p2p = &c->p2p;
	bool good = true;

	*c = (struct world_config){.p2p = *from};
	p2p->name = name;
	/* Each list is copied even after a failure: what is not ours must not be freed. */
	good = copy_list(c, &p2p->seeds, &p2p->num_seeds) && good;
	good = copy_list(c, &p2p->persistent_peers, &p2p->num_persistent_peers) && good;
	good = copy_list(c, &p2p->unconditional_peer_ids, &p2p->num_unconditional_peer_ids) && good;
	good = copy_list(c, &p2p->private_peer_ids, &p2p->num_private_peer_ids) && good;
	good = copy_channels(p2p) && good;
	good = copy_text(c, &p2p->name) && good;
	good = copy_text(c, &p2p->listen_addr) && good;
	good = copy_text(c, &p2p->network) && good;
	good = copy_text(c, &p2p->version) && good;
	good = copy_text(c, &p2p->moniker) && good;
	good = copy_text(c, &p2p->tx_index) && good;
	good = copy_text(c, &p2p->rpc_address) && good;
	return good;
}

bool world_config_advertise(struct world_config *c, const struct sy_netaddr *addr)
{
	struct sy_config plain;
	char dial[SY_ADDR_TEXT], text[SY_ADDR_TEXT + 8];
	const char *now = c->p2p.listen_addr;

	/* A script that names an address of its own (behind a NAT, 0.0.0.0) keeps it. */
	sy_config_init(&plain, c->p2p.profile);
	if (now != NULL && *now != '\0' && (plain.listen_addr == NULL || strcmp(now, plain.listen_addr) != 0))
		return true;
	sy_netaddr_format_dial(addr, dial);
	snprintf(text, sizeof text, "tcp://%s", dial);
	c->p2p.listen_addr = keep_text(c, text);
	return c->p2p.listen_addr != NULL;
}

void world_config_free(struct world_config *c)
{
	free((void *)c->p2p.seeds);
	free((void *)c->p2p.persistent_peers);
	free((void *)c->p2p.unconditional_peer_ids);
	free((void *)c->p2p.private_peer_ids);
	free((void *)c->p2p.extra_channels);
	for (size_t i = 0; i < c->num_texts; i++)
		free(c->texts[i]);
	free(c->texts);
}
