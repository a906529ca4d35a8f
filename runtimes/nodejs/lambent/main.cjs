'use strict';
// The life of an instance: load the user's handler, then serve one invocation after another.
//
// Read in this order: main, loader (the handler), invocation (one call), streaming (a streamed answer), api (HTTP),
// faults (error reports), logs (console). One connection, made at the first request: nothing of this file runs before
// main(), so a process may be forked after it is loaded. CommonJS, because the ESM loader costs start-up time; each file
// costs some too, so faults and streaming are loaded when they are needed.

const { RuntimeApi } = require('./api.cjs');
const invocation = require('./invocation.cjs');
const loader = require('./loader.cjs');
const logs = require('./logs.cjs');

// Exit codes of AWS's client; the platform makes Runtime.ExitError of them.
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

async function main() {
  await serve(await initialize());
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
async function serve(handler) {
  const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
  try {
    for (;;) await invocation.serveOne(api, handler);
  } catch (error) { // the platform is gone: nobody is left to report to
    logs.logError('Runtime API failure', error);
    process.exit(1);
  }
}

function endInit(error) {
  endProcess('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION);
}

function endRestore(error) {
  endProcess('Restore error', error, EXIT_UNCAUGHT_EXCEPTION, (api, report) => api.postRestoreError(report));
}

let ending = false;

// Reports the error and ends the process. A connection of its own, since the other one may be waiting for an answer.
function endProcess(title, error, exitCode, post = postWherever) {
  if (ending) return;
  ending = true;
  logs.logError(title, error);
  const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
  post(api, require('./faults.cjs').describe(error)).catch(() => {}).then(() => process.exit(exitCode));
}

function postWherever(api, report) {
  const requestId = invocation.currentRequestId();
  return requestId === undefined ? api.postInitError(report) : api.postError(requestId, report);
}

module.exports = { endInit, endRestore, initialize, main, serve };
