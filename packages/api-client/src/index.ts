import type { components } from './schema.js';

export { ApiError, createClient, once, type RefusalReason, type RigelClient, unwrap } from './client.js';
export type { components, operations, paths } from './schema.js';

/** Types of the API by their names in its description. */
type Named = components['schemas'];

export type Cluster = Named['Cluster'];
export type Service = Named['Service'];
export type Pool = Named['Pool'];
export type Node = Named['Node'];
export type PlacedNode = Named['PlacedNode'];
export type CountedPool = Named['CountedPool'];
export type HistoryEntry = Named['HistoryEntry'];
export type Action = Named['Action'];
export type ActionImplementation = Named['ActionImplementation'];
export type CatalogChange = Named['CatalogChange'];
export type RemoteStep = Named['RemoteStep'];
export type Template = Named['Template'];
export type TemplateProblem = Named['TemplateProblem'];
export type TemplateUses = Named['TemplateUses'];
export type UsableStep = Named['UsableStep'];
export type StepOption = Named['StepOption'];
export type Task = Named['Task'];
export type TaskInfo = Named['TaskInfo'];
export type TaskBatch = Named['TaskBatch'];
export type TaskGrid = Named['TaskGrid'];
export type FailureGroup = Named['FailureGroup'];
export type RunLine = Named['RunLine'];
export type NodeRunAccount = Named['NodeRunAccount'];
export type Attempt = Named['Attempt'];
export type AttemptLease = Named['AttemptLease'];
export type OutputRange = Named['OutputRange'];
export type NodeRun = Named['NodeRun'];
export type TaskLogLine = Named['TaskLogLine'];
export type CalendarEntry = Named['CalendarEntry'];
export type CronItem = Named['CronItem'];
export type CronItemForm = Named['CronItemForm'];
export type DependItemForm = Named['DependItemForm'];
export type Schedule = Named['Schedule'];
export type SchedulePreview = Named['SchedulePreview'];
export type ScheduleStanding = Named['ScheduleStanding'];
export type Occurrence = Named['Occurrence'];
export type Preview = Named['Preview'];
export type Reason = Named['Reason'];
export type ApiToken = Named['ApiToken'];
export type AuditEntry = Named['AuditEntry'];
export type Session = Named['Session'];
