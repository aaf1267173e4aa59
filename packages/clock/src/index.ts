export { type Clock, systemClock } from './clock.js';
export { LineLimit } from './line-limit.js';
