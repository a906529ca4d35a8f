'use strict';
// A template: a Node.js process with this client loaded and no user code, of which each instance is a fork.
//
// main() asks the platform, by way of the add-on (native/fork.c), for orders and forks on each. The fork becomes an
// instance: it joins its sandbox, does what every start does, waits for its assignment, and from then on is what a new
// process would be, by the steps of beginAsNew(). Where a new process would differ in what cannot be changed after its
// start, mustExec() says so, and the fork replaces itself by one.
//
// Only one thread goes on in a fork, so the template runs with flags (README.md) by which V8 gives no work to others.

const fs = require('fs');
const Module = require('module');
const path = require('path');
const v8 = require('v8');
const client = require('./main.cjs');
const invocation = require('./invocation.cjs');
const line = require('./line.cjs');
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

// Code that ran so often is compiled, and its caches are filled. A collection empties some of them.
const REHEARSALS = 20;
const REHEARSALS_AFTER_COLLECTION = 10;
const REHEARSALS_OF_SNAPSHOT = 5; // somebody may wait for its INIT

async function main() {
  const own = takeOwnVariables();
  const native = require(own.ADDON || path.join(RUNTIME_FOLDER, 'lambent_fork.node'));
  native.open(own.LIBRARY || '/var/runtime/lambent_template.so');
  const instance = await (own.MODE === 'snapshot' ? makeSnapshot : makeBlank)(native);
  findMathRandom(native);
  // From a phase of the event loop that allows a new one under it: not from the answer to a poll.
  setImmediate(serve, native, Number(own.FD || 3), instance);
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
  const sample = sampleEnvironment(process.env);
  for (const name of COMMON) require(name);
  guardWorkers();
  await rehearse(REHEARSALS, sample, ['sample.handler', 'sample_module.handler']);
  collectGarbage();
  await rehearse(REHEARSALS_AFTER_COLLECTION, sample, ['sample.handler']);
  return {
    prepare: () => becomeItself(native),
    begin: (block) => {
      const assigned = parseEnvironment(block);
      startAnew = () => {
        const command = Buffer.from([process.execPath, BOOTSTRAP].map((text) => `${text}\0`).join(''));
        native.exec(command, block, Number(assigned[line.VARIABLE]));
      };
      if (mustExec(startOnly, assigned)) startAnew();
      beginAsNew(assigned, BOOTSTRAP);
      client.main();
    },
    tryToBegin: (io) => {
      const assigned = { ...parseEnvironment(sample), _LAMBDA_TELEMETRY_LOG_FD: String(fs.openSync('/dev/null', 'w')) };
      mustExec(startOnly, assigned);
      beginAsNew(assigned, BOOTSTRAP);
      client.main(io);
    },
  };
}

// INIT has run in it.
async function makeSnapshot(native) {
  const { drainRandomNumbers, endUnsafe, prepare } = require('./snapshot.cjs');
  startAnew = () => endUnsafe('a worker thread');
  guardWorkers();
  const started = { ...process.env };
  await rehearse(REHEARSALS_OF_SNAPSHOT, sampleEnvironment(started), ['sample.handler']);
  beginAsNew(started, BOOTSTRAP);
  const { resume, tryToResume } = await prepare(native);
  collectGarbage();
  return {
    prepare: () => {
      becomeItself(native);
      drainRandomNumbers();
    },
    begin: (block) => resume(parseEnvironment(block)),
    tryToBegin: (io) => tryToResume(parseEnvironment(sampleEnvironment(started)), io),
  };
}

// Returns in forks only. The first of them tries a start, so that the others know what memory that takes.
function serve(native, control, instance) {
  if (native.tryFork() === 0) {
    instance.prepare();
    return void instance.tryToBegin(lineOfSample(native.endTry));
  }
  if (!native.forkOnOrders(control)) process.exit(0);
  native.join();
  instance.prepare();
  instance.begin(native.wait());
}

// What each fork does, whatever it is for.
function becomeItself(native) {
  invocation.setTraceIdsBy(native.setTraceId);
  Object.defineProperty(process, 'pid', { value: native.pid() });
  emulateEnd(native);
  renewRandomNumbers(native);
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

// The environment block of a made-up assignment.
function sampleEnvironment(environment) {
  const sample = {
    ...environment, LAMBDA_TASK_ROOT: REHEARSAL_FOLDER, _HANDLER: 'sample.handler', [line.VARIABLE]: '-1',
  };
  for (let n = 0; n < 20; n++) sample[`SAMPLE_${n}`] = 'x'.repeat(20);
  return Buffer.from(Object.entries(sample).map((pair) => `${pair.join('=')}\0`).join(''));
}

// A start and an invocation, of which nothing stays, so that the code is compiled in forks.
async function rehearse(times, sample, handlers) {
  const originals = { ...console };
  const before = { ...process.env };
  const sink = fs.openSync('/dev/null', 'w');
  for (let n = 0; n < times; n++) {
    const assigned = {
      ...parseEnvironment(sample), _HANDLER: handlers[n % handlers.length], _LAMBDA_TELEMETRY_LOG_FD: String(sink),
    };
    mustExec(pickStartOnly(assigned), assigned);
    beginAsNew(assigned, BOOTSTRAP);
    await client.main(lineOfSample(() => {}), 1);
    for (const name of ['uncaughtException', 'unhandledRejection', 'beforeExit']) process.removeAllListeners(name);
    delete require.cache[path.join(REHEARSAL_FOLDER, 'sample.js')];
  }
  fs.closeSync(sink);
  invocation.forget();
  logs.setInvocation(undefined, undefined);
  Object.assign(console, originals);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, before);
}

const SAMPLE_CALL = Buffer.concat([
  Buffer.from([13, 0, 0, 0]), Buffer.alloc(12), Buffer.from([1, 0, 6, 0]), Buffer.alloc(8), Buffer.from('0Root=0{"key":"abc"}'),
]);

// In place of fs for a line: invocations to read, and nothing kept of what is written.
function lineOfSample(onAnswer) {
  return {
    readSync: (_fd, into) => SAMPLE_CALL.copy(into),
    writeSync: (_fd, bytes, _at, length) => {
      if (bytes[0] === line.KINDS.response) onAnswer();
      return length;
    },
  };
}

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
