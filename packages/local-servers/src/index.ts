export { commandLineOf } from './command-line.js';
export { installDebianPackage } from './debian-package.js';
export { findFreePort } from './free-port.js';
export { ensureInstalledProgram, findInstalledProgram } from './installed-program.js';
export { type NatsOptions, runningNats, startNats } from './nats.js';
export { ensureNatsServer, type NatsServerOptions } from './nats-binary.js';
export { type NginxControl, type NginxOptions, nginxControl, runningNginx, startNginx } from './nginx.js';
export { type PostgresOptions, postgresPasswordFile, runningPostgres, startPostgres } from './postgres.js';
export { describeExit, type ProcessExit, type ServerHandle } from './server-process.js';
