export { generateSshKey, type SshKeyPair } from '@rigel/remote-attempt';
export { LocalMachines } from './local-machines.js';
export { type SshServer, type SshServerOptions, startSshServer } from './ssh-server.js';
export { type LocalMachine, MachineReturned } from './state-folder.js';
