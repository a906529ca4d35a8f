'use strict';
// Entry point of a template: node <flags> /var/runtime/template.cjs (see README.md).
require('./lambent/template.cjs').main();
