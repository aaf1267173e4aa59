import type { EndReason, RunState, TaskStepOption } from '@rigel/contracts';
import type { Static } from 'typebox';
import type { StepRecord } from './task/state.js';

export interface TaskTable {
  id: number;
  name: string;
  template_id: number;
  template_name: string;
  pool_id: number;
  pool_name: string;
  options: Static<typeof TaskStepOption>[];
  batch_size: number;
  operator: string;
  flow_type: 'manual' | 'crontab';
  state: RunState;
  end_reason: EndReason;
  stat: number[];
  /** Something is still to be done for it. */
  active: boolean;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface RunTable {
  id: number;
  task_id: number;
  index: number;
  batch: number;
  node_id: number;
  ip: string;
  vm_id: string;
  state: RunState;
  step: number;
  steps: StepRecord[];
  created_at: number;
  updated_at: number;
}

export interface Tables {
  tasks: TaskTable;
  runs: RunTable;
  node_holds: { node_id: number; task_id: number | null; expires_at: number | null };
  host_keys: { node_id: number; host_key: string };
  attempt_output: { run_id: number; step: number; attempt: number; start_byte: number; data: Buffer };
  counters: { name: string; last: number };
}
