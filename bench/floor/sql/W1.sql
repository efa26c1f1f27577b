SELECT concat('1;', id, ';', octet_length(first_name), ':', first_name, octet_length(last_name), ':', last_name) FROM providers WHERE id = $1
