import type {
  CronItem,
  DependItem,
  EndReason,
  ExecType,
  OccurrenceCause,
  OccurrenceOutcome,
  RunState,
  ScheduleType,
  TaskStepOption,
  ValueSource,
} from '@rigel/contracts';
import type { Static } from 'typebox';
import type { StepRow } from '../task/projection.js';

export interface TaskTable {
  id: number;
  name: string;
  template_id: number;
  template_name: string;
  pool_id: number;
  pool_name: string;
  options: (Static<typeof TaskStepOption> & {
    /** Where its values come from, by parameter; absent: not known. */
    sources?: Record<string, ValueSource>;
    /** Of the first step: the ended task that this one runs again. */
    again_of?: number;
  })[];
  batch_size: number;
  operator: string;
  flow_type: 'manual' | 'crontab';
  state: RunState;
  end_reason: EndReason;
  stat: number[];
  /** Runs that passed with an ignored error. */
  ignored: number;
  /** Something is still to be done for it. */
  active: boolean;
  version: number;
  created_at: number;
  updated_at: number;
  /** When it began for the first time. */
  started_at: number | null;
  ended_at: number | null;
  /** When its time is up; null: it has no limit, or does not run. */
  deadline: number | null;
  /** Batch that is worked on, or was last, from 1; 0 before the first. */
  batch: number;
  /** Failed nodes that it tolerates. */
  budget: number | null;
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
  steps: StepRow[];
  created_at: number;
  updated_at: number;
}

export interface ScheduleTable {
  id: number;
  pool_id: number;
  type: ScheduleType;
  exec_type: ExecType;
  time_zone: string;
  cron_items: CronItem[];
  depend_items: DependItem[];
  version: number;
  created_at: number;
  updated_at: number;
}

export interface OccurrenceTable {
  schedule_id: number;
  cause: OccurrenceCause;
  due: number;
  item: CronItem;
  outcome: OccurrenceOutcome;
  reason: string;
  tasks: number[];
  updated_at: number;
  /** The deployment's time zone, where the scheduled task names none; empty: not recorded. */
  zone: string;
}

export interface Tables {
  tasks: TaskTable;
  runs: RunTable;
  node_holds: { node_id: number; task_id: number | null; expires_at: number | null };
  host_keys: { node_id: number; host_key: string };
  attempt_output: {
    run_id: number;
    step: number;
    attempt: number;
    start_byte: number;
    data: Buffer;
    /** Line ends in it, and when it was stored; null: an earlier release stored it. */
    lines: number | null;
    stored_at: number | null;
  };
  schedules: ScheduleTable;
  schedule_occurrences: OccurrenceTable;
  occurrence_tasks: {
    schedule_id: number;
    cause: OccurrenceCause;
    due: number;
    pool_id: number;
    task_id: number;
  };
  schedule_waits: { schedule_id: number; cause: OccurrenceCause; due: number; waits_for: string };
  pools_being_deleted: { pool_id: number; expires_at: number };
  counters: { name: string; last: number };
}
