export { ApiError, createClient, once, type RigelClient, unwrap } from './client.js';
export type { components, operations, paths } from './schema.js';
