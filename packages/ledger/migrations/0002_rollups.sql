-- compatible-from: 1
-- Sums by hour and by day. Each rebuild writes its hours anew under a higher rollup_version, so repeating one changes nothing; groups that
-- no longer exist are written as zeros. Read with FINAL.

CREATE TABLE IF NOT EXISTS usage_hourly
(
    hour DateTime('UTC'),
    organization_id LowCardinality(String),
    project_id LowCardinality(String),
    team_id LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    status LowCardinality(String),
    cache_status LowCardinality(String),
    rollup_version UInt64,
    organization LowCardinality(String),
    project LowCardinality(String),
    team LowCardinality(String),
    requests Int64,
    prompt_tokens Int64,
    completion_tokens Int64,
    cached_prompt_tokens Int64,
    reasoning_tokens Int64,
    served_prompt_tokens Int64,
    served_completion_tokens Int64,
    cost_nano_usd Int64,
    saved_nano_usd Int64
)
ENGINE = ReplacingMergeTree(rollup_version)
PARTITION BY toYYYYMM(hour)
ORDER BY (team_id, hour, organization_id, project_id, provider, model, status, cache_status)
TTL hour + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- By key the hourly table would hardly be smaller than the events, so keys are summed by day.
CREATE TABLE IF NOT EXISTS usage_daily_by_key
(
    day DateTime('UTC'),
    organization_id LowCardinality(String),
    project_id LowCardinality(String),
    team_id LowCardinality(String),
    key_id LowCardinality(String),
    model LowCardinality(String),
    status LowCardinality(String),
    rollup_version UInt64,
    organization LowCardinality(String),
    project LowCardinality(String),
    team LowCardinality(String),
    requests Int64,
    prompt_tokens Int64,
    completion_tokens Int64,
    cached_prompt_tokens Int64,
    reasoning_tokens Int64,
    served_prompt_tokens Int64,
    served_completion_tokens Int64,
    cost_nano_usd Int64,
    saved_nano_usd Int64
)
ENGINE = ReplacingMergeTree(rollup_version)
PARTITION BY toYYYYMM(day)
ORDER BY (team_id, key_id, day, organization_id, project_id, model, status)
TTL day + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- Rows that came before `done_until` are in the rollups.
CREATE TABLE IF NOT EXISTS rollup_progress
(
    name String,
    done_until DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(done_until)
ORDER BY name;
