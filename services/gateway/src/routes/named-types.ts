import {
  Action,
  ActionImpl,
  ActionParams,
  Cluster,
  CronItem,
  FleetService,
  PoolTasks,
  StepOption,
  Template,
  UsableStep,
} from '@rigel/contracts';
import type { TSchema } from 'typebox';
import { StepsInput } from '../request/step-options.js';
import { AuditRow, TokenRow } from './access.js';
import { PoolRow } from './pool-rows.js';
import { FlaggedPoolRow, NodeRow } from './pools.js';
import { PreviewRow } from './previews.js';
import { RemoteStepRow } from './remote-steps.js';
import { OccurrenceRow, ScheduleRow } from './schedules.js';
import { HeldByRow, LogRow, NodeLog, RunRow, TaskRow } from './task-rows.js';
import { ReasonRow } from './why.js';

/** The types of the API that its description names (`components.schemas`); generated clients use the same names. */
export const namedTypes: Record<string, TSchema> = {
  Action,
  ActionImplementation: ActionImpl,
  ActionParams,
  ApiToken: TokenRow,
  AuditEntry: AuditRow,
  Cluster,
  CronItem,
  HeldBy: HeldByRow,
  Node: NodeRow,
  NodeLog,
  NodeRun: RunRow,
  Occurrence: OccurrenceRow,
  Pool: PoolRow,
  Preview: PreviewRow,
  PoolTasks,
  PoolWithFlags: FlaggedPoolRow,
  Reason: ReasonRow,
  RemoteStep: RemoteStepRow,
  Schedule: ScheduleRow,
  Service: FleetService,
  StepOption,
  StepsInput,
  Task: TaskRow,
  TaskLogLine: LogRow,
  Template,
  UsableStep,
};
