SELECT '{"data":{"providers":{"edges":[' || string_agg(
	'{"node":{"id":"' || encode(convert_to('Provider:' || (p.id & 4294967295), 'UTF8'), 'base64')
	|| '","firstName":' || to_json(p.first_name) || ',"lastName":' || to_json(p.last_name)
	|| ',"appointments":{"edges":[' || coalesce(aa.list, '') || ']}}}', ',' ORDER BY p.id) || ']}}}'
FROM (SELECT id, first_name, last_name FROM providers ORDER BY id LIMIT 20) p
LEFT JOIN LATERAL (
	SELECT string_agg('{"node":{"id":"' || encode(convert_to('Appointment:' || a.id, 'UTF8'), 'base64')
		|| '","timeSlot":' || to_json(a.time_slot) || ',"reservations":{"edges":[' || coalesce(rr.list, '') || ']}}}',
		',' ORDER BY a.id) AS list
	FROM (SELECT id, time_slot FROM appointments WHERE provider_id = p.id ORDER BY id LIMIT 10) a
	LEFT JOIN LATERAL (
		SELECT string_agg('{"node":{"id":"' || encode(convert_to('Reservation:' || (r.id & 4294967295), 'UTF8'), 'base64')
			|| '","confirmed":' || (r.state = 'CONFIRMED')
			|| ',"client":{"id":"' || encode(convert_to('Client:' || (c.id & 4294967295), 'UTF8'), 'base64')
			|| '","firstName":' || to_json(c.first_name) || ',"lastName":' || to_json(c.last_name) || '}}}', ',' ORDER BY r.id) AS list
		FROM reservations r JOIN clients c ON c.id = r.client_id
		WHERE r.appointment_id = a.id) rr ON true) aa ON true
