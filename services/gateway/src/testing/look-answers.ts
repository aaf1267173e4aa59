import {
  beginVerification,
  HISTORY_SERVICES,
  live,
  nodeRuns,
  orphans,
  readVerification,
  taskPast,
} from '@rigel/contracts';
import type { Responders } from './responders.js';
import { created } from './rows.js';

const past = {
  version: 3,
  at: created,
  state: 1 as const,
  end_reason: '' as const,
  stat: [0, 1, 0, 0, 0],
  ignored: 0,
  batch: 1,
  batches: 1,
};

/** Answers about checks that were done, and one that is under way. */
export function answerChecks(services: Responders): void {
  const last = { began: created, ended: created, by: 'ann', reason: '' };
  const maker = {
    task_id: 11,
    task_name: 'grow',
    pool_id: 4,
    pool_name: 'shop',
    run_id: 21,
    node_id: 7,
    state: 3,
  };
  const machine = { provider: 'vm 1 (local)', vm_type: 1, vm_id: 'i-1', ip: '', made: created };
  services.on(orphans.read, () => ({
    running: { since: created, by: 'ann', progress: 3 },
    last: {
      ...last,
      result: {
        providers: [
          {
            name: 'vm 1 (local)',
            vm_type: 1,
            outcome: 'listed' as const,
            machines: 2,
            unreadable: 0,
            more: 0,
            reason: '',
          },
        ],
        orphans: 1,
        being_made: 1,
        nobodys: [{ ...machine, maker: null }],
        making: [{ ...machine, made: null, maker }],
      },
    },
    unknown: [{ ...maker, at: created, step: 'create_vm', attempt: 1, vm_type: null, reason: 'lost' }],
    unknown_total: 1,
  }));
  services.on(orphans.check, () => ({ begun: true }));
  const found = {
    kind: 'value' as const,
    table: 'pools',
    row: 'id=3',
    column: 'name',
    value: '"a"',
    expected: '"b"',
    text: 'pools id=3: name is "a", by the events "b"',
  };
  for (const service of HISTORY_SERVICES) {
    services.on(readVerification(service), () => ({
      running: null,
      last: { ...last, result: { events: 7, differences: 1, found: [found] } },
    }));
    services.on(beginVerification(service), () => ({ begun: service !== 'catalog' }));
  }
}

/** Answers about one node's run, its output, and a task's past. */
export function answerLooks(services: Responders): void {
  const run = { ip: '10.0.0.7', state: 1 as const, node_id: 7, task_id: 11 };
  services.on(nodeRuns.account, ({ id }) => ({
    ...run,
    id,
    task_name: 'version 2',
    pool_name: 'shop',
    vm_id: '',
    batch: 1,
    phase: 'leased',
    step_num: 1,
    created,
    updated: created,
    version: 3,
    steps: [
      {
        name: 'restart',
        state: 1 as const,
        message: '',
        attempts: [
          {
            key: 'u-r21-s0-a1',
            attempt: 1,
            state: 'running' as const,
            authorised: created,
            authorised_version: 3,
            started: null,
            finished: null,
            ended_version: null,
            exit_code: null,
            reason: '',
            note: '',
            may_run: false,
            retry_at: null,
            folder: null,
            leases: [
              {
                lease: 1,
                executor: 'executor-1',
                how: 'begins' as const,
                from: created,
                from_version: 3,
                until: null,
                until_version: null,
                over: null,
              },
            ],
            output: { bytes: 8, stored: 8, dropped: 0 },
            versions: [3],
          },
        ],
      },
    ],
  }));
  services.on(nodeRuns.why, ({ id }) => ({ ...run, run_id: id, text: '', task: [], chain: [] }));
  services.on(nodeRuns.outputRange, () => ({
    bytes: 8,
    stored: 8,
    dropped: 0,
    lines: 1,
    from: 0,
    to: 8,
    open: false,
    parts: [{ from: 0, data: Buffer.from('started\n').toString('base64'), line: 1, stored: created }],
  }));
  services.on(nodeRuns.searchOutput, () => ({ hits: [], matches: 0, map: [0], searched: 8, next: null }));
  services.on(nodeRuns.outputGroups, () => ({
    ...{ step: 1, name: 'restart', more_groups: 0, ended: 1, nodes: 2 },
    groups: [
      {
        ...{ state: 2 as const, message: '', count: 1, bytes: 3, output: 'ok\n', cut: false },
        nodes: [{ run_id: 21, node_id: 6, ip: '10.0.0.7', attempt: 1 }],
      },
    ],
  }));
  services.on(nodeRuns.outputPieces, () => ({
    pieces: [{ run_id: 21, ip: '10.0.0.7', step: 1, attempt: 1, from: 0, data: 'b2sK' }],
    next: null,
    now: 1_767_600_000_000,
  }));
  services.on(nodeRuns.searchTask, () => ({
    groups: [],
    searched_nodes: 1,
    searched: 8,
    nodes: 1,
    next: { run: 21, step: 0, attempt: 1 },
  }));
  services.on(taskPast.at, () => ({
    ...past,
    grid: {
      first_nsid: 21,
      ips: ['10.0.0.7'],
      node_ids: [[7, 1] as [number, number]],
      state: '1',
      step: '0',
      attempts: '1',
      batch: [[1, 1] as [number, number]],
      changed: [0],
    },
    marks: { gate: [], retrying: [], draining: [] },
  }));
  services.on(taskPast.frames, () => ({ version: 3, frames: [{ ...past, states: '1' }] }));
  services.on(live.taskEvents, () => ({
    events: [{ version: 3, time: created, event: 'task_paused', data: { opr_user: 'ann' } }],
    version: 3,
    over: null,
  }));
  services.on(taskPast.timeline, () => ({
    version: 3,
    from: created,
    to: created,
    events: [3],
    succeeded: [0],
    failed: [0],
    versions: [3],
    marks: [],
  }));
}
