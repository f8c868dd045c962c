import { agent, ask, body, question, seed } from './generator.ts';

/** What it is told, as its one argument (JSON). */
export interface LargePlan {
  url: string;
  headers: Record<string, string>;
  bodyBytes: number;
  seconds: number;
}

const everyMs = 1000;

/**
 * One request with a large body a second, whether the last one is answered or not: were one always in flight, a faster gateway would
 * get more of them. A process of its own, since one that writes 16 MiB measures its own small requests late.
 * @returns how many were not answered with 200: who refuses them has an easy time with the small ones
 */
async function large(plan: LargePlan): Promise<number> {
  const whole = Buffer.from(body(question(seed).padEnd(plan.bodyBytes, ' and why is that so')));
  const running: Promise<boolean>[] = [];
  const until = performance.now() + plan.seconds * 1000;
  for (let number = seed; performance.now() < until; number++) {
    const own = Buffer.from(whole);
    own.write(question(number), own.indexOf('Question'));
    running.push(ask(plan, own));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  const refused = (await Promise.all(running)).filter((ok) => !ok).length;
  agent.destroy();
  return refused;
}

console.log(JSON.stringify(await large(JSON.parse(process.argv[2] ?? '{}') as LargePlan)));
