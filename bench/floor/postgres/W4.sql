-- ANY keeps the planner from the index of the exclusion, which would do at three
-- times the cost.
SELECT '{"data":{"provider":{"id":"' || encode(convert_to('Provider:' || (p.id & 4294967295), 'UTF8'), 'base64')
	|| '","firstName":' || to_json(p.first_name) || ',"lastName":' || to_json(p.last_name)
	|| ',"availableAppointments":{"edges":[' || coalesce(page.list, '') || '],"pageInfo":{"hasNextPage":' || page.more || '}}}}}'
FROM providers p, (
	SELECT count(*) > 50 AS more, string_agg('{"node":{"id":"' || encode(convert_to('Appointment:' || id, 'UTF8'), 'base64')
		|| '","timeSlot":' || to_json(time_slot) || '}}', ',') FILTER (WHERE n <= 50) AS list
	FROM (
		SELECT a.id, a.time_slot, row_number() OVER (ORDER BY a.id) AS n FROM appointments a
		WHERE a.provider_id = $1 AND a.status = 'OPEN'
		AND a.time_slot >= timestamptz '2035-01-01' AND a.time_slot < timestamptz '2035-01-08'
		AND a.time_slot >= now() + interval '1 day'
		AND NOT EXISTS (SELECT FROM reservations r WHERE r.appointment_id = ANY (ARRAY[a.id])
			AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > now()))
		ORDER BY a.id LIMIT 51) a) page
WHERE p.id = $1
