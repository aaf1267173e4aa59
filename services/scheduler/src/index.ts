/* What runs in a simulation: everything of a replica but PostgreSQL and NATS. */
export { type Commit, changesOf, longestPieces, type TaskAppend } from './commit.js';
export { type CreateTaskSettings, type NewTasks, recordTasks } from './create-task.js';
export type { EngineStore, EngineWire } from './engine/engine.js';
export type { Holder } from './holders.js';
export { Replica, type ReplicaOptions } from './replica.js';
/* What replicas say to each other: for the test that walks all that travels between processes. */
export { ScheduleAnnounced } from './schedule/serve.js';
export { control, TaskAnnounced } from './serve.js';
export { streamOf, type TaskCreated, type TaskEvent } from './task/events.js';
export type { GateDependency, GateProgress } from './task/gate.js';
export { planSteps } from './task/options.js';
export { heldNodes, runRows, taskRow } from './task/projection.js';
export { evolve, hasEnded, type Run, type TaskState } from './task/state.js';
export type { TaskRecorder, WantedNode } from './task-store.js';
export { ownersWhy } from './why/serve.js';
