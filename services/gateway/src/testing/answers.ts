import {
  access,
  catalog,
  inventory,
  live,
  plans,
  ServiceError,
  schedules,
  tasks,
  taskWhy,
} from '@rigel/contracts';
import type { Responders } from './responders.js';
import {
  actimpl,
  action,
  apiToken,
  auditEntry,
  cluster,
  created,
  cronItem,
  node,
  pool,
  preview,
  remoteStep,
  runs,
  schedule,
  service,
  task,
  template,
  usableStep,
} from './rows.js';

/** Every operation succeeds, but there are no live events. */
export function answerEverything(services: Responders): void {
  services.on(inventory.listClusters, () => ({ rows: [cluster], total: 12 }));
  services.on(inventory.createCluster, () => ({ id: 31 }));
  services.on(inventory.updateCluster, () => ({}));
  services.on(inventory.deleteCluster, () => ({}));
  services.on(inventory.getCluster, () => cluster);
  services.on(inventory.listServices, () => ({ rows: [service], total: 12 }));
  services.on(inventory.createService, () => ({ id: 32 }));
  services.on(inventory.updateService, () => ({}));
  services.on(inventory.deleteService, () => ({}));
  services.on(inventory.getService, () => service);
  services.on(inventory.listPools, () => ({ rows: [pool], total: 12 }));
  services.on(inventory.createPool, () => ({ id: 33 }));
  services.on(inventory.updatePool, () => ({}));
  services.on(inventory.deletePool, () => ({}));
  services.on(inventory.getPool, () => pool);
  services.on(inventory.listNodes, () => ({ rows: [node], total: 12 }));
  services.on(inventory.addNodes, () => ({ ids: [41, 42] }));
  services.on(inventory.removeNodes, () => ({}));
  services.on(inventory.findPools, ({ ips }) => ({ pools: Object.fromEntries(ips.map((ip) => [ip, 4])) }));
  services.on(catalog.listActions, () => ({ rows: [action], total: 12 }));
  services.on(catalog.createAction, () => ({ id: 34 }));
  services.on(catalog.updateAction, () => ({}));
  services.on(catalog.deleteAction, () => ({}));
  services.on(catalog.getAction, () => action);
  services.on(catalog.listActionImpls, () => ({ rows: [actimpl], total: 12 }));
  services.on(catalog.createActionImpl, () => ({ id: 35 }));
  services.on(catalog.updateActionImpl, () => ({}));
  services.on(catalog.deleteActionImpl, () => ({}));
  services.on(catalog.getActionImpl, () => actimpl);
  services.on(catalog.listRemoteSteps, () => ({ rows: [remoteStep], total: 12 }));
  services.on(catalog.createRemoteStep, () => ({ id: 36 }));
  services.on(catalog.updateRemoteStep, () => ({}));
  services.on(catalog.deleteRemoteStep, () => ({}));
  services.on(catalog.getRemoteStep, () => remoteStep);
  services.on(catalog.listTemplates, () => ({ rows: [template], total: 12 }));
  services.on(catalog.createTemplate, () => ({ id: 37 }));
  services.on(catalog.updateTemplate, () => ({}));
  services.on(catalog.deleteTemplate, () => ({}));
  services.on(catalog.getTemplate, () => template);
  services.on(catalog.listUsableSteps, () => ({ rows: [usableStep], total: 12 }));
  for (const plan of Object.values(plans)) services.on(plan, () => preview);
  services.on(tasks.create, () => ({ ids: [51, 52] }));
  for (const operation of [tasks.expand, tasks.shrink, tasks.deploy])
    services.on(operation, () => ({ id: 53 }));
  services.on(tasks.start, () => ({}));
  services.on(tasks.pause, () => ({}));
  services.on(tasks.stop, () => ({}));
  services.on(tasks.releaseNode, () => ({}));
  services.on(tasks.list, () => ({ rows: [task], total: 12 }));
  services.on(tasks.get, () => task);
  services.on(tasks.detail, () => ({ rows: runs }));
  services.on(tasks.holders, ({ node_ids }) => ({
    holders: [
      {
        node_ids: node_ids.slice(0, 1),
        held_by: { task_id: 11, name: 'deploy', opr_user: 'ann', since: created, ending: false },
      },
    ],
  }));
  services.on(tasks.log, () => ({ lines: [{ id: 61, batch_id: 2, message: 'begun', time: created }] }));
  for (const operation of [live.taskEvents, live.runOutput]) {
    services.on(operation, ({ id }) => {
      throw new ServiceError('not_found', `there is no ${id}`);
    });
  }
  services.on(taskWhy, ({ id }) => ({
    task_id: id,
    state: 0 as const,
    text: '',
    chain: [],
    nodes: [],
    more_nodes: 0,
  }));
  services.on(schedules.save, () => ({ id: 71 }));
  services.on(schedules.find, () => ({ schedule }));
  services.on(schedules.flags, ({ pool_ids }) => ({ depended_on: pool_ids, with_cron: [] }));
  services.on(schedules.occurrences, () => ({
    rows: [
      {
        due: created,
        cause: 'due' as const,
        outcome: 'fired' as const,
        reason: '',
        task_ids: [11],
        item: cronItem,
        updated: created,
      },
    ],
    total: 12,
    next: [{ due: created, item: cronItem }],
  }));
  services.on(access.listAudit, () => ({ rows: [auditEntry], total: 12 }));
  services.on(access.listTokens, () => ({ rows: [apiToken], total: 12 }));
  services.on(access.createToken, () => ({ id: 81 }));
  services.on(access.revokeToken, () => ({}));
  services.on(access.recordRequests, () => ({}));
  services.on(tasks.nodeLog, () => ({
    steps: [
      { name: 'restart', text: 'one\ntwo' },
      { name: '__proto__', text: '' },
    ],
  }));
}
