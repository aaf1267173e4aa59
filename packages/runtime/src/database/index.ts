// The database has an entry of its own, so that processes without one (gateway, executor) do not load its libraries.
export {
  checkDatabase,
  createPool,
  DatabaseNotUsable,
  migrateSchema,
  openDatabase,
  openExisting,
} from './database.js';
export { contains, offsetOf, type PageRequest, readPage, readRange } from './page.js';
export { prepared, preparedQuery, runPrepared } from './prepared.js';
export { grantRuntime, prepareRoles } from './roles.js';
