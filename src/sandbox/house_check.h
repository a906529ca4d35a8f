// Who is in a shell, as its first process sees it.
#pragma once

#include "base/error.h"

namespace lambent::sandbox {

// Nobody but the caller and one process, which has one thread, no capability in any set, no_new_privs and a system call
// filter. An error says what else it found.
Result<> check_lone_process();
// Nobody but the caller and this process and its threads.
Result<> check_alone_with(int process);

}  // namespace lambent::sandbox
