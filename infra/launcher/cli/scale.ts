import { Command, InvalidArgumentError } from 'commander';
import { controlRequest } from '../control/client.ts';
import { commandConfig, print } from './context.ts';

const wholeNumber = (text: string) => {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
};

export const scaleCommand = () =>
  new Command('scale')
    .description('run a service in this many replicas')
    .argument('<service>')
    .argument('<replicas>', 'how many', wholeNumber)
    .action(async (service: string, replicas: number) => {
      await controlRequest(commandConfig().home, 'POST', '/scale', { service, replicas });
      print(`${service}: ${replicas}`);
    });
