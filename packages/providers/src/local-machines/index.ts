export { LocalMachines } from './local-machines.js';
export { generateSshKey, type SshKeyPair } from './ssh-key.js';
export { type SshServer, type SshServerOptions, startSshServer } from './ssh-server.js';
export { type LocalMachine, MachineReturned } from './state-folder.js';
