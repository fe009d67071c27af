-- Of a parsed event: web and device in SQL.

CREATE VIEW good AS
SELECT
  record_key,
  ${FUNCTION_COLUMNS},
  LOWER(REGEXP_EXTRACT(e.page.url, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#:@]+)', 1)) AS page_host,
  LOWER(REGEXP_EXTRACT(e.page.referrer, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#:@]+)', 1)) AS referrer_host,
  COALESCE(e.traffic.source, e.traffic.medium, e.traffic.campaign, e.traffic.term, e.traffic.content) IS NULL AS untagged
FROM parsed
WHERE e.reason IS NULL;

CREATE VIEW complete AS
SELECT
  *,
  NULLIF(REGEXP_EXTRACT(page.url, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)', 1), '') AS page_path,
  ${DEVICE_CLASS} AS device_class,
  CASE WHEN untagged THEN URL_DECODE(REGEXP_EXTRACT(page.url, '[?&]utm_source=([^&#]+)', 1)) ELSE traffic.source END AS utm_source,
  CASE WHEN untagged THEN URL_DECODE(REGEXP_EXTRACT(page.url, '[?&]utm_medium=([^&#]+)', 1)) ELSE traffic.medium END AS utm_medium,
  CASE WHEN untagged THEN URL_DECODE(REGEXP_EXTRACT(page.url, '[?&]utm_campaign=([^&#]+)', 1)) ELSE traffic.campaign END AS utm_campaign,
  ${REFERRER_MEDIUM} AS referrer_medium
FROM good;
