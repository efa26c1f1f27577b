SELECT '{"data":{"clients":{"edges":['
	|| string_agg('{"node":{"id":"' || encode(convert_to('Client:' || (id & 4294967295), 'UTF8'), 'base64')
		|| '","firstName":' || to_json(first_name) || ',"lastName":' || to_json(last_name) || '}}', ',') FILTER (WHERE n <= 50)
	|| '],"pageInfo":{"hasNextPage":' || (count(*) > 50) || ',"endCursor":"' || max(id) FILTER (WHERE n <= 50) || '"}}}}'
FROM (SELECT id, first_name, last_name, row_number() OVER (ORDER BY id) AS n FROM clients WHERE id > $1 ORDER BY id LIMIT 51) page
