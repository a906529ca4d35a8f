'use strict';
// The life of an instance: load the user's handler, then serve one invocation after another.
//
// Read in this order: main, loader (the handler), invocation (one call), streaming (a streamed answer), line (the platform),
// faults (error reports), logs (console). Nothing of this file runs before
// main(), so a process may be forked after it is loaded. CommonJS, because the ESM loader costs start-up time; each file
// costs some too, so faults and streaming are loaded when they are needed.

const invocation = require('./invocation.cjs');
const line = require('./line.cjs');
const loader = require('./loader.cjs');
const logs = require('./logs.cjs');

// Exit codes of AWS's client; the platform makes Runtime.ExitError of them.
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

let platform; // line.Line

// io: of the line (line.cjs). invocations: so many, then it resolves.
async function main(io, invocations) {
  connect(process.env, io);
  await serve(await initialize(), invocations);
}

// To the platform, by the line that the environment names.
function connect(environment, io) {
  platform = line.take(environment, io);
}

// INIT: resolves to the user's handler. Where that fails: reports it and ends the process.
async function initialize() {
  logs.patchConsole();
  process.on('uncaughtException', (error) => {
    endProcess('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION);
  });
  process.on('unhandledRejection', (reason) => {
    const { UnhandledPromiseRejection } = require('./faults.cjs');
    const error = new UnhandledPromiseRejection(reason);
    endProcess('Unhandled Promise Rejection', error, EXIT_UNHANDLED_REJECTION);
  });
  process.on('beforeExit', invocation.onEmptyEventLoop);
  try {
    return await loader.load(process.env.LAMBDA_TASK_ROOT || '/var/task', process.env._HANDLER || '');
  } catch (error) {
    endInit(error);
    return new Promise(() => {});
  }
}

// Runs until the platform ends the process.
async function serve(handler, invocations = -1) {
  const around = invocation.surroundings(process.env);
  try {
    for (let left = invocations; left !== 0; left--) await invocation.serveOne(platform, handler, around);
  } catch (error) { // the platform is gone: nobody is left to report to
    logs.logError('Platform failure', error);
    process.exit(1);
  }
}

function endInit(error) {
  endProcess('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION);
}

function endRestore(error) {
  endProcess('Restore error', error, EXIT_UNCAUGHT_EXCEPTION, (report) => platform.postRestoreError(report));
}

let ending = false;

// Reports the error and ends the process.
function endProcess(title, error, exitCode, post = postWherever) {
  if (ending) return;
  ending = true;
  logs.logError(title, error);
  post(require('./faults.cjs').describe(error));
  process.exit(exitCode);
}

function postWherever(report) {
  const requestId = invocation.currentRequestId();
  if (requestId === undefined) platform.postInitError(report);
  else if (!platform.hasAnswered) platform.postError(requestId, report);
}

module.exports = { connect, endInit, endRestore, initialize, main, serve };
