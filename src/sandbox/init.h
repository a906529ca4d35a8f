// Process 1 of a sandbox: starts the program, reaps whatever is orphaned, reports the program's end, and ends; with it
// the kernel ends every process left in the pid namespace. It is confined as the program is, cannot be read or traced
// by it (not dumpable), and does not die of signals from inside, as the kernel guards process 1.
//
// The program is a child of it, not process 1 itself, so that kill(getpid(), SIGKILL), abort() and exit statuses mean
// what they mean elsewhere. A program that a template forked into the shell is the template's child: then process 1
// only tells it to go on.
#pragma once

#include "sandbox/confine.h"

namespace lambent::sandbox {

// The shell stands: tells the spawner and hands over the listeners and, where a template is to fork into it, its
// namespaces. Ends the process where the spawner is gone.
Result<> report_prepared(const Confinement& confinement, Listeners listeners);

// `runtime_line`: the program's end, or none. `assignment` is wiped once the program has what it needs of it.
[[noreturn]] void run_init(const Confinement& confinement, UniqueFd runtime_line, Assignment& assignment);

}  // namespace lambent::sandbox
