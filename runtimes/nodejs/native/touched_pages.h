// The pages of memory that a start touches, found out by one fork that tries a start, so that the forks that are to
// become instances have them before they wait: page faults are most of a start's time. Linux 5.14 on; before, nothing
// happens.
#pragma once

// In the template, before it forks the one that tries. -1: no memory.
int touched_pages_expect(void);
// In the fork that tried: lists what it has touched since it was forked.
void touched_pages_note(void);
// In the template, after that fork has ended. What comes later is not taken from others' memory.
void touched_pages_keep(void);
// In a fork: takes the page faults that are to come.
void touched_pages_populate(void);
