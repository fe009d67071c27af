-- Of a parsed event: the function has done everything.

CREATE VIEW complete AS
SELECT record_key, ${FUNCTION_COLUMNS}, ${VISIT_COLUMNS}
FROM parsed
WHERE e.reason IS NULL;
