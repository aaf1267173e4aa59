import { register } from 'node:module';

/* Loaded before a worker's program, with `--import`: has the modules changed by the defect as they are read. */
register('./defect-hooks.js', import.meta.url);
