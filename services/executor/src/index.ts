/* The parts of an executor that run in a simulation: all except NATS and the nodes. */

export { StepSecrets } from './secrets/step-secrets.js';
export type { NodeAccess } from './ssh/node-access.js';
export { SshRunner } from './ssh/ssh-runner.js';
export { Agent, type AgentOptions, type WorkSource } from './work/agent.js';
