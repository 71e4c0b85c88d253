#!lua
-- SPDX-License-Identifier: Apache-2.0
-- What a replica does with each partition before it writes or reads there: go on in its epoch, or begin another one if
-- the server is another one, was a replica since, knows less than somebody has seen, or has lost its counter.
--
-- KEYS  epoch, counter, feed, outbox, inherited
-- ARGV  life of the server, epoch and counter of the newest number that this replica has seen
--
-- Returns the epoch text, the counter, and what the epoch began with: its number, the counter of the last write that was
-- there, and the text of the epoch before.  A new epoch begins its counter at the time (units of 4 ms since 2026), so
-- that an older copy of the data, put back where no replica remembers anything, still gives no number a second time.
local EPOCH_LIMIT, COUNTER_LAST, TIME_BASE_S, UNITS_PER_S, UNIT_US = 16777216, 2^40 - 1, 1767225600, 250, 4000

local stored, kept = redis.call('GET', KEYS[1]), redis.pcall('GET', KEYS[2])
local epoch, life = string.match(stored or '0 -', '^(%d+) (%S+)$')
local counter = type(kept) == 'string' and tonumber(string.match(kept, '^%d+$')) or nil
local is_lost = not counter or counter >= COUNTER_LAST
local newest_epoch, newest_counter = tonumber(ARGV[2]), tonumber(ARGV[3])

epoch = tonumber(epoch)
if not epoch then
    return redis.error_reply('CORRUPT epoch')
end
if is_lost then
    counter = 0
end
local last = counter

-- The largest id that was ever given out in a stream, also when it is empty now.
for _, key in ipairs({KEYS[3], KEYS[4]}) do
    local info = redis.call('EXISTS', key) == 1 and redis.call('XINFO', 'STREAM', key) or {}

    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            local e, c = string.match(info[i + 1], '^(%d+)-(%d+)$')

            e, c = tonumber(e), tonumber(c)
            if e > newest_epoch or e == newest_epoch and c > newest_counter then
                newest_epoch, newest_counter = e, c
            end
        end
    end
end

if is_lost or life ~= ARGV[1] or newest_epoch > epoch or newest_epoch == epoch and newest_counter > counter then
    local time = redis.call('TIME')

    epoch = math.max(epoch, newest_epoch) + 1
    if epoch >= EPOCH_LIMIT then
        return redis.error_reply('CORRUPT no epoch is left')
    end
    counter = math.max(counter, (tonumber(time[1]) - TIME_BASE_S) * UNITS_PER_S + math.floor(tonumber(time[2]) / UNIT_US))
    redis.call('SET', KEYS[5], string.format('%.0f %.0f ', epoch, last) .. (stored or ''))
    stored = string.format('%.0f', epoch) .. ' ' .. ARGV[1]
    redis.call('SET', KEYS[2], string.format('%.0f', counter))
    redis.call('SET', KEYS[1], stored)
end
return {stored, string.format('%.0f', counter), redis.call('GET', KEYS[5]) or ''}
