-- compatible-from: 1
-- What a cost is made of besides prompt and completion. Rows from before have 0 and nothing here; their cost holds it all the same.
-- The rollups do not get these columns: while an update rolls, a replica of the version before rebuilds hours without them, its rebuild
-- is the newest and stands, and the sums would be too small for good. Their cost_nano_usd has every part already.

ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS cache_write_prompt_tokens Int64 COMMENT 'Billed; part of prompt_tokens: written to the cache of the provider';
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS audio_prompt_tokens Int64 COMMENT 'Billed; part of prompt_tokens';
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS audio_completion_tokens Int64 COMMENT 'Billed; part of completion_tokens';
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS service_tier LowCardinality(String) COMMENT 'Of the last attempt whose provider named one; empty when none did';
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS tool_calls Map(LowCardinality(String), UInt32) COMMENT 'Calls of the tools of the provider, by tool, over all attempts';
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS unpriced Array(LowCardinality(String)) COMMENT 'What the fallback of the price list was charged for';

-- At the end, so that who reads columns by place finds them where they were.
CREATE OR REPLACE VIEW usage AS
SELECT
    e.request_id AS request_id,
    e.started_at AS started_at,
    e.finished_at AS finished_at,
    e.organization AS organization,
    e.organization_id AS organization_id,
    e.project AS project,
    e.project_id AS project_id,
    e.team AS team,
    e.team_id AS team_id,
    e.key_id AS key_id,
    e.proxy AS proxy,
    e.revision AS revision,
    e.provider AS provider,
    e.model_requested AS model_requested,
    e.model AS model,
    e.base_model AS base_model,
    e.surface AS surface,
    e.stream AS stream,
    e.status AS status,
    e.http_status AS http_status,
    e.code AS code,
    e.delivered AS delivered,
    e.client_request_id AS client_request_id,
    toUInt16(length(e.attempts.provider)) AS attempts,
    e.attempts.provider AS attempt_providers,
    e.attempts.model AS attempt_models,
    e.attempts.http_status AS attempt_http_statuses,
    e.attempts.code AS attempt_codes,
    arrayMap(us -> us / 1000, e.attempts.latency_us) AS attempt_latencies_ms,
    e.prompt_tokens AS prompt_tokens,
    e.completion_tokens AS completion_tokens,
    e.cached_prompt_tokens AS cached_prompt_tokens,
    e.reasoning_tokens AS reasoning_tokens,
    e.served_prompt_tokens AS served_prompt_tokens,
    e.served_completion_tokens AS served_completion_tokens,
    e.estimated AS estimated,
    e.cost_nano_usd AS cost_nano_usd,
    e.saved_nano_usd AS saved_nano_usd,
    e.price_list_version AS price_list_version,
    e.pii_entities AS pii_entities,
    e.guardrail_hits AS guardrail_hits,
    e.cache_status AS cache_status,
    e.cache_similarity AS cache_similarity,
    e.latency_ms AS latency_ms,
    nullIf(e.ttft_ms, 0) AS ttft_ms,
    e.stage_us['queue'] / 1000 AS queue_ms,
    e.stage_us['auth'] / 1000 AS auth_ms,
    e.stage_us['pii'] / 1000 AS pii_ms,
    e.stage_us['cache'] / 1000 AS cache_ms,
    e.stage_us['router'] / 1000 AS router_ms,
    e.stage_us['upstream'] / 1000 AS upstream_ms,
    e.stage_us AS stage_us,
    e.metadata AS metadata,
    e.version AS version,
    e.stream_seq AS stream_seq,
    e.cache_write_prompt_tokens AS cache_write_prompt_tokens,
    e.audio_prompt_tokens AS audio_prompt_tokens,
    e.audio_completion_tokens AS audio_completion_tokens,
    e.service_tier AS service_tier,
    e.tool_calls AS tool_calls,
    e.unpriced AS unpriced
FROM usage_events AS e FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
