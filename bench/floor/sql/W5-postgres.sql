-- The rows are locked so that of two who want the same the second waits, and
-- the exclusions of the table refuse whom the condition has missed.
WITH made AS (
	INSERT INTO reservations (created_at, updated_at, client_id, appointment_id, provider_id, time_slot, ends_at, expiry, active_from, active_until)
	SELECT now(), now(), c.id, a.id, a.provider_id, a.time_slot, a.ends_at, now() + interval '30 minutes', now(), now() + interval '30 minutes'
	FROM clients c, appointments a
	WHERE c.id = $1 AND a.id = $2 AND a.status = 'OPEN' AND a.time_slot >= now() + interval '1 day'
	AND NOT EXISTS (SELECT FROM reservations r WHERE r.appointment_id = a.id
		AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > now()))
	FOR NO KEY UPDATE OF c, a
	RETURNING id, client_id, appointment_id, time_slot, expiry)
SELECT '{"data":{"reserve":{"reservation":{"id":"' || encode(convert_to('Reservation:' || (r.id & 4294967295), 'UTF8'), 'base64')
	|| '","expiry":' || to_json(r.expiry) || ',"confirmed":false,"client":{"id":"'
	|| encode(convert_to('Client:' || (c.id & 4294967295), 'UTF8'), 'base64')
	|| '","firstName":' || to_json(c.first_name) || ',"lastName":' || to_json(c.last_name) || '},"appointment":{"id":"'
	|| encode(convert_to('Appointment:' || r.appointment_id, 'UTF8'), 'base64') || '","timeSlot":' || to_json(r.time_slot) || '}}}}}'
FROM made r JOIN clients c ON c.id = r.client_id
