# What functions in Ruby do, by its own library.
require 'digest'; require 'etc'; require 'fileutils'; require 'io/console'; require 'io/wait'; require 'net/http'
require 'open3'; require 'openssl'; require 'securerandom'; require 'socket'; require 'tempfile'; require 'tmpdir'
require 'timeout'; require 'zlib'

Dir.mktmpdir do |folder|
  file = File.join(folder, 'a')
  File.write(file, 'x' * 100_000)
  File.open(file, 'r+') do |f|
    f.flock(File::LOCK_EX); f.fsync; f.fdatasync; f.pwrite('y', 3); f.pread(1, 3); f.truncate(10); f.chmod(0o600)
    f.advise(:sequential); f.stat; f.fcntl(1, 0)
  end
  IO.copy_stream(file, file + '2')
  FileUtils.cp(file, file + '3', preserve: true)
  File.rename(file + '3', file + '4'); File.symlink('a', file + 's'); File.link(file, file + 'l'); File.utime(1, 2, file)
  File.chmod(0o644, file); File.chown(nil, nil, file); File.mkfifo(file + 'f'); File.readlink(file + 's'); File.realpath(file)
  FileUtils.mkdir_p(File.join(folder, 'b/c')); Dir.children(folder); Dir.glob(File.join(folder, '**/*'))
  Dir.chdir(folder) { Dir.pwd }
  Zlib::GzipWriter.open(file + '.gz') { |z| z.write('x' * 1000) }
  FileUtils.rm_rf(File.join(folder, 'b'))
end

raise unless `echo x | cat` == "x\n"
Open3.capture3('cat', stdin_data: 'x')
system('true')
Process.wait(fork { exit! })
child = Process.spawn('sleep', '60', pgroup: true, new_pgroup: nil) rescue child = Process.spawn('sleep', '60', pgroup: true)
Process.kill(:TERM, child); Process.wait(child)
Process.getpriority(Process::PRIO_PROCESS, 0); Process.getrlimit(:NOFILE); Process.clock_getres(Process::CLOCK_MONOTONIC)
Process.times; Process.ppid; Process.getpgid(0); Process.getsid; Process.groups; Process.setproctitle('work')
Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
Etc.getpwuid; Etc.nprocessors; Etc.uname

reader, writer = IO.pipe
writer.write_nonblock('x'); reader.ready? if reader.respond_to?(:ready?); reader.nread if reader.respond_to?(:nread)
reader.read_nonblock(1); IO.select([], [writer], nil, 0)
$stdin.tty?
IO.console

server = TCPServer.new('127.0.0.1', 0)
thread = Thread.new { client = server.accept; client.gets; client.write("HTTP/1.0 200 OK\r\n\r\nx"); client.close }
raise unless Net::HTTP.get(URI("http://127.0.0.1:#{server.addr[1]}/")) == 'x'
thread.join
udp = UDPSocket.new; udp.bind('127.0.0.1', 0); udp.send('x', 0, '127.0.0.1', udp.addr[1]); udp.recvfrom(1)
one, two = UNIXSocket.pair; one.send_io($stdout); two.recv_io
Socket.getifaddrs; Addrinfo.getaddrinfo('localhost', 80)
Socket.ip_address_list

trap('USR1') {}; Process.kill(:USR1, Process.pid); sleep 0.01
begin Timeout.timeout(0.01) { sleep }; rescue Timeout::Error; end
10.times.map { Thread.new { Digest::SHA256.hexdigest('x' * 100_000) } }.each(&:join)
20.times { 'x' * 1_000_000 }; GC.start; GC.compact if GC.respond_to?(:compact) rescue nil
queue = Queue.new; Thread.new { queue << 1 }; queue.pop
SecureRandom.hex; OpenSSL::PKey::EC.generate('prime256v1')
# Threads that compete make the interpreter use its timer.
2.times.map { Thread.new { finish = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 0.25
  nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < finish } }.each(&:join)
puts 'done'
