/* One line on a terminal that changes while a crawl goes on. */
#ifndef SIM_CRAWL_PROGRESS_H
#define SIM_CRAWL_PROGRESS_H

#include "sim/crawl/walk.h"

void crawl_progress(const struct walk *w, uint64_t took_ns);
void crawl_progress_end(void); /* clears the line */

#endif
