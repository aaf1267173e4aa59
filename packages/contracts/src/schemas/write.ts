import { writeSchemaFiles } from './files.js';

// `pnpm nats-schemas`: writes the descriptions of the messages that are committed.
writeSchemaFiles();
