'use strict';
// A template of one version of a function (LAMBENT_TEMPLATE_MODE=snapshot): INIT and the hooks before the snapshot run in
// it once, and each instance is a fork that goes on from there, with the environment of its assignment, new random
// numbers, and the hooks after the restore.
//
// What cannot be forked, a worker thread or a descriptor that INIT left behind, ends the template with EXIT_UNSAFE.

const crypto = require('crypto');
const fs = require('fs');
const client = require('./main.cjs');

const EXIT_UNSAFE = 3;
const UUIDS_AHEAD = 128; // Node.js draws so many ahead, and random integers by 1024
const INTEGERS_AHEAD = 1024;

// Runs INIT. native: the add-on. Resolves to resume(environment), which makes an instance of a fork, and
// tryToResume(environment), the same without any code of the function; ends the process where INIT fails.
async function prepare(native) {
  const started = { ...process.env };
  const descriptors = openDescriptors();
  client.connect(process.env, native);
  const handler = await client.initialize();
  await runHooks('beforeSnapshot', client.endInit, 'BeforeSnapshotError');
  native.dropSpare();
  const left = openDescriptors().filter((fd) => !descriptors.includes(fd));
  if (left.length > 0) endUnsafe(`${left.length} open descriptors`);
  const resume = async (environment, serves, restored) => {
    client.connect(environment, native);
    take(started, environment);
    await restored();
    await client.serve(serves);
  };
  const runAfterRestore = () => runHooks('afterRestore', client.endRestore, 'AfterRestoreError');
  return {
    resume: (environment) => resume(environment, handler, runAfterRestore),
    tryToResume: (environment) => resume(environment, async (event) => ({ ...event }), async () => {}),
  };
}

async function runHooks(kind, end, fault) {
  const [hooks] = Object.entries(require.cache).filter(([name]) => name.endsWith('/snapshot_restore/index.cjs'));
  try {
    for (const hook of hooks?.[1].exports.hooks[kind] ?? []) await hook();
  } catch (error) {
    end(new (require('./faults.cjs')[fault])(error));
    await new Promise(() => {});
  }
}

// What the assignment changes; what INIT itself has changed stays.
function take(started, environment) {
  for (const name of Object.keys(started)) {
    if (!(name in environment)) delete process.env[name];
  }
  for (const [name, value] of Object.entries(environment)) {
    if (started[name] !== value) process.env[name] = value;
  }
}

// Those that were drawn before the fork are the same in every instance.
function drainRandomNumbers() {
  for (let n = 0; n < UUIDS_AHEAD; n++) crypto.randomUUID();
  for (let n = 0; n < INTEGERS_AHEAD; n++) crypto.randomInt(2);
}

function openDescriptors() {
  return fs.readdirSync('/proc/self/fd').filter((fd) => fs.existsSync(`/proc/self/fd/${fd}`));
}

function endUnsafe(what) {
  fs.writeSync(1, `No snapshot is made of this version: INIT left ${what}. Instances run INIT themselves.\n`);
  process.exit(EXIT_UNSAFE);
}

module.exports = { drainRandomNumbers, endUnsafe, prepare };
