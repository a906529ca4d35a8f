'use strict';
// The line to the platform: frames over an inherited stream socket, in place of the Runtime API over HTTP.
//
// One frame a call comes, one goes back (src/runtime_api/frames.h has the layout). Reads and writes block: while the
// instance waits for its next call nothing of it runs, as if it were frozen already, and the line is no handle of the
// event loop, which so empties when the handler's own work is done.

const fs = require('fs');

const VARIABLE = '_LAMBENT_RUNTIME_LINE'; // names the descriptor
const CALL_HEAD = 28;
const ANSWER_HEAD = 12;
const BUFFER_BYTES = 1 << 16;
const TYPE_BYTES_MAX = 1024;
const PART_BYTES_MAX = 1 << 18; // the platform takes a frame whole
const WAITING = 1;
const HIGH_WORD = 2 ** 32;
const KINDS = {
  waiting: 1, response: 2, error: 3, initError: 4, streamBegin: 5, streamPart: 6, streamEnd: 7, restoreError: 8,
};

class Line {
  #fd;
  #io;
  #in = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #out = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #hasSaidThatItWaits = false;

  // fd: the connected socket, blocking. io: lineRead() and lineWrite(), as the add-on has them (native/line_io.h).
  constructor(fd, io) {
    this.#fd = fd;
    this.#io = io;
  }

  // Blocks until there is an invocation. Texts are '' where there is none; payload is JSON text.
  next() {
    if (!this.#hasSaidThatItWaits) this.#send(KINDS.waiting, WAITING, '', '', '');
    this.#hasSaidThatItWaits = false;
    let bytes = this.#in;
    let have = 0;
    while (have < CALL_HEAD) have += this.#read(bytes, have);
    const sizes = [];
    let end = CALL_HEAD;
    for (let at = 16; at < 26; at += 2) {
      sizes.push(bytes.readUInt16LE(at));
      end += sizes[sizes.length - 1];
    }
    sizes.push(bytes.readUInt32LE(4), bytes.readUInt32LE(0));
    end += sizes[5] + sizes[6];
    const deadlineMs = bytes.readUInt32LE(8) + bytes.readUInt32LE(12) * HIGH_WORD;
    if (end > bytes.length) {
      bytes = Buffer.allocUnsafe(end);
      this.#in.copy(bytes, 0, 0, have);
    }
    while (have < end) have += this.#read(bytes, have, end);
    let at = CALL_HEAD;
    const [requestId, traceId, arn, identity, tenantId, clientContext, payload] = sizes.map((size) => {
      at += size;
      return size === 0 ? '' : bytes.toString('utf8', at - size, at);
    });
    return { requestId, traceId, arn, identity, tenantId, clientContext, payload, deadlineMs };
  }

  // The last of a call: the platform may send the next one at once, which then waits in the line. text: JSON.
  postResponse(requestId, text) {
    this.#hasSaidThatItWaits = true;
    this.#send(KINDS.response, WAITING, requestId, 'application/json', text);
  }

  // The same. report: as faults.describe makes it.
  postError(requestId, report) {
    this.#hasSaidThatItWaits = true;
    this.#postReport(KINDS.error, WAITING, requestId, report);
  }

  postInitError(report) {
    this.#postReport(KINDS.initError, 0, '', report);
  }

  postRestoreError(report) {
    this.#postReport(KINDS.restoreError, 0, '', report);
  }

  // Whether the call that came last has its answer.
  get hasAnswered() {
    return this.#hasSaidThatItWaits;
  }

  // Begins an answer in parts: {write(bytes), end(report?)}. A report given to end() tells of an error midway.
  startResponse(requestId, contentType) {
    this.#send(KINDS.streamBegin, 0, requestId, contentType, '');
    let ended = false;
    return {
      write: (bytes) => {
        for (let at = 0; !ended && at < bytes.length; at += PART_BYTES_MAX) {
          this.#sendBytes(KINDS.streamPart, 0, '', '', bytes.subarray(at, at + PART_BYTES_MAX));
        }
      },
      end: (report) => {
        if (ended) return;
        ended = true;
        this.#hasSaidThatItWaits = true;
        if (report) this.#postReport(KINDS.streamEnd, WAITING, '', report);
        else this.#send(KINDS.streamEnd, WAITING, '', '', '');
      },
    };
  }

  #postReport(kind, flags, requestId, report) {
    this.#send(kind, flags, requestId, printable(report.errorType) || 'Error', JSON.stringify(report));
  }

  #send(kind, flags, id, type, text) {
    const at = ANSWER_HEAD + id.length + type.length;
    if (at + text.length * 3 > this.#out.length) return this.#sendBytes(kind, flags, id, type, Buffer.from(text));
    const length = this.#out.write(text, at);
    this.#putHead(kind, flags, id, type, length);
    return this.#write(this.#out, at + length);
  }

  #sendBytes(kind, flags, id, type, bytes) {
    this.#putHead(kind, flags, id, type, bytes.length);
    this.#write(this.#out, ANSWER_HEAD + id.length + type.length);
    this.#write(bytes, bytes.length);
  }

  #putHead(kind, flags, id, type, length) {
    const out = this.#out;
    out[0] = kind;
    out[1] = flags;
    out.writeUInt16LE(id.length, 2);
    out.writeUInt16LE(type.length, 4);
    out.writeUInt16LE(0, 6);
    out.writeUInt32LE(length, 8);
    if (id) out.write(id, ANSWER_HEAD, 'latin1');
    if (type) out.write(type, ANSWER_HEAD + id.length, 'latin1');
  }

  // A line that was cut shows at the next read.
  #write(bytes, length) {
    for (let at = 0; at < length;) {
      const count = this.#io.lineWrite(this.#fd, bytes, at, length - at);
      if (count === 0) return;
      at += count;
    }
  }

  #read(into, at, end = into.length) {
    const count = this.#io.lineRead(this.#fd, into, at, end - at);
    if (count === 0) throw new Error('the platform has closed the line');
    return count;
  }
}

// Where there is no add-on.
const PLAIN = {
  lineRead: (fd, into, at, length) => fs.readSync(fd, into, at, length, null),
  lineWrite: (fd, bytes, at, length) => {
    try {
      return fs.writeSync(fd, bytes, at, length);
    } catch (error) {
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') return 0;
      throw error;
    }
  },
};

// An error's type can be any text; it goes into a header and into the log.
function printable(text) {
  return text.replace(/[^\x20-\x7e]/g, '').slice(0, TYPE_BYTES_MAX);
}

// The line that the environment names, whose variable is gone then.
function take(environment, io = PLAIN) {
  const fd = Number(environment[VARIABLE]);
  delete environment[VARIABLE];
  return new Line(fd, io);
}

module.exports = { VARIABLE, take };
