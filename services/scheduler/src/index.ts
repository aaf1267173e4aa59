/* What runs in a simulation: everything of a replica but PostgreSQL and NATS. */

export type { Commit, EngineStore, EngineWire, TaskAppend } from './engine/ports.js';
export { type CreateTaskSettings, recordTasks } from './operations/create-tasks.js';
export type { NewTasks } from './operations/new-tasks.js';
export type { TaskRecorder, WantedNode } from './operations/task-recorder.js';
/* What replicas say to each other: for the test that walks all that travels between processes. */
export { ScheduleAnnounced } from './schedule/serve.js';
export { TaskAnnounced } from './serve/announcements.js';
export { control } from './serve/control.js';
export { Replica, type ReplicaOptions } from './serve/replica.js';
export { longestPieces } from './store/output-pieces.js';
export { type GateDependency, streamOf, type TaskCreated, type TaskEvent } from './task/events.js';
export { evolve } from './task/evolve.js';
export type { GateProgress } from './task/gate.js';
export type { Holder } from './task/holders.js';
export { planSteps } from './task/options.js';
export { changesOf, heldNodes, runRows, taskRow } from './task/projection.js';
export { hasEnded, type Run, type TaskState } from './task/state.js';
export { ownersWhy } from './why/serve.js';
