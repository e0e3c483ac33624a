-- Sends updates of random records and checks every response. Runs in wrk; wrk.driver.ts sets the environment:
--
--   BENCH_SENT      batch: a batch whose items have ids; match: one whose items match a value; patch and upsert: one record at a
--                   time, by its id or by a value
--   BENCH_ITEMS     items per batch; 0: no batch, but BENCH_BODY
--   BENCH_BODY      the body of a POST to the URL; empty: a GET
--   BENCH_FAILING   items per batch that fail: alternately an unknown record and an invalid value
--   BENCH_RECORDS   records per team
--   BENCH_PREFIX    prefix of record ids, followed by the record's number
--   BENCH_TEAMS     empty: the team of the URL and BENCH_API_KEY; otherwise a file with a line "team id, API key"
--                   per team: each batch is of another team, and records are numbered across teams in turn
--   BENCH_API_KEY   BENCH_KEYED   BENCH_MINIMAL   BENCH_SEED

local function setting(name)
  local value = os.getenv('BENCH_' .. name)
  return value or error('BENCH_' .. name .. ' is not set')
end

local mode = setting('SENT')
local items = tonumber(setting('ITEMS'))
local body = setting('BODY')
local failing = tonumber(setting('FAILING'))
local records = tonumber(setting('RECORDS'))
local prefix = setting('PREFIX')
local keyed = setting('KEYED') == 'yes'
local options = setting('MINIMAL') == 'yes' and ',"options":{"return":"minimal"}' or ''
local seed = tonumber(setting('SEED'))

local stages = { 'lead', 'qualified', 'proposal', 'won', 'lost' }
local headers = { ['content-type'] = 'application/json', ['x-api-key'] = setting('API_KEY') }
local parts = {}
local sent = 0
local teams = {}

-- Read by done() from each thread, so they cannot be local.
good, rejected, unexpected, example = 0, 0, 0, ''

local threads = {}

function setup(thread)
  thread:set('number', #threads)
  table.insert(threads, thread)
end

function init()
  math.randomseed(seed * 64 + number)
  if setting('TEAMS') == '' then return end
  for line in io.lines(setting('TEAMS')) do
    local id, key = line:match('^(%S+) (%S+)$')
    table.insert(teams, { path = '/v2/prism/' .. id .. '/organization/batch/update', key = key })
  end
end

-- Each item takes its record from a separate range if there are enough, so that none is repeated.
local function recordOf(item)
  local share = math.floor(records / items)
  if share < 10 and #teams == 0 then return math.random(records) - 1 end
  return (item - 1) * share + math.random(share) - 1
end

-- As organizations.ts numbers them.
local function domainOf(record)
  return string.format('organization-%d.example.com', record)
end

local function itemOf(item, team)
  local record, employees = recordOf(item), tostring(math.random(0, 99999))
  if team > 0 then record = record * #teams + team - 1 end
  if item <= failing then
    if item % 2 == 0 then record = record + records else employees = '"many"' end
  end
  local named = string.format('"id":"%s%012x"', prefix, record)
  if mode == 'match' then named = string.format('"match":{"slug":"primary_domain","value":"%s"}', domainOf(record)) end
  return string.format('{%s,"default":{"employees":%s,"stage":"%s"}}', named, employees, stages[math.random(#stages)])
end

local function single()
  sent = sent + 1
  if keyed then headers['idempotency-key'] = string.format('bench-%d-%d-%d', seed, number, sent) end
  local record = math.random(records) - 1
  local change = string.format('{"default":{"employees":%d,"stage":"%s"}}', math.random(0, 99999), stages[math.random(#stages)])
  if mode == 'patch' then return wrk.format('PATCH', string.format('%s/%s%012x', wrk.path, prefix, record), headers, change) end
  return wrk.format('PUT', wrk.path .. '/by/primary_domain/' .. domainOf(record), headers, change)
end

function request()
  if items == 0 then
    if body ~= '' then return wrk.format('POST', nil, headers, body) end
    return wrk.format('GET', nil, headers)
  end
  if mode == 'patch' or mode == 'upsert' then return single() end
  local team, path = 0, nil
  if #teams > 0 then
    team = math.random(#teams)
    path, headers['x-api-key'] = teams[team].path, teams[team].key
  end
  for item = 1, items do parts[item] = itemOf(item, team) end
  sent = sent + 1
  if keyed then headers['idempotency-key'] = string.format('bench-%d-%d-%d', seed, number, sent) end
  return wrk.format('POST', path, headers, '{"items":[' .. table.concat(parts, ',', 1, items) .. ']' .. options .. '}')
end

function response(status, _, text)
  if status ~= 200 then
    rejected = rejected + 1
  elseif items > 0 and (mode == 'batch' or mode == 'match') and tonumber(text:sub(-80):match('"failed":%s*(%d+)%s*}%s*}%s*$')) ~= failing then
    unexpected = unexpected + 1
  else
    good = good + 1
    return
  end
  example = status .. ' ' .. text:sub(1, 300) .. ' ... ' .. text:sub(-80)
end

local function sum(name)
  local total = 0
  for _, thread in ipairs(threads) do total = total + thread:get(name) end
  return total
end

function done(summary, latency)
  local shown = ''
  for _, thread in ipairs(threads) do
    if thread:get('example') ~= '' then shown = thread:get('example') end
  end
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"good":%d,"rejected":%d,"unexpected":%d,"socketErrors":%d,"microseconds":%d,'
      .. '"p50":%d,"p95":%d,"p99":%d,"max":%d}\n',
    sum('good'), sum('rejected'), sum('unexpected'),
    errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max))
  if shown ~= '' then io.write('EXAMPLE ' .. shown:gsub('%c', ' ') .. '\n') end
end
