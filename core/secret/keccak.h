/* Keccak-f[1600], the permutation below Merlin; libsodium has none. Source: FIPS 202, section 3. */
#ifndef SY_SECRET_KECCAK_H
#define SY_SECRET_KECCAK_H

#include <stdint.h>

/* Permutes the 200 bytes in place: 25 lanes of 64 bits, little-endian, 24 rounds. */
void sy_keccak_f1600(uint8_t state[200]);

#endif
