-- Settings of the transaction of a change of definitions. A commit that waits for no disk could be lost after its response.
SELECT set_config('prism.team', ($1::uuid)::text, true), set_config('lock_timeout', $2::text, true),
       set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true)
