export { readSchemaFiles, SCHEMAS_FOLDER } from './files.js';
export type { MessageDescription } from './messages.js';
