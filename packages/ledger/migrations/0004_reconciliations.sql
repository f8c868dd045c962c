-- compatible-from: 1
-- What the reconciler found when it compared JetStream, these tables and the counters in Redis: in each run one row a comparison,
-- and one for everything that differs.

-- Rows of a part lie by team and time, and sequences follow time: so a range of sequences reads few granules.
ALTER TABLE usage_events ADD INDEX IF NOT EXISTS by_sequence stream_seq TYPE minmax GRANULARITY 1;

CREATE TABLE IF NOT EXISTS reconciliations
(
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'By the clock of ClickHouse, the same in all rows of a run',
    run String,
    compared LowCardinality(String) COMMENT 'rows, sequences, budgets',
    outcome LowCardinality(String) COMMENT 'equal, differs, skipped',
    what String COMMENT 'What differs; empty for the comparison as a whole',
    expected Int64,
    found Int64,
    detail String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, run, compared)
TTL toDateTime(at) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
