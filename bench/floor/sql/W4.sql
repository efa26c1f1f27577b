SELECT concat('1;', p.id, ';', octet_length(p.first_name), ':', p.first_name, octet_length(p.last_name), ':', p.last_name,
	(SELECT concat(count(*), ';', string_agg(concat(a.id, ';', a.time_slot, ';'), ''))
	FROM (SELECT id, time_slot FROM appointments s
		WHERE provider_id = p.id AND status = 'OPEN' AND time_slot >= $4 AND time_slot < $5 AND time_slot >= $3
		AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.appointment_id = s.id
			AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > $2))
		ORDER BY id LIMIT 51) a))
FROM providers p WHERE p.id = $1
