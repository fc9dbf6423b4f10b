/* Looks through a whole book: every list, length, count and lookup agrees with every other. Fails the cmocka test. */
#ifndef TESTS_SUPPORT_BOOKCHECK_H
#define TESTS_SUPPORT_BOOKCHECK_H

#include "core/book/book.h"

void test_book_check(const struct sy_book *book);

#endif
