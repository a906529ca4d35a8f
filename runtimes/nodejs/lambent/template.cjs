'use strict';
// A template: a Node.js process with this client loaded and no user code, of which each instance is a fork.
//
// main() asks the platform, by way of the add-on (native/fork.c), for orders and forks on each. The fork becomes an
// instance: it joins its sandbox, waits for its assignment, and from then on is what a new process would be, by the steps
// of beginAsNew(). Where a new process would differ in what cannot be changed after its start, mustExec() says so, and the
// fork replaces itself by one.
//
// Only one thread goes on in a fork, so the template runs with flags (README.md) by which V8 gives no work to others.

const fs = require('fs');
const Module = require('module');
const path = require('path');
const v8 = require('v8');
const client = require('./main.cjs');
const invocation = require('./invocation.cjs');
const line = require('./line.cjs');
const loader = require('./loader.cjs');
const logs = require('./logs.cjs');

const RUNTIME_FOLDER = path.dirname(__dirname);
const REHEARSAL_FOLDER = path.join(RUNTIME_FOLDER, 'rehearsal');
const BOOTSTRAP = path.join(RUNTIME_FOLDER, 'bootstrap.cjs');

// What handlers load most, and what they load on rare paths of this client.
const COMMON = [
  'assert', 'async_hooks', 'buffer', 'child_process', 'crypto', 'dns', 'events', 'fs/promises', 'http', 'https', 'os',
  'perf_hooks', 'process', 'querystring', 'readline', 'stream', 'stream/promises', 'string_decoder', 'timers/promises',
  'tls', 'url', 'util', 'zlib', './faults.cjs', './streaming.cjs',
];

// Read by Node.js, the C library or OpenSSL at their start only. NODE_PATH and TZ can follow later.
const START_ONLY = /^(?!NODE_PATH$)(NODE_|UV_USE|LD_|LC_|LANG|GLIBC_|MALLOC_|OPENSSL_|SSL_)/;

const REHEARSALS = 20; // code that ran so often is compiled, and its caches are filled

async function main() {
  const own = takeOwnVariables();
  const native = require(own.ADDON || path.join(RUNTIME_FOLDER, 'lambent_fork.node'));
  native.open(own.LIBRARY || '/var/runtime/lambent_template.so');
  const become = await (own.MODE === 'snapshot' ? makeSnapshot : makeBlank)(native);
  collectGarbage();
  findMathRandom(native);
  // From a phase of the event loop that allows a new one under it: not from the answer to a poll.
  setImmediate(serve, { native, control: Number(own.FD || 3), become });
}

// LAMBENT_TEMPLATE_*, which are nothing of an instance's.
function takeOwnVariables() {
  const own = {};
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('LAMBENT_TEMPLATE_'))) {
    own[name.slice('LAMBENT_TEMPLATE_'.length)] = process.env[name];
    delete process.env[name];
  }
  return own;
}

// Nothing of any user is in it.
async function makeBlank(native) {
  const startOnly = pickStartOnly(process.env);
  const environment = { ...process.env };
  for (const name of COMMON) require(name);
  guardWorkers();
  for (let n = 0; n < REHEARSALS; n++) await rehearse(startOnly, environment);
  return async () => {
    await rehearse(startOnly, environment);
    setImmediate(() => becomeInstance(native, startOnly));
  };
}

// INIT has run in it.
async function makeSnapshot(native) {
  const { endUnsafe, prepare } = require('./snapshot.cjs');
  startAnew = () => endUnsafe('a worker thread');
  guardWorkers();
  beginAsNew({ ...process.env }, BOOTSTRAP);
  const resume = await prepare(native);
  return () => setImmediate(() => {
    const environment = parseEnvironment(native.become());
    Object.defineProperty(process, 'pid', { value: native.pid() });
    emulateEnd(native);
    renewRandomNumbers(native);
    resume(environment);
  });
}

// One order; then the next one, by way of the event loop.
function serve(template) {
  const { native, control, become } = template;
  if (!native.next(control)) process.exit(0);
  const child = native.fork();
  if (child === 0) {
    invocation.setTraceIdsBy(native.setTraceId);
    return void become();
  }
  native.forked(child);
  setImmediate(serve, template);
}

function becomeInstance(native, startOnly) {
  const block = native.become();
  const assigned = parseEnvironment(block);
  startAnew = () => {
    native.exec(Buffer.from([process.execPath, BOOTSTRAP].map((text) => `${text}\0`).join('')), block, Number(assigned[line.VARIABLE]));
  };
  if (mustExec(startOnly, assigned)) startAnew();
  beginAsNew(assigned, BOOTSTRAP);
  Object.defineProperty(process, 'pid', { value: native.pid() });
  emulateEnd(native);
  renewRandomNumbers(native);
  client.main();
}

function pickStartOnly(environment) {
  return Object.entries(environment).filter(([name]) => START_ONLY.test(name)).sort().join('\0');
}

