export { serveVerification } from './serve.js';
export { runVerification } from './thread.js';
