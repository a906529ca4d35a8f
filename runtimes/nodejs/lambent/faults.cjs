'use strict';
// Errors with AWS's names, and error reports in the form of AWS's Node.js runtime.

class RuntimeFault extends Error {}

// Defines a class whose instances are named "Runtime.<name>".
function fault(name) {
  const type = class extends RuntimeFault {};
  Object.defineProperty(type, 'name', { value: name });
  type.prototype.name = `Runtime.${name}`;
  return type;
}

const ImportModuleError = fault('ImportModuleError');
const HandlerNotFound = fault('HandlerNotFound');
const MalformedHandlerName = fault('MalformedHandlerName');
const UserCodeSyntaxError = fault('UserCodeSyntaxError');
const BeforeSnapshotError = fault('BeforeSnapshotError');
const AfterRestoreError = fault('AfterRestoreError');
const InvalidStreamingOperation = fault('InvalidStreamingOperation');

class UnhandledPromiseRejection extends fault('UnhandledPromiseRejection') {
  constructor(reason) {
    super(safeString(reason));
    this.reason = reason;
  }
}

function safeString(value) {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

function looksLikeError(value) {
  return value instanceof Error ||
    (Boolean(value) && ['name', 'message', 'stack'].every((key) => typeof value[key] === 'string' && value[key]));
}

// The body of an error post: {errorType, errorMessage, trace}. Takes whatever can be thrown.
function describe(error) {
  try {
    if (looksLikeError(error)) {
      const name = safeString(error.name);
      const message = safeString(error.message);
      return { errorType: name, errorMessage: message, trace: safeString(error.stack ?? '').split('\n') };
    }
  } catch {
    return { errorType: 'handled', errorMessage: 'the error object cannot be read', trace: [] };
  }
  return { errorType: typeof error, errorMessage: safeString(error), trace: [] };
}

// The error as it stands in the log: with its own properties (code, reason ...), and nested errors alike.
function toLogJson(error) {
  const withProperties = (_key, value) => {
    if (!(value instanceof Error)) return value;
    const stack = typeof value.stack === 'string' ? { stack: value.stack.split('\n') } : {};
    return { errorType: value.name, errorMessage: value.message, code: value.code, ...value, ...stack };
  };
  try {
    return JSON.stringify(error instanceof Error ? error : new Error(safeString(error)), withProperties);
  } catch { // circular or a throwing getter
    return JSON.stringify(describe(error));
  }
}

module.exports = {
  AfterRestoreError,
  BeforeSnapshotError,
  HandlerNotFound,
  ImportModuleError,
  InvalidStreamingOperation,
  MalformedHandlerName,
  UnhandledPromiseRejection,
  UserCodeSyntaxError,
  describe,
  toLogJson,
};
