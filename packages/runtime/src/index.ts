export { ConfigError, readConfig } from './config.js';
export { checkDatabase, openDatabase } from './database.js';
export { createLogger, LOG_LEVELS } from './logging.js';
export { CommonConfig, newCorrelationId, runService, type ServiceContext, serveHealth } from './service.js';
