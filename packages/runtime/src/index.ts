export { ConfigError, readConfig } from './config.js';
export {
  checkDatabase,
  createPool,
  DatabaseNotUsable,
  migrateSchema,
  openDatabase,
  openExisting,
} from './database.js';
export { DatabaseConfig, databaseOptions, withPassword } from './database-config.js';
export { isDatabaseUnavailable, isDataRefused } from './database-errors.js';
export { grantRuntime, prepareRoles } from './database-roles.js';
export { hideEnvironment } from './hidden-environment.js';
export { createLogger, LOG_LEVELS } from './logging.js';
export { type Sample, sampled } from './metrics.js';
export { type OnceKeeper, Operations } from './operations.js';
export { contains, offsetOf, type PageRequest, readPage, readRange } from './page.js';
export { prepared } from './prepared.js';
export { type Check, Readiness } from './readiness.js';
export { measureRelay } from './relay-metrics.js';
export { CommonConfig, newCorrelationId, runService, type ServiceContext, serveHealth } from './service.js';
export { sharedLook } from './shared-look.js';
