SELECT property_id, state, handled FROM build_lookups(make_interval(secs => $1::float8 / 1000), $2::integer)
