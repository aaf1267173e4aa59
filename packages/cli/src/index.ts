export { COMMANDS } from './commands/index.js';
export type { FullScreen, Io } from './io.js';
export { runProcess } from './process.js';
export { ON_DATABASE, run } from './run.js';
export { configPath, readConfig } from './settings/config-file.js';
