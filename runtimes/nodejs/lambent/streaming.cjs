'use strict';
// Streamed answers: the global `awslambda`, and the stream that a streaming handler writes to.

const { InvalidStreamingOperation } = require('./faults.cjs');

// Symbols that AWS's own packages use, so that a handler marked by one of them is known here.
const MARK = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const PRELUDE_CONTENT_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8); // between the prelude's JSON and the body

function streamifyResponse(handler, options) {
  handler[MARK] = 'response';
  if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

class HttpResponseStream {
  // Makes the stream begin with HTTP status, headers and cookies. Returns the same stream.
  static from(stream, prelude) {
    stream.setContentType(PRELUDE_CONTENT_TYPE);
    stream.setPrelude(Buffer.concat([Buffer.from(JSON.stringify(prelude)), PRELUDE_END]));
    return stream;
  }
}

// Returns {stream, posted, fail}: posted resolves when the platform has all of the answer; fail(error) ends the answer
// with an error, after what was written before it, and resolves likewise. An answer of which nothing has left yet
// fails as an ordinary error.
function open(platform, requestId, describe) {
  const { Writable } = require('stream');
  let contentType = 'application/octet-stream';
  let prelude = null;
  let failure; // report to end with
  let upload = null;
  let hasPosted;
  const posted = new Promise((resolve) => {
    hasPosted = resolve;
  });
  const begin = () => {
    if (upload) return upload;
    upload = platform.startResponse(requestId, contentType);
    if (prelude) upload.write(prelude);
    return upload;
  };
  const end = (report) => {
    begin().end(report);
    hasPosted();
  };

  class ResponseStream extends Writable {
    setContentType(type) {
      if (upload) throw new InvalidStreamingOperation('Cannot set content-type, too late.');
      contentType = type;
    }

    setPrelude(bytes) {
      prelude = bytes;
    }

    write(chunk, ...rest) {
      const isBytes = typeof chunk === 'string' || chunk instanceof Uint8Array;
      return super.write(isBytes ? chunk : JSON.stringify(chunk), ...rest);
    }

    _write(chunk, _encoding, done) {
      begin().write(chunk);
      setImmediate(done);
    }

    _final(done) {
      end(failure);
      done();
    }
  }

  const stream = new ResponseStream();
  const fail = (error) => {
    failure = describe(error);
    if (!upload) {
      platform.postError(requestId, failure);
      hasPosted();
    } else if (stream.destroyed) end(failure);
    else if (!stream.writableEnded) stream.end();
    return posted;
  };
  return { stream, posted, fail };
}

module.exports = { awslambda: { streamifyResponse, HttpResponseStream }, open };
