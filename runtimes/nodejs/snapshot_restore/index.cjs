'use strict';
// Hooks of a function around its snapshot: const { registerBeforeSnapshot, registerAfterRestore } = require('snapshot_restore').
// They may be async. Without snapshots nothing is ever called.

const beforeSnapshot = [];
const afterRestore = [];

// Has call(...args) run once INIT is done, the last registered first. Returns call.
function registerBeforeSnapshot(call, ...args) {
  beforeSnapshot.unshift(() => call(...args));
  return call;
}

// Has call(...args) run in each instance before its first invocation, in the order of registration. Returns call.
function registerAfterRestore(call, ...args) {
  afterRestore.push(() => call(...args));
  return call;
}

module.exports = { registerBeforeSnapshot, registerAfterRestore, hooks: { beforeSnapshot, afterRestore } };
