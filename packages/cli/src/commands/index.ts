import type { Command } from '../command/command.js';
import { accessCommands } from './access.js';
import { actionChanges } from './action-changes.js';
import { apiCommands } from './api.js';
import { auditCommands } from './audit.js';
import { bundleCommands } from './bundle.js';
import { consoleOpen } from './console.js';
import { contextCommands } from './contexts.js';
import { doctorCommands } from './doctor.js';
import { fileCommands } from './files.js';
import { fleetCommands } from './fleet.js';
import { inventoryChanges } from './inventory-changes.js';
import { labelCommands } from './labels.js';
import { orphansCommand } from './orphans.js';
import { poolState } from './pool-state.js';
import { poolCommands } from './pools.js';
import { runCommands } from './run.js';
import { scheduleCommands } from './schedules.js';
import { systemCommands } from './system.js';
import { taskChanges } from './task-changes.js';
import { taskDiff } from './task-diff.js';
import { taskFollow } from './task-follow.js';
import { taskPlan } from './task-plan.js';
import { taskSearch } from './task-search.js';
import { taskWatch } from './task-watch.js';
import { taskCommands } from './tasks.js';
import { templateChanges } from './template-changes.js';

/** All commands that speak to the API. Help, completion and `docs/cli.md` are made from this table. */
export const COMMANDS: readonly Command[] = [
  ...taskCommands,
  ...taskFollow,
  ...taskSearch,
  taskDiff,
  ...taskChanges,
  ...runCommands,
  ...bundleCommands,
  taskPlan,
  taskWatch,
  ...poolCommands,
  ...poolState,
  ...fleetCommands,
  ...inventoryChanges,
  ...actionChanges,
  ...templateChanges,
  ...scheduleCommands,
  ...fileCommands,
  ...labelCommands,
  ...systemCommands,
  orphansCommand,
  ...auditCommands,
  ...accessCommands,
  consoleOpen,
  ...contextCommands,
  ...apiCommands,
  ...doctorCommands,
];
