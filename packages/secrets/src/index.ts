export { Masker } from './masker.js';
export {
  LONGEST_SECRET_BYTES,
  NamedSecrets,
  SHORTEST_SECRET_BYTES,
} from './named-secrets.js';
export { HiddenOutput, type OutputMask, type OutputPiece, PlainOutput } from './output-mask.js';
export {
  missingSecret,
  readSecret,
  SecretError,
  SecretReference,
  secretVariables,
} from './secret-reference.js';
