'use strict';
// The handler that a template rehearses starts with (lambent/template.cjs).

const { randomInt } = require('crypto');

const table = process.env.TABLE || 'documents';

class Answer {
  constructor(status, body) {
    Object.assign(this, { statusCode: status, body: JSON.stringify(body), table });
  }
}

exports.handler = async (event) => {
  console.log('event', event, typeof randomInt);
  return new Answer(200, { ...event });
};
