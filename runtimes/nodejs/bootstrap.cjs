'use strict';
// Entry point of the Node.js runtime: node /var/runtime/bootstrap.cjs (see README.md).
require('./lambent/main.cjs').main();
