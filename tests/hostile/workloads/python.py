"""What functions in Python do, by the interpreter's own library."""

import asyncio
import concurrent.futures
import ctypes
import fcntl
import hashlib
import locale
import logging
import mmap
import multiprocessing
import multiprocessing.shared_memory
import os
import platform
import resource
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid


def files():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a")
        with open(path, "w+b", buffering=0) as file:
            file.write(b"x" * 100000)
            os.fsync(file.fileno())
            os.fdatasync(file.fileno())
            os.pwrite(file.fileno(), b"y", 5)
            os.pread(file.fileno(), 1, 5)
            os.writev(file.fileno(), [b"a", b"b"])
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            os.readv(file.fileno(), [bytearray(1), bytearray(2)])
            os.pwritev(file.fileno(), [b"a"], 0)
            os.preadv(file.fileno(), [bytearray(1)], 0)
            os.posix_fallocate(file.fileno(), 0, 200000)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_EX)
            file.truncate(10)
            os.fchmod(file.fileno(), 0o600)
            os.fchown(file.fileno(), -1, -1)
            os.fstat(file.fileno())
            os.fstatvfs(file.fileno())
        os.truncate(path, 5)
        shutil.copy2(path, path + "2")
        with open(path, "rb") as source, open(path + "3", "wb") as target:
            os.copy_file_range(source.fileno(), target.fileno(), 5)
            os.sendfile(target.fileno(), source.fileno(), 0, 5)
        os.link(path, path + "l")
        os.symlink("a", path + "s")
        os.readlink(path + "s")
        os.rename(path + "l", path + "m")
        os.chmod(path, 0o644)
        os.chown(path, -1, -1)
        os.lchown(path + "s", -1, -1)
        os.utime(path)
        os.access(path, os.R_OK)
        os.listxattr(path)
        for attribute in (os.getxattr,):
            try:
                attribute(path, "user.none")
            except OSError:
                pass
        os.mkfifo(os.path.join(folder, "fifo"))
        os.makedirs(os.path.join(folder, "b/c"))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.stat("a", dir_fd=handle)
        os.fchdir(handle)
        os.close(handle)
        os.getcwd()
        list(os.walk(folder))
        list(os.scandir(folder))
        shutil.make_archive(os.path.join(folder, "z"), "gztar", os.path.join(folder, "b"))
        shutil.rmtree(os.path.join(folder, "b"))
        os.statvfs(folder)
        shutil.disk_usage(folder)
        os.umask(os.umask(0o22))
        os.chdir("/")
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory.flush()
            memory.madvise(mmap.MADV_WILLNEED)
        database = sqlite3.connect(os.path.join(folder, "db"))
        database.execute("pragma journal_mode=wal")
        with database:
            database.execute("create table t (a)")
            database.executemany("insert into t values (?)", [(n,) for n in range(100)])
        database.close()
    with os.fdopen(os.memfd_create("m"), "wb") as file:
        file.write(b"x")


def processes():
    subprocess.run(["true"], check=True, start_new_session=True)
    subprocess.run("echo x | cat", shell=True, check=True, capture_output=True)
    child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: os.nice(1))
    child.terminate()
    child.wait()
    os.waitstatus_to_exitcode(os.system("exit 0"))
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    handle = os.pidfd_open(pid)
    select.select([handle], [], [])
    signal.pidfd_send_signal(handle, 0)
    os.waitpid(pid, 0)
    with multiprocessing.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
    with multiprocessing.Manager() as manager:
        manager.list([1]).append(2)
    shared = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    shared.close()
    shared.unlink()
    for ask in (os.getpid, os.getppid, os.getpgrp, os.getuid, os.geteuid, os.getgid, os.getegid, os.getgroups, os.times,
                os.getresuid, os.getresgid, os.uname, os.cpu_count, threading.get_native_id, os.getlogin):
        try:
            ask()
        except OSError:
            pass
    os.getpgid(0)
    os.getsid(0)
    os.getpriority(os.PRIO_PROCESS, 0)
    os.sched_setaffinity(0, os.sched_getaffinity(0))
    os.sched_setscheduler(0, os.sched_getscheduler(0), os.sched_getparam(0))
    os.sched_setparam(0, os.sched_getparam(0))
    os.sched_rr_get_interval(0)
    os.sched_get_priority_max(os.SCHED_FIFO)
    os.sched_get_priority_min(os.SCHED_FIFO)
    os.sched_yield()
    resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
    resource.getrusage(resource.RUSAGE_SELF)
    ctypes.CDLL(None).prctl(15, b"name", 0, 0, 0)


def time_and_signals():
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.getitimer(signal.ITIMER_REAL)
    signal.pause()
    signal.alarm(1)
    signal.alarm(0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.sigpending()
    signal.sigtimedwait([signal.SIGUSR1], 1)
    signal.siginterrupt(signal.SIGALRM, False)
    time.sleep(0.001)
    time.clock_getres(time.CLOCK_MONOTONIC)
    time.process_time()
    time.thread_time()


def network():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        other, _ = server.accept()
        client.sendall(b"x")
        other.recv_into(bytearray(1))
        other.sendmsg([b"a", b"b"])
        client.recvmsg(2)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.getpeername()
        client.setblocking(False)
        other.shutdown(socket.SHUT_RDWR)
        other.close()
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.sendto(b"x", s.getsockname())
        s.recvfrom(1)
        fcntl.ioctl(s, 0x8915, struct.pack("256s", b"lo"))  # the recipe for the own address
        fcntl.ioctl(s, 0x8927, struct.pack("256s", b"lo"))  # and the own hardware address
    a, b = socket.socketpair()
    with a, b, open("/dev/null") as null:
        socket.send_fds(a, [b"x"], [null.fileno()])
        socket.recv_fds(b, 1, 1)
    socket.getaddrinfo("localhost", 80)
    try:
        socket.getaddrinfo("example.invalid", 80)
    except OSError:
        pass
    socket.if_nameindex()
    socket.if_indextoname(socket.if_nametoindex("lo"))
    ssl.create_default_context().set_alpn_protocols(["h2"])
    poller = select.poll()
    poller.register(0)
    poller.poll(0)
    select.select([], [], [], 0)

    async def talk():
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.read()
        child = await asyncio.create_subprocess_exec("true")
        await child.wait()
        await asyncio.to_thread(time.sleep, 0.001)
        server.close()

    asyncio.run(talk())


def the_rest():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda n: len(hashlib.pbkdf2_hmac("sha256", b"a", b"b", 20000)), range(8))) == 256
    threading.stack_size(1 << 20)
    event = threading.Event()
    threading.Thread(target=event.set).start()
    event.wait()
    event.clear()
    event.wait(0.001)
    uuid.uuid1()
    uuid.uuid4()
    os.urandom(16)
    os.isatty(0)
    platform.platform()
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    logging.getLogger().warning("logged")
    try:
        os.get_terminal_size(0)
    except OSError:
        pass
    os.set_inheritable(0, True)
    os.dup2(os.dup(0), 50)
    os.dup2(0, 50, inheritable=False)
    os.closerange(50, 60)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.splice(os.open("/bin/true", os.O_RDONLY), writer, 100)
    os.eventfd(0)


for work in (files, processes, time_and_signals, network, the_rest):
    work()
sys.stdout.write("done\n")
