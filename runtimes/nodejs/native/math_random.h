// The generator behind Math.random, which V8 seeds once for each context and offers no way to seed again.
//
// V8 keeps 64 numbers drawn ahead and the state they came from (two 64-bit words, xorshift128+) in its heap, and gives
// the numbers out from the last to the first. They are looked for by numbers that were just given out, once in the
// template, and replaced in each fork. What stands there is compared first, so nothing else is ever overwritten.
#pragma once

#include <stddef.h>

// drawn: the last `count` (4 to 64) results of Math.random, oldest first. 0, or -1 where they are not found together: a
// refill lay among them.
int math_random_find(const double* drawn, size_t count);

// Replaces what math_random_find found by random numbers. -1 where it has moved since: find it again.
int math_random_renew(void);
