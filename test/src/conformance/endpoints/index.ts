import type { EndpointSpec } from '../endpoint.js';
import { aboutAll } from './about-all.js';
import { access } from './access.js';
import { actimpls } from './actimpls.js';
import { actions } from './actions.js';
import { catalogReads } from './catalog-reads.js';
import { clusters } from './clusters.js';
import { fleet } from './fleet.js';
import { nodeRuns } from './node-runs.js';
import { nodes } from './nodes.js';
import { oneOffs } from './one-off.js';
import { operations } from './operations.js';
import { pools } from './pools.js';
import { previews } from './previews.js';
import { remoteSteps } from './remote-steps.js';
import { schedules } from './schedules.js';
import { services } from './services.js';
import { tasks } from './tasks.js';
import { templates } from './templates.js';

/** Every endpoint of the documented API, and the two that only clients of it know (service.update, pool.list). */
export const endpoints: readonly EndpointSpec[] = [
  ...clusters,
  ...services,
  ...pools,
  ...nodes,
  ...fleet,
  ...operations,
  ...tasks,
  ...nodeRuns,
  ...previews,
  ...oneOffs,
  ...schedules,
  ...templates,
  ...remoteSteps,
  ...actions,
  ...actimpls,
  ...catalogReads,
  ...access,
  ...aboutAll,
];
