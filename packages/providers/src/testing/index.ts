export { askOnce, type ClientsReport, startClients } from './clients.js';
export { type CloudFault, CloudServer } from './cloud-server.js';
export { type HttpNode, startHttpNode } from './http-node.js';
export {
  type LoadBalancer,
  type StartedBalancer,
  startTestHaproxy,
  startTestNginx,
} from './load-balancers.js';
export { readEntries } from './read-entries.js';
