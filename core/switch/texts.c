/* Our node info: its texts are copied into one block, because the configuration is only borrowed. */
#include "core/switch/switch.h"

#include "core/base/assert.h"

#include <string.h>

static uint32_t text_len(const char *text)
{
	return text ? (uint32_t)strlen(text) : 0;
}

static void put(struct sy_switch *sw, uint32_t *at, const char *text, struct sy_span *out)
{
	uint32_t n = text_len(text);
	if (n)
		memcpy(sw->texts + *at, text, n);
	out->ptr = (const uint8_t *)sw->texts + *at;
	out->len = n;
	*at += n;
	SY_ASSERT(*at <= sw->texts_len);
}

/* Returns SY_INVALID when the texts could never be sent, SY_NO_MEMORY. */
enum sy_err sy_switch_copy_texts(struct sy_switch *sw, const struct sy_config *config)
{
	char id[SY_ID_TEXT];
	sy_id_format(&sw->id, id);
	const char *texts[] = {
	    id, config->listen_addr, config->network, config->version, config->moniker, config->tx_index, config->rpc_address};
	struct sy_span *spans[] = {&sw->info.id_text, &sw->info.listen_addr, &sw->info.network,    &sw->info.version,
	                           &sw->info.moniker, &sw->info.tx_index,    &sw->info.rpc_address};
	size_t total = 0;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		total += text_len(texts[i]);
	if (total > SY_NODE_INFO_MAX - 256)
		return SY_INVALID;
	sw->texts_len = (uint32_t)total;
	sw->texts = sy_mem_new(sw->env, total);
	if (!sw->texts)
		return SY_NO_MEMORY;
	uint32_t at = 0;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put(sw, &at, texts[i], spans[i]);
	sw->info.p2p_version = config->p2p_version;
	sw->info.block_version = config->block_version;
	sw->info.app_version = config->app_version;
	return SY_OK;
}

void sy_switch_free_texts(struct sy_switch *sw)
{
	sy_mem_free(sw->env, sw->texts, sw->texts_len);
	sw->texts = NULL;
}
