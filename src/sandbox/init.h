// Process 1 of a sandbox: starts the program, reaps whatever is orphaned, reports the program's end, and ends; with it
// the kernel ends every process left in the pid namespace. It is confined as the program is, cannot be read or traced
// by it (not dumpable), and does not die of signals from inside, as the kernel guards process 1.
//
// The program is a child of it, not process 1 itself, so that kill(getpid(), SIGKILL), abort() and exit statuses mean
// what they mean elsewhere.
#pragma once

#include "sandbox/confine.h"

namespace lambent::sandbox {

[[noreturn]] void run_init(const Confinement& confinement, Listeners listeners);

}  // namespace lambent::sandbox
