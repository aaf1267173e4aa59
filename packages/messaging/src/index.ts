export { Bus, type CallContext, type RequestContext, type ServeOptions } from './bus.js';
export { assertMatches } from './validation.js';
export { WorkQueue } from './work-queue.js';
