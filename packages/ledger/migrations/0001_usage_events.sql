-- compatible-from: 1
-- One row a version of a request's usage. Versions of one request have the same sorting key (it is fixed at the gateway, see
-- contracts: the receipt), so FINAL leaves the highest: 1 abandoned, 2 estimated, 3 measured.

CREATE TABLE IF NOT EXISTS usage_events
(
    request_id String,
    version UInt8 COMMENT '1 abandoned, 2 estimated, 3 measured; the highest stands',
    stream_seq UInt64 COMMENT 'Sequence in the USAGE stream of the message that brought this version',
    started_at DateTime64(3, 'UTC') COMMENT 'When ingress took the request',
    finished_at DateTime64(3, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'By the clock of ClickHouse; tells the rollups what is new',

    organization_id LowCardinality(String),
    organization LowCardinality(String),
    project_id LowCardinality(String),
    project LowCardinality(String),
    team_id LowCardinality(String),
    team LowCardinality(String),
    key_id LowCardinality(String),
    proxy LowCardinality(String),
    revision Int64,
    reservations String COMMENT 'JSON: what was reserved at admission, by scope and window; empty when nothing was' CODEC(ZSTD(1)),

    provider LowCardinality(String),
    model_requested LowCardinality(String),
    model LowCardinality(String) COMMENT 'What really served; empty when nothing did',
    base_model LowCardinality(String) COMMENT 'What the price follows',
    surface LowCardinality(String) COMMENT 'chat_completions, responses, embeddings, models, messages',
    stream Bool,
    status LowCardinality(String) COMMENT 'completed, cached, refused, failed, cancelled, truncated, abandoned',
    http_status UInt16,
    code LowCardinality(String) COMMENT 'Error code; empty when there was none',
    delivered LowCardinality(String) COMMENT 'What the caller got of the answer: complete, partial, none',
    client_request_id String COMMENT 'The x-request-id of the caller',
    attempts Nested
    (
        provider LowCardinality(String),
        model LowCardinality(String),
        deployment LowCardinality(String),
        http_status UInt16,
        code LowCardinality(String),
        latency_us Int64,
        prompt_tokens Int64,
        completion_tokens Int64,
        cost_nano_usd Int64
    ),

    prompt_tokens Int64 COMMENT 'Billed, the sum over all attempts; 0 for cache hits',
    completion_tokens Int64 COMMENT 'Billed, the sum over all attempts',
    cached_prompt_tokens Int64 COMMENT 'Part of prompt_tokens',
    reasoning_tokens Int64 COMMENT 'Part of completion_tokens',
    served_prompt_tokens Int64 COMMENT 'Of what the caller got, from the provider or the cache',
    served_completion_tokens Int64,
    estimated Bool,
    cost_nano_usd Int64 COMMENT 'US dollars × 10^9, by the price list of price_list_version',
    saved_nano_usd Int64 COMMENT 'What a cache hit would have cost',
    price_list_version LowCardinality(String),

    cache_status LowCardinality(String) COMMENT 'HIT, MISS, BYPASS; empty when the cache was not asked',
    cache_similarity Float32,
    pii_entities Map(LowCardinality(String), UInt32) COMMENT 'Masked values by entity',
    guardrail_hits Map(LowCardinality(String), UInt32),
    stage_us Map(LowCardinality(String), UInt32) COMMENT 'Time by stage in microseconds: queue, auth, pii, cache, router, upstream, …',
    latency_ms UInt32,
    ttft_ms UInt32 COMMENT 'To the first content; 0 when there was none',
    metadata Map(LowCardinality(String), String) COMMENT 'x-tollgate-metadata of the caller',

    INDEX by_team team TYPE set(16) GRANULARITY 1,
    INDEX by_organization organization_id TYPE set(16) GRANULARITY 1,
    INDEX by_insertion inserted_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(started_at)
ORDER BY (team_id, started_at, request_id)
TTL toDateTime(started_at) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
