export { type Difference, describeDifference, HistoryDamaged, type Row } from './difference.js';
export {
  loadRecording,
  parseRecording,
  type RecordedOutcome,
  readOutcome,
  recordingLines,
} from './recording.js';
export { evolveByKind, projectAll, rebuildByProjection, rebuildHistory } from './replay.js';
export type { Progress, ReadTable, ServiceHistory } from './service-history.js';
export { STATEMENT_TIMEOUT, verifyHistory } from './verify.js';
