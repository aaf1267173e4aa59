export { type CheckState, createChecks, KeptCheck } from './checks/kept-check.js';
export {
  BEGINNING,
  type Checkpoint,
  type Cursor,
  cursorAfter,
  type DatabaseCheckpointOptions,
  databaseCheckpoint,
} from './feed/checkpoint.js';
export { EventConsumer } from './feed/consumer.js';
export { measureConsumers } from './feed/consumer-metrics.js';
export { EventRelay } from './feed/relay.js';
export { serveHistoryState } from './history-state.js';
export { changesOf, ifGiven, type Wanted } from './log/changes.js';
export { lines, numbers } from './log/columns.js';
export { Creations } from './log/creations.js';
export { type Decider, decideOn, execute, type Project, type StreamCommand } from './log/decider.js';
export {
  type EventMeta,
  metaOf,
  type NewEvent,
  type RecordedEvent,
  type StreamAppend,
  VersionConflict,
} from './log/event.js';
export {
  APPEND_CTES,
  APPEND_PARAMETERS,
  append,
  appendParameters,
  asVersionConflict,
  chunksOfStream,
  type History,
  historyOf,
  holdWriters,
  isDatabaseError,
  lockHistory,
  type MetaAppend,
  readAll,
  readByStream,
  readHead,
  readIdentity,
  readOfTypes,
  readPart,
  readStored,
  readStream,
  readStreams,
  recordedAs,
  type StreamPart,
} from './log/event-store.js';
export { EventTypes, type EventVersions, UnknownEvent, type Upcaster } from './log/event-types.js';
export {
  AnswersKept,
  databaseAnswers,
  type KeepAnswer,
  type KeptAnswer,
  type KeptAnswers,
  KeyTaken,
  keepAnswer,
  openAnswers,
  replaceAnswer,
} from './log/kept-answers.js';
export { changedFields, originOf } from './log/public-changes.js';
export { addFollowedEvent, addFollowedPosition, createEventTables, createKeptAnswers } from './log/schema.js';
export { readStampedPage, stampedReader, stampOf } from './log/stamp.js';
export { type OpenHistory, openHistory } from './open-history.js';
