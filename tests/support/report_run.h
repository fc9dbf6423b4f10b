/* A finished run made by hand: two checks, a plot over time, a measure of two channels, three rows of metrics. */
#ifndef TESTS_SUPPORT_REPORT_RUN_H
#define TESTS_SUPPORT_REPORT_RUN_H

#include "sim/report/report.h"

/* Filled once, valid until the program ends. */
void test_report_run(struct report_run *run);
/* A fresh directory below TMPDIR or /tmp; test_remove_dir takes it away with the files in it and in its directories. */
void test_make_dir(char dir[256]);
void test_remove_dir(const char *dir);
/* The file as text, to be freed; null when it cannot be read. */
char *test_read_file(const char *dir, const char *name);

#endif
