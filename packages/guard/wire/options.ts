import type { ChannelOptions } from '@grpc/grpc-js';
import { messageBytesMax } from './bounds.ts';

const shared: ChannelOptions = {
  'grpc.max_receive_message_length': 2 * messageBytesMax,
  'grpc.max_send_message_length': messageBytesMax,
  'grpc.enable_channelz': 0,
  // A peer that hangs without closing its socket is noticed after keepalive time and time-out.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 2_000,
};

export const serverOptions: ChannelOptions = shared;

/** TCP_NODELAY needs no option: Node's HTTP/2 sessions set it. Messages are not compressed: identity is the default. */
export const clientOptions: ChannelOptions = {
  ...shared,
  // Each peer has its own connection and its own back-off; a shared pool would hand a dying connection to the next peer.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Streams are failed over by the pool, entry by entry; grpc's own retries would only buffer every message.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  // Never idle: the stream stays open.
  'grpc.client_idle_timeout_ms': 2_147_483_647,
};
