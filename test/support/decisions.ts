import { decisionFiles } from './unit-files.ts';

// Run as one file of tests by test/unit.ts: what many of them import is loaded once.
for (const file of decisionFiles()) await import(file);
