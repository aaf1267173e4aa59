import type { Endpoint } from '../endpoint.js';
import { accessEndpoints } from './access.js';
import { actimpls } from './actimpls.js';
import { actions } from './actions.js';
import { bundleEndpoints } from './bundle.js';
import { catalogReads } from './catalog-reads.js';
import { clusters } from './clusters.js';
import { exportEndpoints } from './export.js';
import { fleet } from './fleet.js';
import { histories } from './history.js';
import { liveEndpoints } from './live.js';
import { liveTopics } from './live-topics.js';
import { machineEndpoints } from './machines.js';
import { nodeRunEndpoints } from './node-runs.js';
import { nodes } from './nodes.js';
import { oneOffs } from './one-off.js';
import { overviewEndpoints } from './overview.js';
import { poolOperations } from './pool-operations.js';
import { pools } from './pools.js';
import { previews } from './previews.js';
import { recordedPlanEndpoints } from './recorded-plan.js';
import { remoteSteps } from './remote-steps.js';
import { scheduleReads } from './schedule-reads.js';
import { schedules } from './schedules.js';
import { searchEndpoints } from './search.js';
import { services } from './services.js';
import { sessionEndpoints } from './sessions.js';
import { steps } from './steps.js';
import { systemEndpoints } from './system.js';
import { taskOutputEndpoints } from './task-output.js';
import { taskPastEndpoints } from './task-past.js';
import { taskReadEndpoints } from './task-reads.js';
import { tasks } from './tasks.js';
import { templateCheck } from './template-check.js';
import { templates } from './templates.js';
import { verificationEndpoints } from './verification.js';
import { why } from './why.js';

/** Every endpoint of the API. */
export const endpoints: readonly Endpoint[] = [
  ...clusters,
  ...services,
  ...pools,
  ...poolOperations,
  ...fleet,
  ...exportEndpoints,
  ...nodes,
  ...histories,
  ...actions,
  ...actimpls,
  ...remoteSteps,
  ...templates,
  ...catalogReads,
  ...templateCheck,
  ...steps,
  ...tasks,
  ...previews,
  ...oneOffs,
  ...recordedPlanEndpoints,
  ...taskReadEndpoints,
  ...liveEndpoints,
  ...liveTopics,
  ...why,
  ...nodeRunEndpoints,
  ...taskOutputEndpoints,
  ...bundleEndpoints,
  ...taskPastEndpoints,
  ...schedules,
  ...scheduleReads,
  ...accessEndpoints,
  ...sessionEndpoints,
  ...overviewEndpoints,
  ...searchEndpoints,
  ...systemEndpoints,
  ...machineEndpoints,
  ...verificationEndpoints,
];
