/* Assertions that stay on in every build. They state what only our own bug can break. */
#ifndef SY_BASE_ASSERT_H
#define SY_BASE_ASSERT_H

/* Ends the process through a trap; a debugger or core file shows where. Core has no stdio to say more. */
#define SY_ASSERT(cond) (__builtin_expect(!(cond), 0) ? __builtin_trap() : (void)0)

#endif
