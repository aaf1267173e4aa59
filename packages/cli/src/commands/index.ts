import type { Command } from '../command/command.js';
import { apiCommands } from './api.js';
import { contextCommands } from './contexts.js';
import { doctorCommands } from './doctor.js';
import { fileCommands } from './files.js';
import { fleetCommands } from './fleet.js';
import { labelCommands } from './labels.js';
import { poolCommands } from './pools.js';
import { systemCommands } from './system.js';
import { taskChanges } from './task-changes.js';
import { taskCommands } from './tasks.js';

/** All commands that speak to the API. Help, completion and `docs/cli.md` are made from this table. */
export const COMMANDS: readonly Command[] = [
  ...taskCommands,
  ...taskChanges,
  ...poolCommands,
  ...fleetCommands,
  ...fileCommands,
  ...labelCommands,
  ...systemCommands,
  ...contextCommands,
  ...apiCommands,
  ...doctorCommands,
];
