// What functions in Node.js do, by its own library.
const assert = require('assert'), cp = require('child_process'), crypto = require('crypto'), dns = require('dns');
const fs = require('fs'), http = require('http'), net = require('net'), os = require('os'), path = require('path');
const dgram = require('dgram'), zlib = require('zlib'), { Worker } = require('worker_threads');
const { once } = require('events'), { pipeline } = require('stream/promises');

async function files() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'work-'));
  const file = path.join(folder, 'a');
  fs.writeFileSync(file, 'x'.repeat(100000));
  await fs.promises.appendFile(file, 'y');
  await fs.promises.copyFile(file, file + '2');
  await pipeline(fs.createReadStream(file), zlib.createGzip(), fs.createWriteStream(file + '.gz'));
  await fs.promises.rename(file + '2', file + '3');
  await fs.promises.symlink('a', file + 's');
  await fs.promises.link(file, file + 'l');
  await fs.promises.chmod(file, 0o600);
  await fs.promises.utimes(file, 1, 2);
  await fs.promises.truncate(file, 10);
  await fs.promises.access(file);
  const handle = await fs.promises.open(file, 'r+');
  await handle.sync();
  await handle.datasync();
  await handle.stat();
  await handle.writev([Buffer.from('a'), Buffer.from('b')]);
  await handle.readv([Buffer.alloc(1), Buffer.alloc(1)], 0);
  await handle.close();
  await fs.promises.statfs(folder);
  fs.readdirSync(folder, { withFileTypes: true });
  fs.realpathSync(file);
  fs.cpSync(folder, folder + '-copy', { recursive: true });
  fs.rmSync(folder + '-copy', { recursive: true });
  fs.rmSync(folder, { recursive: true });
}

async function processes() {
  assert.equal(cp.execSync('echo x | cat').toString(), 'x\n');
  await once(cp.spawn('true', { detached: true }), 'exit');
  const child = cp.fork(__filename, ['child']);
  await once(child, 'message');
  await once(child, 'exit');
  const slow = cp.spawn('sleep', ['60']);
  slow.kill();
  await once(slow, 'exit');
  os.cpus(); os.networkInterfaces(); os.userInfo(); os.loadavg(); os.freemem(); os.uptime(); os.version();
  os.setPriority(os.getPriority());
  process.title = 'work';
  process.resourceUsage(); process.memoryUsage(); process.hrtime.bigint(); process.umask(0o22);
  process.getgroups(); process.kill(process.pid, 0);
}

async function network() {
  const server = http.createServer((request, response) => response.end('x'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'x');
  server.closeAllConnections();
  server.close();
  const local = net.createServer((socket) => socket.end('x'));
  const name = path.join(os.tmpdir(), `work-${process.pid}.sock`);
  await once(local.listen(name), 'listening');
  const socket = net.connect(name);
  await once(socket, 'data');
  local.close();
  const udp = dgram.createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  udp.send('x', udp.address().port, '127.0.0.1');
  await once(udp, 'message');
  udp.close();
  await dns.promises.lookup('localhost');
  await dns.promises.lookup('example.invalid').catch(() => {});
  dns.getServers();
}

async function work() {
  await new Promise((done) => setTimeout(done, 1));
  const worker = new Worker('require("worker_threads").parentPort.postMessage(1)', { eval: true });
  await once(worker, 'message');
  await new Promise((done) => crypto.pbkdf2('a', 'b', 10000, 32, 'sha256', done));
  crypto.randomBytes(16); crypto.randomUUID(); crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Long enough that V8 compiles and collects.
  let kept = [];
  for (let n = 0; n < 3e6; n++) { kept.push({ n }); if (kept.length > 1e5) kept = []; }
  const module = new WebAssembly.Module(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1,
    1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 7, 11]));
  assert.equal(new WebAssembly.Instance(module).exports.f(), 7);
}

(async () => {
  if (process.argv[2] === 'child') return process.send('x');
  for (const part of [files, processes, network, work]) await part();
  console.log('done');
})();
