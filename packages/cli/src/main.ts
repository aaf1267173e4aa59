#!/usr/bin/env node
import { runProcess } from './process.js';

process.exitCode = await runProcess(process.argv.slice(2));
