SELECT set_config('prism.team', ($1::uuid)::text, true), set_config('statement_timeout', $2::text, true)
