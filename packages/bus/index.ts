export { Acceptance, acceptWithinMs } from './acceptance.ts';
export { type AnswerHandlers, type AnswerReceiver, jsonWindowBytes } from './answers/receiver.ts';
export { type AnswerSender, completeBytesMax, frameBytesMax } from './answers/sender.ts';
export { Bus, type BusOptions, type BusSubscription, connectBus, type MessageHandler } from './connection.ts';
export { Loopback } from './loopback.ts';
export { type Permissions, permissionsFor } from './permissions.ts';
export { messageBytesMax, payloadBytesMax, subjects, usageConsumers } from './subjects.ts';
export type { UsageConsumer, UsageConsumerOptions, UsageMessage } from './usage-consumer.ts';
