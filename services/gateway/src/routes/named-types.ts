import {
  Action,
  ActionImpl,
  ActionParams,
  Cluster,
  CronItem,
  CronItemInput,
  DependItemInput,
  FleetService,
  PoolTasks,
  StepOption,
  TaskStepOption,
  Template,
  UsableStep,
} from '@rigel/contracts';
import type { TSchema } from 'typebox';
import { StepsInput } from '../request/step-options.js';
import { AuditRow, TokenRow } from './access.js';
import { AttentionRow, MissingPart } from './overview.js';
import { PoolRow } from './pool-rows.js';
import { FlaggedPoolRow, NodeRow } from './pools.js';
import { RemoteStepRow } from './remote-steps.js';
import {
  CalendarRow,
  LedgerSumRow,
  PlannedMomentRow,
  SchedulePreviewRow,
  StandingRow,
} from './schedule-reads.js';
import { CronItemParam, DependItemParam, OccurrenceRow, ScheduleRow } from './schedules.js';
import { FoundRow } from './search.js';
import { SessionRow, WhoRow } from './sessions.js';
import { ExecutorStatus, LagStatus, PartStatus, SchedulerStatus } from './system.js';
import { BatchRow, FailureRow, GridColumnsRow, GridRow, RunLineRow } from './task-reads.js';
import { HeldByRow, LogRow, NodeLog, RunRow, TaskInfoRow, TaskRow } from './task-rows.js';
import { ReasonRow } from './why.js';

/** The types of the API that its description names (`components.schemas`); generated clients use the same names. */
export const namedTypes: Record<string, TSchema> = {
  Action,
  ActionImplementation: ActionImpl,
  ActionParams,
  ApiToken: TokenRow,
  Attention: AttentionRow,
  AuditEntry: AuditRow,
  CalendarEntry: CalendarRow,
  Cluster,
  CronItem,
  CronItemForm: CronItemParam,
  CronItemWhole: CronItemInput,
  DependItemForm: DependItemParam,
  DependItemWhole: DependItemInput,
  FailureGroup: FailureRow,
  Executor: ExecutorStatus,
  Follower: LagStatus,
  Found: FoundRow,
  HeldBy: HeldByRow,
  MissingPart,
  Node: NodeRow,
  LedgerSum: LedgerSumRow,
  NodeLog,
  NodeRun: RunRow,
  RunLine: RunLineRow,
  Occurrence: OccurrenceRow,
  PlannedMoment: PlannedMomentRow,
  Part: PartStatus,
  Pool: PoolRow,
  PoolTasks,
  PoolWithFlags: FlaggedPoolRow,
  Reason: ReasonRow,
  RemoteStep: RemoteStepRow,
  Schedule: ScheduleRow,
  SchedulePreview: SchedulePreviewRow,
  ScheduleStanding: StandingRow,
  Scheduler: SchedulerStatus,
  Service: FleetService,
  Session: SessionRow,
  StepOption,
  StepsInput,
  Task: TaskRow,
  TaskBatch: BatchRow,
  TaskGrid: GridRow,
  TaskGridColumns: GridColumnsRow,
  TaskInfo: TaskInfoRow,
  TaskLogLine: LogRow,
  TaskStepOption,
  Template,
  UsableStep,
  Who: WhoRow,
};
