import { parentPort } from 'node:worker_threads';
import { type CheckRequest, checkTemplate } from '@rigel/command-template';

/** Checks one text after the other for the gateway, which ends this thread if a check takes too long. */
parentPort?.on('message', (request: CheckRequest) => {
  parentPort?.postMessage(checkTemplate(request));
});
