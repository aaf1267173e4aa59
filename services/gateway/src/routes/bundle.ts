import { Type } from 'typebox';
import { askerOf, bundleOf } from '../bundle/task-bundle.js';
import { zipped } from '../bundle/zip.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { FIRST_PAGE } from '../request/paging.js';
import { accessEndpoints } from './access.js';
import { idOf } from './common.js';
import { nodeRunEndpoints } from './node-runs.js';
import { recordedPlanEndpoints } from './recorded-plan.js';
import { taskOutputEndpoints } from './task-output.js';
import { taskPastEndpoints } from './task-past.js';
import { taskReadEndpoints } from './task-reads.js';
import { tasks } from './tasks.js';
import { why } from './why.js';

/** What an archive is made of. */
const ASKED: readonly Endpoint[] = [
  ...tasks,
  ...taskReadEndpoints,
  ...taskPastEndpoints,
  ...taskOutputEndpoints,
  ...nodeRunEndpoints,
  ...recordedPlanEndpoints,
  ...why,
  ...accessEndpoints,
];

/** Lines of the audit that are read at once. */
const LINES = 1_000;

export const bundleEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.bundle',
    title: 'Everything about a task in one ZIP archive',
    notes:
      'Answers of this API about the task (JSON and JSONL), for an admin with the lines of the audit, and the console, so that ' +
      '`rigel bundle open` shows its pages without a server. It ends within two minutes; manifest.json says what was left out.',
    methods: ['GET'],
    paths: ['/task/:id/bundle'],
    access: 'read',
    params: Type.Object({ id: idOf('task') }),
    failures: { otherwise: failure(400, '', {}), not_found: exactFailure(400, 'Flow not found', {}) },
    result: Type.Null(),
    example: null,
    file: 'application/zip',
    handler: async ({ id }, invocation) => {
      const ask = askerOf(ASKED, { ...invocation, page: { ...FIRST_PAGE, page_size: LINES } });
      const task = await ask('task.info', { id, wait: 0 });
      const { isAdmin, operator } = invocation;
      const files = bundleOf({ id, task, withAudit: isAdmin, by: operator }, ask);
      return { data: null, file: { name: `rigel-task-${id}.zip`, chunks: zipped(files) } };
    },
  }),
];
