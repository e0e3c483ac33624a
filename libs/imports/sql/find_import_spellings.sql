SELECT value, spellings FROM find_import_spellings($1::uuid, $2::uuid)
