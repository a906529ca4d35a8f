'use strict';
// The Lambda Runtime API over one kept-alive HTTP/1.1 connection. Raw sockets: `http` costs start-up time, and has no
// way to let go of the event loop while a handler runs.

const net = require('net');
const { ResponseReader } = require('./response_reader.cjs');

const PREFIX = '/2018-06-01/runtime/';

// address: "host:port". Connects at the first request. One request at a time.
class RuntimeApi {
  #address;
  #socket = null;
  #waiting = null; // {reader, resolve, reject} of the request under way

  constructor(address) {
    this.#address = address;
  }

  // Waits for an invocation: {headers, body}. Header names are lower-case; body is a Buffer.
  async next() {
    const reused = this.#socket !== null;
    const head = this.#head('GET', 'invocation/next', {});
    let response;
    try {
      response = await this.#exchange([head]);
    } catch (error) {
      if (!reused) throw error; // otherwise the server had closed an idle connection
      response = await this.#exchange([head]);
    }
    if (response.status !== 200) throw new Error(`the runtime API answered ${response.status} to invocation/next`);
    return response;
  }

  // text: JSON.
  postResponse(requestId, text) {
    return this.#post(`invocation/${requestId}/response`, text, {});
  }

  // report: as faults.describe makes it.
  postError(requestId, report) {
    return this.#postReport(`invocation/${requestId}/error`, report);
  }

  postInitError(report) {
    return this.#postReport('init/error', report);
  }

  postRestoreError(report) {
    return this.#postReport('restore/error', report);
  }

  // Begins a streamed answer: {write(bytes, done), end(report?), posted}. A report given to end() tells of an error
  // in the middle of the stream. posted resolves with the platform's reply, which may come before the end.
  startResponse(requestId, contentType) {
    const head = this.#head('POST', `invocation/${requestId}/response`, {
      'Content-Type': contentType,
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    });
    const posted = this.#afterPost(this.#exchange([head]));
    const socket = this.#socket;
    socket.unref(); // until the end the handler's own work keeps the event loop; writes under way do so too
    let ended = false;
    let answered = false;
    const onAnswer = () => {
      answered = true;
      if (!ended) socket.destroy(); // the rest of the body would be taken for a new request
    };
    posted.then(onAnswer, onAnswer);
    return {
      posted,
      write: (bytes, done) => {
        if (answered || bytes.length === 0) return void process.nextTick(done);
        socket.cork();
        socket.write(`${bytes.length.toString(16)}\r\n`);
        socket.write(bytes);
        socket.write('\r\n', () => done()); // a lost connection is reported by `posted`
        socket.uncork();
      },
      end: (report) => {
        if (answered || ended) return;
        ended = true;
        socket.ref();
        socket.write(`0\r\n${report ? errorTrailers(report) : ''}\r\n`);
      },
    };
  }

  #postReport(path, report) {
    return this.#post(path, JSON.stringify(report), {
      'Lambda-Runtime-Function-Error-Type': headerValue(report.errorType),
    });
  }

  #post(path, text, headers) {
    const body = Buffer.from(text);
    const all = { 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers };
    return this.#afterPost(this.#exchange([this.#head('POST', path, all), body]));
  }

  // A refusal (such as 413) is already known to the platform, which answers the caller; so the loop goes on. A lost
  // connection shows at the next request. A server error means that the platform has given this instance up.
  async #afterPost(exchange) {
    const response = await exchange.catch(() => ({ status: 0 }));
    if (response.status >= 500) throw new Error(`the runtime API answered ${response.status}`);
  }

  #head(method, path, headers) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${PREFIX}${path} HTTP/1.1\r\nHost: ${this.#address}\r\n${lines.join('')}\r\n`;
  }

  #exchange(parts) {
    return new Promise((resolve, reject) => {
      this.#waiting = { reader: new ResponseReader(), resolve, reject };
      const socket = this.#socket ?? this.#connect();
      socket.ref(); // the process lives for as long as an answer is due
      socket.cork();
      for (const part of parts) socket.write(part);
      socket.uncork();
    });
  }

  #connect() {
    const colon = this.#address.lastIndexOf(':');
    const host = this.#address.slice(0, colon).replace(/^\[|\]$/g, '');
    const socket = net.connect({ host, port: Number(this.#address.slice(colon + 1)), noDelay: true });
    this.#socket = socket;
    socket.setNoDelay(true); // Node 18.0 to 18.2 knows no noDelay option
    socket.on('data', (bytes) => this.#onData(socket, bytes));
    socket.on('error', (error) => this.#onLost(socket, error));
    socket.on('close', () => this.#onLost(socket, new Error('the runtime API closed the connection')));
    return socket;
  }

  #onData(socket, bytes) {
    if (!this.#waiting) return socket.destroy(); // a server that speaks unasked
    let response;
    try {
      response = this.#waiting.reader.push(bytes);
    } catch (error) {
      socket.destroy();
      return this.#onLost(socket, error);
    }
    if (!response) return undefined;
    const { resolve } = this.#waiting;
    this.#waiting = null;
    socket.unref(); // only the handler's own work keeps the event loop from now on
    if (response.headers.connection === 'close') {
      this.#socket = null;
      socket.destroy();
    }
    resolve(response);
    return undefined;
  }

  #onLost(socket, error) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) waiting.reject(error);
  }
}

function headerValue(text) {
  return text.replace(/[^\x21-\x7e]/g, '') || 'Error';
}

function errorTrailers(report) {
  const body = Buffer.from(JSON.stringify(report)).toString('base64');
  return `Lambda-Runtime-Function-Error-Type: ${headerValue(report.errorType)}\r\n` +
    `Lambda-Runtime-Function-Error-Body: ${body}\r\n`;
}

module.exports = { RuntimeApi };
