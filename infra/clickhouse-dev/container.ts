/**
 * Entry of the container image: takes the variables of the official image, so that it can stand where that one does. The
 * database that CLICKHOUSE_DB names is made by whoever migrates.
 */
const { CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = process.env;
if (CLICKHOUSE_USER) process.env.TOLLGATE_CLICKHOUSE_DEV_USER = CLICKHOUSE_USER;
if (CLICKHOUSE_PASSWORD) process.env.TOLLGATE_CLICKHOUSE_DEV_PASSWORD = CLICKHOUSE_PASSWORD;
await import('./main.ts');

export {};
