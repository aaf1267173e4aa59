export { Masker } from './masker.js';
export { isSameFolder, ParameterSecrets, ProfileSecrets, type ReservedName } from './name-spaces.js';
export {
  LONGEST_SECRET_BYTES,
  NamedSecrets,
  PARAMETER_SPACE,
  PROFILE_SPACE,
  type SecretSpace,
  SHORTEST_SECRET_BYTES,
} from './named-secrets.js';
export { HiddenOutput, type OutputMask, type OutputPiece, PlainOutput } from './output-mask.js';
export {
  missingSecret,
  readSecret,
  SecretError,
  SecretReference,
  secretReferences,
  secretVariables,
} from './secret-reference.js';