function mustExec(startOnly, environment) {
  return pickStartOnly(environment) !== startOnly || mentionsWorkers(environment);
}

// Whether the file that the handler is in, which may be a bundle of all there is, has to do with worker threads: their
// end is one of the moments at which Node.js waits for threads that a fork does not have.
function mentionsWorkers({ LAMBDA_TASK_ROOT, _HANDLER }) {
  const handler = _HANDLER || '';
  const base = path.basename(handler);
  const folder = path.resolve(LAMBDA_TASK_ROOT || '/var/task', handler.slice(0, handler.length - base.length));
  for (const extension of ['.js', '.mjs', '.cjs']) {
    try {
      return fs.readFileSync(path.join(folder, base.split('.', 1)[0] + extension)).includes('worker_threads');
    } catch { // another form of handler
    }
  }
  return false;
}

let startAnew = () => {};

// Where a worker is made after all: a new process instead, if no invocation has been taken yet. In the template, since it
// takes a millisecond.
function guardWorkers() {
  const threads = require('worker_threads');
  threads.Worker = new Proxy(threads.Worker, {
    construct() {
      if (invocation.currentRequestId() === undefined) startAnew();
      throw new Error('This instance was forked from a template and has no worker threads. An instance has them if ' +
        'the file of its handler mentions worker_threads.');
    },
  });
  Module.syncBuiltinESMExports();
}

function parseEnvironment(block) {
  const pairs = block.toString().split('\0').slice(0, -1).map((entry) => {
    const equals = entry.indexOf('=');
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

function beginAsNew(environment, script) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(environment.LAMBDA_TASK_ROOT || '/var/task');
  process.argv.splice(1, Infinity, script);
  process.execArgv.length = 0;
  process.mainModule.filename = script;
  Module._initPaths(); // NODE_PATH
}

// What Node.js does when the event loop is empty, and at the end: it would wait for threads there that a fork does not have.
function emulateEnd(native) {
  process.reallyExit = (code) => native.exit(Number(code) || 0);
  const { emit } = process;
  process.emit = function (name, ...rest) {
    const heard = emit.call(this, name, ...rest);
    if (name === 'exit') native.exit(Number(process.exitCode ?? rest[0]) || 0);
    return heard;
  };
  native.onEmpty((again) => {
    if (again) process.exit();
    process.emit('beforeExit', Number(process.exitCode) || 0);
  });
}

function renewRandomNumbers(native) {
  if (native.reseed()) return;
  findMathRandom(native); // a garbage collection has moved it
  if (!native.reseed()) throw new Error('Math.random cannot be seeded');
}

// Twice, since the numbers drawn may lie on both sides of a refill.
function findMathRandom(native) {
  const draw = () => Array.from({ length: 8 }, Math.random);
  if (native.findMathRandom(draw()) || native.findMathRandom(draw())) return;
  throw new Error('Math.random cannot be seeded in forks');
}

// A start and an invocation, of which nothing stays.
//
// In the template, so that the code is compiled by then; in a fork that waits for its assignment, so that the pages of
// memory which a start writes are its own by then: these page faults are most of a start's time.
async function rehearse(startOnly, environment) {
  const originals = { ...console };
  const sink = fs.openSync('/dev/null', 'w');
  const before = { ...process.env };
  const sample = {
    ...environment, LAMBDA_TASK_ROOT: REHEARSAL_FOLDER, _HANDLER: 'sample.handler', _LAMBDA_TELEMETRY_LOG_FD: String(sink),
  };
  for (let n = 0; n < 20; n++) sample[`SAMPLE_${n}`] = 'x'.repeat(20);
  const block = Object.entries(sample).map((pair) => `${pair.join('=')}\0`).join('');
  const assigned = parseEnvironment(Buffer.from(block));
  mustExec(startOnly, assigned);
  beginAsNew(assigned, BOOTSTRAP);
  logs.patchConsole();
  const handler = await loader.load(REHEARSAL_FOLDER, 'sample.handler');
  await invocation.serveOne(new line.Line(-1, SAMPLE_LINE), handler, invocation.surroundings(process.env));
  invocation.forget();
  logs.setInvocation(undefined, undefined);
  delete require.cache[path.join(REHEARSAL_FOLDER, 'sample.cjs')];
  fs.closeSync(sink);
  Object.assign(console, originals);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, before);
}

// In place of a line: one invocation to read, and nothing kept of what is written.
const SAMPLE_CALL = Buffer.concat([
  Buffer.from([13, 0, 0, 0]), Buffer.alloc(12), Buffer.from([1, 0, 6, 0]), Buffer.alloc(8), Buffer.from('0Root=0{"key":"abc"}'),
]);
const SAMPLE_LINE = {
  readSync: (_fd, into) => SAMPLE_CALL.copy(into),
  writeSync: (_fd, _bytes, _at, length) => length,
};

// So that forks find a heap without garbage; compiled code stays.
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const gc = require('vm').runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  gc();
  gc();
  v8.setFlagsFromString('--flush-bytecode');
}

module.exports = { main };
