export { ApiError, createClient, type RigelClient, unwrap } from './client.js';
export type { components, operations, paths } from './schema.js';
