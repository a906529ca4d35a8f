'use strict';
// One invocation: wait for it, call the handler, give its answer or its error to the platform.
//
// A handler may answer by a promise, by its callback, by context.done/succeed/fail, or not at all. The line does not
// hold the event loop while the handler runs, so the loop empties when the handler's own work is done; that is
// the moment for an answer given by callback (unless callbackWaitsForEmptyEventLoop is false), and for null where none was given.

const logs = require('./logs.cjs');

// Set on a handler by awslambda.streamifyResponse, and by AWS's own packages.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

let current; // the id of the invocation that runs, or that ran last
let whenEventLoopIsEmpty = null;

function currentRequestId() {
  return current;
}

// As if nothing had been invoked yet.
function forget() {
  current = undefined;
}

// The process's beforeExit listener.
function onEmptyEventLoop() {
  const action = whenEventLoopIsEmpty;
  whenEventLoopIsEmpty = null;
  if (action) action();
}

// Resolves when the platform has the answer. Rejects only if the platform cannot be talked to.
async function serveOne(platform, handler, around) {
  const call = platform.next();
  current = call.requestId;
  logs.setInvocation(current, call.tenantId || undefined);
  setTraceId(call.traceId);
  await new Promise((resolve) => {
    const respond = handler[STREAMING] === 'response' ? respondByStream : respondAtOnce;
    respond(platform, handler, call, around, () => {
      whenEventLoopIsEmpty = null;
      resolve();
    });
  });
  await new Promise(setImmediate); // lets the handler's last callbacks run before it waits (and may be frozen)
}

let putTraceId = () => false;

// In an instance that was forked: put(id) sets the variable, or returns false.
function setTraceIdsBy(put) {
  putTraceId = put;
}

function setTraceId(id) {
  if (!id) delete process.env._X_AMZN_TRACE_ID;
  else if (!putTraceId(id)) process.env._X_AMZN_TRACE_ID = id;
}

// Of the context what is the same for all invocations.
function surroundings(environment) {
  return {
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

function makeContext(call, around) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    ...around,
    clientContext: parseContext(call.clientContext, 'ClientContext'),
    identity: parseContext(call.identity, 'CognitoIdentity'),
    invokedFunctionArn: call.arn,
    awsRequestId: call.requestId,
    tenantId: call.tenantId || undefined,
    getRemainingTimeInMillis: () => call.deadlineMs - Date.now(),
  };
}

function parseContext(text, name) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function describe(error) {
  return require('./faults.cjs').describe(error);
}

function isThenable(value) {
  return Boolean(value) && typeof value.then === 'function';
}

// finish() is called exactly once, when the answer has left. Of several answers the first counts, in whatever way it was given.
function respondAtOnce(platform, handler, call, around, finish) {
  let answered = false;
  let context;
  const post = (error, result) => {
    answered = true;
    let text;
    let failure = error;
    try {
      if (!isGiven(error)) text = stringify(result);
    } catch (stringifyError) {
      failure = stringifyError;
    }
    if (text !== undefined) {
      platform.postResponse(current, text);
    } else {
      logs.logError('Invoke Error', failure);
      platform.postError(current, describe(failure));
    }
    finish();
  };
  const done = (error, result) => {
    if (!answered) post(error, result);
  };
  const fail = (error) => done(error ?? 'handled');
  const callback = (error, result) => {
    if (answered) return;
    answered = true;
    if (isGiven(error) || !context.callbackWaitsForEmptyEventLoop) post(error, result);
    else whenEventLoopIsEmpty = () => post(null, result);
  };
  whenEventLoopIsEmpty = () => done(null, null);
  try {
    context = Object.assign(makeContext(call, around), { done, succeed: (result) => done(null, result), fail });
    const result = handler(JSON.parse(call.payload), context, callback);
    if (isThenable(result)) result.then((value) => done(null, value), fail);
  } catch (error) {
    fail(error);
  }
}

function isGiven(error) {
  return error !== undefined && error !== null;
}

function stringify(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

function respondByStream(platform, handler, call, around, finish) {
  const { stream, posted, fail } = require('./streaming.cjs').open(platform, current, describe);
  let finished = false;
  const failOnce = (error) => {
    if (finished) return;
    finished = true;
    logs.logError('Invoke Error', error);
    fail(error).then(finish);
  };
  const succeed = () => {
    if (finished) return;
    finished = true;
    posted.then(finish);
  };
  whenEventLoopIsEmpty = () => failOnce('Response stream is not finished.');
  stream.on('error', failOnce);
  run().then(succeed, failOnce);

  async function run() {
    const result = handler(JSON.parse(call.payload), stream, makeContext(call, around));
    if (!isThenable(result)) throw 'Streaming does not support non-async handlers.';
    if (await result !== undefined) console.warn('Streaming handlers ignore return values.');
    await new Promise((resolve) => {
      if (stream.writableFinished) resolve();
      else stream.once('finish', resolve);
    });
  }
}

module.exports = { currentRequestId, forget, onEmptyEventLoop, serveOne, setTraceIdsBy, surroundings };
