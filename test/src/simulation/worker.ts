import { DEFECT_VARIABLE } from './defect-hooks.js';
import { DEFECTS } from './defects.js';
import { simulate } from './simulate.js';

/* A process that simulates the seeds its parent sends, one by one, and sends back what each came to. */

const defect = DEFECTS.find(({ name }) => name === process.env[DEFECT_VARIABLE]);

process.on('message', ({ seed, trace }: { seed: number; trace: boolean }) => {
  simulate(seed, { trace, ...(defect?.store ? { defects: defect.store } : {}) }).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      throw error;
    },
  );
});
process.on('disconnect', () => process.exit());
