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

// Starts: what ran so often is compiled, and its caches are filled. A collection empties some of them.
const STARTS = 20;
const STARTS_AFTER_COLLECTION = 10;
const STARTS_OF_SNAPSHOT = 5; // somebody may wait for its INIT
// Calls in each start after the collection: by then what a call runs is optimized, which takes an instance some 50 ms of
// processor time, and the handler is no constant in it.
const CALLS = 600;

async function main() {
  const own = takeOwnVariables();
  const native = require(own.ADDON || path.join(RUNTIME_FOLDER, 'lambent_fork.node'));
  native.open(own.LIBRARY || '/var/runtime/lambent_template.so');
  native.lineSample(sampleCall());
  invocation.setTraceIdsBy(native.setTraceId);
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
  await rehearse(native, sample, ['sample.handler', 'sample_module.handler'], STARTS, 1);
  collectGarbage();
  await rehearse(native, sample, ['sample.handler'], STARTS_AFTER_COLLECTION, CALLS);
  return {
    prepare: () => becomeItself(native),
    begin: (block) => {
      const assigned = parseEnvironment(block);
      startAnew = () => native.exec(process.execPath, BOOTSTRAP, Number(assigned[line.VARIABLE]));
      if (mustExec(startOnly, assigned)) startAnew();
      beginAsNew(assigned, BOOTSTRAP);
      client.main(native);
    },
    tryToBegin: () => {
      const assigned = { ...parseEnvironment(sample), _LAMBDA_TELEMETRY_LOG_FD: String(fs.openSync('/dev/null', 'w')) };
      mustExec(startOnly, assigned);
      beginAsNew(assigned, BOOTSTRAP);
      client.main(native);
    },
  };
}

// INIT has run in it.
async function makeSnapshot(native) {
  const { drainRandomNumbers, endUnsafe, prepare } = require('./snapshot.cjs');
  startAnew = () => endUnsafe('a worker thread');
  guardWorkers();
  const started = { ...process.env };
  await rehearse(native, sampleEnvironment(started), ['sample.handler'], STARTS_OF_SNAPSHOT, 1);
  beginAsNew(started, BOOTSTRAP);
  const { resume, tryToResume } = await prepare(native);
  collectGarbage();
  return {
    prepare: () => {
      becomeItself(native);
      drainRandomNumbers();
    },
    begin: (block) => resume(parseEnvironment(block)),
    tryToBegin: () => tryToResume(parseEnvironment(sampleEnvironment(started))),
  };
}

// Returns in forks only. The first of them tries a start, so that the others know what memory that takes.
function serve(native, control, instance) {
  if (native.tryFork() === 0) {
    instance.prepare();
    return void instance.tryToBegin();
  }
  if (!native.forkOnOrders(control)) process.exit(0);
  native.join();
  instance.prepare();
  instance.begin(native.wait());
}

// What each fork does, whatever it is for.
function becomeItself(native) {
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
  const pairs = block.split('\0').slice(0, -1).map((entry) => {
    const equals = entry.indexOf('=');
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

function beginAsNew(environment, script) {
  // What stays is not touched: whenever TZ is set, the C library and V8 look for the time zone anew.
  for (const name of Object.keys(process.env)) {
    if (!(name in environment)) delete process.env[name];
  }
  for (const [name, value] of Object.entries(environment)) {
    if (process.env[name] !== value) process.env[name] = value;
  }
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
    AWS_LAMBDA_FUNCTION_NAME: 'sample', AWS_LAMBDA_FUNCTION_VERSION: '$LATEST', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/sample', AWS_LAMBDA_LOG_STREAM_NAME: 'sample',
  };
  for (let n = 0; n < 20; n++) sample[`SAMPLE_${n}`] = 'x'.repeat(20);
  return Object.entries(sample).map((pair) => `${pair.join('=')}\0`).join('');
}

// Starts with one handler after the other and so many calls each, of which nothing stays, so that the code is compiled in
// forks. The line and all else are what they are in an instance: code that was optimized for others would be thrown away there.
async function rehearse(native, sample, handlers, starts, calls) {
  const originals = { ...console };
  const before = { ...process.env };
  const sink = fs.openSync('/dev/null', 'w');
  for (let n = 0; n < starts; n++) {
    const assigned = {
      ...parseEnvironment(sample), _HANDLER: handlers[n % handlers.length], _LAMBDA_TELEMETRY_LOG_FD: String(sink),
    };
    mustExec(pickStartOnly(assigned), assigned);
    beginAsNew(assigned, BOOTSTRAP);
    await client.main(native, calls);
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

// A call as function URLs make them, as it comes over a line.
function sampleCall() {
  const headers = { host: 'a.lambda-url.us-east-1.localhost', 'content-type': 'application/json', 'content-length': '13' };
  const http = { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'sample' };
  const payload = JSON.stringify({
    version: '2.0', routeKey: '$default', rawPath: '/', rawQueryString: '', headers, body: '{"key":"abc"}', isBase64Encoded: false,
    requestContext: { accountId: 'anonymous', apiId: 'sample', http, stage: '$default', timeEpoch: Date.now() },
  });
  const texts = ['0'.repeat(36), `Root=1-${'0'.repeat(70)}`, 'arn:aws:lambda:us-east-1:000000000000:function:sample'];
  const head = Buffer.alloc(28);
  head.writeUInt32LE(payload.length, 0);
  head.writeBigInt64LE(BigInt(Date.now()), 8);
  texts.forEach((text, n) => head.writeUInt16LE(text.length, 16 + 2 * n));
  return Buffer.concat([head, ...[...texts, payload].map((text) => Buffer.from(text))]);
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
