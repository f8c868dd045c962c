import { type LoadPlan, runLoad } from './generator.ts';

// A process of its own, so that the load's CPU time is nobody else's: plan in, report out, both JSON.
console.log(JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '{}') as LoadPlan)));
