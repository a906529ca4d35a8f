#define _GNU_SOURCE
#include "touched_pages.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { RANGES_MAX = 4096, PAGES_AT_ONCE = 512 };

// Of an entry of /proc/self/pagemap (proc(5)).
static const uint64_t PRESENT = 1ULL << 63;
static const uint64_t OF_FILE = 1ULL << 61;
static const uint64_t EXCLUSIVE = 1ULL << 56;

struct range {
  uintptr_t begin;
  uintptr_t end;
  int advice;
};

struct list {
  size_t count;
  struct range ranges[RANGES_MAX];
};

static struct list* shared;  // with the fork that tries, and with nobody else
static struct list* kept;

int touched_pages_expect(void) {
  void* memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  shared = memory;
  return 0;
}

// After a fork pages without a file that both have are nobody's own, so those that are were written to since; of files
// only what was touched since is mapped.
static int advice_for(uint64_t entry, int is_writable) {
  if ((entry & PRESENT) == 0) return 0;
  if ((entry & OF_FILE) != 0) return MADV_POPULATE_READ;
  return is_writable && (entry & EXCLUSIVE) != 0 ? MADV_POPULATE_WRITE : 0;
}

static void add(uintptr_t page, size_t page_bytes, int advice) {
  struct range* last = shared->count == 0 ? NULL : &shared->ranges[shared->count - 1];
  if (last != NULL && last->end == page && last->advice == advice) {
    last->end += page_bytes;
  } else if (shared->count < RANGES_MAX) {
    shared->ranges[shared->count++] = (struct range){page, page + page_bytes, advice};
  }
}

static void look_at(int pagemap, uintptr_t begin, uintptr_t end, int is_writable) {
  static uint64_t entries[PAGES_AT_ONCE];
  const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  while (begin < end) {
    const size_t left = (end - begin) / page_bytes;
    const size_t wanted = left < PAGES_AT_ONCE ? left : PAGES_AT_ONCE;
    const ssize_t got =
        pread(pagemap, entries, wanted * sizeof *entries, (off_t)(begin / page_bytes * sizeof *entries));
    if (got <= 0) return;
    for (size_t i = 0; i < (size_t)got / sizeof *entries; ++i, begin += page_bytes) {
      const int advice = advice_for(entries[i], is_writable);
      if (advice != 0) add(begin, page_bytes, advice);
    }
  }
}

void touched_pages_note(void) {
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  FILE* maps = fopen("/proc/self/maps", "re");
  char line[4352];
  while (pagemap >= 0 && maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char rights[5] = "";
    if (sscanf(line, "%lx-%lx %4s", &begin, &end, rights) != 3 || rights[0] != 'r' || rights[3] != 'p') continue;
    look_at(pagemap, begin, end, rights[1] == 'w');
  }
  if (maps != NULL) fclose(maps);
  if (pagemap >= 0) close(pagemap);
}

void touched_pages_keep(void) {
  const size_t bytes = offsetof(struct list, ranges) + shared->count * sizeof *shared->ranges;
  kept = malloc(bytes);
  if (kept != NULL) memcpy(kept, shared, bytes);
  munmap(shared, sizeof *shared);
  shared = NULL;
}

// What is not there, or cannot be had, is left to the faults.
void touched_pages_populate(void) {
  for (size_t i = 0; kept != NULL && i < kept->count; ++i) {
    const struct range* range = &kept->ranges[i];
    madvise((void*)range->begin, range->end - range->begin, range->advice);
  }
}
