import type { Endpoint } from '../endpoint.js';
import { accessEndpoints } from './access.js';
import { actimpls } from './actimpls.js';
import { actions } from './actions.js';
import { clusters } from './clusters.js';
import { liveEndpoints } from './live.js';
import { poolOperations } from './pool-operations.js';
import { pools } from './pools.js';
import { previews } from './previews.js';
import { remoteSteps } from './remote-steps.js';
import { schedules } from './schedules.js';
import { services } from './services.js';
import { steps } from './steps.js';
import { tasks } from './tasks.js';
import { templates } from './templates.js';
import { why } from './why.js';

/** Every endpoint of the API. */
export const endpoints: readonly Endpoint[] = [
  ...clusters,
  ...services,
  ...pools,
  ...poolOperations,
  ...actions,
  ...actimpls,
  ...remoteSteps,
  ...templates,
  ...steps,
  ...tasks,
  ...previews,
  ...liveEndpoints,
  ...why,
  ...schedules,
  ...accessEndpoints,
];
