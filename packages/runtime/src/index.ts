export { ConfigError, readConfig } from './config.js';
export { DatabaseConfig, databaseOptions, withPassword } from './database/database-config.js';
export { isDatabaseUnavailable, isDataRefused } from './database/database-errors.js';
export { hideEnvironment } from './hidden-environment.js';
export { createLogger, LOG_LEVELS } from './logging.js';
export { type Sample, sampled } from './metrics.js';
export { natsOptions } from './nats-config.js';
export { type OnceKeeper, Operations } from './operations.js';
export { type Check, Readiness } from './readiness.js';
export { measureRelay } from './relay-metrics.js';
export {
  CommonConfig,
  newCorrelationId,
  readServiceConfig,
  runService,
  type ServiceContext,
  serveHealth,
} from './service.js';
export { sharedLook } from './shared-look.js';
