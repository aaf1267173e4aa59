export { SERVICES } from './command-line.js';
export { HISTORIES } from './databases.js';
export type { Output } from './output.js';
export { run } from './run.js';
