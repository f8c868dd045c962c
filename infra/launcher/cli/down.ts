import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import { controlRequest, NotRunningError } from '../control/client.ts';
import { commandConfig, print } from './context.ts';

const pauseMs = 100;
const downMsMax = 120_000;

export const downCommand = () =>
  new Command('down').description('finish what runs, then stop everything').action(async () => {
    const { home } = commandConfig();
    await controlRequest(home, 'POST', '/down');
    const deadline = Date.now() + downMsMax;
    while (await answers(home)) {
      if (Date.now() > deadline) throw new Error(`Tollgate in ${home} is still stopping after ${downMsMax / 1000} s.`);
      await wait(pauseMs);
    }
    print('Stopped.');
  });

async function answers(home: string): Promise<boolean> {
  try {
    await controlRequest(home, 'GET', '/ping', undefined, 1_000);
    return true;
  } catch (error) {
    return !(error instanceof NotRunningError);
  }
}
