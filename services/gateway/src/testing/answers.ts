import {
  access,
  catalog,
  findRuns,
  findTasks,
  fleetExport,
  HISTORY_SERVICES,
  health,
  historyState,
  inventory,
  live,
  overview,
  plans,
  recordedPlan,
  SERVICES,
  ServiceError,
  schedulerSystem,
  schedules,
  search,
  sessions,
  taskBatches,
  taskFailures,
  taskGrid,
  tasks,
  taskWhy,
} from '@rigel/contracts';
import { answerChecks, answerLooks } from './look-answers.js';
import type { Responders } from './responders.js';
import {
  actimpl,
  action,
  apiToken,
  auditEntry,
  catalogChange,
  cluster,
  counts,
  created,
  cronItem,
  historyEntry,
  node,
  placedNode,
  pool,
  preview,
  remoteStep,
  runLine,
  runs,
  schedule,
  service,
  task,
  template,
  updated,
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
  services.on(inventory.poolNames, ({ ids }) => ({ pools: ids.map((id) => ({ id, name: `pool ${id}` })) }));
  services.on(inventory.listNodes, () => ({ rows: [node], total: 12 }));
  services.on(inventory.addNodes, () => ({ ids: [41, 42] }));
  services.on(inventory.removeNodes, () => ({}));
  services.on(inventory.labelNodes, () => ({ nodes: 2, changed: 1 }));
  services.on(inventory.protectPool, () => ({}));
  services.on(inventory.selectNodes, () => ({ rows: [placedNode], more: true, total: 12 }));
  services.on(inventory.getNode, () => placedNode);
  services.on(inventory.findNodes, ({ addresses: [address = ''] }) => ({
    found: [{ address, node: placedNode }],
  }));
  services.on(inventory.poolSummary, () => ({ nodes: 2, state: [0, 0, 2, 0, 0], ...counts }));
  services.on(inventory.fleetSummary, () => ({
    clusters: [{ id: 2, name: 'web' }],
    services: [{ id: 3, name: 'shop', cluster_id: 2 }],
    pools: [{ id: 4, name: 'shop-a', service_id: 3, protected: false, nodes: 2, ...counts }],
    more: true,
  }));
  services.on(fleetExport.catalog, () => ({
    actions: [action],
    implementations: [actimpl],
    steps: [remoteStep],
    templates: [template],
  }));
  services.on(fleetExport.inventory, () => ({
    clusters: [cluster],
    services: [service],
    pools: [pool],
    nodes: [{ pool_id: 4, labels: { zone: 'a' }, ips: ['10.0.0.7'] }],
  }));
  services.on(fleetExport.schedules, () => ({ schedules: [schedule] }));
  services.on(inventory.history, () => ({ entries: [historyEntry], more: true }));
  services.on(tasks.heldNodes, () => ({ node_ids: [6] }));
  services.on(tasks.ofPool, () => ({ tasks: [task], holding: [] }));
  services.on(tasks.runsOfNode, () => ({ runs: [], before: null }));
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
  services.on(catalog.history, () => ({ entries: [catalogChange], more: true }));
  services.on(catalog.uses, () => ({
    remote_steps: { rows: [{ id: 10, name: 'restart' }], total: 1 },
    templates: { rows: [{ id: 9, name: 'rollout' }], total: 1 },
    pools: { rows: [{ id: 4, name: 'shop-a', kinds: ['deploy'], template_id: 9 }], total: 1 },
  }));
  services.on(catalog.listUsableSteps, () => ({ rows: [usableStep], total: 12 }));
  for (const plan of Object.values(plans)) services.on(plan, () => preview);
  services.on(tasks.create, () => ({ ids: [51, 52] }));
  services.on(tasks.run, () => ({ ids: [53] }));
  services.on(tasks.again, () => ({ ids: [54] }));
  for (const operation of [tasks.expand, tasks.shrink, tasks.deploy])
    services.on(operation, () => ({ id: 53 }));
  services.on(tasks.start, () => ({}));
  services.on(tasks.pause, () => ({}));
  services.on(tasks.stop, () => ({}));
  services.on(tasks.releaseNode, () => ({}));
  services.on(tasks.list, () => ({ rows: [task], total: 12 }));
  services.on(tasks.get, () => ({ ...task, details: { commands_alive: 1, gate: null } }));
  services.on(findTasks, () => ({ rows: [task], next: 'next' }));
  services.on(recordedPlan, () => ({
    template: { id: 9, name: 'restart' },
    steps: [
      {
        ...{ name: 'restart', kind: 'remote' as const, retry_times: 1, ignore_error: false, timeout: 60 },
        params: [{ name: 'tag', value: 'web:7', secret: false, source: 'call' as const }],
        actions: [
          {
            ...{ name: 'run', module: 'shell', cut: false, script: "tag='web:7'", text: 'echo {{tag}}' },
            places: [
              { name: 'tag', line: 1, column: 6, context: 'bare' as const, integer: false, raw: false },
            ],
          },
        ],
      },
    ],
    catalog: {
      ...{ state: 'changed' as const, reason: '', name: 'restart', values: true, total: 1 },
      differences: [
        {
          ...{ kind: 'step' as const, step: 'start', step_num: null, step_num_now: 2 },
          ...{ name: '', recorded: null, now: 'start' },
        },
      ],
    },
  }));
  services.on(taskGrid, () => ({
    version: 9,
    cursor: '9',
    whole: {
      first_nsid: 21,
      ips: ['10.0.0.7', '10.0.0.8'],
      node_ids: [[6, 1] as [number, number], [16, 1] as [number, number]],
      state: '30',
      step: '00',
      attempts: '30',
      batch: [[1, 1] as [number, number], [2, 1] as [number, number]],
      changed: [65, 0],
    },
    marks: { gate: [], retrying: [], draining: [] },
  }));
  services.on(findRuns, () => ({ rows: [runLine], next: null }));
  services.on(taskBatches, () => ({
    rows: [
      {
        batch_id: 1,
        stat: [0, 0, 0, 1, 0],
        started: created,
        ended: updated,
        last: { id: 21, node_id: 6, ip: '10.0.0.7', ended: updated },
        open: [],
      },
    ],
    next: null,
  }));
  services.on(taskFailures, () => ({
    rows: [
      {
        step: 'restart',
        step_num: 1,
        reason: 'exit code 1',
        example: 'exit code 1',
        count: 1,
        first: updated,
        last: updated,
        nodes: [{ id: 21, node_id: 6, ip: '10.0.0.7' }],
      },
    ],
    failed: 1,
    more_groups: 0,
  }));
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
  answerLooks(services);
  answerChecks(services);
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
  answerSchedules(services);
  services.on(access.listAudit, () => ({ rows: [auditEntry], total: 12 }));
  services.on(access.listTokens, () => ({ rows: [apiToken], total: 12 }));
  services.on(access.createToken, () => ({ id: 81 }));
  services.on(access.revokeToken, () => ({}));
  const session = { id: 91, token_id: 81, name: 'ann', role: 'operator' as const, expires: created };
  services.on(sessions.start, () => ({ valid: true as const, ...session }));
  services.on(sessions.check, () => ({ valid: true as const, ...session }));
  services.on(sessions.end, () => ({}));
  services.on(sessions.revoke, () => ({}));
  services.on(sessions.keepCode, () => ({ expires: created }));
  services.on(sessions.installation, () => ({ id: '0123456789abcdef' }));
  services.on(sessions.list, () => ({
    rows: [
      {
        ...session,
        started_with: 'token' as const,
        client: '10.0.0.9',
        started: created,
        last_used: created,
        ended: null,
        end: null,
        ended_by: '',
      },
    ],
    next: null,
  }));
  services.on(access.recordRequests, () => ({}));
  answerAboutAll(services);
  services.on(tasks.nodeLog, () => ({
    steps: [
      { name: 'restart', text: 'one\ntwo' },
      { name: '__proto__', text: '' },
    ],
  }));
}

