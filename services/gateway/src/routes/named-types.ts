import {
  Action,
  ActionImpl,
  ActionParams,
  CronItem,
  PoolTasks,
  StepOption,
  Template,
  UsableStep,
} from '@rigel/contracts';
import type { TSchema } from 'typebox';
import { StepsInput } from '../request/step-options.js';
import { AuditRow, TokenRow } from './access.js';
import { ClusterRow } from './clusters.js';
import { CountedPoolRow } from './fleet.js';
import { HistoryRow } from './history.js';
import { NodeRow, PlacedNodeRow } from './node-rows.js';
import { PoolRow } from './pool-rows.js';
import { FlaggedPoolRow } from './pools.js';
import { RemoteStepRow } from './remote-steps.js';
import { OccurrenceRow, ScheduleRow } from './schedules.js';
import { ServiceRow } from './services.js';
import { HeldByRow, LogRow, NodeLog, RunRow, TaskRow } from './task-rows.js';
import { ReasonRow } from './why.js';

/** The types of the API that its description names (`components.schemas`); generated clients use the same names. */
export const namedTypes: Record<string, TSchema> = {
  Action,
  ActionImplementation: ActionImpl,
  ActionParams,
  ApiToken: TokenRow,
  AuditEntry: AuditRow,
  Cluster: ClusterRow,
  CountedPool: CountedPoolRow,
  CronItem,
  HeldBy: HeldByRow,
  HistoryEntry: HistoryRow,
  Node: NodeRow,
  NodeLog,
  NodeRun: RunRow,
  Occurrence: OccurrenceRow,
  PlacedNode: PlacedNodeRow,
  Pool: PoolRow,
  PoolTasks,
  PoolWithFlags: FlaggedPoolRow,
  Reason: ReasonRow,
  RemoteStep: RemoteStepRow,
  Schedule: ScheduleRow,
  Service: ServiceRow,
  StepOption,
  StepsInput,
  Task: TaskRow,
  TaskLogLine: LogRow,
  Template,
  UsableStep,
};
