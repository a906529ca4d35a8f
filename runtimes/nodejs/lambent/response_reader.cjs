'use strict';
// Reads one HTTP/1.1 response from pieces of any size.

const HEAD_BYTES_MAX = 1 << 20;

class ResponseReader {
  #head = null; // {status, headers}
  #pieces = [];
  #size = 0; // bytes in #pieces
  #chunks = []; // decoded so far, if the body is chunked

  // Returns {status, headers, body} once all of it is there, and null before. Throws on what is not HTTP.
  push(bytes) {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (!this.#head && !this.#readHead()) return null;
    const { headers } = this.#head;
    const chunked = (headers['transfer-encoding'] || '').toLowerCase() === 'chunked';
    const body = chunked ? this.#readChunks() : this.#readFixed(Number(headers['content-length'] || 0));
    return body && { ...this.#head, body };
  }

  #joined() {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces, this.#size)];
    return this.#pieces[0];
  }

  #keep(rest) {
    this.#pieces = [rest];
    this.#size = rest.length;
  }

  #readHead() {
    const data = this.#joined();
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) {
      if (data.length > HEAD_BYTES_MAX) throw new Error('the runtime API sent an endless header');
      return false;
    }
    const [first, ...lines] = data.toString('utf8', 0, end).split('\r\n');
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    this.#head = { status: Number(first.split(' ')[1]), headers };
    if (!this.#head.status) throw new Error('the runtime API sent no HTTP status');
    this.#keep(data.subarray(end + 4));
    return true;
  }

  #readFixed(length) {
    return this.#size < length ? null : this.#joined().subarray(0, length);
  }

  #readChunks() {
    for (;;) {
      const data = this.#joined();
      const lineEnd = data.indexOf('\r\n');
      if (lineEnd < 0) return null;
      const size = parseInt(data.toString('latin1', 0, lineEnd), 16);
      if (Number.isNaN(size)) throw new Error('the runtime API sent a malformed chunk');
      if (size === 0) return data.indexOf('\r\n\r\n', lineEnd) < 0 ? null : Buffer.concat(this.#chunks);
      if (data.length < lineEnd + 2 + size + 2) return null;
      this.#chunks.push(data.subarray(lineEnd + 2, lineEnd + 2 + size));
      this.#keep(data.subarray(lineEnd + 2 + size + 2));
    }
  }
}

module.exports = { ResponseReader };
