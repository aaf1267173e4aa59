export { type CertificateFiles, makeAuthority, type TestAuthority } from './certificates.js';
export { type ReceivedEvent, readEventStream } from './event-stream.js';
export { type Decision, decisionOf, type Rules, storyOf } from './given.js';
export { type Statement, statementsOf, walksOf } from './plans.js';
export { runInProcess, settingsOn } from './run-in-process.js';
export { silentLogger } from './silent-logger.js';
export { TEST_CACHE_DIR } from './test-cache.js';
export { startTestServers, type TestServers } from './test-servers.js';
export { waitFor } from './wait-for.js';
