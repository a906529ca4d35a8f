// The process through which functions reach what their network policies allow (`lambent egress`): it takes gates and
// policies of the server by a unix socket, and carries connections.
//
// It reads what functions and the internet say, so it holds nothing worth having: as root it becomes a user of its own
// at once, without any capability; it opens no file but /etc/resolv.conf, starts no program, and knows no keys. Its
// system calls are those of policies/seccomp/egress.policy. It ends when the server's end of the socket closes.
//
// It is the child of a keeper, which has the same user and reads nothing from anybody: where the one that serves dies,
// the keeper starts another one on the same socket, after a pause that doubles from kFirstPause to kLongestPause while
// they keep dying. The server tells the new one everything again (egress_client.h).
#pragma once

#include <chrono>

#include "base/error.h"

namespace lambent::egress {

inline constexpr std::chrono::milliseconds kFirstPause{50};
inline constexpr std::chrono::milliseconds kLongestPause{10'000};
inline constexpr std::chrono::seconds kLongEnough{60};  // one that served so long died of something else

// `install_filter` is called once rights are given up, before anything from outside is read. Gives the exit code.
int run_egress(int socket_fd, Result<> (*install_filter)());

}  // namespace lambent::egress
