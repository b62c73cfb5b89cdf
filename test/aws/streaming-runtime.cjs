// Stands in for the part of Lambda's runtime that streams answers, which the emulator has not: loaded
// into its workers (NODE_OPTIONS=--require), so the packaged handlers stay as they are. What a handler
// streams is collected, and answered in one piece once the handler has ended it.
const { PassThrough } = require('node:stream');
const { text } = require('node:stream/consumers');

const HEAD = Symbol('head');

/** As Lambda frames a streamed answer for its URL: status and headers, eight zeros, the body. */
const framed = (head, body) => (head ? `${JSON.stringify(head)}${'\0'.repeat(8)}${body}` : body);

globalThis.awslambda = {
  streamifyResponse: (handler) => async (event, context) => {
    const stream = new PassThrough();
    const [body] = await Promise.all([text(stream), handler(event, stream, context)]);
    return framed(stream[HEAD], body);
  },
  HttpResponseStream: {
    from: (stream, head) => Object.assign(stream, { [HEAD]: head }),
  },
};
