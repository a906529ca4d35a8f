'use strict';
// Answers the event; as text, the event chooses a failure instead (the same words as in c_bootstrap.c).

exports.handler = async (event) => {
  if (typeof event !== 'string') return event;
  if (event.startsWith('error')) throw new TypeError(event);
  if (event.startsWith('exit ')) process.exit(Number(event.slice(5)));
  if (event.startsWith('sleep ')) await new Promise((resolve) => setTimeout(resolve, Number(event.slice(6))));
  if (event.startsWith('log ')) console.log(event.slice(4));
  return event;
};

exports.stream = globalThis.awslambda?.streamifyResponse(async (event, stream) => {
  stream.write('one ');
  if (event === 'error') throw new TypeError('in the middle');
  stream.end('two');
});
