-- Settings of the transaction of a change of definitions. A commit that waits for no disk could be lost after its response. The ledger
-- of a cluster may be on another node.
SELECT set_config('prism.team', ($1::uuid)::text, true), set_config('lock_timeout', $2::text, true),
       set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true),
       hold_placement($1::uuid)
