import type { Command } from '../command/command.js';
import { apiCommands } from './api.js';
import { bundleCommands } from './bundle.js';
import { contextCommands } from './contexts.js';
import { doctorCommands } from './doctor.js';
import { fleetCommands } from './fleet.js';
import { labelCommands } from './labels.js';
import { poolCommands } from './pools.js';
import { runCommands } from './run.js';
import { systemCommands } from './system.js';
import { taskChanges } from './task-changes.js';
import { taskCommands } from './tasks.js';

/** All commands that speak to the API. Help, completion and `docs/cli.md` are made from this table. */
export const COMMANDS: readonly Command[] = [
  ...taskCommands,
  ...taskChanges,
  ...runCommands,
  ...bundleCommands,
  ...poolCommands,
  ...fleetCommands,
  ...labelCommands,
  ...systemCommands,
  ...contextCommands,
  ...apiCommands,
  ...doctorCommands,
];
