SELECT concat(count(*), ';', string_agg(concat(
	p.id, ';', octet_length(p.first_name), ':', p.first_name, octet_length(p.last_name), ':', p.last_name,
	(SELECT concat(count(*), ';', string_agg(concat(
		a.id, ';', a.time_slot, ';',
		(SELECT concat(count(*), ';', string_agg(concat(
			r.id, ';', r.state, ';',
			(SELECT concat(c.id, ';', octet_length(c.first_name), ':', c.first_name, octet_length(c.last_name), ':', c.last_name)
			FROM clients c WHERE c.id = r.client_id)), ''))
		FROM (SELECT id, state, client_id FROM reservations WHERE appointment_id = a.id ORDER BY id LIMIT 50) r)), ''))
	FROM (SELECT id, time_slot FROM appointments WHERE provider_id = p.id ORDER BY id LIMIT 10) a)), ''))
FROM (SELECT id, first_name, last_name FROM providers ORDER BY id LIMIT 20) p
