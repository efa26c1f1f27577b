SELECT concat(count(*), ';', string_agg(concat(id, ';', octet_length(first_name), ':', first_name, octet_length(last_name), ':', last_name), ''))
FROM (SELECT id, first_name, last_name FROM clients WHERE id > $1 ORDER BY id LIMIT 51) c
