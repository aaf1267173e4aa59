/* What runs in a simulation: everything of a replica but PostgreSQL and NATS. */

export type { EngineStore, EngineWire } from './engine/engine.js';
export { type CreateTaskSettings, type NewTasks, recordTasks } from './operations/create-tasks.js';
/* What replicas say to each other: for the test that walks all that travels between processes. */
export { ScheduleAnnounced } from './schedule/serve.js';
export { control, TaskAnnounced } from './serve/execution.js';
export { Replica, type ReplicaOptions } from './serve/replica.js';
export type { Holder } from './store/holders.js';
export type { TaskRecorder, WantedNode } from './store/task-store.js';
export { streamOf, type TaskCreated, type TaskEvent } from './task/events.js';
export type { GateDependency, GateProgress } from './task/gate.js';
export { planSteps } from './task/options.js';
export { heldNodes, runRows, taskRow } from './task/projection.js';
export { type Commit, changesOf, longestPieces, type TaskAppend } from './task/read-model.js';
export { evolve, hasEnded, type Run, type TaskState } from './task/state.js';
export { ownersWhy } from './why/serve.js';
