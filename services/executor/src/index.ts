/* What runs in a simulation: everything of an executor but NATS and the nodes. */

export { StepSecrets } from './secrets/step-secrets.js';
export { type NodeAccess, SshRunner } from './ssh/ssh-runner.js';
export { Agent, type AgentOptions, type WorkSource } from './work/agent.js';
