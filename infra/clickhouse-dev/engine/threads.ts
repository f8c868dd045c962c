/** Threads of libuv's pool. A running query holds one; two stay free so that KILL QUERY and compression never wait for queries. */
export const THREADS = 12;
export const RUNNING_MAX = THREADS - 2;
