export {
  ConfigError,
  type LocalConfig,
  REPOSITORY_DIR,
  readLocalConfig,
  unknownVariables,
} from './config.js';
export { Api as DemoApi } from './demo/api.js';
export { enterPool as enterDemoPool } from './demo/setup.js';
export { machinesOf, SERVICE_PORT } from './local-providers.js';
export type { CommandSpec, ProcessSpec, ServerSpec } from './process-spec.js';
export { RunFolder } from './run-folder.js';
export {
  type Certificate,
  type CertificateOptions,
  ensureAuthority,
  issueLoopbackCertificate,
} from './secured/certificates.js';
export { natsPermissionsFile } from './secured/nats-permissions.js';
export { type NatsUsers, prepareSecured, type Secured } from './secured/secured-folder.js';
export { type Stack, type StackOptions, startStack } from './stack.js';
export { type StackAddresses, stackServices } from './stack-services.js';
export { type BackoffOptions, type ProcessStatus, Supervisor, type SupervisorOptions } from './supervisor.js';
export { createSupervisorLog, type SupervisorLog } from './supervisor-log.js';
