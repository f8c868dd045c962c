-- compatible-from: 1
-- What limits had to tell: thresholds that a counter reached, limits that began to refuse. One row an id, however often it comes.

CREATE TABLE IF NOT EXISTS limit_event_rows
(
    id String COMMENT 'The same for the same threshold of the same limit in the same window',
    stream_seq UInt64 COMMENT 'Of the message in EVENTS',
    at DateTime64(3, 'UTC') COMMENT 'When it was noticed',
    kind LowCardinality(String) COMMENT 'threshold, refused',
    organization_id LowCardinality(String),
    project_id LowCardinality(String) COMMENT 'Empty for limits of the organization',
    project LowCardinality(String),
    team_id LowCardinality(String) COMMENT 'Empty for limits of the organization or a project',
    team LowCardinality(String),
    scope LowCardinality(String) COMMENT 'organization, project, team, key: whose limit it is',
    scope_id LowCardinality(String),
    quantity LowCardinality(String) COMMENT 'tokens, prompt_tokens, completion_tokens, cost_nano_usd, requests',
    window LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end DateTime64(3, 'UTC'),
    mode LowCardinality(String) COMMENT 'Of the limit',
    models Array(LowCardinality(String)) COMMENT 'That the limit counts; empty = all',
    per LowCardinality(String) COMMENT 'Whom the limit counts apart; empty = nobody',
    value String COMMENT 'Digest of that caller; empty = the counter that all others share',
    amount Int64 COMMENT 'The limit, in units of the quantity',
    percent UInt8 COMMENT 'The threshold; 0 for a refusal',
    spent Int64 COMMENT 'When it was noticed',
    reserved Int64,
    revision Int64 COMMENT 'Of the configuration'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (organization_id, window_start, id)
TTL toDateTime(window_end) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE VIEW limit_events AS
SELECT
    e.id AS id,
    e.at AS at,
    e.kind AS kind,
    e.percent AS percent,
    e.organization_id AS organization_id,
    e.project AS project,
    e.project_id AS project_id,
    e.team AS team,
    e.team_id AS team_id,
    e.scope AS scope,
    e.scope_id AS scope_id,
    e.quantity AS quantity,
    e.window AS window,
    e.window_start AS window_start,
    e.window_end AS window_end,
    e.mode AS mode,
    e.models AS models,
    e.per AS per,
    e.value AS value,
    e.amount AS amount,
    e.spent AS spent,
    e.reserved AS reserved,
    e.revision AS revision,
    e.stream_seq AS stream_seq
FROM limit_event_rows AS e FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
