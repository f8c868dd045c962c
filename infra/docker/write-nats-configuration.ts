import { writeFileSync } from 'node:fs';
import { composeNatsConfiguration, natsConfigurationFile } from './nats-configuration.ts';

writeFileSync(natsConfigurationFile, composeNatsConfiguration());