/** What each service says about itself. */
function answerAboutAll(services: Responders): void {
  const nodes = { nodes: 2, ok: 1, failed: 1, not_ready: 0 };
  services.on(overview.fleet, () => ({
    clusters: 1,
    services: 1,
    pools: 1,
    ...nodes,
    by_cluster: [{ id: 2, name: 'web', ...nodes }],
  }));
  services.on(overview.catalog, () => ({ actions: 1, implementations: 1, steps: 1, templates: 1 }));
  services.on(overview.tasks, () => ({
    unfinished: [0, 1, 0, 0, 0],
    runs: [1, 1, 0, 0, 0],
    any: true,
    now: [
      {
        id: 11,
        name: 'move',
        pool_id: 4,
        pool_name: 'shop-a',
        state: 1 as const,
        stat: [1, 1, 0, 0, 0],
        created,
      },
    ],
    day: { tasks: 1, states: [0, 1, 0, 0, 0], ended: [{ reason: 'completed' as const, tasks: 1 }] },
    events_by_minute: [1, 2],
    executors: { present: 1, gone: 0, slots: 10, taken: 1 },
    next: [
      {
        schedule_id: 71,
        pool_id: 4,
        type: 'expand' as const,
        due: created,
        time_zone: 'UTC',
        instance_num: 4,
      },
    ],
    ledger: [{ outcome: 'fired' as const, moments: 1 }],
    attention: [
      {
        kind: 'schedule' as const,
        id: 71,
        name: '',
        code: 'skipped',
        text: 'overlap',
        cause: '',
        since: created,
        nodes: 0,
        action: null,
        data: { pool_id: 4 },
      },
    ],
  }));
  const found = (kind: string) => ({ kind, id: 4, name: 'shop', detail: '', exact: false });
  services.on(search.inventory, () => ({ found: [found('pool')] }));
  services.on(search.scheduler, () => ({ found: [{ ...found('task'), exact: true }] }));
  services.on(search.catalog, () => ({ found: [] }));
  services.on(schedulerSystem, () => ({
    executors: [
      {
        name: 'executor-1',
        present: true,
        capabilities: ['ssh' as const],
        slots: 10,
        taken: 1,
        heard: created,
        waiting: [{ run_id: 21, what: 'a connection', since: created }],
      },
    ],
    schedulers: [{ session: 4711, since: created, partitions: [0, 1] }],
    offers: null,
  }));
  for (const service of SERVICES) {
    services.on(health(service), () => ({ name: service, checks: { database: 'ok' } }));
  }
  for (const service of HISTORY_SERVICES) {
    const followers = [{ name: 'audit', owner: 'scheduler', position: 5, behind: 2 }];
    services.on(historyState(service), () => ({ head: 7, followers }));
  }
}

