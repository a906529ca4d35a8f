'use strict';
// Finds the user's handler by AWS's rules: "folder/module.export.path", CommonJS or ES module.

const fs = require('fs');
const path = require('path');

// Resolves to the handler function. Rejects with a Runtime.* fault, or with what the module itself threw.
async function load(taskRoot, name) {
  if (name.includes('..')) {
    throw fault('MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(name);
  const folder = path.resolve(taskRoot, name.slice(0, name.length - base.length));
  const dot = base.indexOf('.');
  if (dot < 0) throw fault('MalformedHandlerName', 'Bad handler');
  installAwslambda();
  const exported = await loadModule(taskRoot, folder, base.slice(0, dot));
  const handler = base.slice(dot + 1).split('.').reduce((value, key) => value && value[key], exported);
  if (!handler) throw fault('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw fault('HandlerNotFound', `${name} is not a function`);
  return handler;
}

function fault(name, cause) {
  return new (require('./faults.cjs')[name])(cause);
}

// The global that streaming handlers are declared with.
function installAwslambda() {
  Object.defineProperty(globalThis, 'awslambda', {
    configurable: true,
    enumerable: true,
    get: () => require('./streaming.cjs').awslambda,
    set: (value) => Object.defineProperty(globalThis, 'awslambda', { value, writable: true }),
  });
}

async function loadModule(taskRoot, folder, module) {
  try {
    return await tryEachForm(taskRoot, folder, module);
  } catch (error) {
    if (error instanceof SyntaxError) throw fault('UserCodeSyntaxError', error);
    if (error && error.code === 'MODULE_NOT_FOUND') throw fault('ImportModuleError', error);
    throw error;
  }
}

async function tryEachForm(taskRoot, folder, module) {
  const file = path.join(folder, module);
  if (isFile(file)) return require(file);
  if (isFile(`${file}.js`)) return isEsmFolder(folder) ? importFile(`${file}.js`) : require(`${file}.js`);
  if (isFile(`${file}.mjs`)) return importFile(`${file}.mjs`);
  if (isFile(`${file}.cjs`)) return require(`${file}.cjs`);
  return require(require.resolve(module, { paths: [taskRoot, folder] })); // a package, such as one in a layer
}

function importFile(file) {
  return import(require('url').pathToFileURL(file).href);
}

function isFile(file) {
  return Boolean(fs.statSync(file, { throwIfNoEntry: false })?.isFile());
}

// Whether the nearest package.json says "type": "module".
function isEsmFolder(folder) {
  for (let dir = folder; !dir.endsWith('/node_modules'); dir = path.dirname(dir)) {
    const description = path.join(dir, 'package.json');
    if (isFile(description)) {
      try {
        return JSON.parse(fs.readFileSync(description, 'utf8'))?.type === 'module';
      } catch (error) {
        console.warn(`${description} cannot be read, so it does not tell whether this is an ES module.`, error);
        return false;
      }
    }
    if (dir === path.dirname(dir)) break;
  }
  return false;
}

module.exports = { load };
