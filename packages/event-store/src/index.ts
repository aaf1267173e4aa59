export { changesOf, ifGiven, type Wanted } from './changes.js';
export {
  BEGINNING,
  type Checkpoint,
  type DatabaseCheckpointOptions,
  databaseCheckpoint,
  type Place,
  placeAfter,
} from './checkpoint.js';
export { lines, numbers } from './columns.js';
export { EventConsumer } from './consumer.js';
export { measureConsumers } from './consumer-metrics.js';
export { Creations } from './creations.js';
export { type Decider, decideOn, execute, type Project } from './decider.js';
export {
  type EventMeta,
  metaOf,
  type NewEvent,
  type RecordedEvent,
  type StreamAppend,
  VersionConflict,
} from './event.js';
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
  readStored,
  readStream,
  readStreams,
  recordedAs,
} from './event-store.js';
export { EventTypes, type EventVersions, UnknownEvent, type Upcaster } from './event-types.js';
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
} from './once.js';
export { type OpenHistory, openHistory } from './open-history.js';
export { EventRelay } from './relay.js';
export { addFollowedEvent, addFollowedPosition, createEventTables, createKeptAnswers } from './schema.js';