function answerSchedules(services: Responders): void {
  const entry = {
    schedule_id: 71,
    pool_id: 4,
    type: 'expand' as const,
    zone: 'UTC',
    due: created,
    cause: 'due' as const,
    outcome: 'fired' as const,
    left_out_by: '',
    reason: '',
    task_ids: [11],
    previous_task_ids: [],
    item: cronItem,
    updated: created,
  };
  const none = { fired: 0, caught_up: 0, nothing_to_do: 0, skipped: 0, ignored: 0, waiting: 0, firing: 0 };
  const sum = { ...none, due: 1, saved: 0, restarted: 0, fired: 1, not_noticed: 0 };
  services.on(schedules.list, () => ({
    rows: [
      {
        schedule: { ...schedule, version: 3, updated_at: created, updated_by: 'ann' },
        zone: 'UTC',
        state: 'idle' as const,
        reason: '',
        next: { due: created, item: cronItem },
        left_out: [{ due: created, by: 'bob' }],
        last: { due: created, outcome: 'fired' as const, reason: '', task_ids: [11] },
        example: [{ pool_id: 4, nodes: 3, depend_items: schedule.depend_items }],
      },
    ],
    next: 'more',
  }));
  services.on(schedules.calendar, () => ({
    rows: [entry, { ...entry, outcome: 'planned' as const, updated: null }],
    next: null,
  }));
  services.on(schedules.ledger, () => ({
    sum,
    differences: [{ due: created, cause: 'due' as const, what: 'no_outcome' as const }],
    difference_count: 1,
    rows: [entry],
    next: null,
  }));
  services.on(schedules.leaveOut, () => ({ due: created, left_out: true }));
  services.on(schedules.preview, () => ({
    version: 3,
    zone: 'UTC',
    moments: [{ due: created, item: cronItem }],
    at_saving: {
      item: cronItem,
      pools: [{ pool_id: 4, nodes: 1, target: 3, plan: 'expand' as const, missing: 2, again: 0, surplus: 0 }],
    },
    overlaps: [
      {
        schedule_id: 72,
        schedule_pool_id: 5,
        type: 'upload' as const,
        pool_id: 4,
        due: created,
        own_due: created,
      },
    ],
    clock_changes: [
      {
        at: created,
        offset_before: 60,
        offset_after: 120,
        moments: [{ time: '02:30', week_day: 0, due: created, what: 'does_not_exist' as const }],
      },
    ],
    differences: { time_zone: { before: null, after: 'UTC' }, cron_items: [], depend_items: [] },
  }));
}
