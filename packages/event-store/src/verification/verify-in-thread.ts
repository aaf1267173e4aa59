import { Worker } from 'node:worker_threads';
import { eventIdentity, readEvents, ServiceError, type VerificationResult } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { FromThread, Question, Reply, VerifyTask } from './messages.js';

/** Memory of the thread, far below that of a service: one stream at a time is in it. If it is too little, the thread ends alone. */
const MEGABYTES = 384;
const CONTEXT = { correlationId: 'verification', actor: 'system' };

/**
 * Verifies the history of this service in a thread of its own.
 * @param options.thread the file that calls `runVerification` with the service's history.
 * @throws ServiceError why it could not be done; the reason of the signal when that is aborted.
 */
export function verifyInThread(options: {
  thread: URL;
  databaseUrl: string;
  bus: Bus;
  signal: AbortSignal;
  progress: (events: number) => void;
}): Promise<VerificationResult> {
  const { thread, databaseUrl, bus, signal, progress } = options;
  const worker = new Worker(thread, {
    workerData: { databaseUrl } satisfies VerifyTask,
    resourceLimits: { maxOldGenerationSizeMb: MEGABYTES },
    // Nothing of the service's settings is for it.
    env: {},
  });
  worker.unref();
  return new Promise<VerificationResult>((resolve, reject) => {
    const fail = (why: string): void => reject(new ServiceError('unavailable', why));
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    worker.on('error', (error) => fail(error.message));
    worker.on('exit', () => fail('the thread that verifies has ended'));
    worker.on('message', (message: FromThread) => {
      if ('ask' in message) void answer(bus, message).then((reply) => worker.postMessage(reply));
      else if ('progress' in message) progress(message.progress);
      else if ('failure' in message) fail(message.failure);
      else resolve(message.done);
    });
    if (signal.aborted) abort();
  }).finally(() => void worker.terminate());
}

async function answer(bus: Bus, question: Question): Promise<Reply> {
  const { id, owner } = question;
  const after = question.ask === 'event' ? Math.max(0, question.position - 1) : 0;
  try {
    const { head, events } = await bus.call(readEvents(owner), { after, limit: 1 }, CONTEXT);
    if (question.ask === 'head') return { id, head };
    const [event] = events;
    return { id, event: event?.position === question.position ? eventIdentity(event) : undefined };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) };
  }
}
