SELECT '{"data":{"provider":{"id":"' || encode(convert_to('Provider:' || (id & 4294967295), 'UTF8'), 'base64')
	|| '","firstName":' || to_json(first_name) || ',"lastName":' || to_json(last_name) || '}}}'
FROM providers WHERE id = $1
