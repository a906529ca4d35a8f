// Signals of processes that are about to become something else.
#pragma once

namespace lambent::sandbox {

// All signals to their defaults, none blocked.
void reset_signals();

}  // namespace lambent::sandbox
