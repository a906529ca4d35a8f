// The spawner: the small single-threaded process that makes, watches and ends sandboxes for the server.
//
// It keeps the rights that this needs, reads nothing from a function, and speaks only the fixed-size messages of
// protocol.h on one socket. At end of file on that socket it ends every sandbox, removes its cgroups and leaves.
#pragma once

namespace lambent::sandbox {

// The whole life of `lambent spawner`; returns the process's exit status. `socket_fd` is a unix SOCK_SEQPACKET socket.
int run_spawner(int socket_fd);

}  // namespace lambent::sandbox
