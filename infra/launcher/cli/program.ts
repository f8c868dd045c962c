import { Command } from 'commander';
import { applyCommand } from './apply.ts';
import { downCommand } from './down.ts';
import { keysCommand } from './keys.ts';
import { logsCommand } from './logs.ts';
import { migrateCommand } from './migrate.ts';
import { reconcileCommand } from './reconcile.ts';
import { scaleCommand } from './scale.ts';
import { sqlCommand } from './sql.ts';
import { statusCommand } from './status.ts';
import { tailCommand } from './tail.ts';
import { usageCommand } from './usage.ts';

/** The command line `tollgate`; importing it runs nothing. */
export function program(): Command {
  const tollgate = new Command('tollgate')
    .description('A governed LLM gateway: keys, configuration, usage, and what runs on this machine.')
    .addHelpText('after', '\nTOLLGATE_HOME names the installation (default .tollgate). Start one with: npm start')
    .showHelpAfterError('(tollgate --help shows what there is)');
  const commands = [statusCommand(), applyCommand(), keysCommand(), usageCommand(), sqlCommand(), scaleCommand()];
  for (const command of [
    ...commands,
    logsCommand(),
    tailCommand(),
    reconcileCommand(),
    downCommand(),
    migrateCommand(),
  ])
    tollgate.addCommand(command);
  return tollgate;
}
