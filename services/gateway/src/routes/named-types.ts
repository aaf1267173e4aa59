import {
  ActionParams,
  CronItem,
  CronItemInput,
  DependItem,
  DependItemInput,
  PoolTasks,
  Selection,
  StepOption,
  TaskStepOption,
  UsableStep,
} from '@rigel/contracts';
import type { TSchema } from 'typebox';
import { StepsInput } from '../request/step-options.js';
import { AuditRow, TokenRow } from './access.js';
import { ActionImplRow } from './actimpls.js';
import { ActionRow } from './actions.js';
import { CatalogChangeRow, UsesRow } from './catalog-reads.js';
import { ClusterRow } from './clusters.js';
import { ExportedScheduleRow, ExportRow } from './export.js';
import { CountedPoolRow } from './fleet.js';
import { HistoryRow } from './history.js';
import {
  EndedCheckRow,
  ProviderLookRow,
  RunningCheckRow,
  UnknownCreationRow,
  UnownedMachineRow,
} from './machines.js';
import { NodeRow, PlacedNodeRow } from './node-rows.js';
import { AttemptRow, LeaseRow, OutputRangeRow, RunAccountRow } from './node-run-rows.js';
import { AttentionRow, MissingPart } from './overview.js';
import { PoolRow } from './pool-rows.js';
import { FlaggedPoolRow } from './pools.js';
import { PreviewRow } from './previews.js';
import { PlanDifferenceRow, RecordedStepRow } from './recorded-plan.js';
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
import { ServiceRow } from './services.js';
import { SessionRow, WhoRow } from './sessions.js';
import { ExecutorStatus, LagStatus, PartStatus, SchedulerStatus } from './system.js';

import { OutputGroupRow } from './task-output.js';
import { BatchRow, FailureRow, GridColumnsRow, GridRow, RunLineRow } from './task-reads.js';
import { HeldByRow, LogRow, NodeLog, RunRow, TaskInfoRow, TaskRow } from './task-rows.js';
import { ProblemRow } from './template-check.js';
import { TemplateRow } from './templates.js';
import { DifferenceRow, VerificationRow } from './verification.js';
import { ReasonRow } from './why.js';

/** The types of the API that its description names (`components.schemas`); generated clients use the same names. */
export const namedTypes: Record<string, TSchema> = {
  Action: ActionRow,
  ActionImplementation: ActionImplRow,
  ActionParams,
  ApiToken: TokenRow,
  Attempt: AttemptRow,
  AttemptLease: LeaseRow,
  Attention: AttentionRow,
  AuditEntry: AuditRow,
  Cluster: ClusterRow,
  CountedPool: CountedPoolRow,
  CatalogChange: CatalogChangeRow,
  CalendarEntry: CalendarRow,
  CronItem,
  CronItemForm: CronItemParam,
  CronItemWhole: CronItemInput,
  DependItem,
  DependItemForm: DependItemParam,
  DependItemWhole: DependItemInput,
  Difference: DifferenceRow,
  EndedCheck: EndedCheckRow,
  ExportedSchedule: ExportedScheduleRow,
  FleetExport: ExportRow,
  FailureGroup: FailureRow,
  Executor: ExecutorStatus,
  Follower: LagStatus,
  Found: FoundRow,
  HeldBy: HeldByRow,
  HistoryEntry: HistoryRow,
  MissingPart,
  Node: NodeRow,
  LedgerSum: LedgerSumRow,
  NodeLog,
  NodeRun: RunRow,
  NodeRunAccount: RunAccountRow,
  NodeSelection: Selection,
  Occurrence: OccurrenceRow,
  OutputGroup: OutputGroupRow,
  OutputRange: OutputRangeRow,
  RunLine: RunLineRow,
  PlacedNode: PlacedNodeRow,
  PlannedMoment: PlannedMomentRow,
  PlanDifference: PlanDifferenceRow,
  Part: PartStatus,
  Pool: PoolRow,
  Preview: PreviewRow,
  ProviderLook: ProviderLookRow,
  PoolTasks,
  PoolWithFlags: FlaggedPoolRow,
  Reason: ReasonRow,
  RecordedStep: RecordedStepRow,
  RemoteStep: RemoteStepRow,
  RunningCheck: RunningCheckRow,
  Schedule: ScheduleRow,
  Service: ServiceRow,
  SchedulePreview: SchedulePreviewRow,
  ScheduleStanding: StandingRow,
  Scheduler: SchedulerStatus,
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
  Template: TemplateRow,
  TemplateProblem: ProblemRow,
  TemplateUses: UsesRow,
  UnknownCreation: UnknownCreationRow,
  UnownedMachine: UnownedMachineRow,
  UsableStep,
  Verification: VerificationRow,
  Who: WhoRow,
};
