// What functions in Java do, by its own library.
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.file.*;
import java.nio.file.attribute.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;

public class Work {
  static void files() throws Exception {
    Path folder = Files.createTempDirectory("work"), file = folder.resolve("a");
    Files.write(file, new byte[100000]);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.lock().release();
      channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096).force();
      channel.write(ByteBuffer.wrap(new byte[] {1}), 5);
      channel.read(new ByteBuffer[] {ByteBuffer.allocate(1), ByteBuffer.allocate(1)});
      channel.write(new ByteBuffer[] {ByteBuffer.wrap(new byte[] {1}), ByteBuffer.wrap(new byte[] {1})});
      channel.force(true);
      channel.force(false);
      channel.truncate(100);
      try (FileChannel target = FileChannel.open(folder.resolve("t"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.transferTo(0, 100, target);
      }
    }
    Files.copy(file, folder.resolve("b"), StandardCopyOption.COPY_ATTRIBUTES);
    Files.move(folder.resolve("b"), folder.resolve("c"), StandardCopyOption.ATOMIC_MOVE);
    Files.createSymbolicLink(folder.resolve("s"), file);
    Files.createLink(folder.resolve("l"), file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Files.setLastModifiedTime(file, FileTime.fromMillis(1));
    Files.readAttributes(file, "posix:*");
    Files.getFileStore(file).getUsableSpace();
    Files.isWritable(file);
    try (ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(folder.resolve("z.zip").toFile()))) {
      zip.putNextEntry(new ZipEntry("x"));
    }
    try (ZipFile zip = new ZipFile(folder.resolve("z.zip").toFile())) { zip.size(); }
    try (RandomAccessFile random = new RandomAccessFile(file.toFile(), "rws")) { random.seek(1); random.write(1); random.setLength(5); }
    try (FileInputStream in = new FileInputStream(file.toFile())) { in.available(); in.skip(1); }
    file.toFile().renameTo(folder.resolve("r").toFile());
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path p : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(p);
    }
  }

  static void processes() throws Exception {
    Process child = new ProcessBuilder("sh", "-c", "echo x | cat").redirectErrorStream(true).start();
    if (!new String(child.getInputStream().readAllBytes()).equals("x\n")) throw new Exception();
    child.waitFor();
    Process slow = new ProcessBuilder("sleep", "60").start();
    slow.destroy();
    slow.waitFor();
    ProcessHandle.current().info().totalCpuDuration();
    Runtime.getRuntime().availableProcessors();
    java.lang.management.ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  static void network() throws Exception {
    ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
    Thread thread = new Thread(() -> {
      try (Socket s = server.accept()) {
        s.setTcpNoDelay(true);
        s.setSoTimeout(1000);
        s.getInputStream().read(new byte[1000]);
        s.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".getBytes());
      } catch (IOException e) { }
    });
    thread.start();
    HttpClient client = HttpClient.newHttpClient();
    HttpResponse<String> answer = client.send(HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.getLocalPort() + "/")).build(), HttpResponse.BodyHandlers.ofString());
    if (!answer.body().equals("x")) throw new Exception();
    thread.join();
    try (Socket s = new Socket()) { s.connect(server.getLocalSocketAddress(), 1000); s.getInputStream().available(); }
    try (DatagramSocket udp = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      udp.send(new DatagramPacket(new byte[1], 1, udp.getLocalSocketAddress()));
      udp.receive(new DatagramPacket(new byte[1], 1));
    }
    for (NetworkInterface one : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      one.getHardwareAddress(); one.getMTU(); one.isUp(); one.getInterfaceAddresses(); one.supportsMulticast();
      NetworkInterface.getByIndex(one.getIndex());
    }
    InetAddress.getByName("localhost");
    try { InetAddress.getByName("example.invalid"); } catch (UnknownHostException e) { }
    Selector selector = Selector.open();
    selector.wakeup();
    selector.select(1);
    Path name = Path.of(System.getProperty("java.io.tmpdir"), "work-" + ProcessHandle.current().pid());
    try (ServerSocketChannel local = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      local.bind(UnixDomainSocketAddress.of(name));
      SocketChannel.open(UnixDomainSocketAddress.of(name)).close();
    }
    Files.delete(name);
  }

  static void work() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    List<Future<Integer>> all = new ArrayList<>();
    for (int n = 0; n < 50; n++) all.add(pool.submit(() -> new byte[1 << 20].length));
    for (Future<Integer> one : all) one.get();
    ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
    timer.schedule(() -> 1, 1, TimeUnit.MILLISECONDS).get();
    pool.shutdown();
    timer.shutdown();
    List<byte[]> kept = new ArrayList<>();
    for (int n = 0; n < 2000; n++) { kept.add(new byte[1 << 14]); if (kept.size() > 500) kept.clear(); }
    System.gc();
    new java.security.SecureRandom().nextBytes(new byte[16]);
    java.security.KeyPairGenerator.getInstance("EC").generateKeyPair();
    Thread.sleep(1);
    Thread.currentThread().setPriority(Thread.MAX_PRIORITY);
    ByteBuffer.allocateDirect(1 << 20);
    sun.misc.Signal.handle(new sun.misc.Signal("USR2"), (signal) -> { });
    sun.misc.Signal.raise(new sun.misc.Signal("USR2"));
    try { deep(0); } catch (StackOverflowError e) { }
  }

  static int deep(int n) { return deep(n + 1) + 1; }

  public static void main(String[] arguments) throws Exception {
    files();
    processes();
    network();
    work();
    System.out.println("done");
    Runtime.getRuntime().addShutdownHook(new Thread(() -> { }));
  }
}
