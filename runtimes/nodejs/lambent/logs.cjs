'use strict';
// console.* in AWS's format: "<time>\t<request id>\t<level>\t<text>", or one JSON object a line if
// AWS_LAMBDA_LOG_FORMAT is JSON; AWS_LAMBDA_LOG_LEVEL drops what is below it.
//
// Lines go to standard output by synchronous writes (process.stdout costs start-up time, and loses lines at exit),
// unless the platform offers _LAMBDA_TELEMETRY_LOG_FD: then to that descriptor in frames (type, length, microseconds:
// 16 bytes, big-endian; then the text), which keeps a text of several lines one log event.

const fs = require('fs');
const util = require('util');

const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
const FRAME_TEXT = 0xa55a0003;
const FRAME_JSON = 0xa55a0002;
const METHODS = {
  trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL',
};

const ids = { requestId: undefined, tenantId: undefined };
const sink = { framesFd: undefined, json: false };

// Reads the environment, so call it after a fork.
function patchConsole() {
  const fd = process.env._LAMBDA_TELEMETRY_LOG_FD;
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  sink.framesFd = fd ? Number(fd) : undefined;
  sink.json = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const lowest = LEVELS[(process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()] || LEVELS.TRACE;
  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = LEVELS[level] >= lowest ? (...args) => log(level, args) : () => {};
  }
}

// The ids that stand in the lines from now on.
function setInvocation(requestId, tenantId) {
  ids.requestId = requestId;
  ids.tenantId = tenantId;
}

function logError(title, error) {
  if (sink.json) console.error(error instanceof Error ? error : new Error(String(error)));
  else console.error(title, `\t${require('./faults.cjs').toLogJson(error)}`);
}

function log(level, args) {
  const now = new Date();
  const text = sink.json
    ? jsonLine(level, now, args)
    : `${now.toISOString()}\t${ids.requestId}\t${level}\t${util.format(...args)}`;
  if (sink.framesFd === undefined) writeAll(1, Buffer.from(`${text}\n`));
  else writeAll(sink.framesFd, frame(level, now, text));
}

function jsonLine(level, now, args) {
  const entry = { timestamp: now.toISOString(), level, requestId: ids.requestId, tenantId: ids.tenantId };
  if (args.length === 1) {
    try {
      return JSON.stringify({ ...entry, message: args[0] }, errorsAsObjects);
    } catch { // circular, or a BigInt
      return JSON.stringify({ ...entry, message: util.format(args[0]) });
    }
  }
  const error = args.find((arg) => arg instanceof Error);
  return JSON.stringify({ ...entry, message: util.format(...args), ...(error && errorMembers(error)) });
}

function errorsAsObjects(_key, value) {
  return value instanceof Error ? { ...errorMembers(value), ...value } : value;
}

function errorMembers(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
  };
}

function frame(level, now, text) {
  const body = Buffer.from(sink.json ? text : `${text}\n`);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(((sink.json ? FRAME_JSON : FRAME_TEXT) | (LEVELS[level] << 2)) >>> 0, 0);
  head.writeUInt32BE(body.length, 4);
  head.writeBigUInt64BE(BigInt(now.getTime()) * 1000n, 8);
  return Buffer.concat([head, body]);
}

function writeAll(fd, data) {
  for (let done = 0; done < data.length;) {
    try {
      done += fs.writeSync(fd, data, done);
    } catch (error) {
      if (error.code !== 'EAGAIN') return; // nobody reads any more
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // full pipe made non-blocking by process.stdout
    }
  }
}

module.exports = { logError, patchConsole, setInvocation };
