-- Repeats one body, whatever the responses are. Runs in wrk; neighbors.ts sets the environment:
--
--   BENCH_API_KEY
--   BENCH_BODY      the file with the body

local file = assert(io.open(os.getenv('BENCH_BODY'), 'rb'))
local body = file:read('*a')
file:close()

wrk.method = 'POST'
wrk.headers['content-type'] = 'application/json'
wrk.headers['x-api-key'] = os.getenv('BENCH_API_KEY')
wrk.body = body
