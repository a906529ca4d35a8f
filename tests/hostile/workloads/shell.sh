#!/bin/bash
# What functions do by shell and tools, and what tools of the system do.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
head -c 200000 /dev/zero > a
cp -a a b; cp --reflink=auto a c; mv c d; ln -s a s; ln a l; dd if=a of=e bs=1k count=10 conv=fsync status=none
install -m 755 a f; touch -d 2020-01-01 f; chmod 600 f; chown "$(id -u)" f; truncate -s 5 f; mkfifo p; mkdir -p x/y; rmdir x/y
tar cf t.tar a b s; tar xf t.tar -C x; gzip -kf a; find . -type f -size +1k | sort | xargs ls -la > list; df . > /dev/null; du -s . > /dev/null
stat . > /dev/null; readlink -f s; realpath . > /dev/null; cat <(echo sub) | tee copy | wc -c; sync -d e || true; ulimit -n > /dev/null; umask
(sleep 60 & kill $!; wait $! || true)
timeout 0.05 sleep 5 || true
nice -n 1 true; nohup true 2> /dev/null; setsid true; env -i /bin/true; id > /dev/null; ps > /dev/null; uptime > /dev/null; free > /dev/null
flock list true; date > /dev/null; uname -a > /dev/null; nproc > /dev/null; hostname > /dev/null; taskset -p $$ > /dev/null; tty || true; seq 3 | awk '{s += $1} END {print s}' | sed s/6/six/
chrt -p $$ > /dev/null; chrt -m > /dev/null; prlimit > /dev/null; time true
set -m; sleep 0 & wait; set +m
dash -c 'echo dash; for f in *; do :; done; read x < list; test -r list; kill -0 $$; cd /; ulimit -c 0; trap : USR1; kill -USR1 $$'
perl -e 'use IO::Select; use Socket; socket(S, PF_INET, SOCK_STREAM, 0); my @s = stat("."); utime(1, 2, "list"); truncate("list", 1);
  pipe(R, W); my $p = fork; exit 0 if !$p; waitpid($p, 0); IO::Select->new(\*R)->can_read(0); my ($n) = getpwuid($<); $0 = "work"; sleep 0; print "perl\n"'
echo done
