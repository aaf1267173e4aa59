/* What runs in a simulation: everything of an executor but NATS and the nodes. */
export { Agent, type AgentOptions, type WorkSource } from './agent.js';
export { type NodeAccess, SshRunner } from './ssh-runner.js';
export { StepSecrets } from './step-secrets.js';
